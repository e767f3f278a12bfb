/** Calls back when time is up, not counting pauses: a question to the user must not eat the time of a connection. */
export class Deadline implements Disposable {
  readonly #onPassed: () => void;
  #leftMs: number;
  #startedAt = 0;
  #pauses = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, onPassed: () => void) {
    this.#leftMs = ms;
    this.#onPassed = onPassed;
    this.#start();
  }

  /** Runs `work` with the clock stopped. */
  async pausedFor<T>(work: () => Promise<T>): Promise<T> {
    if (this.#pauses++ === 0) this.#stop();
    try {
      return await work();
    } finally {
      if (--this.#pauses === 0) this.#start();
    }
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(this.#onPassed, Math.max(0, this.#leftMs));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#startedAt;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#pauses = Number.POSITIVE_INFINITY;
  }
}
