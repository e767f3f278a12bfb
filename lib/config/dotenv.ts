import { DeployError } from "../ground/errors.ts";

/**
 * The grammar of secrets files: `NAME=value` lines as the dotenv family of tools reads them, with `$VAR`, `${VAR}` and `$(command)`.
 * Source: behaviour of the Ruby gem dotenv 3, as Kamal uses it. Unlike there, a line that cannot be read is an error.
 */

/** A piece of a value. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string }
  /** Run by a shell once its own variables are replaced. */
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
  for (let at = 0; at < text.length; ) {
    const line = text.slice(0, at).split("\n").length;
    const end = lineEnd(text, at);
    const rest = text.slice(at, end);
    if (/^\s*(#|$)/.test(rest) || /^\s*export\s+[\w.]+\s*$/.test(rest)) {
      at = end + 1;
      continue;
    }
    const head = /^[^\S\n]*(?:export[^\S\n]+)?([\w.]+)(?:[^\S\n]*=|:(?=\s))[^\S\n]*/.exec(rest);
    if (head === null) throw new DeployError("config", `Cannot read ${file}:${line}: it is not NAME=value`, { hint: `Write NAME=value, or begin the line with "#"` });
    const fail = (what: string): never => {
      throw new DeployError("config", `Cannot read ${file}:${line}: ${what} in the value of ${head[1]} is not closed`, { hint: `Close it, or put a value with special characters in single quotes` });
    };
    const value = readValue(text, at + head[0].length, fail);
    entries.push({ name: head[1] ?? "", value: value.parts, file, line });
    at = value.end + 1;
  }
  return entries;
}

const lineEnd = (text: string, at: number): number => (text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at));

interface Value { readonly parts: readonly Part[]; readonly end: number }

/** The value that begins at `at`, and where its last line ends. */
function readValue(text: string, at: number, fail: (what: string) => never): Value {
  const quote = text[at];
  if (quote === "'" || quote === '"') {
    const close = closingQuote(text, at);
    const end = close === undefined ? 0 : lineEnd(text, close);
    if (close !== undefined && /^\s*(#|$)/.test(text.slice(close + 1, end))) {
      const inner = text.slice(at + 1, close);
      return { parts: quote === "'" ? [{ kind: "text", text: inner }] : partsOf(unescape(inner, true), fail), end };
    }
    if (close === undefined) fail(quote === "'" ? "a single quote" : "a double quote");
  }
  const end = lineEnd(text, at);
  const bare = text.slice(at, end).replace(/#.*$/, "").trim();
  return { parts: partsOf(unescape(/^(["'])(.*)\1$/.exec(bare)?.[2] ?? bare, false), fail), end };
}

/** The quote that closes the one at `at`; quotes inside `$(...)` do not. */
function closingQuote(text: string, at: number): number | undefined {
  const quote = text[at];
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === quote) return i;
    else if (quote === '"' && text.startsWith("$(", i)) i = closingParenthesis(text, i + 1) ?? i;
  }
  return undefined;
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

/** Takes backslashes away, but for `\$`, and in double quotes `\n` and `\r`, which stay as they are written. */
const unescape = (value: string, quoted: boolean): string => value.replaceAll(quoted ? /\\([^$nr])/g : /\\([^$])/g, "$1");

function partsOf(value: string, fail: (what: string) => never): Part[] {
  const parts: Part[] = [];
  const add = (text: string): void => {
    const last = parts.at(-1);
    if (last?.kind === "text") parts[parts.length - 1] = { kind: "text", text: last.text + text };
    else if (text !== "") parts.push({ kind: "text", text });
  };
  for (let at = 0; at < value.length; ) {
    const rest = value.slice(at);
    const variable = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(rest);
    if (rest.startsWith("\\$(")) {
      const close = closingParenthesis(value, at + 2) ?? value.length - 1;
      add(value.slice(at + 1, close + 1));
      at = close + 1;
    } else if (rest.startsWith("\\$")) {
      add("$");
      at += 2;
    } else if (variable !== null) {
      parts.push({ kind: "variable", name: variable[1] ?? variable[2] ?? "" });
      at += variable[0].length;
    } else if (rest.startsWith("$(")) {
      const close = closingParenthesis(value, at + 1) ?? fail("$(");
      parts.push({ kind: "command", parts: partsOf(value.slice(at + 2, close), fail), source: value.slice(at + 2, close) });
      at = close + 1;
    } else {
      const plain = /^[\s\S][^\\$]*/.exec(rest)?.[0] ?? rest;
      add(plain);
      at += plain.length;
    }
  }
  return parts;
}
