/** Characters that do something instead of being seen: controls, those that reorder text, and those without width. Joiners may stand between letters that need them. */
const unseen = /[\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])/gu;

/**
 * One line of foreign output, made harmless: escape sequences are gone, other control characters, those that reorder text and those
 * that cannot be seen are written as `\x1b` or `\u202e`. Of a line that was overwritten with carriage returns the last state stays. Tabs stay.
 */
export function printable(line: string): string {
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return Bun.stripANSI(last).replaceAll(unseen, (c) => (c === "\t" ? c : escaped(c)));
}

/** Foreign output of several lines: each is made harmless by {@link printable}. */
export function printableText(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** Bold, dim, the colours of {@link Style}, and their ends. */
const ownStyle = /\x1b\[(?:1|2|22|3[1-4]|39)m/g;

/**
 * Text of ours on its way to a terminal, whatever foreign words are in it: colours of ours stay, all else is as {@link printable} leaves it, and a
 * carriage return is a character that cannot be seen. The last net: what is known to be foreign goes through `printable` where it is put into words.
 */
export function harmless(text: string): string {
  if (!unseenAtAll.test(text)) return text;
  let from = 0;
  let result = "";
  for (const match of text.matchAll(ownStyle)) {
    result += withoutEffect(text.slice(from, match.index)) + match[0];
    from = match.index + match[0].length;
  }
  return result + withoutEffect(text.slice(from));
}

const unseenAtAll = new RegExp(unseen.source, "u");
const withoutEffect = (text: string): string => Bun.stripANSI(text).replaceAll(unseen, (c) => (c === "\t" || c === "\n" ? c : escaped(c)));

/** All that a terminal or a reader could be misled by, for texts that can say characters by their number. */
export const escapedInJson = (json: string): string => json.replaceAll(unseen, (c) => [...c].flatMap((one) => Array.from({ length: one.length }, (_, i) => `\\u${one.charCodeAt(i).toString(16).padStart(4, "0")}`)).join(""));

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\u{${code.toString(16)}}`;
}
