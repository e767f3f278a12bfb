import { latestTag } from "../ground/names.ts";
import type { Settings } from "../config/settings.ts";
import type { LocalStep } from "../ground/step.ts";
import type { LocalFacts } from "./facts.ts";
import { isPushed } from "./identity.ts";

/** What is to be built. */
export interface BuildOrder {
  readonly version: string;
  readonly facts: LocalFacts;
  readonly noCache: boolean;
  /** A file that the image is to be in, as an OCI layout; then {@link output} has no meaning. */
  readonly archive?: string;
  /** What becomes of the image, as buildx's `--output=type=` takes it: `registry` pushes it. */
  readonly output: string;
  /** The working tree as it is, under tags that say so. */
  readonly dev: boolean;
}

/** The image under its version and as latest; that of a working tree is marked as `dirty`. */
export const tagsOf = (settings: Settings, { version, dev }: Pick<BuildOrder, "version" | "dev">): readonly string[] =>
  [version, latestTag(settings)].map((tag) => `${settings.repository}:${tag}${dev ? "-dirty" : ""}`);

/** A flag for each tag. */
export const tagFlags = (settings: Settings, order: BuildOrder): readonly string[] => tagsOf(settings, order).flatMap((tag) => ["-t", tag]);

/** Pushes each tag by itself: for what cannot build and push at once. What the registry has already is not pushed. */
export const pushSteps = (settings: Settings, order: BuildOrder): readonly LocalStep[] =>
  order.output === "registry" ? tagsOf(settings, order).map((tag) => ({ kind: "local", title: `Push ${tag}`, loud: true, program: { argv: ["docker", "push", tag] }, unless: isPushed(settings, tag) })) : [];
