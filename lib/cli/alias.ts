import { DeployError, isDeployError } from "../ground/errors.ts";
import { shellWords } from "../ground/shell-words.ts";
import type { Tree } from "./command.ts";
import { wordWithoutCommand } from "./find.ts";
import type { Io } from "./io.ts";
import { globalSpec } from "./parse.ts";
import { normalised, tokensOf, type Token } from "./tokens.ts";

/** A command line in which aliases are replaced by what they stand for. */
export interface Expanded {
  readonly argv: readonly string[];
  /** What was replaced, and other things to tell when the command line turns out to be wrong. */
  readonly notes: readonly string[];
}

/**
 * Replaces a word that is no command by the command line that the config's `aliases` have for it. The config is looked at
 * only when there is such a word. Options of every command that stand before the alias or directly after it are capstan's;
 * the words after them are appended to the alias.
 * @throws DeployError (config) for an alias that leads back to itself
 */
export async function withoutAliases(tree: Tree, argv: readonly string[], io: Io): Promise<Expanded> {
  let line = argv;
  const names: string[] = [];
  const notes: string[] = [];
  for (;;) {
    const word = wordWithoutCommand(tree, line, globalSpec);
    if (word === undefined) return { argv: line, notes };
    const found = await lookUp(word.value, line, io);
    if (typeof found !== "object") return { argv: line, notes: found === undefined ? notes : [...notes, found] };
    if (names.includes(found.name)) {
      throw new DeployError("config", `Cannot use the alias "${names[0]}": it leads back to itself, ${[...names, found.name].join(" -> ")}`, { hint: "Correct `aliases` in the config: an alias ends at a command." });
    }
    names.push(found.name);
    notes.push(`\`${found.name}\` is an alias for \`${found.text}\``);
    const after = line.slice(word.index + 1);
    const ours = optionsAhead(after);
    const expanded = [...line.slice(0, word.index), ...after.slice(0, ours), ...found.words, ...after.slice(ours)];
    // As the very first word -h asks for help: here it chooses hosts.
    line = expanded[0] === "-h" ? ["--hosts", ...expanded.slice(1)] : expanded;
  }
}

interface Alias {
  readonly name: string;
  readonly text: string;
  readonly words: readonly string[];
}

/** @returns why it could not be looked up, as a text; undefined when there is no config or no such alias */
async function lookUp(word: string, line: readonly string[], io: Io): Promise<Alias | string | undefined> {
  const { configFile, destination } = whereOf(line);
  try {
    const [{ loadAliases }, { createWorld }, { serveSelf }] = await Promise.all([import("../config/load.ts"), import("../world/create.ts"), import("./self.ts")]);
    await serveSelf();
    await using opened = createWorld({ cwd: io.cwd, env: io.env, signal: io.signal, report: () => undefined });
    const { files, programs, clock, cwd, env, signal } = opened.world;
    const aliases = await loadAliases({ files, programs, clock, cwd, env, signal, command: word, configFile, destination });
    const dashed = (name: string): string => name.replaceAll("_", "-");
    const name = Object.keys(aliases).find((known) => dashed(known) === dashed(word));
    const text = name === undefined ? undefined : aliases[name];
    if (name === undefined || text === undefined) return undefined;
    return { name, text, words: shellWords(text) ?? [] };
  } catch (error) {
    if (isDeployError(error)) return `Aliases could not be looked up: ${error.message}`;
    throw error;
  }
}

const tokensOfGlobals = (words: readonly string[]): readonly Token[] => tokensOf(normalised(words, globalSpec), globalSpec);

/** What -c and -d choose, wherever they stand before `--`. */
function whereOf(line: readonly string[]): { readonly configFile: string | undefined; readonly destination: string | undefined } {
  const tokens = tokensOfGlobals(line);
  const value = (name: string): string | undefined => tokens.flatMap((token) => (token.kind === "option" && token.name === name ? [token.value] : []))[0];
  return { configFile: value("config-file"), destination: value("destination") };
}

/** How many of the first words are options of every command, with their values. */
function optionsAhead(words: readonly string[]): number {
  const stranger = tokensOfGlobals(words).find((token) => token.kind !== "option" || !Object.hasOwn(globalSpec, token.name));
  return stranger?.index ?? words.length;
}
