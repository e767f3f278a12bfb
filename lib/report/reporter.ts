import type { Event } from "../ground/event.ts";

/** Shows a run. One is chosen at the start: live view, lines, or JSON. */
export interface Reporter {
  /** Shows one event. Never throws for an event of any shape. */
  report(event: Event): void;
  /** Takes live text off the screen and holds lines back so that others can write. @returns puts it back */
  pause(): () => void;
  /** Writes what is still held back and leaves the terminal as it was. May be called twice. */
  close(): void;
}

/** How much is shown. */
export type Verbosity = "quiet" | "normal" | "verbose";
