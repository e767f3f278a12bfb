import type { Event } from "../ground/event.ts";

/** Keeps a run somewhere else than on the screen. */
export interface Recorder {
  /** Takes one event, secrets scrubbed. Never throws. */
  report(event: Event): void;
  /** Ends the record. Never rejects. @returns where it is, as a sentence; undefined when it could not be kept, which was told then */
  end(ending: Ending): Promise<string | undefined>;
}

/** How a run ended. */
export interface Ending {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly durationMs: number;
  /** Undefined: all went well. */
  readonly failure: Failed | undefined;
}

/** Why a run failed, secrets scrubbed. */
export interface Failed {
  /** The kind of failure, such as `health`; for a bug the class of the error. */
  readonly type: string;
  /** One line. */
  readonly message: string;
  /** All there is to say, as it is shown on a terminal. */
  readonly text: string;
}

/** Seconds with one decimal, as Kamal writes them: `12.3s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;
