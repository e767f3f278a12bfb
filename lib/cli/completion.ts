import sections from "../config/sections.json" with { type: "json" };
import type { CommandContextOf } from "./command.ts";
import { commands } from "./commands.ts";
import { completionScript, type Shell } from "./completion/script.ts";
import type * as definitions from "./definitions/inspect.ts";

/** The script comes with no line break of the printing's own: it ends with one. */
export async function completion(context: CommandContextOf<typeof definitions.completion>): Promise<void> {
  // Parsing accepts no other word.
  const shell = context.args.shell as Shell;
  const script = completionScript(shell, commands, { docs: Object.entries(sections) });
  context.print(script.trimEnd(), { type: "completion", shell, script });
}
