import { DeployError } from "../ground/errors.ts";
import { optionName, plans, type Args, type ArgValues, type CommandNode, type Definition, type Tree } from "./command.ts";
import { findCommand } from "./find.ts";
import { globalArgs, globalOptions, type GlobalOptions } from "./options.ts";
import { Reader } from "./reader.ts";
import { normalised, specOf, tokensOf, type Spec, type Token } from "./tokens.ts";

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: "help"; readonly path: readonly string[] }
  | { readonly kind: "version" }
  | ({ readonly kind: "run"; readonly path: readonly string[]; readonly node: CommandNode } & Parsed);

/** The options and words of one command, checked. */
export interface Parsed {
  readonly options: GlobalOptions;
  readonly args: ArgValues<Args>;
  /** The words of the command line to run on the other side, untouched. */
  readonly rest: readonly string[];
}

const withHelp = { ...globalArgs, help: { type: "boolean" } } as const satisfies Args;
/** The options of every command, and --help. */
export const globalSpec = specOf(withHelp);

/**
 * Reads a command line. Nothing is guessed and nothing ignored: what is not understood is refused.
 * After a command `-h` chooses hosts, as in Kamal; as the very first word it asks for help.
 * @param argv the words after the program's name
 * @throws DeployError (usage)
 */
export function parseCommandLine(tree: Tree, argv: readonly string[]): Invocation {
  if (argv.length === 1 && argv[0] === "--version") return { kind: "version" };
  let found = findCommand(tree, argv[0] === "-h" ? ["help", ...argv.slice(1)] : argv, globalSpec);
  const plan = found.node?.kind === "plan" && !found.help ? found.node : undefined;
  if (plan !== undefined) {
    const planned = findCommand(tree, found.args, globalSpec);
    if (planned.node !== undefined || planned.help) found = planned;
    else if (!asksForHelp(found.args)) found = { ...planned, path: [plan.standsFor], node: tree[plan.standsFor] };
  }
  if (found.node?.kind === "group" && found.node.standsFor !== undefined && !found.help && !asksForHelp(found.args)) {
    found = { ...found, path: [...found.path, found.node.standsFor], node: found.node.commands[found.node.standsFor] };
  }
  const { path, node, args } = found;
  if (found.help || node === undefined || (node.kind !== "command" && asksForHelp(args))) return { kind: "help", path };
  if (node.kind !== "command") throw needsCommand(path, node.kind === "group" ? Object.keys(node.commands) : ["another command"]);
  const parsed = parseCommand(node.definition, path, args, { dryRun: plan !== undefined });
  return parsed === "help" ? { kind: "help", path } : { kind: "run", path, node, ...parsed };
}

const asksForHelp = (args: readonly string[]): boolean => tokensOf(args, globalSpec).some((token) => token.kind === "option" && token.name === "help");

function needsCommand(path: readonly string[], names: readonly string[]): DeployError {
  return new DeployError("usage", `Cannot run "${path.join(" ")}" alone: it needs one of ${names.join(", ")}`, { hint: `\`capstan help ${path.join(" ")}\` says what they do.` });
}

/**
 * Reads the options and words of one command.
 * @param typed the command line without the command's name
 * @param implied options that the way the command was called sets
 * @throws DeployError (usage) for the first thing that is not understood
 */
