import { plans, type Definition, type PlanNode, type Tree } from "../command.ts";
import { globalOptionsOf, shownOptions, type ShownOption } from "../option-list.ts";
import { globalArgs, planning } from "../options.ts";

/** A word to offer, and what it is. */
export type Offer = readonly [word: string, description: string];

/** A place on the command line: behind nothing, behind a group, or behind a command. */
export interface Place {
  /** The words before it without options: `app logs`; empty at the beginning. */
  readonly at: string;
  /** Commands, or the fixed words of an argument. */
  readonly words: readonly Offer[];
  /** Its own options; those of every command come besides. */
  readonly options: readonly ShownOption[];
  /** It understands the options for plans. */
  readonly plans: boolean;
  /** From its first word on everything belongs to the other side. */
  readonly passes: boolean;
}

/** The options of every command without those for plans, and those for plans. */
export const everywhere = { options: globalOptionsOf({ changes: false }), planning: shownOptions(globalArgs).filter(({ group }) => group === planning) };

const help: Offer = ["help", "Show what a command does and takes"];

/**
 * All places of a tree of commands.
 * @param known words for the argument of a command that are not in its definition, by place
 */
export function placesOf(tree: Tree, known: Readonly<Record<string, readonly Offer[]>> = {}): readonly Place[] {
  const root: Place = { at: "", words: offersOf(tree), options: [], plans: true, passes: false };
  return [root, ...below(tree, "", root, tree, known)];
}

function below(commands: Tree, at: string, root: Place, tree: Tree, known: Readonly<Record<string, readonly Offer[]>>): Place[] {
  return Object.entries(commands).flatMap(([name, node]): Place[] => {
    const here = at === "" ? name : `${at} ${name}`;
    if (node.kind === "group") return [{ at: here, words: offersOf(node.commands), options: [], plans: true, passes: false }, ...below(node.commands, here, root, tree, known)];
    if (node.kind === "plan") return [{ ...root, at: here, options: optionsOfStandIn(node, tree) }];
    return [{ at: here, words: known[here] ?? fixedWords(node.definition), options: shownOptions(node.definition.args), plans: plans(node.definition), passes: node.definition.words !== undefined }];
  });
}

function offersOf(commands: Tree): readonly Offer[] {
  return [...Object.entries(commands).filter(([, node]) => node.kind === "group" || node.definition.meta.hidden !== true).map(([name, node]): Offer => [name, node.kind === "group" ? node.purpose : node.definition.meta.purpose]), help];
}

function optionsOfStandIn({ standsFor }: PlanNode, tree: Tree): readonly ShownOption[] {
  const node = tree[standsFor];
  return node?.kind === "command" ? shownOptions(node.definition.args) : [];
}

const fixedWords = ({ args }: Definition): readonly Offer[] => Object.values(args).flatMap((arg) => (arg.type === "positional" ? (arg.values ?? []).map((word): Offer => [word, arg.description ?? ""]) : []));

/** The two ways to write an option, as offers. */
export const offersOfOption = ({ short, name, description }: ShownOption): readonly Offer[] => [[`--${name}`, description], ...(short === undefined ? [] : [[`-${short}`, description] as const])];

/** What stands behind an option: the name of a destination, a file, or something that cannot be known. */
export function kindOfValue({ name, value }: ShownOption): "destination" | "file" | "other" | undefined {
  if (value === undefined) return undefined;
  if (name === "destination") return "destination";
  return /^(FILE|PATH|FOLDER)$/.test(value) ? "file" : "other";
}
