import manifest from "../../package.json" with { type: "json" };
import type { CommandContext } from "./command.ts";

/** Version of capstan itself. */
export const toolVersion: string = manifest.version;

/** `capstan version`. */
export async function version({ print }: CommandContext): Promise<void> {
  print(toolVersion, { type: "version", version: toolVersion });
}
