import type { Settings } from "../config/settings.ts";
import type { HostStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { EarlyBatches } from "./early.ts";
import type { Lock } from "./lock.ts";
import { observe } from "./observe.ts";

/** What is begun while the lock is taken, in the hope that nobody else has it: the look at hosts, and steps that do no harm in vain. Dispose it to end those steps. */
export class HeadStart implements Disposable {
  /** What hosts were given. */
  readonly early: EarlyBatches;
  readonly #askedAt: number;
  readonly #facts: Promise<FleetFacts | undefined>;
  #isUsed = false;

  /** @param looking the world to look at hosts in, @param doing that of the steps */
  constructor(looking: World, doing: World, settings: Settings, hosts: readonly string[], steps: ReadonlyMap<string, readonly HostStep[]>) {
    this.#askedAt = looking.clock.now();
    // Why there is no answer is found out by asking again.
    this.#facts = observe(looking, settings, hosts).catch(() => undefined);
    this.early = new EarlyBatches(doing, steps);
  }

  /** What hosts said, the first time it is asked. That and what they began counts only if nobody else can have been at work since. @returns undefined when it does not count, or not all hosts answered */
  async facts(lock: Pick<Lock, "freeSince"> | undefined): Promise<FleetFacts | undefined> {
    if (this.#isUsed) return undefined;
    this.#isUsed = true;
    if (lock !== undefined && this.#askedAt >= lock.freeSince) return await this.#facts;
    this.early.outdate();
    return undefined;
  }

  [Symbol.dispose](): void {
    this.early[Symbol.dispose]();
  }
}
