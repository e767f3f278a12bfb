import { CancelledError, DeployError, TimeoutError } from "../ground/errors.ts";
import { lockDirectory } from "../ground/names.ts";
import type { Channel, World } from "../ground/world.ts";
import { automaticMessage, freeForMs, holderEnds, holderSays, holdLock, lockStatus, lockStatusCode, readHeld, releaseLine, type LockFact } from "../remote/lock.ts";
import type { LockNews } from "../plan/print-fleet.ts";
import { ask } from "./ask.ts";
import { reconnect } from "./reconnect.ts";
import { tell, timestamp } from "./stamp.ts";
import type { Task } from "./task.ts";
import { inWords, keepVigil } from "./vigil.ts";

/** The deploy lock, held by a process on the lock host whose input is our connection. */
export interface Lock {
  /** Tells others what the run is doing. */
  step(title: string): void;
  /**
   * Resolves once the host has said of late that the lock is ours: at once, as a rule. Whoever begins something on a
   * host waits for it. Resolves too when the lock is lost, or the signal aborted: those are looked at behind it. Never rejects.
   */
  sure(signal?: AbortSignal): Promise<void>;
  /** Gives the lock back. Never rejects. */
  release(): Promise<void>;
  /** Nobody had the lock from then on until it was taken, as far as the host can tell; in milliseconds since 1970. */
  readonly freeSince: number;
  /** Aborted with a DeployError (lock) when the lock is gone though it was not given back: another run may begin. */
  readonly lost: AbortSignal;
}

/** A host notes the time of a change by ticks of its clock, a little late. */
const clockGrainMs = 50;
/** How often the holder hears from us; it gives up after {@link silenceSeconds}, and after {@link graceSeconds} once its connection is gone. */
const beatMs = 3_000;
const silenceSeconds = 20;
const graceSeconds = 10;
/** The holder keeps the lock for {@link silenceSeconds} from what it heard last: after half of that nothing is begun until it has answered. */
const sureMs = 10_000;
/** A holder that did not answer for so long, and so often, is given up: its connection lives, and it does not. */
const muteMs = 60_000;
const muteBeats = 20;
/** How long its end is waited for when it is given back. */
const releaseMs = 10_000;
/** What is read of a holder: more than it ever says. */
const mostLines = 200;
/** How long the host may take to give it, or to say who has it: before it takes over from a dead holder it looks twice. */
const takeMs = 60_000;
/** How long its connection may take to be there again: by then the lock has gone by itself, and what is still at work elsewhere has to end. */
const takeAgainMs = silenceSeconds * 1_000;
/** How long a run waits by itself for a lock whose run may be dead: it is free by then, or its run is back. */
const adriftMs = 30_000;
const adriftPauseMs = 1_000;
/** A living holder beats every second, however busy its host is. */
const quietSeconds = 5;

/**
 * Takes the deploy lock on the primary host of the service, whatever filters say. It is given back when the returned
 * lock is released, and by the host itself when this process or the network is gone.
 * @param onHeld called as soon as somebody is known to hold it
 * @throws DeployError (lock) that names the holder, when it is held and stays held
 */
export async function takeLock(world: World, task: Task, version: string, onHeld?: () => void): Promise<Lock> {
  const { settings, lockWait } = task;
  const host = settings.primaryHost;
  const deadline = world.clock.now() + (lockWait?.timeoutMs ?? 0);
  const adriftUntil = world.clock.now() + adriftMs;
  for (let told = false; ; told = true) {
    const taken = await tryToTake(world, task, host, version);
    if ("lock" in taken) return taken.lock;
    onHeld?.();
    const { holder } = taken;
    if (mayBeGone(holder) && world.clock.now() < adriftUntil) {
      if (!told) tell(world, { type: "notice", level: "info", host, text: `The deploy lock is held: ${describeLock(holder)}. Waiting for a moment: its run may be gone` });
      await world.clock.sleep(adriftPauseMs, world.signal);
      continue;
    }
    const waits = lockWait !== undefined && holder?.manual !== true && world.clock.now() < deadline;
    if (!waits) throw heldError(settings, host, holder);
    if (!told) tell(world, { type: "notice", level: "info", host, text: `The deploy lock is held: ${describeLock(holder)}. Waiting for it.` });
    await world.clock.sleep(lockWait.intervalMs, world.signal);
  }
}

/** A holder whose connection is gone, or that does not beat: it may be dead, and is not taken over yet. */
const mayBeGone = (lock: LockFact | undefined): boolean => lock?.holder !== undefined && (lock.holder.adrift === true || lock.holder.silentSeconds > quietSeconds);

