import { sh } from "../ground/command.ts";
import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import type { Journal, PlannedStep } from "./journal.ts";
import { tell } from "./stamp.ts";

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
const reconnectMs = 20_000;

/**
 * Takes back what a plan began, phase by phase, newest first, on all hosts side by side. A step whose outcome is
 * unknown is taken back too: undos are harmless when nothing happened. What came before a step that could not be taken
 * back stays: a container must not go while requests are still sent to it. Never rejects.
 */
export async function takeBack(world: World, journal: Journal): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const stuck = new Map<string, PlannedStep>();
  const byPhase = new Map<string, PlannedStep[]>();
  for (const planned of journal.undoable()) byPhase.set(planned.phase, [...(byPhase.get(planned.phase) ?? []), planned]);
  for (const steps of byPhase.values()) {
    const hosts = [...new Set(steps.flatMap((planned) => planned.host ?? []))].toReversed();
    const results = await settle(hosts, hosts.length, async (host) => {
      const undone: Taken[] = [];
      const away = stuck.has(host) ? undefined : await quieten(world, host, journal);
      for (const planned of steps.filter((one) => one.host === host)) {
        const before = stuck.get(host);
        const result = before !== undefined
          ? { planned, ok: false, text: `it is left as it is, since "${before.step.title}" could not be taken back` }
          : away === undefined ? await takeBackStep(world, host, planned) : { planned, ok: false, text: away };
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
 * Makes sure that nothing of ours is at work on the host any more: an undo must not overtake the step it takes back. A
 * shell that was left behind is asked to stop after its step, and waited for.
 * @returns why that cannot be known
 */
async function quieten(world: World, host: string, journal: Journal): Promise<string | undefined> {
  const pid = journal.leftBehind.get(host);
  try {
    await reconnect(world, host);
    if (pid === undefined) return undefined;
    const quiet = sh`kill -TERM ${pid} 2> /dev/null; i=0; while kill -0 ${pid} 2> /dev/null && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done`;
    await world.transport.run(host, quiet, { timeoutMs: undoTimeoutMs, signal: AbortSignal.timeout(undoTimeoutMs) });
    journal.leftBehind.delete(host);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Waits for a host whose sshd restarts, or whose network was away for a moment. @throws what the last attempt threw */
async function reconnect(world: World, host: string): Promise<void> {
  const signal = AbortSignal.timeout(reconnectMs);
  const until = world.clock.now() + reconnectMs;
  for (;;) {
    try {
      return await world.transport.connect(host, signal);
    } catch (error) {
      if (world.clock.now() >= until || signal.aborted) throw error;
      await world.clock.sleep(500, signal).catch(() => undefined);
    }
  }
}

async function takeBackStep(world: World, host: string, planned: PlannedStep): Promise<Taken> {
  const { step } = planned;
  if (step.kind !== "run" || step.undo === undefined) return { planned, ok: true, text: undefined };
  const timeoutMs = Math.max(undoTimeoutMs, step.timeoutMs ?? 0);
  let text: string | undefined;
  try {
    const exit = await world.transport.run(host, step.undo, { timeoutMs, signal: AbortSignal.timeout(timeoutMs) });
    if (exit.status !== 0) text = exit.stderr.trim().split("\n").at(-1) || `it ended with ${exit.status === undefined ? `signal ${exit.signal}` : `status ${exit.status}`}`;
  } catch (error) {
    text = error instanceof Error ? error.message : String(error);
  }
  tell(world, { type: "undo", host, title: step.undoTitle ?? `Take back: ${step.title}`, ok: text === undefined, ...(text === undefined ? {} : { text }) });
  return { planned, ok: text === undefined, text };
}
