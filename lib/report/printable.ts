/**
 * One line of foreign output, made harmless: escape sequences are gone, other control characters and those that
 * reorder text are written as `\x1b` or `\u202e`. Of a line that was overwritten with carriage returns the last state stays. Tabs stay.
 */
export function printable(line: string): string {
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return Bun.stripANSI(last).replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (c) => (c === "\t" ? c : escaped(c)));
}

/** Foreign output of several lines: each is made harmless by {@link printable}. */
export function printableText(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