/** A lock that was taken, and the connection to who holds it on the host. */
interface Taken {
  readonly channel: Channel;
  readonly lines: AsyncIterator<string>;
  /** When it was asked for: the host has not heard of us before. */
  readonly askedAt: number;
  readonly freeSince: number;
}

type Take = (signal: AbortSignal, again: boolean) => Promise<Taken | { readonly holder: LockFact | undefined }>;

async function tryToTake(world: World, task: Task, host: string, version: string): Promise<{ lock: Lock } | { holder: LockFact | undefined }> {
  // Any of them may be what the lock bears: a try whose answer was lost may have put its own there.
  const tokens: string[] = [];
  const take: Take = (signal, again) => {
    const after = [...tokens];
    const token = world.randomHex(8);
    tokens.push(token);
    return takeOrRead(world, task, host, version, signal, token, again ? after : undefined);
  };
  // Once it is taken, Ctrl-C must not end it: what was begun is taken back under the lock.
  const giveUp = new AbortController();
  const onCancel = (): void => giveUp.abort(world.signal.reason);
  world.signal.addEventListener("abort", onCancel, { once: true });
  try {
    const taken = await take(giveUp.signal, false);
    return "holder" in taken ? taken : { lock: new HeldLock(world, host, taken, take) };
  } finally {
    world.signal.removeEventListener("abort", onCancel);
  }
}

async function takeOrRead(world: World, task: Task, host: string, version: string, outer: AbortSignal, token: string, after: readonly string[] | undefined): Promise<Taken | { readonly holder: LockFact | undefined }> {
  const command = task.subcommand === undefined ? task.command : `${task.command} ${task.subcommand}`;
  const askedAt = world.clock.now();
  const late = new AbortController();
  const signal = AbortSignal.any([outer, late.signal]);
  using _ = keepVigil(world, { host, title: "Take the deploy lock", deadlineMs: takeMs }, () => late.abort(new TimeoutError("lock", `Cannot take the deploy lock on ${host}: it did not answer within ${inWords(takeMs)}`, {
    host, state: ["Nothing was changed."], hint: "Look at the load and the disks of the host, then run the command again.",
  })));
  const channel = await world.transport.open(host, holdLock(task.settings, {
    lockedBy: task.performerName, at: timestamp(world), version, message: automaticMessage,
    token, from: world.hostname, command, silenceSeconds, graceSeconds, ...(after === undefined ? {} : { after }),
  }), signal);
  const lines = channel.lines[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done !== true && first.value.trim().split(" ")[0] === holderSays.taken) return { channel, lines, askedAt, freeSince: world.clock.now() - freeForMs(first.value) + clockGrainMs };
  const rest = first.done === true ? [] : [first.value];
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) if (rest.length < mostLines) rest.push(next.value);
  const { status, stderr, lost } = await channel.ended;
  if (outer.aborted) throw new CancelledError("Cancelled while taking the deploy lock", { state: ["Nothing was changed."] });
  late.signal.throwIfAborted();
  if (status === lockStatusCode.held) return { holder: readHeld(rest.join("\n")) };
  throw new DeployError("lock", `Cannot take the deploy lock on ${host}: ${lost ? "the connection was lost" : stderr.trim() || `the holder ended with status ${status}`}`, {
    host, state: ["Nothing was changed."], hint: `Look at ${lockDirectory(task.settings)} on ${host}: is the disk full, or the folder not writable?`,
  });
}

/** Held for as long as the process on the host hears from us; when only the connection is lost it is taken again, as long as it is there. */
class HeldLock implements Lock {
  readonly #world: World;
  readonly #host: string;
  readonly #take: Take;
  readonly #over = new AbortController();
  readonly #gone = new AbortController();
  #taken: Taken;
  #current = "starting";
  #released = false;
  /** It has no connection now. */
  #away = false;
  /** When that was sent which the holder answered last. */
  #sureAt: number;
  /** When that was sent which it has not answered yet. */
  #unanswered: number[] = [];
  /** Resolves with the next news of the lock. */
  #news = Promise.withResolvers<void>();

  constructor(world: World, host: string, taken: Taken, take: Take) {
    this.#world = world;
    this.#host = host;
    this.#taken = taken;
    this.#take = take;
    this.#sureAt = taken.askedAt;
    tell(world, { type: "lock", host, state: "taken" });
    void this.#beat().catch(() => undefined);
    void this.#watch().catch(() => undefined);
  }

  get freeSince(): number {
    return this.#taken.freeSince;
  }

  get lost(): AbortSignal {
    return this.#gone.signal;
  }

