import { isSecret, type Secret } from "../ground/secret.ts";
import { formsOf, isOrdinary } from "./redact/forms.ts";
import { Matcher } from "./redact/matcher.ts";
import { type View, viewsOf, withoutBreaks } from "./redact/view.ts";

/** Knows every secret value that left the process and takes it out of texts. */
export interface Redactor {
  /** The value of a text or secret. A secret, and what it is made of, is scrubbed from now on. */
  open(text: string | Secret): string;
  /**
   * Scrubs `value` from now on: as it is, in base64 also inside a longer text, in hex, percent-encoded, with the backslashes of JSON, shells and env
   * files, wrapped at line ends, and a value of several lines line by line. Left are values under four characters, numbers under six
   * digits and words such as `true`: they would tear ordinary text apart. Other notations begin at six characters, lines at eight.
   */
  conceal(value: string, name?: string): void;
  /** Words that are known to everybody, such as the name of the service: a value that is in one of them is left. */
  allow(words: readonly string[]): void;
  scrub(text: string): string;
  /** Scrubs a text that arrives in pieces: a value cut by the border of two pieces is found too. */
  stream(): { push(piece: string): string; end(): string };
  /** The same data with every string in it scrubbed. */
  scrubData<T>(data: T): T;
}

/** A text made of secrets is looked for as a whole up to this length: what is in it is looked for anyway. */
const longestWhole = 4096;
/**
 * A value is found across a line break when it is this long, and so much of it stands before the break, or the line ends with so many letters without a
 * blank as base64 and hex do: words are not put together from two lines.
 */
const shortestWrapped = 16;
const shortestBeforeBreak = 4;
const shortestRun = 16;
/** More is not held back, whatever comes. */
const mostHeld = 64 * 1024;

/** Part of a text that is not shown. */
interface Range {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

export function createRedactor(): Redactor {
  const matcher = new Matcher();
  const concealed = new Set<string>();
  const clear: string[] = [];
  const opened = new WeakSet<Secret>();

  const conceal = (value: string, name = "value"): void => {
    if (concealed.has(value) || clear.some((word) => word.includes(value.trim()))) return;
    concealed.add(value);
    for (const form of formsOf(value)) matcher.add(form, name);
  };
  const remember = (secret: Secret): void => {
    if (opened.has(secret)) return;
    opened.add(secret);
    for (const part of secret.parts) remember(part);
    const value = secret.reveal();
    // A joined text, such as an env file, also holds clear values: its lines are no secrets, only its parts are. Where they are not in it, it is another form of them.
    if (secret.parts.length === 0) conceal(value, secret.name);
    else if (value.length <= longestWhole && scrub(value) === value && !isOrdinary(withoutBreaks(value))) matcher.add(withoutBreaks(value), secret.name);
  };
  const scrub = (text: string): string => (matcher.size === 0 ? text : shown(text, rangesIn(text, viewsOf(text), matcher, 0), text.length).text);
  const scrubUnknown = (data: unknown): unknown => {
    if (typeof data === "string") return scrub(data);
    if (Array.isArray(data)) return data.map(scrubUnknown);
    if (typeof data !== "object" || data === null || Object.getPrototypeOf(data) !== Object.prototype) return data;
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, scrubUnknown(value)]));
  };

  return {
    conceal,
    allow: (words) => void clear.push(...words),
    scrub,
    open(text) {
      if (!isSecret(text)) return text;
      remember(text);
      return text.reveal();
    },
    stream: () => new Stream(matcher),
    scrubData: <T>(data: T): T => (matcher.size === 0 ? data : (scrubUnknown(data) as T)),
  };
}

