import { isSecret, type Secret } from "./secret.ts";

/** What may stand in `${}` of {@link sh}. A Secret is not in the list: it would show in the host's process list. */
export type Word = string | number | Command | readonly Word[];

/** One shell command, as data. Its text is what runs, what a plan prints, what tests compare and what the audit log keeps. */
export class Command {
  /** POSIX shell code. */
  readonly text: string;
  /** What the command reads from its standard input. Never printed. */
  readonly input: string | Secret | undefined;

  constructor(text: string, input?: string | Secret) {
    this.text = text;
    this.input = input;
  }

  /** The same command with `input` on its standard input, which is never printed. */
  stdin(input: string | Secret): Command {
    return new Command(this.text, input);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/**
 * Builds a {@link Command}. Text is shell code as written; each `${}` is one quoted word, an array is several words
 * (an empty one leaves no blank behind), a Command is code.
 * @throws TypeError when a `${}` stands between quotes, or holds a Secret
 */
export function sh(code: TemplateStringsArray, ...words: readonly Word[]): Command {
  const text = code.raw.reduce((text, next, i) => {
    if (/["']$/.test(text) && next.startsWith(text.at(-1) ?? "")) throw new TypeError("Cannot quote ${} in sh: sh quotes it already");
    const word = words[i - 1] ?? "";
    const leavesNothing = Array.isArray(word) && word.length === 0 && text.endsWith(" ");
    return (leavesNothing ? text.slice(0, -1) : text + render(word)) + next;
  });
  return new Command(text);
}

function render(word: Word): string {
  if (word instanceof Command) return word.text;
  if (Array.isArray(word)) return word.map(render).join(" ");
  if (isSecret(word)) throw new TypeError(`Cannot put secret "${word.name}" on a command line: pass it with .stdin()`);
  return quote(String(word));
}

/**
 * One word in POSIX single quotes; plain words stay bare so that plans read well.
 * @throws TypeError for a NUL character, which no argument can carry
 */
export function quote(word: string): string {
  if (word.includes("\0")) throw new TypeError("Cannot pass a NUL character to a shell");
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command that changes nothing, with the parser of its answer. */
export interface Query<T> {
  readonly command: Command;
  /** Throws when the answer has an unknown shape. */
  parse(stdout: string): T;
}

/** A program on the user's own machine: an argument vector, started without a shell. */
export interface Program {
  readonly argv: readonly string[];
  /** Added to the environment of the child only. */
  readonly env?: Readonly<Record<string, string | Secret>>;
  /** The same for variables that the user's environment does not set: a preference, no part of the command's text. */
  readonly preferences?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string | Secret;
  /**
   * It asks the user something: standard input and standard error are those of this process, with `talk` standard output goes to standard error
   * too. Such programs run one at a time. Default: it is on its own.
   */
  readonly terminal?: "ask" | "talk";
  /** Standard output holds secrets, to be had as it is: elsewhere known ones are scrubbed from it. */
  readonly givesSecrets?: boolean;
}

/** The text of a program for plans and errors: can be pasted into a shell in which the variables of {@link secretVariables} are set. */
export function programText(program: Program): string {
  const env = Object.entries(program.env ?? {}).flatMap(([name, value]) => (typeof value === "string" ? [`${name}=${quote(value)}`] : []));
  return [...env, ...program.argv.map(quote)].join(" ");
}

/** Names of the variables that bring a program its secrets. */
export const secretVariables = (program: Program): readonly string[] => Object.entries(program.env ?? {}).flatMap(([name, value]) => (typeof value === "string" ? [] : [name]));
