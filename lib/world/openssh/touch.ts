import type { Deadline } from "../ssh/deadline.ts";

/** Stops the clock of a connection while a key is to be touched, or its use to be confirmed: from the host's yes to a key until OpenSSH says what came of it. */
export class Touch implements Disposable {
  readonly #deadline: Deadline;
  #leftMs: number;
  #end: (() => void) | undefined;

  /** @param longestMs how long all such pauses may take together: a host has a say in what OpenSSH prints */
  constructor(deadline: Deadline, longestMs: number) {
    this.#deadline = deadline;
    this.#leftMs = longestMs;
  }

  /** The user is being asked for something that is no text. It lasts until the next line. */
  begin(): void {
    if (this.#end !== undefined || this.#leftMs <= 0) return;
    const startedAt = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#over(), this.#leftMs);
    this.#end = () => {
      clearTimeout(timer);
      this.#leftMs -= performance.now() - startedAt;
      resolve();
    };
    void this.#deadline.pausedFor(() => promise);
  }

  /** Takes a line of OpenSSH's. @returns false: it is nobody's */
  heard(line: string): false {
    this.#over();
    if (line.startsWith("debug1: Server accepts key: ")) this.begin();
    return false;
  }

  [Symbol.dispose](): void {
    this.#over();
  }

  #over(): void {
    this.#end?.();
    this.#end = undefined;
  }
}
