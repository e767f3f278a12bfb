import type { Event } from "../ground/event.ts";
import { escapedInJson } from "./printable.ts";
import type { Reporter } from "./reporter.ts";

/** One line of `--json` output, without its version. */
export interface JsonRecord {
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * One record as one line, `"v":1` first. The version changes only when a key changes its meaning or goes.
 * What cannot be seen or reorders text is escaped, so that the line is harmless on a terminal and says what it shows.
 */
export function jsonLine(record: JsonRecord): string {
  return escapedInJson(JSON.stringify({ v: 1, ...record }));
}

/** Prints every event as it is, one a line. @param write gets a line without its line break */
export function jsonReporter(write: (line: string) => void): Reporter {
  return {
    report: (event: Event) => {
      const { type, at, ...rest } = event;
      write(jsonLine({ type, at, ...rest }));
    },
    pause: () => () => undefined,
    close: () => undefined,
  };
}

/** The last line of a run that came to its end. A run that failed ends with the line of `errorJson` instead. */
export function resultLine(result: { readonly command: string; readonly status: number; readonly durationMs: number }): string {
  return jsonLine({ type: "result", ok: result.status === 0, ...result });
}
