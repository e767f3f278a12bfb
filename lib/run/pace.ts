import { CancelledError } from "../ground/errors.ts";
import type { Engine } from "./progress.ts";

/** One lane of a stretch. */
export interface PacedLane {
  /** What tells how far the lane is. */
  readonly engine: Engine;
  /** Aborted when it is to begin nothing more: another lane failed in a phase that this one is past, or this one is done with the phase that it was in then. The step in flight comes to its end. */
  readonly signal: AbortSignal;
  /** It failed where it stands. @returns index of that phase */
  fail(): number;
}

/**
 * Lanes that go through several phases each by itself. Once one fails, the others go on to the end of the phase that they are in, as far as they are not past
 * the one that failed: so all who fail for the same cause are told, and nobody begins with what would be taken back, nor is a slow one waited for longer than that.
 */
export class Pace {
  readonly #phases: readonly string[];
  readonly #lanes: { at: number; /** The last phase that it may be in. */ last: number; readonly stop: AbortController }[] = [];
  #failedAt: number | undefined;

  /** @param phases titles, in order */
  constructor(phases: readonly string[]) {
    this.#phases = phases;
  }

  /** @param engine told of everything that the lane's own is */
  lane(engine: Engine): PacedLane {
    const lane = { at: 0, last: this.#failedAt === undefined ? this.#phases.length : 0, stop: new AbortController() };
    this.#lanes.push(lane);
    return {
      signal: lane.stop.signal,
      engine: {
        sure: (signal) => engine.sure(signal),
        begin: (planned, atMs) => {
          lane.at = this.#phases.indexOf(planned.phase);
          engine.begin(planned, atMs);
          this.#stopThose();
        },
        end: (planned, ok, atMs) => engine.end(planned, ok, atMs),
        withdraw: (planned) => engine.withdraw(planned),
        handOns: engine.handOns,
        delivered: (sentBytes, thereBytes) => engine.delivered(sentBytes, thereBytes),
        leave: (host, left) => engine.leave(host, left),
      },
      fail: () => {
        const failedAt = Math.min(lane.at, this.#failedAt ?? lane.at);
        this.#failedAt = failedAt;
        for (const one of this.#lanes) one.last = Math.min(one.last, one.at, failedAt);
        this.#stopThose();
        return lane.at;
      },
    };
  }

  #stopThose(): void {
    for (const { at, last, stop } of this.#lanes) if (at > last) stop.abort(new CancelledError());
  }
}
