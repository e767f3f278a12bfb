import { LineSplitter } from "../../ground/line-splitter.ts";

/** Lines that arrive in pieces of text, for one reader. The writer is told to wait while the reader is behind. */
export class Lines implements AsyncIterable<string> {
  readonly #ready: string[] = [];
  readonly #onFull: (full: boolean) => void;
  readonly #splitter = new LineSplitter((line) => this.#add(line));
  #waitingChars = 0;
  #ended = false;
  #full = false;
  #wake: (() => void) | undefined;

  /** @param onFull told when to wait and when to go on */
  constructor(onFull: (full: boolean) => void) {
    this.#onFull = onFull;
  }

  push(text: string): void {
    this.#splitter.feed(text);
    if (!this.#full && (this.#ready.length > mostWaiting || this.#waitingChars > mostWaitingChars)) this.#onFull((this.#full = true));
    this.#wake?.();
  }

  /** A last line without a line end counts. */
  end(): void {
    this.#splitter.end();
    this.#ended = true;
    this.#wake?.();
  }

  #add(line: string): void {
    this.#ready.push(line.endsWith("\r") ? line.slice(0, -1) : line);
    this.#waitingChars += line.length;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      for (let line = this.#ready.shift(); line !== undefined; line = this.#ready.shift()) yield line;
      this.#waitingChars = 0;
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
/** And their characters together. */
const mostWaitingChars = 4 * 1024 * 1024;
