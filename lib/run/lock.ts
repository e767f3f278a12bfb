import { CancelledError, DeployError } from "../ground/errors.ts";
import { lockDirectory } from "../ground/names.ts";
import type { Channel, World } from "../ground/world.ts";
import { automaticMessage, holdLock, lockStatus, lockStatusCode, readHeld, type LockFact } from "../remote/lock.ts";
import type { LockNews } from "../plan/print-fleet.ts";
import { ask } from "./ask.ts";
import { tell, timestamp } from "./stamp.ts";
import type { Task } from "./task.ts";

/** The deploy lock, held by a process on the lock host whose input is our connection. */
export interface Lock {
  /** Tells others what the run is doing. */
  step(title: string): void;
  /** Gives the lock back. Never rejects. */
  release(): Promise<void>;
  /** Aborted with a DeployError (lock) when the lock is gone though it was not given back: another run may begin. */
  readonly lost: AbortSignal;
}

/** How often the holder hears from us; it gives up after {@link silenceSeconds}. */
const beatMs = 3_000;
const silenceSeconds = 15;
/** How long its end is waited for when it is given back. */
const releaseMs = 10_000;

/**
 * Takes the deploy lock on the primary host of the service, whatever filters say. It is given back when the returned
 * lock is released, and by the host itself when this process or the network is gone.
 * @throws DeployError (lock) that names the holder, when it is held and stays held
 */
export async function takeLock(world: World, task: Task, version: string): Promise<Lock> {
  const { settings, lockWait } = task;
  const host = settings.primaryHost;
  const deadline = world.clock.now() + (lockWait?.timeoutMs ?? 0);
  for (let told = false; ; told = true) {
    const taken = await tryToTake(world, task, host, version);
    if ("lock" in taken) return taken.lock;
    const { holder } = taken;
    const waits = lockWait !== undefined && holder?.manual !== true && world.clock.now() < deadline;
    if (!waits) throw heldError(settings, host, holder);
    if (!told) tell(world, { type: "notice", level: "info", host, text: `The deploy lock is held: ${describeLock(holder)}. Waiting for it.` });
    await world.clock.sleep(lockWait.intervalMs, world.signal);
  }
}

async function tryToTake(world: World, task: Task, host: string, version: string): Promise<{ lock: Lock } | { holder: LockFact | undefined }> {
  const title = task.subcommand === undefined ? task.command : `${task.command} ${task.subcommand}`;
  // Once it is taken, Ctrl-C must not end it: what was begun is taken back under the lock.
  const giveUp = new AbortController();
  const onCancel = (): void => giveUp.abort(world.signal.reason);
  world.signal.addEventListener("abort", onCancel, { once: true });
  try {
    return await takeOrRead(world, task, host, version, title, giveUp.signal);
  } finally {
    world.signal.removeEventListener("abort", onCancel);
  }
}

async function takeOrRead(world: World, task: Task, host: string, version: string, title: string, signal: AbortSignal): Promise<{ lock: Lock } | { holder: LockFact | undefined }> {
  const channel = await world.transport.open(host, holdLock(task.settings, {
    lockedBy: task.performerName, at: timestamp(world), version, message: automaticMessage,
    token: world.randomHex(8), from: world.hostname, command: title, silenceSeconds,
  }), signal);
  const lines = channel.lines[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done !== true && first.value.trim() === "taken") return { lock: hold(world, host, channel, lines) };
  const rest = first.done === true ? [] : [first.value];
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
  const { status, stderr, lost } = await channel.ended;
  if (signal.aborted) throw new CancelledError("Cancelled while taking the deploy lock", { state: ["Nothing was changed."] });
  if (status === lockStatusCode.held) return { holder: readHeld(rest.join("\n")) };
  throw new DeployError("lock", `Cannot take the deploy lock on ${host}: ${lost ? "the connection was lost" : stderr.trim() || `the holder ended with status ${status}`}`, {
    host, state: ["Nothing was changed."], hint: `Look at ${lockDirectory(task.settings)} on ${host}: is the disk full, or the folder not writable?`,
  });
}

function hold(world: World, host: string, channel: Channel, lines: AsyncIterator<string>): Lock {
  tell(world, { type: "lock", host, state: "taken" });
  const over = new AbortController();
  const gone = new AbortController();
  let current = "starting";
  let released = false;
  void (async () => {
    while (!over.signal.aborted) {
      await world.clock.sleep(beatMs, over.signal);
      channel.write(`${current}\n`);
    }
  })().catch(() => undefined);
  void (async () => {
    while ((await lines.next()).done !== true) continue;
    if (released) return;
    tell(world, { type: "lock", host, state: "lost", text: "it was released by somebody else, or the connection is gone" });
    gone.abort(new DeployError("lock", `The deploy lock on ${host} was lost while the run was going on`, { host, hint: "See who released it: `capstan audit`, `capstan lock status`. Then run the command again: it starts from what is there." }));
  })().catch(() => undefined);
  return {
    lost: gone.signal,
    step(title) {
      current = title.replaceAll("\n", " ");
      if (!released) channel.write(`${current}\n`);
    },
    async release() {
      if (released) return;
      released = true;
      over.abort();
      channel.end();
      const enough = new AbortController();
      await Promise.race([channel.ended, world.clock.sleep(releaseMs, enough.signal).catch(() => undefined)]);
      enough.abort();
      tell(world, { type: "lock", host, state: "released" });
    },
  };
}

/** The error of a lock that somebody holds. */
export function heldError(settings: Task["settings"], host: string, holder: LockFact | undefined): DeployError {
  return new DeployError("lock", `The deploy lock of ${settings.service}${settings.destination === undefined ? "" : ` (${settings.destination})`} is held on ${host}: ${describeLock(holder)}`, {
    host,
    state: ["Nothing was changed."],
    hint: holder?.manual === true ? "Ask who took it, or release it with `capstan lock release`." : "Wait for the other run, or use --lock-wait. If it is dead: `capstan lock release`.",
  });
}

/** Who holds a lock, in one sentence. */
export function describeLock(lock: LockFact | undefined): string {
  if (lock === undefined) return "by an unknown holder";
  const { holder } = lock;
  const doing = holder === undefined ? "" : `; ${holder.command} from ${holder.host}, at "${holder.step}", for ${holder.ageSeconds} s`;
  return `${lock.lockedBy}, version ${lock.version}, "${lock.message}"${doing}`;
}

/** A holder that was not heard of for so long is dead: the next run takes its lock over. */
const deadSeconds = silenceSeconds + 5;

/** Who holds a lock, since when, and what becomes of it. */
export function lockNews(host: string, lock: LockFact): LockNews {
  const { holder, since, manual } = lock;
  const text = `${describeLock(lock)}${since === "" ? "" : `, since ${since}`}`;
  if (holder === undefined) return { host, kind: "manual", text: manual ? text : `${text}, by another tool` };
  if (holder.silentSeconds <= deadSeconds) return { host, kind: "alive", text };
  return { host, kind: "dead", text: `${text}; silent for ${holder.silentSeconds} s: its run is gone, and the next one takes the lock over` };
}

/** Who holds the deploy lock, or undefined. */
export async function readLock(world: World, task: Task): Promise<LockFact | undefined> {
  const { lock } = await ask(world, task.settings.primaryHost, { lock: lockStatus(task.settings) });
  return lock;
}
