import { DeployError } from "../ground/errors.ts";
import type { Node, Tree } from "./command.ts";
import { nearest } from "./suggest.ts";
import { tokensOf, type Spec } from "./tokens.ts";

/** A command, and what is left of the command line without its name. */
export interface Found {
  readonly path: readonly string[];
  /** Undefined: no command was named. */
  readonly node: Node | undefined;
  readonly args: readonly string[];
  /** The word `help` stood before the command's name or within it. */
  readonly help: boolean;
}

/**
 * Finds the command that the words name. Options may stand before and between them. `_` is `-`, and a beginning that
 * only one command has is enough.
 * @param spec options of every command: which of them take a value decides which words are left
 * @throws DeployError (usage) for a word that names no command, or several
 */
export function findCommand(tree: Tree, args: readonly string[], spec: Spec): Found {
  const path: string[] = [];
  const taken = new Set<number>();
  let help = false;
  let commands: Tree | undefined = tree;
  let node: Node | undefined;
  for (const token of tokensOf(args, spec)) {
    if (token.kind === "option-terminator" || commands === undefined) break;
    if (token.kind === "option") continue;
    taken.add(token.index);
    if (token.value === "help") {
      help = true;
      continue;
    }
    const name = nameOf(token.value, commands, path);
    node = commands[name];
    commands = node?.kind === "group" ? node.commands : undefined;
    path.push(name);
  }
  return { path, node, args: args.filter((_, i) => !taken.has(i)), help };
}

function nameOf(typed: string, commands: Tree, path: readonly string[]): string {
  const word = typed.replaceAll("_", "-");
  if (Object.hasOwn(commands, word)) return word;
  const names = Object.keys(commands);
  const begun = word === "" ? [] : names.filter((name) => name.startsWith(word));
  const [only] = begun;
  if (begun.length === 1 && only !== undefined) return only;
  if (begun.length > 1) throw new DeployError("usage", `Cannot tell which command "${[...path, typed].join(" ")}" is: it may be ${begun.join(", ")}`, { hint: "Write out the one you mean." });
  const near = nearest(word, [...names, "help"]);
  const line = ["capstan", ...path].join(" ");
  throw new DeployError("usage", `There is no command "${[...path, typed].join(" ")}"`, {
    hint: `${near === undefined ? "" : `Did you mean \`${line} ${near}\`? `}\`${line} help\` lists the commands.`,
  });
}
