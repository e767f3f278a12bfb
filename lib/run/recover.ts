import { DeployError, type ConnectError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import type { Batched, Engine, LeftBatch, Progress } from "./progress.ts";
import { connectAgain } from "./reconnect.ts";
import { recordOf } from "./record.ts";
import { tell } from "./stamp.ts";
import { keepVigil } from "./vigil.ts";

/** A question whether a step took effect. */
const questionMs = 60_000;
/** A step whose time is nearly over may at least take so long to end. */
const leastMs = 10_000;

/**
 * Goes on after the connection was lost in the middle of a batch: makes it again, sees to it that the old shell is at work no more,
 * and finds out how far it came. No step runs twice that does not say that it may: what became of the one in flight is known by the
 * shell's record, else by asking for its effect.
 * @returns the steps that are still to be done
 * @throws the loss, with why it could not be gone on; or a cancellation
 */
export async function recoverBatch(world: World, engine: Engine, host: string, progress: Progress, left: LeftBatch, loss: ConnectError): Promise<readonly Batched[]> {
  await connectAgain(world, host, loss);
  const current = progress.current();
  const waitMs = Math.max(leastMs, progress.leftMs());
  const record = await inVigil(world, host, `Wait for the end of "${current?.step.title ?? ""}"`, waitMs, () => recordOf(world, host, left, waitMs, world.signal));
  if (record === undefined) throw cannotGoOn(loss, `"${current?.step.title}" is still at work on ${host}`);
  const rest = record === "gone" ? await askEach(world, engine, host, progress, loss) : await follow(world, host, progress, record.statuses, loss);
  const [next] = rest;
  tell(world, { type: "notice", level: "info", host, text: next === undefined ? "Connected again: everything was done meanwhile" : `Connected again: going on with "${next.step.title}"` });
  return rest;
}

/** Goes by the record of the shell. A status that is not 0 counts for nothing by itself: a program may fail because nobody reads what it prints. */
async function follow(world: World, host: string, progress: Progress, statuses: readonly number[], loss: ConnectError): Promise<readonly Batched[]> {
  for (const status of statuses.slice(progress.ended)) {
    const current = progress.current();
    if (current === undefined) break;
    if (status === 0 || current.optional) {
      progress.end(status);
      continue;
    }
    const done = await tookEffect(world, host, current);
    if (done === undefined && !isRepeatable(current)) throw cannotGoOn(loss, `"${current.step.title}" ended with status ${status} meanwhile; what it said is lost`);
    if (done !== true) break;
    progress.end(0);
  }
  progress.withdraw();
  return progress.rest();
}

/** Nobody knows how far the shell came: each step is asked for. After one that did not take effect, none has begun: the shell goes in order. */
async function askEach(world: World, engine: Engine, host: string, progress: Progress, loss: ConnectError): Promise<readonly Batched[]> {
  const left = progress.rest();
  const rest: Batched[] = [];
  const done: Batched[] = [];
  let isOpen = true;
  for (const planned of left) {
    const effect = isOpen ? await tookEffect(world, host, planned) : false;
    if (effect === undefined && !isRepeatable(planned)) throw cannotGoOn(loss, `nobody knows whether "${planned.step.title}" was done, and it must not be done twice`);
    if (effect === true) done.push(planned);
    else rest.push(planned);
    if (effect === false) isOpen = false;
  }
  progress.withdraw();
  for (const planned of done) {
    engine.begin(planned);
    engine.end(planned, true);
  }
  return rest;
}

const isRepeatable = ({ step }: Batched): boolean => step.kind === "upload" || (step.kind === "run" && step.repeatable === true);

/** Whether what a step is for is there; undefined when it cannot say. */
async function tookEffect(world: World, host: string, { step }: Batched): Promise<boolean | undefined> {
  if (step.kind !== "run" || step.doneIf === undefined) return undefined;
  const { status } = await world.transport.run(host, step.doneIf, { timeoutMs: questionMs, signal: world.signal });
  return status === 0;
}

function cannotGoOn(loss: ConnectError, why: string): DeployError {
  return Object.assign(loss, { details: [...loss.details, `Connected again, and could not go on: ${why}.`] });
}

async function inVigil<T>(world: World, host: string, title: string, deadlineMs: number, work: () => Promise<T>): Promise<T> {
  using _ = keepVigil(world, { host, title, deadlineMs });
  return await work();
}
