import type { World } from "../ground/world.ts";
import { tell } from "./stamp.ts";

/** What is waited for. */
export interface Vigil {
  readonly host: string | undefined;
  readonly role?: string | undefined;
  readonly title: string;
  readonly deadlineMs: number;
  /** What was heard of it last. */
  readonly heard?: () => string | undefined;
}

/** Silence until then is nothing to talk about. */
const firstMs = 10_000;
/** However long something takes, it is told at least so often. */
const widestMs = 300_000;

/**
 * Watches over something in work: tells that it is waited for, after ten seconds and then at intervals that double, and
 * calls `late` once its deadline has passed. Disposing ends the watch.
 */
export function keepVigil(world: Pick<World, "clock" | "report">, { host, role, title, deadlineMs, heard }: Vigil, late?: () => void): Disposable {
  const over = new AbortController();
  const started = world.clock.now();
  void (async () => {
    for (let next = firstMs; ; next += Math.min(next, widestMs)) {
      if (next >= deadlineMs) {
        await world.clock.sleep(started + deadlineMs - world.clock.now(), over.signal);
        return late?.();
      }
      await world.clock.sleep(started + next - world.clock.now(), over.signal);
      const text = heard?.();
      tell(world, { type: "waiting", host, role, title, elapsedMs: world.clock.now() - started, deadlineMs, ...(text === undefined || text === "" ? {} : { text }) });
    }
  })().catch(() => undefined);
  return { [Symbol.dispose]: () => over.abort() };
}

/** A time limit in a sentence: `40 seconds`, `10 minutes`, `2 hours`. */
export function inWords(ms: number): string {
  const [count, unit] = ms >= 7_200_000 && ms % 3_600_000 === 0 ? [ms / 3_600_000, "hour"] : ms >= 120_000 && ms % 60_000 === 0 ? [ms / 60_000, "minute"] : [Math.round(ms / 1000), "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
