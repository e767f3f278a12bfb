import { onAbort, throwIfCancelled, cancellation } from "./cancel.ts";

/** Places that are taken and given back, first come first served. */
export class Slots {
  #limit: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Fewer places from now on, at least one. Those taken stay taken. */
  shrink(limit: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, limit));
  }

  /** Waits for a place. Dispose what is returned to give it back. @throws CancelledError when `signal` aborts first */
  async take(signal: AbortSignal): Promise<Disposable> {
    throwIfCancelled(signal);
    if (this.#taken < this.#limit) this.#taken++;
    else await this.#turn(signal);
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (given) return;
        given = true;
        this.#taken--;
        if (this.#taken < this.#limit) this.#next();
      },
    };
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    using _ = onAbort(signal, () => {
      const place = this.#waiting.indexOf(resolve);
      if (place === -1) return;
      this.#waiting.splice(place, 1);
      reject(cancellation(signal));
    });
    await promise;
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#taken++;
    next();
  }
}
