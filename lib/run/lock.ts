import { DeployError } from "../ground/errors.ts";
import { lockDirectory } from "../ground/names.ts";
import type { Channel, World } from "../ground/world.ts";
import { automaticMessage, holdLock, lockStatus, lockStatusCode, readHeld, type LockFact } from "../remote/lock.ts";
import { ask } from "./ask.ts";
import { tell, timestamp } from "./stamp.ts";
import type { Task } from "./task.ts";

/** The deploy lock, held by a process on the lock host whose input is our connection. */
export interface Lock {
  /** Tells others what the run is doing. */
  step(title: string): void;
  /** Gives the lock back. Never rejects. */
  release(): Promise<void>;
}

/** How often the holder hears from us; it gives up after {@link silenceSeconds}. */
const beatMs = 3_000;
const silenceSeconds = 15;

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
  const channel = await world.transport.open(host, holdLock(task.settings, {
    lockedBy: task.performerName, at: timestamp(world), version, message: automaticMessage,
    token: world.randomHex(8), from: world.env["HOSTNAME"] ?? task.performer, command: title, silenceSeconds,
  }), AbortSignal.any([]));
  const lines = channel.lines[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done !== true && first.value.trim() === "taken") return { lock: hold(world, host, channel, lines) };
  const rest = first.done === true ? [] : [first.value];
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
  const { status, stderr, lost } = await channel.ended;
  if (status === lockStatusCode.held) return { holder: readHeld(rest.join("\n")) };
  throw new DeployError("lock", `Cannot take the deploy lock on ${host}: ${lost ? "the connection was lost" : stderr.trim() || `the holder ended with status ${status}`}`, {
    host, state: ["Nothing was changed."], hint: `Look at ${lockDirectory(task.settings)} on ${host}: is the disk full, or the folder not writable?`,
  });
}

function hold(world: World, host: string, channel: Channel, lines: AsyncIterator<string>): Lock {
  tell(world, { type: "lock", host, state: "taken" });
  const over = new AbortController();
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
    if (!released) tell(world, { type: "lock", host, state: "lost", text: "The process that holds the deploy lock ended. Another run may start now." });
  })().catch(() => undefined);
  return {
    step(title) {
      current = title.replaceAll("\n", " ");
      if (!released) channel.write(`${current}\n`);
    },
    async release() {
      if (released) return;
      released = true;
      over.abort();
      channel.end();
      await Promise.race([channel.ended, world.clock.sleep(10_000, AbortSignal.any([]))]);
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

/** Who holds the deploy lock, or undefined. */
export async function readLock(world: World, task: Task): Promise<LockFact | undefined> {
  const { lock } = await ask(world, task.settings.primaryHost, { lock: lockStatus(task.settings) });
  return lock;
}
