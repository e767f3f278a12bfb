import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { typesFile } from "../config/init.ts";
import { projectFiles } from "../config/yaml/flavour.ts";
import { importProject as convertProject } from "../config/yaml/import.ts";
import { DeployError } from "../ground/errors.ts";
import { localFiles } from "../world/files.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";

/** Writes all files or none. */
export async function importProject(context: CommandContextOf<typeof definitions.importProject>): Promise<void> {
  const { io: { cwd }, args: { from, force }, options: { dryRun } } = context;
  const file = resolve(cwd, from);
  const text = await localFiles.read(file);
  if (text === undefined) throw new DeployError("usage", `Cannot find ${from} in ${cwd}`, { hint: "Name the config of Kamal or MRSK with --from" });
  const names = await destinationsOf(file);
  const destinations = await Promise.all(names.map(async ({ name, path }) => ({ name, source: { file: path, text: (await localFiles.read(path)) ?? "", cwd } })));
  const { files, notes } = convertProject({ base: { file, text, cwd }, destinations, project: await projectFiles(localFiles, cwd, names.map(({ name }) => name)) });
  const present = (await Promise.all(files.map(async ({ path }) => ((await localFiles.exists(join(cwd, path))) ? [path] : [])))).flat();
  if (present.length > 0 && !force && !dryRun) {
    throw new DeployError("usage", `Cannot write ${present.join(", ")}: ${present.length === 1 ? "it is there already" : "they are there already"}`, { hint: "Move them away, or write over them with --force" });
  }
  const types = typesFile();
  for (const { path, content } of [...files, types]) {
    if (!dryRun) await localFiles.write(join(cwd, path), content);
    context.print(`${dryRun ? "would write" : "wrote"} ${path}`, { type: "file", path, written: !dryRun });
  }
  for (const note of notes) context.print(`look at ${note}`, { type: "note", text: note });
  const old = relative(cwd, file);
  context.print(
    `Next: ${notes.length === 0 ? "" : "settle what is named above, then "}compare \`capstan config\` with \`capstan -c ${old} config\`: they say the same. ${old} is not read any more unless -c names it.`,
    { type: "note", text: "Next: capstan config" },
  );
}

/** The files of destinations beside a config. */
async function destinationsOf(file: string): Promise<readonly { readonly name: string; readonly path: string }[]> {
  const [stem, ending] = [basename(file, extname(file)), extname(file)];
  const names = (await readdir(dirname(file))).filter((name) => name.startsWith(`${stem}.`) && name.endsWith(ending) && name.length > stem.length + ending.length + 1);
  return names.map((name) => ({ name: name.slice(stem.length + 1, -ending.length), path: join(dirname(file), name) })).filter(({ name }) => /^[\w-]+$/.test(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
