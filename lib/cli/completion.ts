import { referenceSections, sectionPaths } from "../config/reference.ts";
import type { CommandContextOf } from "./command.ts";
import { commands } from "./commands.ts";
import { completionScript, type Shell } from "./completion/script.ts";
import type * as definitions from "./definitions/inspect.ts";

/** The script comes with no line break of the printing's own: it ends with one. */
export async function completion(context: CommandContextOf<typeof definitions.completion>): Promise<void> {
  const described = new Map(referenceSections().flatMap(({ paths, description }) => paths.map((path) => [path, description])));
  // Parsing accepts no other word.
  const shell = context.args.shell as Shell;
  const script = completionScript(shell, commands, { docs: sectionPaths().map((path) => [path, described.get(path) ?? ""]) });
  context.print(script.trimEnd(), { type: "completion", shell, script });
}
