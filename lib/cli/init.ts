import { basename, join } from "node:path";
import { ignoredPaths, starterFiles, withIgnored } from "../config/init.ts";
import { localFiles } from "../world/files.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";

/** Files that are there stay as they are, except the types: they belong to the tool. */
export async function init(context: CommandContextOf<typeof definitions.init>): Promise<void> {
  const { io, options } = context;
  for (const { path, content, mode } of starterFiles(basename(io.cwd))) {
    const file = join(io.cwd, path);
    const kept = (await localFiles.exists(file)) && !path.endsWith("types.d.ts");
    if (!kept && !options.dryRun) await localFiles.write(file, content, mode);
    context.print(kept ? `${path} is there already: left alone` : `${options.dryRun ? "would write" : "wrote"} ${path}`, { type: "file", path, written: !kept && !options.dryRun });
  }
  const gitignore = join(io.cwd, ".gitignore");
  const before = await localFiles.read(gitignore);
  const after = withIgnored(before);
  if (after !== before) {
    if (!options.dryRun) await localFiles.write(gitignore, after);
    context.print(`${options.dryRun ? "would add" : "added"} ${ignoredPaths.join(", ")} to .gitignore`, { type: "file", path: ".gitignore", written: !options.dryRun });
  }
  context.print("Next: say in deploy.config.ts what to deploy and where, put the values of secrets into .capstan/secrets, then run `capstan setup`.", { type: "note", text: "Next: capstan setup" });
}
