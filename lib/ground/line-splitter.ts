/** Makes whole lines of output that comes in pieces. One for each stream. */
export class LineSplitter {
  readonly #tell: (line: string) => void;
  #partial = "";

  /** @param tell called for each line, without its line break */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  feed(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#tell(line);
  }

  /** The output has ended: what came after the last line break is a line, too. */
  end(): void {
    if (this.#partial !== "") this.#tell(this.#partial);
    this.#partial = "";
  }
}