  step(title: string): void {
    this.#current = title.replaceAll("\n", " ");
    if (!this.#released) this.#say();
  }

  async sure(signal?: AbortSignal): Promise<void> {
    if (!this.#isUnsure() || signal?.aborted === true) return;
    const { promise: stopped, resolve: stop } = Promise.withResolvers<"stopped">();
    signal?.addEventListener("abort", () => stop("stopped"), { once: true });
    tell(this.#world, { type: "notice", level: "info", host: this.#host, text: "Waiting until the host says that it has the deploy lock still", loud: false });
    while (this.#isUnsure() && (await Promise.race([this.#news.promise, stopped])) !== "stopped");
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#over.abort();
    this.#tellNews();
    const { channel } = this.#taken;
    giveBack(channel);
    const enough = new AbortController();
    await Promise.race([channel.ended, this.#world.clock.sleep(releaseMs, enough.signal).catch(() => undefined)]);
    enough.abort();
    tell(this.#world, { type: "lock", host: this.#host, state: "released" });
  }

  /** Both ways: the clock of this machine may have been set. */
  #isUnsure(): boolean {
    return !this.#released && !this.#gone.signal.aborted && (this.#away || Math.abs(this.#world.clock.now() - this.#sureAt) > sureMs);
  }

  #tellNews(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #say(): void {
    this.#unanswered.push(this.#world.clock.now());
    this.#taken.channel.write(`${this.#current}\n`);
  }

  async #beat(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#world.clock.sleep(beatMs, this.#over.signal);
      this.#say();
      const [oldest = Number.POSITIVE_INFINITY] = this.#unanswered;
      if (!this.#away && this.#unanswered.length > muteBeats && this.#world.clock.now() - oldest > muteMs) this.#lose("the process that holds it does not answer any more");
    }
  }

  async #watch(): Promise<void> {
    for (;;) {
      const word = await this.#listen();
      const { lost } = await this.#taken.channel.ended;
      if (this.#released) return;
      const why = word === undefined && lost ? await this.#takeAgain() : (holderEnds[word ?? ""] ?? "the process that held it was killed on the host");
      if (this.#released) return;
      if (why !== undefined) return this.#lose(why);
    }
  }

  /** @returns the holder's last word */
  async #listen(): Promise<string | undefined> {
    const { lines } = this.#taken;
    let word: string | undefined;
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      const line = next.value.trim();
      if (line in holderEnds) word = line;
      if (line !== holderSays.heard) continue;
      this.#sureAt = this.#unanswered.shift() ?? this.#sureAt;
      this.#tellNews();
    }
    return word;
  }

  #lose(why: string): void {
    if (this.#released || this.#gone.signal.aborted) return;
    this.#over.abort();
    tell(this.#world, { type: "lock", host: this.#host, state: "lost", text: why });
    this.#gone.abort(new DeployError("lock", `The deploy lock on ${this.#host} was lost while the run was going on: ${why}`, {
      host: this.#host, hint: "See what is there and who is at work: `capstan details`, `capstan lock status`, `capstan audit`. Then run the command again: it starts from what is there.",
    }));
    this.#tellNews();
  }

  /** @returns why it could not be had again */
  async #takeAgain(): Promise<string | undefined> {
    this.#away = true;
    const until = this.#world.clock.now() + takeAgainMs;
    for (;;) {
      try {
        await reconnect(this.#world, this.#host, this.#over.signal, Math.max(0, until - this.#world.clock.now()));
        const taken = await this.#take(this.#over.signal, true);
        if ("holder" in taken) return taken.holder === undefined ? "the connection broke, and the host gave it back before it was there again" : `the connection broke, and now somebody else holds it: ${describeLock(taken.holder)}`;
        if (this.#released) giveBack(taken.channel);
        this.#taken = taken;
        this.#sureAt = taken.askedAt;
        this.#unanswered = [];
        this.#away = false;
        tell(this.#world, { type: "notice", level: "info", host: this.#host, text: "The deploy lock was taken again", loud: false });
        this.#tellNews();
        return undefined;
      } catch (error) {
        if (this.#released || this.#world.clock.now() >= until) return `the connection is gone, and could not be made again: ${error instanceof Error ? error.message : String(error)}`;
        await this.#world.clock.sleep(beatMs / 3, this.#over.signal).catch(() => undefined);
      }
    }
  }
}

function giveBack(channel: Channel): void {
  channel.write(`${releaseLine}\n`);
  channel.end();
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
  const doing = holder === undefined ? "" : `; ${holder.command} from ${holder.host}, at "${holder.step}", for ${holder.ageSeconds} s${holder.adrift === true ? "; its connection is gone" : ""}`;
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