export function parseCommand(definition: Definition, path: readonly string[], typed: readonly string[], implied: { readonly dryRun?: boolean } = {}): Parsed | "help" {
  // A positional may be called as a global option is: `rollback VERSION` beside `--version`.
  const options: Args = { ...withHelp, ...Object.fromEntries(Object.entries(definition.args).filter(([, arg]) => arg.type !== "positional")) };
  const spec = specOf(options);
  const args = oneValueEach(typed, options, spec);
  const normal = normalised(args, spec);
  const named = Object.values(definition.args).filter(({ type }) => type === "positional").length;
  const tail = definition.words === undefined ? args.length : planningTail(args);
  const end = definition.words === undefined ? args.length : ownPart(tokensOf(normal.slice(0, tail), spec), args.slice(0, tail), named);
  const reader = new Reader(options, path);
  for (const token of tokensOf([...normal.slice(0, end), ...normal.slice(tail)], spec)) {
    if (token.kind === "option") reader.option(token);
    else if (token.kind === "positional") reader.words.push(token.value);
  }
  if (reader.given("help")) return "help";
  const passed = args.slice(end, tail);
  const rest = definition.words === undefined ? [] : [...reader.words.splice(named), ...(passed[0] === "--" ? passed.slice(1) : passed)];
  if (definition.words?.required === true && rest.every((word) => word.trim() === "")) reader.refuse(`it needs ${definition.words.name}`);
  const values = reader.values(definition.args);
  const given = Object.fromEntries(Object.entries(globalArgs).map(([key, arg]) => [key, reader.value(key, arg)]));
  const globals = globalOptions({ ...(given as unknown as ArgValues<typeof globalArgs>), ...(implied.dryRun === true ? { dryRun: true } : {}) });
  for (const [one, other] of definition.conflicts ?? []) {
    if (values[one] === true && values[other] === true) reader.refuse(`--${optionName(one)} and --${optionName(other)} exclude each other`, "Leave out one of them.");
  }
  refuseNonsense(definition, globals, reader);
  return { options: globals, args: values, rest };
}

/** `-e A:1 B:2 env` as `-e A:1 -e B:2 env`: an option may take several words, as in Kamal. What stands after `--` or begins a command line for the other side stays as it is. */
function oneValueEach(args: readonly string[], options: Args, spec: Spec): readonly string[] {
  const more = new Map(Object.entries(options).flatMap(([key, arg]) => (arg.type === "string" && arg.more !== undefined ? [[optionName(key), arg.more]] : [])));
  const before = new Map<number, string>();
  let open: { readonly name: string; readonly like: RegExp } | undefined;
  for (const token of more.size === 0 ? [] : tokensOf(normalised(args, spec), spec)) {
    if (token.kind === "option") {
      const like = more.get(token.name);
      open = like === undefined ? undefined : { name: token.name, like };
    } else if (token.kind === "positional" && open?.like.test(token.value) === true) before.set(token.index, `--${open.name}`);
    else break;
  }
  return args.flatMap((word, i) => [before.get(i) ?? [], word].flat());
}

/**
 * How many words are ours when a command line is passed through: all before its first word. A first word with blanks in it
 * is the whole command line, as in `app exec "bin/check all" -r web`: options after it are ours again.
 * @param named how many words before it name something, such as the accessory
 */
function ownPart(tokens: readonly Token[], args: readonly string[], named: number): number {
  const first = tokens.filter((token) => token.kind !== "option")[named];
  if (first === undefined) return args.length;
  if (first.kind === "option-terminator" || !/\s/.test(args[first.index] ?? "")) return first.index;
  return tokens.find((token) => token.kind === "option-terminator")?.index ?? args.length;
}

/**
 * Where the last words of a command line that is passed through are options of a plan: `app exec env --dry-run --offline`. They are ours unless
 * `--` stands before the command: a plan by mistake harms nobody, a command by mistake may.
 */
function planningTail(args: readonly string[]): number {
  const last = args.findLastIndex((word) => !/^--(dry-run|offline|json|facts=.+)$/.test(word));
  return args.indexOf("--dry-run", last + 1) > last && !args.includes("--") ? last + 1 : args.length;
}

function refuseNonsense(definition: Definition, { quiet, verbose, dryRun, offline, facts }: GlobalOptions, reader: Reader): void {
  if (quiet && verbose) reader.refuse("--quiet and --verbose exclude each other", "Leave out one of them.");
  if (dryRun && !plans(definition)) reader.refuse("it changes nothing, so there is nothing to plan", "Leave out --dry-run.");
  if (offline && facts !== undefined) reader.refuse("--offline plans for fresh hosts, --facts for known ones", "Leave out one of them.");
  if (!dryRun && (offline || facts !== undefined)) reader.refuse(`${offline ? "--offline" : "--facts"} is for plans only`, "Add --dry-run.");
}