/** One text in pieces. */
class Stream {
  readonly #matcher: Matcher;
  #held = "";
  /** What of the held text belongs to a value whose beginning was shown as its name already. */
  #covered: Range | undefined;
  /** How many letters without a blank stand before the held text. */
  #run = 0;

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  push(piece: string): string {
    if (this.#matcher.size === 0) return piece;
    return this.#show(this.#held + piece, true);
  }

  end(): string {
    return this.#show(this.#held, false);
  }

  #show(text: string, more: boolean): string {
    const views = viewsOf(text);
    const ranges = rangesIn(text, views, this.#matcher, this.#run);
    const pending = more ? pendingFrom(text, views, this.#matcher, this.#run) : text.length;
    const border = more && text.length - pending <= mostHeld ? pending : text.length;
    const { text: clear, open } = shown(text, ranges, border, this.#covered);
    this.#run = runBefore(text, border, this.#run);
    this.#held = text.slice(border);
    this.#covered = open === undefined ? undefined : { start: 0, end: open.end - border, name: open.name };
    return clear;
  }
}

/**
 * A text up to `border` with names instead of what is not shown; values of one name in a row stand once.
 * @param before what the text begins with that is shown already
 * @returns also the range that reaches the border, for what comes behind it
 */
function shown(text: string, ranges: readonly Range[], border: number, before?: Range): { readonly text: string; readonly open: Range | undefined } {
  let clear = "";
  let at = 0;
  let last = before;
  if (before !== undefined) at = Math.min(before.end, border);
  for (const { start, end, name } of ranges) {
    if (start >= border) break;
    if (last !== undefined && end <= last.end) continue;
    if (start > at) clear += text.slice(at, start);
    if (last === undefined || start > last.end || (start === last.end && name !== last.name)) clear += `‹secret ${name}›`;
    last = { start, end, name: last !== undefined && start < last.end ? last.name : name };
    at = Math.min(end, border);
  }
  clear += text.slice(at, border);
  return { text: clear, open: last !== undefined && last.end >= border ? last : undefined };
}

/** What of a text is not shown, in order. */
function rangesIn(text: string, views: readonly View[], matcher: Matcher, run: number): readonly Range[] {
  const ranges: Range[] = [];
  for (const view of views) {
    matcher.scan(view.text, (at) => {
      const { found } = matcher.walk(view.text, at);
      const match = found.findLast(({ length }) => isWhole(view, at, length, (place) => runBefore(text, place, run)));
      if (match !== undefined) ranges.push({ start: view.start(at), end: view.end(at + match.length - 1), name: match.name });
    });
  }
  return ranges.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** From where on it depends on what comes next what of a text is shown. */
function pendingFrom(text: string, views: readonly View[], matcher: Matcher, run: number): number {
  let pending = text.length;
  for (const view of views) pending = Math.min(pending, view.unfinished ?? text.length, pendingIn(view, matcher, text.length, (place) => runBefore(text, place, run)));
  // A cut in the middle of an escape would make another letter of its rest.
  for (let before = -1; before !== pending; ) {
    before = pending;
    for (const view of views) pending = view.letterAt(pending);
  }
  return pending;
}

/** Where the first value may begin that the text does not hold to its end. */
function pendingIn(view: View, matcher: Matcher, textLength: number, runTo: (place: number) => number): number {
  const { length } = view.text;
  for (const at of matcher.open(view.text)) {
    const start = view.start(at);
    const broken = breakWithin(view, at, length - at) ?? (view.isBroken(length) ? length - at : undefined);
    if (broken === undefined || isWrap(view, at, broken, runTo)) return start;
  }
  return textLength;
}

/** False for what only looks like a value because line breaks were left out. */
function isWhole(view: View, at: number, length: number, runTo: (place: number) => number): boolean {
  const broken = breakWithin(view, at, length);
  return broken === undefined || (length >= shortestWrapped && isWrap(view, at, broken, runTo));
}

/** True for a line break that may be in the middle of a value which begins `broken` letters before it. */
const isWrap = (view: View, at: number, broken: number, runTo: (place: number) => number): boolean => broken >= shortestBeforeBreak || runTo(view.end(at + broken - 1)) >= shortestRun;

/** How many letters without a blank stand before a place, as far as it matters. @param run those before the text */
function runBefore(text: string, place: number, run: number): number {
  for (let count = 0; count < shortestRun; count++) {
    if (place - count === 0) return Math.min(shortestRun, count + run);
    if (/\s/.test(text.charAt(place - count - 1))) return count;
  }
  return shortestRun;
}

/** How many letters stand before the first line break in a part of a view. */
function breakWithin(view: View, at: number, length: number): number | undefined {
  for (let i = 1; i < length; i++) if (view.isBroken(at + i)) return i;
  return undefined;
}
