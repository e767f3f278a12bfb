/** Lines that arrive in pieces of text, for one reader. The writer is told to wait while the reader is behind. */
export class Lines implements AsyncIterable<string> {
  readonly #ready: string[] = [];
  readonly #onFull: (full: boolean) => void;
  #rest = "";
  #ended = false;
  #full = false;
  #wake: (() => void) | undefined;

  /** @param onFull told when to wait and when to go on */
  constructor(onFull: (full: boolean) => void) {
    this.#onFull = onFull;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#ready.push(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (!this.#full && this.#ready.length > mostWaiting) this.#onFull((this.#full = true));
    this.#wake?.();
  }

  /** A last line without a line end counts. */
  end(): void {
    if (this.#rest !== "") this.push("\n");
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      for (let line = this.#ready.shift(); line !== undefined; line = this.#ready.shift()) yield line;
      if (this.#full) this.#onFull((this.#full = false));
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

/** Lines that may wait for the reader. */
const mostWaiting = 5000;
