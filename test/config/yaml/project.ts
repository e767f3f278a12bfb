import { chmodSync } from "node:fs";
import { join, resolve } from "node:path";
import { importProject, type Imported } from "../../../lib/config/yaml/import.ts";
import { projectFiles } from "../../../lib/config/yaml/flavour.ts";
import type { Settings } from "../../../lib/config/settings.ts";
import { project, realFiles, type Project } from "../project.ts";
import { type Fixture, textOf } from "./fixtures.ts";

const lib = resolve(import.meta.dir, "../../../lib/config");

/** A folder with what a fixture says. */
export function folderOf(fixture: Fixture): Project {
  const { files = {}, qa } = fixture;
  const made = project({ "config/deploy.yml": textOf(fixture), ...(qa === undefined ? {} : { "config/deploy.qa.yml": qa }), ...files });
  for (const path of Object.keys(files).filter((name) => /hooks\/[a-z-]+$/.test(name))) chmodSync(join(made.folder, path), 0o755);
  return made;
}

/** What `capstan import` makes of a folder. */
export async function importOf({ folder }: Project, fixture: Fixture): Promise<Imported> {
  const { qa } = fixture;
  const source = (path: string, text: string) => ({ file: join(folder, path), text, cwd: folder });
  return importProject({
    base: source("config/deploy.yml", textOf(fixture)),
    destinations: qa === undefined ? [] : [{ name: "qa", source: source("config/deploy.qa.yml", qa) }],
    project: await projectFiles(realFiles, folder, qa === undefined ? [] : ["qa"]),
  });
}

/** With imports that work in this process. */
export const loadable = (text: string): string =>
  text.replace(/^import .*$/m, `import { defineConfig, defineDestination } from "${lib}/define.ts"; import { secret } from "${lib}/secret-ref.ts"; import { shellHooks } from "${lib}/shell-hooks.ts";`);

/** Settings as data: secrets by name, hooks by name. */
export function dataOf({ hooks, secrets: _secrets, ...rest }: Settings): unknown {
  return JSON.parse(JSON.stringify({ ...rest, hooks: Object.keys(hooks).toSorted() }));
}
