import { CancelledError } from "../../ground/errors.ts";
import { unlessCancelled } from "../cancel.ts";

/** Work that several wait for. It is aborted only when nobody waits any more. */
export class Shared<T> {
  /** What became of the work. */
  readonly settled: Promise<T>;
  readonly #aborter = new AbortController();
  #waiting = 0;
  #value: T | undefined;
  #failed = false;

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.settled = work(this.#aborter.signal);
    this.settled.then((value) => (this.#value = value), () => (this.#failed = true));
  }

  /** The result, once it is there. */
  get value(): T | undefined {
    return this.#value;
  }

  /** True also for work that was given up. */
  get failed(): boolean {
    return this.#failed || (this.#value === undefined && this.#aborter.signal.aborted);
  }

  async wait(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    try {
      return await unlessCancelled(this.settled, signal);
    } finally {
      if (--this.#waiting === 0) this.abort();
    }
  }

  /** Ends the work unless it is done. */
  abort(): void {
    if (this.#value === undefined) this.#aborter.abort(new CancelledError());
  }
}
