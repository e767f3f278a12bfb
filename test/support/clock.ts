import type { Clock } from "../../lib/ground/world.ts";

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** A clock that stands still while anything is left to do, then jumps to whoever sleeps least long: no test waits. */
export function fakeClock(): Clock {
  let now = Date.UTC(2030, 0, 2, 3, 4, 5);
  let ticking = false;
  const sleepers = new Set<Sleeper>();
  const tick = (): void => {
    const [first] = [...sleepers].toSorted((a, b) => a.at - b.at);
    ticking = first !== undefined;
    if (first === undefined) return;
    now = Math.max(now, first.at);
    first.wake();
    setTimeout(tick, 0);
  };
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper: Sleeper = { at: now + ms, wake: () => end(resolve) };
      const stop = (): void => end(() => reject(signal.reason));
      const end = (how: () => void): void => {
        sleepers.delete(sleeper);
        signal.removeEventListener("abort", stop);
        how();
      };
      signal.addEventListener("abort", stop);
      sleepers.add(sleeper);
      if (!ticking) setTimeout(tick, 0);
      ticking = true;
      await promise;
    },
  };
}
