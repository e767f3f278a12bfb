import { DeployError } from "../ground/errors.ts";
import { isTag } from "../ground/names.ts";
import type { GitFacts } from "./git.ts";

/** Where the version of a build can come from. */
export interface VersionSources {
  /** `--version`. */
  readonly named: string | undefined;
  /** The variable `VERSION`. */
  readonly env: string | undefined;
  readonly git: GitFacts | undefined;
  /** The working tree itself is built, not a clean clone of the commit. */
  readonly buildsWorkTree: boolean;
  /** 16 hex digits that tell one uncommitted state from another. */
  readonly hex: string;
}

/**
 * The version to work on: the one that is named, else the commit. A build of a working tree that differs from its
 * commit says so, or two different images would bear one name.
 * @throws DeployError (usage) when there is no repository to take it from, or the name cannot be the tag of an image
 */
export function versionFrom({ named, env, git, buildsWorkTree, hex }: VersionSources): string {
  const given = named ?? (env === "" ? undefined : env);
  if (given !== undefined) return checkedVersion(given);
  if (git === undefined) {
    throw new DeployError("usage", "Cannot tell the version: there is no git repository here, or it has no commit", { hint: "Name one: `--version VERSION`, or the variable VERSION." });
  }
  return buildsWorkTree && git.dirty.length > 0 ? `${git.head}_uncommitted_${hex}` : git.head;
}

/** @throws DeployError (usage) for a version that cannot be the tag of an image */
export function checkedVersion(version: string): string {
  if (isTag(version)) return version;
  throw new DeployError("usage", `Cannot use "${version}" as version: it cannot be the tag of an image`, { hint: "Use letters, digits, `_`, `.` and `-`, at most 128, not beginning with `.` or `-`." });
}
