import { gram } from "./matcher.ts";
import { withoutBreaks } from "./view.ts";

/** Shorter values are left: they would tear ordinary words apart. */
const shortest = gram;
/** A number is a port or a count below this many digits. */
const shortestNumber = 6;
/** Values this long are also looked for in other notations: what a shorter one becomes is a word too often. */
const shortestEncoded = 6;
/** Lines of a longer value, such as a private key, are worth hiding by themselves; shorter ones are ordinary words. */
const shortestLine = 8;
/** Longer values are looked for in pieces: what is held back of a stream stays small. */
const longestPiece = 128;
/** In these columns base64 is wrapped, by `openssl` and by `base64`; the lines may have something in front of them. */
const columns = [64, 76];

/** Values of switches, not of secrets: every second program prints them. */
const ordinary = new Set(["true", "false", "null", "none", "undefined", "enabled", "disabled", "production", "staging", "development", "test", "localhost"]);

/** True for a value that is never taken out of a text. */
export const isOrdinary = (value: string): boolean => value.length < shortest || ordinary.has(value.toLowerCase()) || (value.length < shortestNumber && /^\d+$/.test(value));

/** A setting of a file such as database.yml, as YAML, JSON and INI write it. Without a blank behind the colon it may be a name and its password. */
const setting = /^["']?([\w.-]+)["']?(?::(?:\s|$)|\s*=)\s*["']?(.*?)["']?,?$/;
/** Names of settings whose value is a word that anybody may print. */
const plainSettings = new Set(["adapter", "encoding", "charset", "collation", "driver", "engine", "dialect", "type", "kind", "mode", "sslmode", "env", "environment", "region", "provider", "protocol", "scheme", "service", "level"]);
/** A line that says nothing by itself: the beginning of a section, or a setting that is the same everywhere. Every second program prints such lines. */
function isPlainLine(line: string): boolean {
  if (/^\[[a-z]+\]$/.test(line)) return true;
  const [, name = "", value] = setting.exec(line) ?? [];
  if (value === undefined) return false;
  return value.trim() === "" || /^(?:[{[]|[|>][+-]?|[&*]\w+)$/.test(value) || ordinary.has(value.toLowerCase()) || (value.length < shortestNumber && /^\d+$/.test(value)) || (plainSettings.has(name.toLowerCase()) && /^[A-Za-z][\w-]*$/.test(value));
}

/** Every text under which a value may turn up, line breaks left out. Escapes with `%` and `\` are not among them: they are undone in the text. */
export function formsOf(value: string): Set<string> {
  const found = new Set<string>();
  const add = (form: string): void => {
    for (const piece of piecesOf(withoutBreaks(form))) if (!isOrdinary(piece)) found.add(piece);
  };
  const trimmed = value.trim();
  for (const text of new Set([value, trimmed])) add(text);
  const lines = trimmed.split(/[\r\n]+/).map((line) => line.trim());
  if (lines.length > 1) for (const line of lines) if (line.length >= shortestLine && !line.startsWith("-----") && !isPlainLine(line)) add(line);
  if (isOrdinary(trimmed) || trimmed.length < shortestEncoded) return found;
  for (const text of new Set([value, trimmed, json(trimmed), dotenv(trimmed)])) {
    add(text);
    for (const form of encodedForms(text)) add(form);
  }
  for (const form of [trimmed.replaceAll("'", "'\\''"), trimmed.replaceAll("'", `'"'"'`), ...html(trimmed), json(json(trimmed)), trimmed.replaceAll(" ", "+"), inBytes(trimmed), inBytes(trimmed).replaceAll(" ", "+")]) add(form);
  return found;
}

function* encodedForms(text: string): Generator<string> {
  const bytes = Buffer.from(text);
  const hex = bytes.toString("hex");
  yield hex;
  yield hex.toUpperCase();
  const whole = bytes.toString("base64");
  for (const form of new Set([whole, ...[0, 1, 2].flatMap((shift) => insideBase64(bytes, shift))])) {
    yield form;
    if (/[+/]/.test(form)) yield form.replaceAll("+", "-").replaceAll("/", "_");
  }
  for (const width of whole.length > Math.min(...columns) ? columns : []) {
    for (let at = 0; at < whole.length; at += width) if (whole.length - at >= 16) yield whole.slice(at, at + width);
  }
}

/**
 * The letters that a value takes in a longer base64 text, where `shift` bytes of what stands before it share its first letters. Again
 * without those that fill up the letter group, for a line that was wrapped there.
 */
function insideBase64(bytes: Buffer, shift: number): string[] {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  const end = Math.floor(((shift + bytes.length) * 8) / 6);
  return [text.slice(Math.ceil((shift * 8) / 6), end), text.slice(shift === 0 ? 0 : 4, end)].filter((form) => form.length >= shortestEncoded);
}

/** A long text as pieces that cover it: the last one reaches back into the one before it. */
function piecesOf(text: string): string[] {
  if (text.length <= longestPiece) return [text];
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += longestPiece) pieces.push(text.slice(Math.min(at, text.length - longestPiece), at + longestPiece));
  return pieces;
}

const json = (text: string): string => JSON.stringify(text).slice(1, -1);
const dotenv = (text: string): string => text.replaceAll(/[\\\n\r\t]/g, (char) => ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" })[char] ?? char);
/** As most libraries write quotes, as Go does and as JavaScript does. */
const html = (text: string): string[] => [["&quot;", "&#39;"], ["&#34;", "&#39;"], ["&quot;", "&#x27;"]].map(([double = "", single = ""]) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', double).replaceAll("'", single));
/** Each byte as one letter, as `%C3%A9` reads once it is undone. */
const inBytes = (text: string): string => Buffer.from(text).toString("latin1");
