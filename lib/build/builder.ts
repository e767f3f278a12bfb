import { DeployError } from "../ground/errors.ts";
import type { LocalStep } from "../ground/step.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import { loginHere } from "../remote/registry.ts";
import { cloneOf, cloneSteps } from "./clone.ts";
import { buildxBuild, plainBuild } from "./dockerfile.ts";
import { buildxVersionProgram, dockerVersionProgram, type LocalFacts } from "./facts.ts";
import { startRegistrySteps } from "./local-registry.ts";
import { packBuild } from "./pack.ts";
import type { BuildOrder } from "./tags.ts";

/**
 * Checks the tools and opens the way to the registry: it is started when it is one of this machine, else logged in to.
 * Also for a remote builder, which gets its credentials from this machine.
 */
export function accessSteps(settings: Settings, facts: LocalFacts): readonly LocalStep[] {
  const login = loginHere(settings.registry);
  return [
    ...checkSteps(facts),
    ...(isLocalRegistry(settings.registry.server) ? startRegistrySteps(settings.registry) : []),
    ...(login === undefined ? [] : [{ kind: "local" as const, title: "Log in to the registry", program: login, hint: "Check registry.username and registry.password." }]),
  ];
}

function checkSteps(facts: LocalFacts): readonly LocalStep[] {
  requireDocker(facts);
  return [
    { kind: "local", title: "Check Docker", program: dockerVersionProgram },
    ...(facts.buildx === undefined ? [] : [{ kind: "local" as const, title: "Check buildx", program: buildxVersionProgram }]),
  ];
}

/** @throws DeployError (missing) without a docker on this machine */
export function requireDocker({ docker }: LocalFacts): void {
  if (docker === undefined) throw new DeployError("missing", "Docker is not installed here", { hint: "Install it to build the image, or build it elsewhere and use --skip-push." });
}

/** True when a clean clone of the commit is built, not the working tree. */
export const buildsClone = ({ builder }: Settings, { facts, dev }: Pick<BuildOrder, "facts" | "dev">): boolean => facts.git !== undefined && builder.context === undefined && !dev;

/**
 * Builds the image and brings it to where it is to go.
 * @throws DeployError (missing) without docker or pack, (build) without a Dockerfile, or when what is asked for needs buildx and there is none, (config) when a variable is not set
 */
export function buildSteps(settings: Settings, order: BuildOrder): readonly LocalStep[] {
  const { facts } = order;
  requireDocker(facts);
  const { pack } = settings.builder;
  if (pack === undefined) requireDockerfile(settings, order);
  const place = facts.git !== undefined && buildsClone(settings, order) ? cloneOf(settings, facts.cloneRoot, facts.git) : undefined;
  const cwd = place?.build ?? settings.root;
  const build = pack === undefined ? (facts.buildx === undefined ? plainBuild : buildxBuild) : packBuild;
  if (pack !== undefined) requirePack(order);
  return [...(facts.git === undefined || place === undefined ? [] : cloneSteps(place, facts.git, facts.cloneExists)), ...build(settings, order, cwd)];
}

function requirePack({ facts, output }: BuildOrder): void {
  if (facts.pack === undefined) throw new DeployError("missing", "pack is not installed here, which builder.pack needs", { hint: "Install the pack CLI of Cloud Native Buildpacks, or remove builder.pack to build the Dockerfile." });
  if (!["registry", "docker"].includes(output)) throw new DeployError("usage", `Cannot use --output ${output} with builder.pack`, { hint: "pack gives its images to the local Docker: use `--output docker`, or `--output registry` to push them." });
}

function requireDockerfile({ builder, root }: Settings, { facts }: BuildOrder): void {
  if (facts.dockerfile === "missing") throw new DeployError("build", `Cannot build: there is no ${builder.dockerfile} in ${root}`, { state: ["Nothing was changed."], hint: "Write it, or name another one in builder.dockerfile." });
  if (facts.dockerfile === "uncommitted") {
    throw new DeployError("build", `Cannot build: ${builder.dockerfile} is not committed, and a clean clone of the commit is built`, { state: ["Nothing was changed."], hint: `Commit it, or set builder.context to "." to build the working tree.` });
  }
}
