import type { Program } from "../ground/command.ts";

/** What git says of the folder of the config. */
export interface GitFacts {
  /** Top folder of the working tree, absolute. */
  readonly root: string;
  /** The config's folder below the root, with a slash at its end; empty at the root. */
  readonly prefix: string;
  /** The commit that is checked out: 40 hex digits. */
  readonly head: string;
  /** Files that differ from it, untracked ones included, as git prints them. */
  readonly dirty: readonly string[];
}

/** Prints root, prefix and head. Fails outside of a repository, and in one without a commit. */
export const gitFactsProgram = (folder: string): Program => ({ argv: ["git", "rev-parse", "--show-toplevel", "--show-prefix", "HEAD"], cwd: folder });

/** Prints what is not committed. */
export const gitStatusProgram = (folder: string): Program => ({ argv: ["git", "status", "--porcelain"], cwd: folder });

/** Succeeds when a file of the folder is in the commit. */
export const committedProgram = (folder: string, name: string): Program => ({ argv: ["git", "cat-file", "-e", `HEAD:./${name}`], cwd: folder });

/** Prints the files below the folder that differ from the commit and are still there, staged or not, each with a NUL after it. */
export const changedFilesProgram = (folder: string): Program => ({ argv: ["git", "diff", "--name-only", "--relative", "--diff-filter=d", "-z", "HEAD"], cwd: folder });

/** Prints the files below the folder that git does not know, those that it is told to ignore included, each with a NUL after it. */
export const untrackedFilesProgram = (folder: string): Program => ({ argv: ["git", "ls-files", "--others", "-z"], cwd: folder });

/** Prints one setting of the user, such as `user.email`. Fails when it is not set. */
export const gitConfigProgram = (folder: string, key: string): Program => ({ argv: ["git", "config", key], cwd: folder });

/** Reads what {@link gitFactsProgram} and {@link gitStatusProgram} printed. Throws when the former is of an unknown shape. */
export function parseGit(facts: string, status: string): GitFacts {
  const [root, prefix, head] = facts.split("\n").map((line) => line.trimEnd());
  if (root === undefined || prefix === undefined || head === undefined || !/^[0-9a-f]{40,64}$/.test(head)) throw new Error(`Cannot read git's answer "${facts}"`);
  return { root, prefix, head, dirty: status.split("\n").filter((line) => line.trim() !== "").map((line) => line.slice(3)) };
}
