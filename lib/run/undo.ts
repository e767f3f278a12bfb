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

/**
 * Takes back what a plan began, phase by phase, newest first, on all hosts side by side. A step whose outcome is
 * unknown is taken back too: undos are harmless when nothing happened. Never rejects.
 */
export async function takeBack(world: World, journal: Journal): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const byPhase = new Map<string, PlannedStep[]>();
  for (const planned of journal.undoable()) byPhase.set(planned.phase, [...(byPhase.get(planned.phase) ?? []), planned]);
  for (const steps of byPhase.values()) {
    const hosts = [...new Set(steps.flatMap((planned) => planned.host ?? []))].toReversed();
    const results = await settle(hosts, hosts.length, async (host) => {
      const undone: Taken[] = [];
      await awaitLeftBehind(world, host, journal);
      for (const planned of steps.filter((one) => one.host === host)) undone.push(await takeBackStep(world, host, planned));
      return undone;
    });
    for (const result of results) if (result.ok) taken.push(...result.value);
  }
  return taken;
}

/** An undo must not overtake the step it takes back: a shell that was left behind is asked to stop after its step, and waited for. */
async function awaitLeftBehind(world: World, host: string, journal: Journal): Promise<void> {
  const pid = journal.leftBehind.get(host);
  if (pid === undefined) return;
  const quiet = sh`kill -TERM ${pid} 2> /dev/null; i=0; while kill -0 ${pid} 2> /dev/null && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done`;
  await world.transport.run(host, quiet, { timeoutMs: undoTimeoutMs, signal: AbortSignal.timeout(undoTimeoutMs) }).catch(() => undefined);
  journal.leftBehind.delete(host);
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
