import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import type { Journal, PlannedStep } from "./journal.ts";
import type { Lock } from "./lock.ts";
import { recordOf } from "./record.ts";
import { reconnect } from "./reconnect.ts";
import { tell } from "./stamp.ts";
import { keepVigil } from "./vigil.ts";

/** What became of taking back one step. */
export interface Taken {
  readonly planned: PlannedStep;
  readonly ok: boolean;
  /** Why not. */
  readonly text: string | undefined;
}

/** Of one undo at least, else as long as its step may take: a switch back waits for the proxy to drain. It runs also after Ctrl-C. */
const undoTimeoutMs = 120_000;

/** How long a host that lost its connection may take to be there again before it is given up. */
const reconnectMs = 15_000;

/**
 * Takes back what a plan began, phase by phase, newest first, on all hosts side by side. A step whose outcome is
 * unknown is taken back too: undos are harmless when nothing happened. What came before a step that could not be taken
 * back stays: a container must not go while requests are still sent to it. Never rejects.
 * @param away by host, why nothing can be done there
 * @param lock once it is lost nothing more is taken back
 */
export async function takeBack(world: World, journal: Journal, away: ReadonlyMap<string, string>, lock?: Pick<Lock, "sure" | "lost">): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const stuck = new Map<string, PlannedStep>();
  const byPhase = new Map<string, PlannedStep[]>();
  for (const planned of journal.undoable()) byPhase.set(planned.phase, [...(byPhase.get(planned.phase) ?? []), planned]);
  for (const steps of byPhase.values()) {
    const hosts = [...new Set(steps.flatMap((planned) => planned.host ?? []))].toReversed();
    const results = await settle(hosts, hosts.length, async (host) => {
      const undone: Taken[] = [];
      const why = stuck.has(host) ? undefined : (away.get(host) ?? (await reachable(world, host)));
      for (const planned of steps.filter((one) => one.host === host)) {
        const before = stuck.get(host);
        await lock?.sure();
        const result = before !== undefined
          ? { planned, ok: false, text: `it is left as it is, since "${before.step.title}" could not be taken back` }
          : lock?.lost.aborted === true ? { planned, ok: false, text: "the deploy lock was lost meanwhile, and another run may be at work" }
          : why === undefined ? await takeBackStep(world, host, planned) : { planned, ok: false, text: why };
        if (!result.ok && before === undefined) stuck.set(host, planned);
        undone.push(result);
      }
      return undone;
    });
    for (const result of results) if (result.ok) taken.push(...result.value);
  }
  return taken;
}

/**
 * Makes sure that nothing of ours is at work any more on hosts whose connection was lost: an undo must not overtake the step it takes
 * back. A shell that was left behind is asked to stop after its step, and waited for; what it did unheard is written into the journal.
 * @returns by host, why that cannot be known; never rejects
 */
export async function quieten(world: World, journal: Journal): Promise<ReadonlyMap<string, string>> {
  const away = new Map<string, string>();
  const left = [...journal.leftBehind];
  await settle(left, Math.max(1, left.length), async ([host, batch]) => {
    using _ = keepVigil(world, { host, title: "Connect again, and wait for the end of what is at work there", deadlineMs: reconnectMs + undoTimeoutMs });
    try {
      await reconnect(world, host, AbortSignal.timeout(reconnectMs), reconnectMs);
      const record = await recordOf(world, host, batch, undoTimeoutMs, AbortSignal.timeout(undoTimeoutMs + reconnectMs));
      if (record === undefined) away.set(host, "it is still at work there");
      else if (record !== "gone") journal.learn(batch, record.statuses);
      journal.leftBehind.delete(host);
    } catch (error) {
      away.set(host, error instanceof Error ? error.message : String(error));
    }
  });
  return away;
}

/** @returns why the host cannot be reached */
async function reachable(world: World, host: string): Promise<string | undefined> {
  return reconnect(world, host, AbortSignal.timeout(reconnectMs), reconnectMs).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
}

async function takeBackStep(world: World, host: string, planned: PlannedStep): Promise<Taken> {
  const { step } = planned;
  if (step.kind !== "run" || step.undo === undefined) return { planned, ok: true, text: undefined };
  const timeoutMs = Math.max(undoTimeoutMs, step.timeoutMs ?? 0);
  let text: string | undefined;
  using _ = keepVigil(world, { host, role: step.role, title: step.undoTitle ?? `Take back: ${step.title}`, deadlineMs: timeoutMs });
  try {
    const exit = await world.transport.run(host, step.undo, { timeoutMs, signal: AbortSignal.timeout(timeoutMs) });
    if (exit.status !== 0) text = exit.stderr.trim().split("\n").at(-1) || `it ended with ${exit.status === undefined ? `signal ${exit.signal}` : `status ${exit.status}`}`;
  } catch (error) {
    text = error instanceof Error ? error.message : String(error);
  }
  tell(world, { type: "undo", host, title: step.undoTitle ?? `Take back: ${step.title}`, ok: text === undefined, ...(text === undefined ? {} : { text }) });
  return { planned, ok: text === undefined, text };
}
