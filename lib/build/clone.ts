import { derivedHex } from "../ground/derive.ts";
import type { LocalStep, Unless } from "../ground/step.ts";
import type { Settings } from "../config/settings.ts";
import type { GitFacts } from "./git.ts";

/** Where the clean clone of a project lies. */
export interface ClonePlace {
  /** Top folder of the clone. */
  readonly folder: string;
  /** The counterpart of the config's folder in it: the build runs there. */
  readonly build: string;
}

/** Where a project has its clone. */
const homeOf = ({ service, root }: Pick<Settings, "service" | "root">, cloneRoot: string): string => `${cloneRoot}/${service}-${derivedHex(root, "clone", 13)}`;

/** The file that a run holds while it works in the clone of a project: all destinations share that clone. @param cloneRoot folder of all clones */
export const claimOf = (settings: Pick<Settings, "service" | "root">, cloneRoot: string): string => `${homeOf(settings, cloneRoot)}.claim`;

/** Each project has a place of its own, named after its service and the path of its folder. @param cloneRoot folder of all clones */
export function cloneOf(settings: Pick<Settings, "service" | "root">, cloneRoot: string, git: Pick<GitFacts, "root" | "prefix">): ClonePlace {
  const name = git.root.split(/[\\/]/).at(-1) ?? "";
  const folder = `${homeOf(settings, cloneRoot)}/${name}`;
  return { folder, build: `${folder}/${git.prefix}`.replace(/\/$/, "") };
}

/** Brings the clone to the commit that is checked out, and checks that it is exactly that. @param exists it was there when it was looked for: another run may make it before this one's turn comes */
export function cloneSteps({ folder }: ClonePlace, { root, head }: GitFacts, exists: boolean): readonly LocalStep[] {
  const hint = `Delete ${folder} and run the command again: it is only a copy of ${root}.`;
  // Said explicitly, so that a GIT_DIR in the environment (inside a git hook) cannot turn this on the user's own tree.
  const inClone = ["git", "-C", folder, "--git-dir=.git", "--work-tree=."];
  const step = (title: string, argv: readonly string[], more: Partial<LocalStep> = {}): LocalStep => ({ kind: "local", title, program: { argv }, hint, ...more });
  const made: Unless = { asks: [{ program: () => ({ argv: [...inClone, "rev-parse", "--verify", "HEAD"] }), yes: () => true }], because: "Another run has made the clone by now" };
  return [
    ...(exists ? [] : [step("Clone the project", ["git", "clone", "--recurse-submodules", root, folder], { unless: made })]),
    step("Point the clone at the project", [...inClone, "remote", "set-url", "origin", root]),
    step("Fetch the commit", [...inClone, "fetch", "origin", "HEAD"]),
    step(`Check out ${head}`, [...inClone, "reset", "--hard", head]),
    step("Remove what is not in the commit", [...inClone, "clean", "-ffdx"]),
    step("Update submodules", [...inClone, "submodule", "update", "--init", "--recursive"]),
    ...(exists ? [step("Tidy the clone", [...inClone, "gc", "--auto", "--quiet"], { optional: true })] : []),
    step("Check that the clone is the commit", [...inClone, "diff", "--quiet", head]),
  ];
}
