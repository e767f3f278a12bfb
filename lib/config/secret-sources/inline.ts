import { parseArgs } from "node:util";
import { DeployError } from "../../ground/errors.ts";
import { shellWords } from "../../ground/shell-words.ts";
import { extractValue, readValues, shellEscaped } from "./extract.ts";
import { byKey, type Managers } from "./managers.ts";

/** True for a `$(kamal secrets …)` of a secrets file that needs no shell: it is carried out here, wherever the program is. */
export function isSecretsCommand(source: string): boolean {
  if (!/^\s*(kamal|capstan)\s+secrets\s/.test(source)) return false;
  const open = source.replaceAll(/'[^']*'/g, "");
  return !/`|\$\(/.test(open) && !/[|&;<>()\n]/.test(open.replaceAll(/\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"/g, ""));
}

/**
 * Carries out `kamal secrets fetch …` or `kamal secrets extract …`.
 * @param command with values in place of its variables
 * @returns what it would print: the JSON of a fetch as one word of a shell, to be handed to an extract
 * @throws DeployError
 */
export async function runSecretsCommand(command: string, managers: Managers): Promise<string> {
  const words = shellWords(command.trim());
  if (words === undefined) throw new DeployError("usage", "A quote is not closed");
  const [program = "", , what = "", ...rest] = words;
  const usage = (why: string): never => {
    throw new DeployError("usage", `Cannot run "${program} secrets ${what}": ${why}`, { hint: "`capstan help secrets` says what it takes" });
  };
  const options = { adapter: { type: "string", short: "a" }, account: { type: "string" }, from: { type: "string" }, inline: { type: "boolean" }, verbose: { type: "boolean", short: "v" }, quiet: { type: "boolean", short: "q" }, destination: { type: "string", short: "d" }, "config-file": { type: "string", short: "c" } } as const;
  const read = (): { readonly values: { readonly adapter?: string; readonly account?: string; readonly from?: string }; readonly positionals: readonly string[] } => {
    try {
      return parseArgs({ args: rest.map((word) => (word.startsWith("--") ? word.replaceAll(/_(?=[^=]*(=|$))/g, "-") : word)), options, allowPositionals: true });
    } catch (error) {
      return usage(error instanceof Error ? error.message.replace(/\. .*/s, "") : "its options cannot be read");
    }
  };
  const { values: { adapter, account, from }, positionals } = read();
  if (what === "fetch") {
    if (adapter === undefined) return usage("it needs --adapter");
    return shellEscaped(JSON.stringify(byKey(await managers.read({ adapter, account, from, names: positionals }))));
  }
  if (what !== "extract") return usage("only fetch and extract make sense in a secrets file");
  const [name, json] = positionals;
  if (name === undefined || json === undefined || positionals.length > 2) return usage(`it needs a name and one word of JSON, got ${positionals.length} ${positionals.length === 1 ? "word" : "words"}`);
  return extractValue(name, readValues(json));
}
