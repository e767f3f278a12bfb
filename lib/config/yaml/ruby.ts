/**
 * The few Ruby expressions that configs of Kamal and MRSK are written with: values of the environment, output of commands, texts.
 * They are read without Ruby, and become TypeScript when a project is imported.
 */

/** A Ruby expression that can be evaluated. */
export type Expression =
  | { readonly kind: "text"; readonly text: string }
  /** Pieces of a text with `#{...}` in it. */
  | { readonly kind: "join"; readonly parts: readonly Expression[] }
  /** `ENV["X"]`, or with `required` `ENV.fetch("X")`. */
  | { readonly kind: "env"; readonly name: string; readonly required: boolean }
  /** The first that is not nil: `a || b`, `ENV.fetch("X", b)`. */
  | { readonly kind: "either"; readonly first: Expression; readonly second: Expression }
  /** A variable of the template. */
  | { readonly kind: "local"; readonly name: string }
  | { readonly kind: "command"; readonly command: Expression }
  | { readonly kind: "trim"; readonly of: Expression; /** `strip`, else only a line end behind it: `chomp`. */ readonly both: boolean };

const noLocals: ReadonlySet<string> = new Set();

/**
 * Reads a Ruby expression; undefined when it is more than can be evaluated here.
 * @param locals names of the variables there are
 */
export function parseRuby(source: string, locals = noLocals): Expression | undefined {
  // One that is longer would be nested deeper than anybody can read.
  if (source.length > 5000) return undefined;
  const reader = new Reader(source, locals);
  const expression = reader.either();
  return expression !== undefined && reader.atEnd() ? expression : undefined;
}

/** What closes `%x(`; anything else closes itself. */
const brackets: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]", "<": ">" };
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", s: " ", r: "\r", e: "\u001B", 0: "\0" };

class Reader {
  readonly #source: string;
  readonly #locals: ReadonlySet<string>;
  #at = 0;

  constructor(source: string, locals: ReadonlySet<string>) {
    this.#source = source;
    this.#locals = locals;
  }

  atEnd(): boolean {
    return this.#match(/\s*(?:#.*)?$/y) !== undefined;
  }

  either(): Expression | undefined {
    const first = this.#value();
    if (first === undefined || this.#match(/\s*(?:\|\||\bor\b)/y) === undefined) return first;
    const second = this.either();
    return second === undefined ? undefined : { kind: "either", first, second };
  }

  #value(): Expression | undefined {
    let value = this.#atom();
    for (;;) {
      const method = this.#match(/\s*\.(strip|chomp|to_s)\b(?:\(\))?(?!\s*[({])/y)?.[1];
      if (value === undefined || method === undefined) return value;
      if (method !== "to_s") value = { kind: "trim", of: value, both: method === "strip" };
    }
  }

  #atom(): Expression | undefined {
    if (this.#match(/\s*\(/y) !== undefined) {
      const inner = this.either();
      return this.#match(/\s*\)/y) === undefined ? undefined : inner;
    }
    if (this.#match(/\s*ENV\s*\[/y) !== undefined) {
      const name = this.#name();
      return name === undefined || this.#match(/\s*\]/y) === undefined ? undefined : { kind: "env", name, required: false };
    }
    if (this.#match(/\s*ENV\.fetch\b\s*\(?/y) !== undefined) return this.#fetched();
    const number = this.#match(/\s*(-?\d+(?:\.\d+)?)(?![\w.])/y)?.[1];
    if (number !== undefined) return { kind: "text", text: number };
    if (this.#match(/\s*nil\b/y) !== undefined) return { kind: "text", text: "" };
    const local = this.#match(/\s*([a-z_]\w*)(?!\s*[({\w])/y)?.[1];
    if (local !== undefined) return this.#locals.has(local) ? { kind: "local", name: local } : undefined;
    const quote = this.#match(/\s*(["'`]|%x[^\w\s])/y)?.[1];
    return quote === undefined ? undefined : this.#quoted(quote);
  }

  #fetched(): Expression | undefined {
    const closed = this.#source[this.#at - 1] === "(";
    const name = this.#name();
    if (name === undefined) return undefined;
    const hasDefault = this.#match(/\s*,/y) !== undefined;
    const second = hasDefault ? this.either() : undefined;
    if ((hasDefault && second === undefined) || (closed && this.#match(/\s*\)/y) === undefined)) return undefined;
    const block = second === undefined && this.#match(/\s*\{/y) !== undefined ? this.either() : undefined;
    if (block !== undefined && this.#match(/\s*\}/y) === undefined) return undefined;
    const fallback = second ?? block;
    return fallback === undefined ? { kind: "env", name, required: true } : { kind: "either", first: { kind: "env", name, required: false }, second: fallback };
  }

  #name(): string | undefined {
    const [, , double, single] = this.#match(/\s*("([^"#\\]+)"|'([^'\\]+)')/y) ?? [];
    return double ?? single;
  }

  #quoted(quote: string): Expression | undefined {
    const parts: Expression[] = [];
    const isCommand = quote === "`" || quote.startsWith("%x");
    const open = quote.slice(-1);
    const close = brackets[open] ?? open;
    let text = "";
    let depth = 0;
    const flush = (): void => {
      if (text !== "") parts.push({ kind: "text", text });
      text = "";
    };
    for (; this.#at < this.#source.length; this.#at++) {
      const char = this.#source[this.#at] ?? "";
      if (char === close && depth === 0) {
        this.#at++;
        flush();
        const [only] = parts;
        const whole: Expression = parts.length === 1 && only !== undefined ? only : parts.length === 0 ? { kind: "text", text: "" } : { kind: "join", parts };
        return isCommand ? { kind: "command", command: whole } : whole;
      }
      if (char === "\\") {
        const next = this.#source[++this.#at] ?? "";
        text += quote === "'" ? (next === "'" || next === "\\" ? next : `\\${next}`) : (escapes[next] ?? next);
      } else if (quote !== "'" && this.#source.startsWith("#{", this.#at)) {
        this.#at += 2;
        flush();
        const inner = this.either();
        if (inner === undefined || this.#match(/\s*\}/y) === undefined) return undefined;
        parts.push(inner);
        this.#at--;
      } else {
        if (open !== close) depth += char === open ? 1 : char === close ? -1 : 0;
        text += char;
      }
    }
    return undefined;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }
}

/** What an expression is evaluated with. */
export interface Surroundings {
  env(name: string): Promise<string | undefined>;
  /** The value of a variable of the template. */
  local?(name: string): string | undefined;
  /** What a command prints. Rejects when it fails. */
  output(command: string): Promise<string>;
  /** Called for a required variable that is not set; throws. */
  missing(name: string): never;
}

/** The value of an expression; undefined is nil. */
export async function evaluateRuby(expression: Expression, around: Surroundings): Promise<string | undefined> {
  switch (expression.kind) {
    case "text":
      return expression.text;
    case "join": {
      const texts: string[] = [];
      for (const part of expression.parts) texts.push((await evaluateRuby(part, around)) ?? "");
      return texts.join("");
    }
    case "env":
      return (await around.env(expression.name)) ?? (expression.required ? around.missing(expression.name) : undefined);
    case "local":
      return around.local?.(expression.name);
    case "either":
      return (await evaluateRuby(expression.first, around)) ?? evaluateRuby(expression.second, around);
    case "command":
      return around.output((await evaluateRuby(expression.command, around)) ?? "");
    case "trim": {
      const text = (await evaluateRuby(expression.of, around)) ?? "";
      return expression.both ? text.trim() : text.replace(/\r?\n$/, "");
    }
  }
}
