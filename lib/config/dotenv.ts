import { DeployError } from "../ground/errors.ts";

/**
 * The grammar of secrets files: `NAME=value` lines as the dotenv family of tools reads them, with `$VAR`, `${VAR}` and `$(command)`.
 * Source: behaviour of the Ruby gem dotenv 3, as Kamal uses it. Unlike there, a line that cannot be read is an error, and a command
 * reaches the shell as it is written: its backslashes, its quotes and its own variables stay.
 */

/** A piece of a value. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string; /** As written. */ readonly source: string }
  /** Run by a shell, once values of earlier lines stand where their variables stood. */
  | { readonly kind: "command"; readonly parts: readonly Part[]; /** As written. */ readonly source: string };

/** One `NAME=value`. */
export interface Entry {
  readonly name: string;
  readonly value: readonly Part[];
  readonly file: string;
  /** Of the name, from 1. */
  readonly line: number;
}

/**
 * The entries of a secrets file, in order.
 * @throws DeployError (config) that names the line which cannot be read
 */
export function parseDotenv(source: string, file: string): Entry[] {
  const text = source.replaceAll(/\r\n?/g, "\n").replace(/^\uFEFF/, "");
  const entries: Entry[] = [];
  const closing = parentheses(text);
  let [line, counted] = [1, 0];
  for (let at = 0; at < text.length; ) {
    for (let next = text.indexOf("\n", counted); next !== -1 && next < at; next = text.indexOf("\n", counted)) [line, counted] = [line + 1, next + 1];
    const end = lineEnd(text, at);
    const rest = text.slice(at, end);
    if (/^\s*(#|$)/.test(rest) || /^\s*export\s+[\w.]+\s*$/.test(rest)) {
      at = end + 1;
      continue;
    }
    const head = /^[^\S\n]*(?:export[^\S\n]+)?([\w.]+)(?:[^\S\n]*=|:(?=\s))[^\S\n]*/.exec(rest);
    if (head === null) throw new DeployError("config", `Cannot read ${file}:${line}: it is not NAME=value`, { hint: `Write NAME=value, or begin the line with "#"` });
    const ofThis = line;
    const fail = (what: string): never => {
      throw new DeployError("config", `Cannot read ${file}:${ofThis}: ${what} in the value of ${head[1]} is not closed`, { hint: `Close it, or put a value with special characters in single quotes` });
    };
    const value = readValue(text, at + head[0].length, closing, fail);
    entries.push({ name: head[1] ?? "", value: value.parts, file, line });
    at = value.end + 1;
  }
  return entries;
}

const lineEnd = (text: string, at: number): number => (text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at));

interface Value { readonly parts: readonly Part[]; readonly end: number }

/** The value that begins at `at`, and where its last line ends. */
function readValue(text: string, at: number, closing: Closing, fail: (what: string) => never): Value {
  const quote = text[at];
  if (quote === "'" || quote === '"') {
    const close = closingQuote(text, at, closing);
    const end = close === undefined ? 0 : lineEnd(text, close);
    if (close !== undefined && /^\s*(#|$)/.test(text.slice(close + 1, end))) {
      const inner = text.slice(at + 1, close);
      return { parts: quote === "'" ? [{ kind: "text", text: inner }] : partsOf(inner, "quoted", fail), end };
    }
    if (close === undefined) fail(quote === "'" ? "a single quote" : "a double quote");
  }
  const end = lineEnd(text, at);
  const bare = text.slice(at, end).replace(/#.*$/, "").trim();
  return { parts: partsOf(/^(["'])(.*)\1$/.exec(bare)?.[2] ?? bare, "bare", fail), end };
}

/** The quote that closes the one at `at`; quotes inside `$(...)` do not. */
function closingQuote(text: string, at: number, closing: Closing): number | undefined {
  const quote = text[at];
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === quote) return i;
    else if (quote === '"' && text.startsWith("$(", i)) i = closing(i + 1) ?? i;
  }
  return undefined;
}

/** Gives the parenthesis that closes one. */
type Closing = (at: number) => number | undefined;

/** {@link closingParenthesis} of a text that is asked often: a text is gone over once where nothing closes what is open, not for each of them. */
function parentheses(text: string): Closing {
  let known: { readonly from: number; readonly closes: ReadonlyMap<number, number>; readonly passed: ReadonlySet<number> } | undefined;
  return (at) => {
    if (known !== undefined && at >= known.from && !known.passed.has(at)) return known.closes.get(at);
    const close = closingParenthesis(text, at);
    if (close !== undefined || known !== undefined) return close;
    const [open, closes, passed]: [number[], Map<number, number>, Set<number>] = [[], new Map(), new Set()];
    for (let i = at; i < text.length; i++) {
      if (text[i] === "\\") passed.add(++i);
      else if (text[i] === "(") open.push(i);
      else if (text[i] === ")") {
        const opened = open.pop();
        if (opened !== undefined) closes.set(opened, i);
      }
    }
    known = { from: at, closes, passed };
    return undefined;
  };
}

/** The parenthesis that closes the one at `at`; those behind a backslash do not count. */
function closingParenthesis(text: string, at: number): number | undefined {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return undefined;
}

type Context = "quoted" | "bare" | "command";

function partsOf(value: string, context: Context, fail: (what: string) => never): Part[] {
  const parts: Part[] = [];
  const add = (text: string): void => {
    const last = parts.at(-1);
    if (last?.kind === "text") parts[parts.length - 1] = { kind: "text", text: last.text + text };
    else if (text !== "") parts.push({ kind: "text", text });
  };
  for (let at = 0; at < value.length; ) {
    const rest = value.slice(at);
    const variable = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest);
    if (rest.startsWith("\\")) {
      const literal = context !== "command" && rest.startsWith("\\$(") ? value.slice(at + 1, (closingParenthesis(value, at + 2) ?? value.length - 1) + 1) : undefined;
      add(literal ?? unescaped(rest.slice(0, 2), context));
      at += literal === undefined ? 2 : literal.length + 1;
    } else if (variable !== null) {
      parts.push({ kind: "variable", name: variable[1] ?? variable[2] ?? "", source: variable[0] });
      at += variable[0].length;
    } else if (context !== "command" && rest.startsWith("$(")) {
      const close = closingParenthesis(value, at + 1) ?? fail("$(");
      const source = context === "quoted" ? value.slice(at + 2, close).replaceAll('\\"', '"') : value.slice(at + 2, close);
      parts.push({ kind: "command", parts: partsOf(source, "command", fail), source });
      at = close + 1;
    } else {
      const plain = /^[\s\S][^\\$]*/.exec(rest)?.[0] ?? rest;
      add(plain);
      at += plain.length;
    }
  }
  return parts;
}

/** What a backslash and the character behind it stand for. `\n` in double quotes stays as it is written. */
function unescaped(pair: string, context: Context): string {
  if (context === "command" || (context === "quoted" && /^\\[nr]$/.test(pair))) return pair;
  return pair.slice(1) || pair;
}
