import type { Clock } from "../ground/world.ts";
import { cancellation, onAbort, throwIfCancelled } from "./cancel.ts";

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    throwIfCancelled(signal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    using _ = onAbort(signal, () => reject(cancellation(signal)));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  },
};
