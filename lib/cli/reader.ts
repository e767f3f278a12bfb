import { DeployError } from "../ground/errors.ts";
import { optionName, type Arg, type Args, type ArgValues } from "./command.ts";
import { nearest } from "./suggest.ts";
import type { OptionToken } from "./tokens.ts";

/** `a, b or c`. */
const orList = (words: readonly string[]): string => words.join(", ").replace(/, (?=[^,]*$)/, " or ");

type Positional = Extract<Arg, { type: "positional" }>;
type Option = Exclude<Arg, Positional>;

/** Collects the options and words of one command. Every refusal is a DeployError (usage) that names the command. */
export class Reader {
  readonly words: string[] = [];
  readonly #args: Args;
  readonly #command: string;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #given = new Map<string, (string | boolean)[]>();

  constructor(args: Args, path: readonly string[]) {
    this.#args = args;
    this.#command = path.join(" ");
    this.#keys = new Map(Object.entries(args).flatMap(([key, arg]) => (arg.type === "positional" ? [] : [[optionName(key), key]])));
  }

  refuse(why: string, hint = this.#help()): never {
    throw new DeployError("usage", `Cannot run "${this.#command}": ${why}`, { hint });
  }

  given(key: string): boolean {
    return this.#given.has(key);
  }

  option({ name, rawName, value, inlineValue }: OptionToken): void {
    const key = this.#keys.get(name);
    const arg = key === undefined ? undefined : this.#args[key];
    const negative = rawName.startsWith("--no-") && rawName !== `--${name}`;
    if (key === undefined || arg === undefined || (negative && arg.type !== "boolean")) return this.#unknown(rawName);
    if (arg.type === "boolean") {
      if (value !== undefined) this.refuse(`${rawName} takes no value, got "${value}"`, `Write --${name} or --no-${name}.`);
      this.#given.set(key, [!negative]);
      return;
    }
    if (value === undefined || value === "") {
      this.refuse(`${rawName} needs a value`, rawName === "-h" ? `-h chooses hosts. ${this.#help()}` : this.#help());
    }
    if (value.startsWith("-") && !inlineValue && !("dashes" in arg && arg.dashes === true)) this.refuse(`${rawName} needs a value, got "${value}"`, `A value that begins with a dash is written --${name}=${value}.`);
    this.#given.set(key, [...(this.#given.get(key) ?? []), value]);
  }

  /** The value of an option, or its default. */
  value(key: string, arg: Option): string | number | boolean | readonly string[] | undefined {
    const given = this.#given.get(key) ?? [];
    const name = `--${optionName(key)}`;
    if (arg.type === "boolean") return given[0] === undefined ? (arg.default ?? false) : given[0] === true;
    const texts = given.map(String);
    if (arg.type === "string" && arg.multiple === true) return texts;
    const different = [...new Set(texts)];
    if (different.length > 1) this.refuse(`${name} is given twice: ${different.join(" and ")}`, "Leave out one of them.");
    const [text] = different;
    if (text === undefined) return arg.default ?? (arg.required === true ? this.refuse(`it needs ${name}`) : undefined);
    return arg.type === "number" ? this.#number(name, text, arg.min ?? 0, arg.max) : text;
  }

  /** The values of all of `args`: options by name, positionals in their order. Words that are left over are refused. */
  values(args: Args): ArgValues<Args> {
    const words = [...this.words];
    const values = Object.fromEntries(Object.entries(args).map(([key, arg]) => [key, arg.type === "positional" ? this.#positionals(key, arg, words) : this.value(key, arg)]));
    const [extra] = words;
    if (extra !== undefined) {
      const takesWords = Object.values(args).some((arg) => arg.type === "positional");
      this.refuse(`${takesWords ? "it takes one word less" : "it takes no argument"}, got "${extra}"`, `A destination is chosen with -d, hosts with -h, roles with -r. ${this.#help()}`);
    }
    return values as ArgValues<Args>;
  }

  /** Takes one word from the front of `words`, or all of them. */
  #positionals(key: string, arg: Positional, words: string[]): string | readonly string[] | undefined {
    if (arg.multiple !== true) return this.#positional(key, arg, words.shift());
    if (words.length === 0) this.#positional(key, arg, undefined);
    return words.splice(0).map((word) => this.#positional(key, arg, word) ?? "");
  }

  #positional(key: string, arg: Positional, word: string | undefined): string | undefined {
    const name = arg.valueHint ?? optionName(key).toUpperCase();
    // An empty word is a variable that was not set, not a wish for the default.
    if (word === "") this.refuse(`${name} is empty`);
    if (word !== undefined && arg.values?.includes(word) === false) {
      const near = nearest(word, arg.values);
      this.refuse(`${name} is ${orList(arg.values)}, got "${word}"`, near === undefined ? this.#help() : `Did you mean ${near}?`);
    }
    return word ?? (arg.required === false ? undefined : this.refuse(`it needs ${name}`));
  }

  #number(name: string, text: string, min: number, max: number | undefined): number {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < min || (max !== undefined && value > max)) this.refuse(`${name} must be a whole number${min > 0 || max !== undefined ? ` from ${min}` : ""}${max === undefined ? "" : ` to ${max}`}, got "${text}"`);
    return value;
  }

  #unknown(rawName: string): never {
    const meant = rawName.startsWith("--") ? this.#nearName(rawName.slice(2)) : this.#otherCase(rawName.slice(1));
    this.refuse(`there is no option ${rawName}`, `${meant === undefined ? "" : `Did you mean ${meant}? `}${this.#help()}`);
  }

  #nearName(typed: string): string | undefined {
    const negatives = [...this.#keys].flatMap(([name, key]) => (this.#args[key]?.type === "boolean" ? [`no-${name}`] : []));
    const near = nearest(typed, [...this.#keys.keys(), ...negatives]);
    return near === undefined ? undefined : `--${near}`;
  }

  #otherCase(typed: string): string | undefined {
    const shorts = Object.values(this.#args).flatMap((arg) => (arg.type === "positional" ? [] : [arg.alias ?? []].flat()));
    const other = shorts.find((short) => short.toLowerCase() === typed.toLowerCase());
    return other === undefined ? undefined : `-${other}`;
  }

  #help(): string {
    return `\`capstan help ${this.#command}\` says what it takes.`;
  }
}
