import { z } from "zod";
import { commandsMeant } from "../ground/command-words.ts";
import { shellWords } from "../ground/shell-words.ts";
import type { Problem } from "./problems.ts";

const nameError = "a name of small letters, digits, \"_\" and \"-\"";
const lineError = "a command line of capstan whose quotes are closed";

/** Command lines by the word they are called with. */
export const Aliases = z.record(z.string().regex(/^[a-z0-9_][a-z0-9_-]*$/, { error: nameError }), z.string({ error: lineError }).refine((line) => (shellWords(line) ?? []).length > 0, { error: lineError }));

/** Aliases that would never be looked up, since capstan has a command of that name. @param commands names of all commands */
export function aliasProblems(aliases: Readonly<Record<string, string>>, commands: readonly string[]): Problem[] {
  return Object.keys(aliases).flatMap((name) => {
    const [command, ...others] = name === "help" ? ["help"] : commandsMeant(name, commands);
    if (command === undefined || others.length > 0) return [];
    const why = command === name.replaceAll("_", "-") ? "is a command of capstan" : `is short for its command ${command}`;
    return [{ path: ["aliases", name], text: `expected another name: ${name} ${why}` }];
  });
}

const SomeAliases = z.object({ aliases: z.record(z.string(), z.string().optional().catch(undefined)) });

/** What an exported config says under `aliases`, checked alone: an alias works even where the rest of the config has problems. */
export function aliasesOf(config: unknown): Readonly<Record<string, string | undefined>> {
  return SomeAliases.safeParse(config).data?.aliases ?? {};
}
