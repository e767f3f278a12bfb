import { optionName, plans, type Arg, type Args, type Definition } from "./command.ts";
import { globalArgs, planning } from "./options.ts";

/** An option as help, reference and completion show it. */
export interface ShownOption {
  /** One letter; undefined: it has none. */
  readonly short: string | undefined;
  /** As it is written: what is on when left alone is `no-name`. */
  readonly name: string;
  /** What its value is called; undefined: it takes none. */
  readonly value: string | undefined;
  readonly description: string;
  /** The value in force when it is left out, when that is a fixed one. */
  readonly preset: string | number | undefined;
  readonly required: boolean;
  /** Heading in the help. */
  readonly group: string;
}

/** The options among `args`. */
export function shownOptions(args: Args): readonly ShownOption[] {
  return Object.entries(args).flatMap(([key, arg]) => {
    if (arg.type === "positional" || arg.hidden === true) return [];
    const short = [arg.alias ?? []].flat().find((alias) => alias.length === 1);
    const off = arg.type === "boolean" && arg.default === true;
    return [{
      short,
      name: off ? `no-${optionName(key)}` : optionName(key),
      value: arg.type === "boolean" ? undefined : valueName(key, arg),
      description: (off ? arg.negativeDescription : arg.description) ?? "",
      preset: arg.type === "boolean" ? undefined : arg.default,
      required: arg.type !== "boolean" && arg.required === true,
      group: arg.group ?? "Options",
    }];
  });
}

/** Those of the options of every command that a command understands: plans are for what changes something or asks hosts. */
export function globalOptionsOf(definition: Pick<Definition, "changes" | "asks">): readonly ShownOption[] {
  return shownOptions(globalArgs).filter(({ group }) => plans(definition) || group !== planning);
}

/** A word that a command takes: an argument, or the command line for the other side. */
export interface ShownArgument {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  /** It stands for several words. */
  readonly many: boolean;
}

/** The words that a command takes, in their order. */
export function shownArguments({ args, words }: Pick<Definition, "args" | "words">): readonly ShownArgument[] {
  const single = Object.entries(args).flatMap(([key, arg]) => (arg.type === "positional" ? [{ name: valueName(key, arg), required: arg.required !== false, description: arg.description ?? "", many: arg.multiple === true }] : []));
  return words === undefined ? single : [...single, { ...words, many: true }];
}

/** `app exec [OPTIONS] COMMAND...` */
export function usageLine(line: string, definition: Pick<Definition, "args" | "words">): string {
  return `${line} [OPTIONS]${shownArguments(definition).map(({ name, required, many }) => ` ${required ? name : `[${name}]`}${many ? "..." : ""}`).join("")}`;
}

const valueName = (key: string, arg: Arg): string => ("valueHint" in arg && arg.valueHint !== undefined ? arg.valueHint : optionName(key).toUpperCase());
