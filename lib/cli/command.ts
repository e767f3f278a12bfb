import type { BooleanArgDef, PositionalArgDef, StringArgDef } from "citty";
import type { Event } from "../ground/event.ts";
import type { JsonRecord } from "../report/json.ts";
import type { Style } from "../report/style.ts";
import type { Io } from "./io.ts";
import type { GlobalOptions } from "./options.ts";

interface Grouped {
  /** Heading in the help; default: `Options`. */
  readonly group?: string;
  /** Left out of help, reference and completion: another program passes it. */
  readonly hidden?: boolean;
}
interface NumberArgDef extends Omit<StringArgDef, "type" | "default"> {
  readonly type: "number";
  readonly default?: number;
  /** The least that is accepted; default 0. */
  readonly min?: number;
  /** The most that is accepted; default: no limit. */
  readonly max?: number;
}

/**
 * One option or argument: citty's definitions, and numbers and repeated options besides. The key is the option's name in
 * camelCase: `skipPush` is `--skip-push`. A boolean whose default is true is shown and written as `--no-name`.
 */
export type Arg =
  | (BooleanArgDef & Grouped & { readonly type: "boolean" })
  | (StringArgDef & Grouped & { readonly type: "string"; readonly multiple?: boolean; /** The value may begin with a dash. */ readonly dashes?: boolean; /** Words directly after a value that are values too. */ readonly more?: RegExp })
  | (NumberArgDef & Grouped)
  | (PositionalArgDef & {
      readonly type: "positional";
      /** The only words that are accepted; default: any. */
      readonly values?: readonly string[];
      /** It takes all words that are left. */
      readonly multiple?: boolean;
    });
export type Args = Readonly<Record<string, Arg>>;

/** What a command receives for one definition. A positional is required unless it says `required: false`. */
export type ArgValue<A extends Arg> =
  A extends { type: "boolean" } ? boolean
  : A extends { type: "number" } ? (A extends { default: number } ? number : number | undefined)
  : A extends { type: "positional"; multiple: true } ? readonly string[]
  : A extends { type: "positional" } ? (A extends { required: false } ? string | undefined : string)
  : A extends { multiple: true } ? readonly string[]
  : A extends { required: true } | { default: string } ? string
  : string | undefined;
export type ArgValues<A extends Args> = { readonly [Name in keyof A]: ArgValue<A[Name]> };

/** A command as data: what parsing and help need, and nothing that takes time to load. */
export interface Definition<A extends Args = Args> {
  readonly meta: {
    /** One sentence without a full stop: what the command does. */
    readonly purpose: string;
    /** Left out of the lists of commands: one step of another command, for whoever knows it. */
    readonly hidden?: boolean;
    /** Paragraphs after the purpose. */
    readonly notes?: readonly string[];
    /** A command line and what it is for. */
    readonly examples?: readonly (readonly [line: string, purpose: string])[];
  };
  readonly args: A;
  /** The words from the first positional on are not ours: they are the command line to run on the other side. */
  readonly words?: { readonly name: string; readonly description: string; readonly required: boolean };
  /** Pairs of options that exclude each other. */
  readonly conflicts?: readonly (readonly [keyof A & string, keyof A & string])[];
  /** True for what changes something: it understands --dry-run. */
  readonly changes: boolean;
  /** True for what only asks, hosts or this machine: with --dry-run it prints its questions. */
  readonly asks?: boolean;
}

/** True for what understands --dry-run. */
export const plans = ({ changes, asks }: Pick<Definition, "changes" | "asks">): boolean => changes || asks === true;

/** Keeps the literal types of a definition, so that {@link CommandContext} knows its options. */
export function define<const A extends Args>(definition: Definition<A>): Definition<A> {
  return definition;
}

/** What an implementation gets. */
export interface CommandContext<A extends Args = Args> {
  /** Name of the command as typed out: `["app", "logs"]`. */
  readonly path: readonly string[];
  readonly options: GlobalOptions;
  readonly args: ArgValues<A>;
  /** The words that are passed through: those of `app exec`, or what stood after `--`. */
  readonly rest: readonly string[];
  readonly io: Io;
  /** Style of standard output. */
  readonly style: Style;
  /** Shows progress on standard error, or as a line of JSON. */
  readonly report: (event: Event) => void;
  /**
   * Writes a result to standard output and a line break after it. With --json the record is written instead, one line;
   * without a record the text as `{"type":"text","text":…}`. What a terminal would act on, but for colours, is written out,
   * unless `exact`: the user's own data, for other programs.
   */
  print(text: string, record?: JsonRecord, exact?: "exact"): void;
  /** From now on the error that ends the command is shown through `scrub`, without secrets. */
  scrubWith(scrub: (text: string) => string): void;
  /** Takes the live view off the screen while others write: prompts, interactive sessions. @returns puts it back */
  pause(): () => void;
}

/** Carries a command out. @returns the exit status; nothing is 0 */
export type Run<A extends Args> = (context: CommandContext<A>) => Promise<number | void>;
/** The context type of a definition: `CommandContextOf<typeof deploy>`. */
export type CommandContextOf<D extends { readonly args: Args }> = CommandContext<D["args"]>;

/** A command of the tree: its definition, and its implementation once it is needed. */
export interface CommandNode {
  readonly kind: "command";
  readonly definition: Definition;
  readonly load: () => Promise<Run<Args>>;
}
export interface GroupNode {
  readonly kind: "group";
  readonly purpose: string;
  readonly commands: Tree;
  /** The command that is meant when none follows. */
  readonly standsFor?: string;
}
/** A word before another command that means the same as --dry-run after it. */
export interface PlanNode {
  readonly kind: "plan";
  readonly definition: Definition;
  /** The command that is meant when none follows. */
  readonly standsFor: string;
}
export type Node = CommandNode | GroupNode | PlanNode;
/** Commands by name. */
export type Tree = Readonly<Record<string, Node>>;

/** Ties a definition to its implementation, which is not loaded before it runs. */
export function command<A extends Args>(definition: Definition<A>, load: () => Promise<Run<A>>): CommandNode {
  // Values are made from this very definition: what `Run<A>` expects and what parsing gives are the same thing.
  return { kind: "command", definition: definition as unknown as Definition, load: load as unknown as () => Promise<Run<Args>> };
}

/** Commands under a common word. @param standsFor the one that is meant when none follows */
export function group(purpose: string, commands: Tree, standsFor?: string): GroupNode {
  return { kind: "group", purpose, commands, ...(standsFor === undefined ? {} : { standsFor }) };
}

/** Name of an option on the command line: `skipPush` is `skip-push`. */
export function optionName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
