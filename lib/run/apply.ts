import { CancelledError, isDeployError, ProgramError, type DeployError } from "../ground/errors.ts";
import { LineSplitter } from "../ground/line-splitter.ts";
import { settle } from "../ground/settle.ts";
import type { CollectStep, HookStep, LocalStep, Phase, Plan, RunStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { stepText } from "../plan/print.ts";
import { claimed } from "./claim.ts";
import type { EarlyBatches } from "./early.ts";
import { failureOf, type Failed } from "./failure.ts";
import { HandOns } from "./hand-on.ts";
import { Journal, type PlannedStep } from "./journal.ts";
import { carryLane } from "./lane.ts";
import type { Lock } from "./lock.ts";
import { Pace } from "./pace.ts";
import type { Engine, HostPlanned, LeftBatch } from "./progress.ts";
import { tell } from "./stamp.ts";
import { quieten, takeBack } from "./undo.ts";
import { isDone } from "./unless.ts";
import { keepVigil } from "./vigil.ts";

/** What carrying out a plan needs beside the world. */
export interface Conductor {
  /** Undefined: this run needs none, or works under that of the run that called it. */
  readonly lock?: Pick<Lock, "sure" | "lost"> | undefined;
  /** What hosts were given of the plan before it was made. */
  readonly early?: EarlyBatches | undefined;
  callHook(step: HookStep): Promise<void>;
  /** Called when a step that writes to the audit log has succeeded. */
  onAudit(host: string, role: string | undefined, entry: NonNullable<RunStep["audit"]>): void;
  /** Called when a phase begins. */
  onPhase(title: string): void;
  /** Called with the `sha256:…` of an image that a step pushed. */
  onPushed?(digest: string): void;
  /** Called when an image was sent to a host: so many bytes, and so many that it had. */
  onDelivered?(sentBytes: number, thereBytes: number): void;
}

/** How long the phases took, in order. */
export type PhaseTimes = readonly { readonly phase: string; readonly durationMs: number }[];

/**
 * Carries out a plan: the only place that changes hosts. On failure it takes back what was begun, newest first, as
 * long as no committed phase has begun, and the lock is not lost: without it another run may be at work, and undos go by what was there before that.
 * @throws DeployError that says what failed where, and what is true now
 */
export async function apply(world: World, plan: Plan, conductor: Conductor): Promise<PhaseTimes> {
  const score = new Score(world, plan, conductor);
  for (const stretch of stretches(plan.phases)) {
    const failed = await carryStretch(world, conductor, score, stretch);
    score.closePhases(failed.length === 0);
    if (failed.length === 0) continue;
    const away = await quieten(world, score.journal);
    await conductor.lock?.sure();
    const lost = conductor.lock?.lost.aborted === true;
    const taken = score.journal.committed || lost ? [] : await takeBack(world, score.journal, away, conductor.lock);
    throw failureOf(plan, failed, score.journal, taken, lost);
  }
  return score.times;
}

/** What optional steps may fail with: not Ctrl-C, and not a bug. */
const isPassable = (error: unknown): error is DeployError => isDeployError(error) && error.failure !== "cancelled";

/** Tells an error and passes over it when only optional steps of a host were left to do. @throws the error otherwise */
function passOver(world: World, journal: Journal, steps: readonly PlannedStep[], error: unknown): void {
  const left = steps.filter((planned) => !journal.hasDone(planned));
  if (!isPassable(error) || left.length === 0 || !left.every(({ optional }) => optional)) throw error;
  tell(world, { type: "notice", level: "warn", ...(error.host === undefined ? {} : { host: error.host }), text: error.message });
}

/**
 * Neighbouring phases that concern one and the same host only need no barrier between them, nor does a phase that follows: their steps travel
 * together. This is what makes a deploy cheap over a slow line, and keeps a slow host from holding up what the others prepare.
 */
export function stretches(phases: readonly Phase[]): readonly (readonly Phase[])[] {
  const found: Phase[][] = [];
  for (const phase of phases) {
    if (phase.lanes.every((lane) => lane.steps.length === 0)) continue;
    const last = found.at(-1);
    const host = loneHost(phase);
    const isLone = last?.[0] !== undefined && host !== undefined && loneHost(last[0]) === host;
    const isFollowing = phase.follows === true && last?.at(-1)?.lanes.some((lane) => lane.host !== undefined) === true;
    if (last !== undefined && (isLone || isFollowing)) last.push(phase);
    else found.push([phase]);
  }
  return found;
}

function loneHost(phase: Phase): string | undefined {
  return phase.lanes.length === 1 ? phase.lanes[0]?.host : undefined;
}

/** @returns what lanes failed with */
async function carryStretch(world: World, conductor: Conductor, score: Score, stretch: readonly Phase[]): Promise<readonly Failed[]> {
  const phase = stretch.at(-1);
  if (world.signal.aborted) return [{ error: new CancelledError(), phase }];
  const planned = ({ title, lanes, optional, committed }: Phase, host: string | undefined): PlannedStep[] =>
    lanes.filter((lane) => lane.host === host).flatMap((lane) => lane.steps.map((step) => ({ phase: title, host, step, optional: optional === true, committed: committed === true })));
  const hosts = [...new Set(stretch.flatMap(({ lanes }) => lanes.map(({ host }) => host)))];
  await using stack = new AsyncDisposableStack();
  try {
    for (const path of stretch.flatMap(({ claims }) => claims ?? [])) stack.use(await claimed(world, path));
  } catch (error) {
    return [{ error, phase }];
  }
  const tunnels = stack.use(await openTunnels(world, stretch));
  if (!tunnels.ok) return tunnels.errors.map((error) => ({ error, phase }));
  score.handOns.expect(stretch.flatMap(({ lanes }) => lanes.flatMap(({ host, steps }) => (host !== undefined && steps.some((step) => step.kind === "deliver" && step.handOn !== undefined) ? [host] : []))));
  const pace = new Pace(stretch.map(({ title }) => title));
  const failedIn = new Map<string | undefined, Phase | undefined>();
  const results = await settle(hosts, stretch[0]?.limit ?? hosts.length, async (host) => {
    const steps = stretch.flatMap((one) => planned(one, host));
    const lane = pace.lane(score);
    try {
      const here = { ...world, signal: AbortSignal.any([world.signal, lane.signal]) };
      if (host === undefined) await carryAllHere(here, conductor, score, steps);
      else await carryLane(here, lane.engine, host, steps.filter((step): step is HostPlanned => isHostStep(step)), conductor.early);
    } catch (error) {
      if (lane.signal.aborted && !world.signal.aborted && isDeployError(error) && error.failure === "cancelled") return;
      try {
        passOver(world, score.journal, steps, error);
      } catch (real) {
        failedIn.set(host, stretch[lane.fail()]);
        throw real;
      }
    } finally {
      if (host !== undefined) score.handOns.settled(host);
    }
  });
  await score.handOns.close(world);
  return results.flatMap((result) => (result.ok ? [] : [{ error: result.error, phase: failedIn.get(result.item) }]));
}

const isHostStep = (planned: PlannedStep): boolean => planned.host !== undefined && ["run", "upload", "wait", "deliver"].includes(planned.step.kind);

/** The tunnels of a stretch, all or none. Disposing them closes them. */
async function openTunnels(world: World, stretch: readonly Phase[]): Promise<AsyncDisposable & ({ readonly ok: true } | { readonly ok: false; readonly errors: unknown[] })> {
  const wanted = stretch.flatMap((phase) => phase.tunnels ?? []);
  const results = await settle(wanted, Math.max(1, wanted.length), ({ host, port }) => world.transport.tunnel(host, port, world.signal));
  const opened = results.flatMap((result) => (result.ok ? [result.value] : []));
  const errors = results.flatMap((result) => (result.ok ? [] : [result.error]));
  const close = async (): Promise<void> => void (await Promise.all(opened.map((tunnel) => tunnel[Symbol.asyncDispose]())));
  if (errors.length > 0) await close();
  return errors.length > 0 ? { ok: false, errors, [Symbol.asyncDispose]: async () => undefined } : { ok: true, [Symbol.asyncDispose]: close };
}

async function carryAllHere(world: World, conductor: Conductor, score: Score, steps: readonly PlannedStep[]): Promise<void> {
  let failed = false;
  for (const planned of steps) {
    if (planned.step.kind === "local" && planned.step.fallback === true && !failed) continue;
    failed = !(await carryHere(world, conductor, score, planned));
  }
}

/** @returns false when an optional step failed */
async function carryHere(world: World, conductor: Conductor, score: Score, planned: PlannedStep): Promise<boolean> {
  await score.sure(world.signal);
  if (world.signal.aborted) throw new CancelledError();
  score.begin(planned);
  let ok = false;
  try {
    const { step } = planned;
    if (step.kind === "hook") await conductor.callHook(step);
    const succeeded = step.kind === "local" ? await runHere(world, conductor, step) : true;
    if (step.kind === "collect") await collect(world, step);
    if (step.kind === "pause") await world.clock.sleep(step.durationMs, world.signal);
    ok = true;
    return succeeded;
  } finally {
    score.end(planned, ok);
  }
}

/** Of a program on this machine. A build may take long; output does not give it more time, since one that goes in circles prints too. */
const localTimeoutMs = 3_600_000;

/** @returns false when an optional program failed */
async function runHere(world: World, conductor: Conductor, step: LocalStep): Promise<boolean> {
  if (step.unless !== undefined && (await isDone(world, step.unless))) return true;
  let last: string | undefined;
  const lines = linesTo(world, step, (line) => {
    last = line;
    const digest = step.digestIn?.(line);
    if (digest !== undefined) conductor.onPushed?.(digest);
  });
  using _ = keepVigil(world, { host: undefined, role: step.role, title: step.title, deadlineMs: localTimeoutMs, heard: () => (last === undefined ? undefined : `last output: ${last}`) });
  const exit = await world.programs.run(step.program, { timeoutMs: localTimeoutMs, signal: world.signal, onOutput: (stream, text) => lines[stream].feed(text) });
  lines.stdout.end();
  lines.stderr.end();
  if (exit.status !== 0 && step.optional !== true) throw new ProgramError(step.program, exit, { hint: step.hint });
  return exit.status === 0;
}

async function collect(world: World, step: CollectStep): Promise<void> {
  let last: string | undefined;
  const lines = linesTo(world, step, (line) => (last = line));
  using _ = keepVigil(world, { host: undefined, role: step.role, title: step.title, deadlineMs: localTimeoutMs, heard: () => (last === undefined ? undefined : `last output: ${last}`) });
  await world.images.collect(step.image, { archive: step.archive, hint: step.hint, signal: world.signal, onOutput: (stream, text) => lines[stream].feed(text) }).catch((error: unknown) => {
    if (step.isSpare !== true || !isDeployError(error) || error.failure !== "missing") throw error;
    tell(world, { type: "notice", level: "info", text: `${step.image} is not on this machine: hosts run the one that they have` });
  });
  lines.stdout.end();
  lines.stderr.end();
}

function linesTo(world: World, step: LocalStep | CollectStep, onLine: (line: string) => void): Readonly<Record<"stdout" | "stderr", LineSplitter>> {
  const splitter = (stream: "stdout" | "stderr"): LineSplitter => new LineSplitter((line) => {
    if (line.trim() !== "") onLine(line.trim());
    tell(world, { type: "output", host: undefined, title: step.title, stream, line, loud: step.kind === "local" && step.loud === true });
  });
  return { stdout: splitter("stdout"), stderr: splitter("stderr") };
}

/** Follows a plan being carried out: journal, events, the time of each phase. */
class Score implements Engine {
  readonly journal: Journal;
  readonly handOns = new HandOns();
  readonly times: { phase: string; durationMs: number }[] = [];
  readonly #world: World;
  readonly #conductor: Conductor;
  readonly #phases: ReadonlyMap<string, Phase>;
  readonly #open = new Map<string, { startedMs: number; left: number; failed: boolean }>();
  readonly #steps = new Map<PlannedStep, number>();

  constructor(world: World, plan: Plan, conductor: Conductor) {
    this.#world = world;
    this.#conductor = conductor;
    this.journal = new Journal(plan.phases.map(({ title }) => title));
    this.#phases = new Map(plan.phases.map((phase) => [phase.title, phase]));
  }

  async sure(signal: AbortSignal): Promise<void> {
    await this.#conductor.lock?.sure(signal);
  }

  begin(planned: PlannedStep, atMs = this.#world.clock.now()): void {
    this.#openPhase(planned.phase);
    this.journal.begin(planned);
    this.#steps.set(planned, atMs);
    tell(this.#world, { type: "step-start", ...about(planned), command: stepText(planned.step) });
  }

  end(planned: PlannedStep, ok: boolean, atMs = this.#world.clock.now()): void {
    tell(this.#world, { type: "step-end", ...about(planned), ok, durationMs: atMs - (this.#steps.get(planned) ?? atMs) });
    this.#steps.delete(planned);
    const phase = this.#open.get(planned.phase);
    if (phase !== undefined) {
      phase.failed ||= !ok && !planned.optional;
      if (--phase.left === 0) this.#closePhase(planned.phase, true);
    }
    if (!ok) return;
    this.journal.finish(planned);
    if (planned.host !== undefined && planned.step.kind === "run" && planned.step.audit !== undefined) this.#conductor.onAudit(planned.host, planned.step.role, planned.step.audit);
  }

  leave(host: string, left: LeftBatch): void {
    this.journal.leftBehind.set(host, left);
  }

  delivered(sentBytes: number, thereBytes: number): void {
    this.#conductor.onDelivered?.(sentBytes, thereBytes);
  }

  withdraw(planned: PlannedStep): void {
    this.journal.withdraw(planned);
  }

  /** Ends the phases that are still open: a stretch is over. */
  closePhases(ok: boolean): void {
    for (const title of this.#open.keys()) this.#closePhase(title, ok);
  }

  #openPhase(title: string): void {
    const phase = this.#phases.get(title);
    if (phase === undefined || this.#open.has(title)) return;
    this.#open.set(title, { startedMs: this.#world.clock.now(), left: phase.lanes.reduce((sum, lane) => sum + lane.steps.length, 0), failed: false });
    this.#conductor.onPhase(title);
    tell(this.#world, { type: "phase-start", phase: title, hosts: phase.lanes.flatMap((lane) => lane.host ?? []) });
  }

  #closePhase(title: string, ok: boolean): void {
    const open = this.#open.get(title);
    if (open === undefined) return;
    const durationMs = this.#world.clock.now() - open.startedMs;
    this.#open.delete(title);
    this.times.push({ phase: title, durationMs });
    tell(this.#world, { type: "phase-end", phase: title, ok: ok && !open.failed, durationMs });
  }
}

function about(planned: PlannedStep): { phase: string; host: string | undefined; role: string | undefined; title: string; kind: PlannedStep["step"]["kind"] } {
  return { phase: planned.phase, host: planned.host, role: planned.step.role, title: planned.step.title, kind: planned.step.kind };
}
