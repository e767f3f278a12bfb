/** A text as it reads once something is undone, and where each letter of it came from. */
export interface View {
  readonly text: string;
  /** Where the letter at `at` begins in the text as it came. */
  start(at: number): number;
  /** Where the letter at `at` ends in the text as it came. */
  end(at: number): number;
  /** Whether a line break was left out right before the letter at `at`; behind the last letter, too. */
  isBroken(at: number): boolean;
  /** The same place in the text as it came, or the beginning of the letter it is in the middle of. */
  letterAt(place: number): number;
  /** The text as it came ends in the middle of a letter, which begins here. */
  readonly unfinished: number | undefined;
}

/** A line break with what stands before the next line: base64 and keys are wrapped, and often indented. */
const lineBreak = "[\\r\\n][ \\t\\r\\n]*";
const escapedBreak = "(?:\\\\[rn]|[\\r\\n])(?:\\\\[rnt]|[ \\t\\r\\n])*";
const breaks = new RegExp(lineBreak, "g");
const percents = new RegExp(`%([0-9A-Fa-f]{2})|${lineBreak}`, "g");
const backslashes = new RegExp(`${escapedBreak}|\\\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-3][0-7]{2})|(?!(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?|[0-3][0-7]?)$)([^\\r\\n]))`, "g");
/** How much of what a terminal takes for an order, such as a title or a link, is looked through for its end. */
const longestOrder = 2048;
const strings = "(?:\\x1b[P\\]X^_]|[\\x90\\x98\\x9d-\\x9f])";
const begun = `(?:(?:\\x1b\\[|\\x9b)[0-?]{0,64}[ -/]{0,8}|${strings}[^\\x07\\x1b\\x90\\x98\\x9c-\\x9f\\r\\n]{0,${longestOrder}}\\x1b?|\\x1b[ -/]{0,8})$`;
const openOrder = new RegExp(begun);
const orders = new RegExp([
  "(?:\\x1b\\[|\\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]", `${strings}[^\\x07\\x1b\\x90\\x98\\x9c-\\x9f\\r\\n]{0,${longestOrder}}(?:\\x07|\\x1b\\\\|\\x9c)`, "\\x1b[ -/]{1,8}[0-~]",
  `(?!${begun})(?:\\x1b[0-~]|[\\x80-\\x9f])`, lineBreak,
].join("|"), "g");
const order = /[\x1b\x80-\x9f]/;
/** Where a text has none of it, there is one reading of it. */
const undone = /[\r\n%\\\x1b\x80-\x9f]/;
/** Letters of an escape that lacks its last one. */
const longestOpenEnd = 5;
const letters: Readonly<Record<string, string>> = { t: "\t", f: "\f", v: "\v", b: "\b", a: "\x07", e: "\x1b" };

/** The letter a match stands for; empty for a line break. */
function letterOf([whole, ...groups]: RegExpExecArray): string {
  const [hex, short, octal, letter] = groups;
  if (hex !== undefined && whole.startsWith("%")) return String.fromCharCode(Number.parseInt(hex, 16));
  if ((hex ?? short) !== undefined) return String.fromCharCode(Number.parseInt(hex ?? short ?? "", 16));
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  return letter === undefined ? "" : (letters[letter] ?? letter);
}

/** A value as it is looked for: without its line breaks. */
export const withoutBreaks = (value: string): string => value.replaceAll(breaks, "");

/** The readings of a text in which values are looked for: as it is, and without `%41`, without `\"`, and without colours and other orders to a terminal where there is any: they are not shown. */
export function viewsOf(text: string): View[] {
  if (!undone.test(text)) return [asItIs(text)];
  return [
    viewOf(text, breaks, undefined),
    ...(text.includes("%") ? [viewOf(text, percents, /%[0-9A-Fa-f]?$/)] : []),
    ...(order.test(text) ? [viewOf(text, orders, openOrder, longestOrder + 4)] : []),
    ...(text.includes("\\") ? [viewOf(text, backslashes, /\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?|[0-3][0-7]?)?$/)] : []),
  ];
}

const asItIs = (text: string): View => ({ text, start: (at) => at, end: (at) => at + 1, isBroken: () => false, letterAt: (place) => place, unfinished: undefined });

function viewOf(text: string, tokens: RegExp, openEnd: RegExp | undefined, longestEnd = longestOpenEnd): View {
  const pieces: string[] = [];
  // Each part of the reading: where it begins in it, where that came from, and how many letters one of its letters was.
  const ats: number[] = [];
  const froms: number[] = [];
  const widths: number[] = [];
  /** The parts before which a line break was left out. */
  const broken = new Set<number>();
  /** Orders that were left out: where each begins and ends. */
  const leftOut: number[] = [];
  const leftOutTo: number[] = [];
  let length = 0;
  let from = 0;
  const add = (piece: string, origin: number, width: number): void => {
    ats.push(length);
    froms.push(origin);
    widths.push(width);
    pieces.push(piece);
    length += piece.length;
  };
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    if (match.index > from) add(text.slice(from, match.index), from, 1);
    const letter = letterOf(match);
    if (letter !== "") add(letter, match.index, match[0].length);
    else if (tokens === orders && order.test(match[0])) {
      leftOut.push(match.index);
      leftOutTo.push(match.index + match[0].length);
    } else broken.add(ats.length);
    from = match.index + match[0].length;
  }
  const rest = text.slice(Math.max(from, text.length - longestEnd));
  const opened = openEnd?.exec(rest)?.index;
  const until = opened === undefined ? text.length : text.length - rest.length + opened;
  if (from < until) add(text.slice(from, until), from, 1);
  const partOf = (at: number): number => lastUpTo(ats, at);
  const start = (at: number): number => {
    const part = partOf(at);
    return (froms[part] ?? 0) + (at - (ats[part] ?? 0)) * (widths[part] ?? 1);
  };
  const letterAt = (place: number): number => {
    const gap = lastUpTo(leftOut, place);
    if (place > (leftOut[gap] ?? place) && place < (leftOutTo[gap] ?? 0)) return leftOut[gap] ?? place;
    const part = lastUpTo(froms, place);
    const [origin, width] = [froms[part] ?? 0, widths[part] ?? 1];
    return width > 1 && place > origin && place < origin + width ? origin : place;
  };
  const isBroken = (at: number): boolean => (at < length ? ats[partOf(at)] === at && broken.has(partOf(at)) : broken.has(ats.length));
  return { text: pieces.join(""), start, letterAt, isBroken, end: (at) => start(at) + (widths[partOf(at)] ?? 1), unfinished: until < text.length ? until : undefined };
}

/** Index of the last number that is not above `value`; 0 when all are. */
function lastUpTo(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((numbers[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}
