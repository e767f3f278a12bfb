import { CancelledError } from "../ground/errors.ts";

/** Ctrl-C and its kin as an AbortSignal. Disposing gives the signals back to the system. */
export interface StopSignals extends Disposable {
  readonly signal: AbortSignal;
}

const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const words: Readonly<Record<(typeof names)[number], string>> = { SIGINT: "Stopped by Ctrl-C", SIGTERM: "Stopped by SIGTERM", SIGHUP: "Stopped because the terminal was closed" };

/**
 * Listens for SIGINT, SIGTERM and SIGHUP. The first asks for an orderly stop by aborting the signal with a {@link CancelledError}; the second leaves at once with status 130.
 * @param onStop told of the first, such as to say what the second one would do
 */
export function stopSignals(onStop: (text: string) => void = () => undefined): StopSignals {
  const aborter = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (aborter.signal.aborted) process.exit(130);
    const text = words[name as (typeof names)[number]];
    aborter.abort(new CancelledError(text));
    onStop(text);
  };
  for (const name of names) process.on(name, stop);
  return {
    signal: aborter.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, stop);
    },
  };
}
