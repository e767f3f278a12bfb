/** The longest line that is kept whole, in characters: a program that never ends its line must not fill the memory. */
export const longestLine = 64 * 1024;

/** A line as pieces of at most {@link longestLine}. No piece ends within a character. */
export function pieces(line: string): readonly string[] {
  if (line.length <= longestLine) return [line];
  const cut: string[] = [];
  let from = 0;
  while (line.length - from > longestLine) {
    const last = line.charCodeAt(from + longestLine - 1);
    const to = from + longestLine - (last >= 0xd800 && last < 0xdc00 ? 1 : 0);
    cut.push(line.slice(from, to));
    from = to;
  }
  return [...cut, line.slice(from)];
}

/** Makes whole lines of output that comes in pieces. One for each stream. A line of more than {@link longestLine} comes as several. */
export class LineSplitter {
  readonly #tell: (line: string) => void;
  #partial = "";

  /** @param tell called for each line, without its line break */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  feed(text: string): void {
    const lines = text.split("\n");
    lines[0] = this.#partial + (lines[0] ?? "");
    const begun = pieces(lines.pop() ?? "");
    for (const line of lines) pieces(line).forEach((piece) => this.#tell(piece));
    for (const piece of begun.slice(0, -1)) this.#tell(piece);
    this.#partial = begun.at(-1) ?? "";
  }

  /** The output has ended: what came after the last line break is a line, too. */
  end(): void {
    if (this.#partial !== "") this.#tell(this.#partial);
    this.#partial = "";
  }
}
