import { derivedHex } from "../ground/derive.ts";
import type { LocalStep } from "../ground/step.ts";
import type { Settings } from "../config/settings.ts";
import type { GitFacts } from "./git.ts";

/** Where the clean clone of a project lies. */
export interface ClonePlace {
  /** Top folder of the clone. */
  readonly folder: string;
  /** The counterpart of the config's folder in it: the build runs there. */
  readonly build: string;
}

/** Each project has a place of its own, named after its service and the path of its folder. @param cloneRoot folder of all clones */
export function cloneOf(settings: Pick<Settings, "service" | "root">, cloneRoot: string, git: Pick<GitFacts, "root" | "prefix">): ClonePlace {
  const name = git.root.split(/[\\/]/).at(-1) ?? "";
  const folder = `${cloneRoot}/${settings.service}-${derivedHex(settings.root, "clone", 13)}/${name}`;
  return { folder, build: `${folder}/${git.prefix}`.replace(/\/$/, "") };
}

/** Brings the clone to the commit that is checked out, and checks that it is exactly that. */
export function cloneSteps({ folder }: ClonePlace, { root, head }: GitFacts, exists: boolean): readonly LocalStep[] {
  const hint = `Delete ${folder} and run the command again: it is only a copy of ${root}.`;
  // Said explicitly, so that a GIT_DIR in the environment (inside a git hook) cannot turn this on the user's own tree.
  const inClone = ["git", "-C", folder, "--git-dir=.git", "--work-tree=."];
  const step = (title: string, argv: readonly string[], more: Partial<LocalStep> = {}): LocalStep => ({ kind: "local", title, program: { argv }, hint, ...more });
  const fetch = exists
    ? [
        step("Point the clone at the project", [...inClone, "remote", "set-url", "origin", root]),
        step("Fetch the commit", [...inClone, "fetch", "origin", "HEAD"]),
        step(`Check out ${head}`, [...inClone, "reset", "--hard", head]),
        step("Remove what is not in the commit", [...inClone, "clean", "-ffdx"]),
        step("Update submodules", [...inClone, "submodule", "update", "--init", "--recursive"]),
        step("Tidy the clone", [...inClone, "gc", "--auto", "--quiet"], { optional: true }),
      ]
    : [step("Clone the project", ["git", "clone", "--recurse-submodules", root, folder])];
  return [...fetch, step("Check that the clone is the commit", [...inClone, "diff", "--quiet", head])];
}
