import { CancelledError, CommandError, ConnectError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { sh, type Command } from "../ground/command.ts";
import { chunks, type Mark } from "./batch.ts";
import type { EarlyBatch, EarlyBatches } from "./early.ts";
import { deadlineOf, itemOf, Progress, type Batched, type Engine, type HostPlanned } from "./progress.ts";
import { deliver } from "./deliver.ts";
import { connectAgain, isLost } from "./reconnect.ts";
import { recoverBatch } from "./recover.ts";
import { sendBatch } from "./send.ts";
import { awaitReady } from "./wait.ts";

/** Steps that do not travel with others. */
const isAlone = ({ step }: HostPlanned): boolean => step.kind === "wait" || step.kind === "deliver";
/** A later phase that travels with what may take long: where it does, another run may have the lock by then. */
const isPastLong = (run: readonly Batched[], { phase }: HostPlanned): boolean =>
  run.at(-1)?.phase !== phase && run.some(({ step }) => step.kind === "run" && step.lasts === true) && !run.some(({ ifBrief }) => ifBrief === true);
/** How long the step in flight may at least take to end after Ctrl-C; one that says how long it may take, so long. */
const cancelGraceMs = 45_000;

/** The phases in which a host may have its connection made again still: each once. */
type Spare = (phase: string) => boolean;

/**
 * Carries out the steps of one host in order, as few scripts as possible: everything up to a wait, an image or the end of a pull that takes long travels together. A
 * connection that is lost is made again once a phase, and the host asked how far it came.
 * @param begun what the host was given of it already
 * @throws CommandError, TimeoutError, a health failure, ConnectError, CancelledError: whatever ended the first step that failed
 */
export async function carryLane(world: World, engine: Engine, host: string, steps: readonly HostPlanned[], begun?: EarlyBatches): Promise<void> {
  const remade = new Set<string>();
  const spare: Spare = (phase) => !world.signal.aborted && !remade.has(phase) && remade.add(phase) !== undefined;
  let at = 0;
  let early = begun?.take(host, steps);
  while (at < steps.length) {
    const run: Batched[] = [];
    for (let planned = steps[at]; planned !== undefined && !isAlone(planned) && run.length !== early?.steps.length; planned = steps[++at]) {
      run.push({ ...planned, ...itemOf(planned), ...(isPastLong(run, planned) ? { ifBrief: true } : {}) });
    }
    const next = steps[at];
    const alone = next !== undefined && isAlone(next) && early === undefined ? next : undefined;
    if (alone !== undefined) at++;
    const question = alone?.step.kind === "wait" ? alone.step.state.command : undefined;
    let answer: string | undefined;
    for (const chunk of early === undefined ? chunks(run) : [run]) {
      for (let rest: readonly Batched[] = chunk; rest.length > 0; early = undefined) ({ rest, answer } = await carryBatch(world, engine, host, rest, spare, { question, early }));
    }
    if (run.some(({ step }) => step.kind === "run" && step.renews)) await world.transport.renew(host);
    if (alone !== undefined) await carryAlone(world, engine, alone, spare, answer);
  }
}

/** What became of a batch. */
interface Carried {
  /** Steps that are still to be done: none, unless the connection was lost and made again. */
  readonly rest: readonly Batched[];
  /** To the question that came with it. */
  readonly answer: string | undefined;
}

/** A step by itself. Either kind begins where it stands when it is begun again: what a host was sent of an image is there. */
async function carryOut(world: World, engine: Engine, { host, step }: HostPlanned, answer?: string): Promise<void> {
  if (step.kind === "wait") await awaitReady(world, host, step, answer);
  if (step.kind !== "deliver") return;
  const { sentBytes, thereBytes } = await deliver(world, host, step, engine.handOns);
  engine.handOns.settled(host);
  engine.delivered(sentBytes, thereBytes);
}

async function carryAlone(world: World, engine: Engine, planned: HostPlanned, spare: Spare, answer: string | undefined): Promise<void> {
  const { host } = planned;
  await engine.sure(world.signal);
  refuseWhenCancelled(world);
  engine.begin(planned);
  let ok = false;
  try {
    await carryOut(world, engine, planned, answer).catch(async (error: unknown) => {
      if (!isLost(error) || !spare(planned.phase)) throw error;
      await connectAgain(world, host, error);
      await carryOut(world, engine, planned);
    });
    ok = true;
  } finally {
    engine.end(planned, ok);
  }
}

/** What a batch comes with. */
interface With {
  /** Asked behind the steps, in the same script: the first look at a container costs no round trip of its own. */
  readonly question: Command | undefined;
  /** The same steps, which the host has already. */
  readonly early: EarlyBatch | undefined;
}

async function carryBatch(world: World, engine: Engine, host: string, batch: readonly Batched[], spare: Spare, { question, early }: With): Promise<Carried> {
  await engine.sure(world.signal);
  refuseWhenCancelled(world);
  const mark = early?.mark ?? world.randomHex(8);
  const hard = new AbortController();
  const over = new AbortController();
  const progress = new Progress(world, engine, batch, (error) => hard.abort(error));
  let pid: number | undefined;
  let cameBack = false;
  const askToEnd = (): void => {
    if (pid !== undefined) void world.transport.run(host, sh`kill -TERM ${pid}`, { timeoutMs: 10_000, signal: hard.signal }).catch(() => undefined);
  };
  const onCancel = (): void => {
    // The step in flight may be the switch: it is let to its end, and nothing after it begins.
    askToEnd();
    if (progress.abandonable()) hard.abort(new CancelledError());
    else void world.clock.sleep(Math.max(cancelGraceMs, progress.stepTimeoutMs()), over.signal).then(() => hard.abort(new CancelledError()), () => undefined);
  };
  world.signal.addEventListener("abort", onCancel, { once: true });
  const onMark = (stream: "stdout" | "stderr", found: Mark, atMs?: number): void => {
    if (found.kind === "end") progress.mark(stream, found.index, found.status, atMs);
    if (found.kind !== "pid") return;
    ({ pid } = found);
    if (world.signal.aborted) askToEnd();
  };
  const onPiece = (stream: "stdout" | "stderr", piece: string | Mark, atMs?: number): void => (typeof piece === "string" ? progress.output(stream, piece) : onMark(stream, piece, atMs));
  progress.begin(early?.sentAt);
  try {
    const { exit, answer } = await (early?.follow(hard.signal, onPiece) ?? sendBatch(world, host, batch, {
      // Each step has a deadline of its own; this one is for a host that says nothing of any.
      question, mark, timeoutMs: batch.reduce((sum, { step }) => sum + deadlineOf(step), 60_000), signal: hard.signal, onPiece,
    }));
    cameBack = true;
    progress.settle();
    if (progress.failure !== undefined) throw progress.failure;
    if (progress.complete()) return { rest: [], answer };
    if (world.signal.aborted) {
      // The script came to its own end between two steps: the next one did not begin.
      if (exit.status === 0) progress.withdraw();
      throw new CancelledError();
    }
    const current = progress.current();
    if (exit.status === 0 && current?.ifBrief === true) {
      progress.withdraw();
      return { rest: progress.rest().map((planned) => ({ ...planned, ifBrief: false })), answer: undefined };
    }
    throw current === undefined ? new ConnectError(host, "lost", `The connection to ${host} ended before the work was done`) : new CommandError(host, current.command, exit, { title: current.step.title });
  } catch (error) {
    progress.stop();
    const left = { mark, pid, steps: batch, ended: progress.ended };
    try {
      if (cameBack || !isLost(error)) throw error;
      if (progress.failure !== undefined) throw progress.failure;
      if (progress.complete()) return { rest: [], answer: undefined };
      if (!spare(progress.current()?.phase ?? "")) throw error;
      return { rest: await recoverBatch(world, engine, host, progress, left, error), answer: undefined };
    } catch (final) {
      if (!cameBack) engine.leave(host, left);
      progress.fail();
      throw world.signal.aborted && !(final instanceof CommandError) ? new CancelledError("Cancelled", { cause: final }) : final;
    }
  } finally {
    over.abort();
    world.signal.removeEventListener("abort", onCancel);
  }
}

function refuseWhenCancelled(world: World): void {
  if (world.signal.aborted) throw new CancelledError();
}
