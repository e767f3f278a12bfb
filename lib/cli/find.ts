import { DeployError } from "../ground/errors.ts";
import { commandsMeant } from "../ground/command-words.ts";
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

/**
 * The first word where a command's name belongs and that is none; undefined when there is no such word. It may be an alias.
 * @param spec options of every command, as for {@link findCommand}
 */
export function wordWithoutCommand(tree: Tree, args: readonly string[], spec: Spec): { readonly value: string; readonly index: number } | undefined {
  for (const token of tokensOf(args, spec)) {
    if (token.kind === "option-terminator") return undefined;
    if (token.kind === "option" || token.value === "help") continue;
    const [name, ...others] = commandsMeant(token.value, Object.keys(tree));
    if (name === undefined || others.length > 0) return token;
    if (tree[name]?.kind !== "plan") return undefined;
  }
  return undefined;
}

function nameOf(typed: string, commands: Tree, path: readonly string[]): string {
  const names = Object.keys(commands);
  const [name, ...others] = commandsMeant(typed, names);
  if (name !== undefined && others.length === 0) return name;
  if (name !== undefined) throw new DeployError("usage", `Cannot tell which command "${[...path, typed].join(" ")}" is: it may be ${[name, ...others].join(", ")}`, { hint: "Write out the one you mean." });
  const near = nearest(typed, [...names, "help"]);
  const line = ["capstan", ...path].join(" ");
  throw new DeployError("usage", `There is no command "${[...path, typed].join(" ")}"`, {
    hint: `${near === undefined ? "" : `Did you mean \`${line} ${near}\`? `}\`${line} help\` lists the commands.`,
  });
}
