import { CancelledError } from "../ground/errors.ts";
import type { Engine } from "./progress.ts";

/** One lane of a stretch. */
export interface PacedLane {
  /** What tells how far the lane is. */
  readonly engine: Engine;
  /** Aborted when it is to begin nothing more: another lane failed in a phase that this one is past. The step in flight comes to its end. */
  readonly signal: AbortSignal;
  /** It failed where it stands. */
  fail(): void;
}

/**
 * Lanes that go through several phases each by itself. Once one fails, the others go on to the end of that phase, as far as they are not past it: so all
 * who fail for the same cause are told, and nobody begins with what would be taken back.
 */
export class Pace {
  readonly #phases: readonly string[];
  readonly #lanes: { at: number; readonly stop: AbortController }[] = [];
  #failedAt: number | undefined;

  /** @param phases titles, in order */
  constructor(phases: readonly string[]) {
    this.#phases = phases;
  }

  /** Index of the first phase in which a lane failed. */
  get failedAt(): number | undefined {
    return this.#failedAt;
  }

  /** @param engine told of everything that the lane's own is */
  lane(engine: Engine): PacedLane {
    const lane = { at: 0, stop: new AbortController() };
    this.#lanes.push(lane);
    return {
      signal: lane.stop.signal,
      engine: {
        sure: (signal) => engine.sure(signal),
        begin: (planned) => {
          lane.at = this.#phases.indexOf(planned.phase);
          engine.begin(planned);
          this.#stopThose();
        },
        end: (planned, ok) => engine.end(planned, ok),
        withdraw: (planned) => engine.withdraw(planned),
        handOns: engine.handOns,
        delivered: (sentBytes, thereBytes) => engine.delivered(sentBytes, thereBytes),
        leave: (host, left) => engine.leave(host, left),
      },
      fail: () => {
        this.#failedAt = Math.min(lane.at, this.#failedAt ?? lane.at);
        this.#stopThose();
      },
    };
  }

  #stopThose(): void {
    const { length } = this.#phases;
    for (const { at, stop } of this.#lanes) if (at > (this.#failedAt ?? length)) stop.abort(new CancelledError());
  }
}
