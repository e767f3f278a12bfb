import { CancelledError, ConnectError, isDeployError } from "../ground/errors.ts";
import type { ImageArchive } from "../ground/image.ts";
import type { DeliverStep } from "../ground/step.ts";
import type { Channel, World } from "../ground/world.ts";
import { handOnImage, noAgentStatus, nothingKeptStatus } from "../remote/delivery.ts";
import type { Named } from "../ground/names.ts";
import { tell } from "./stamp.ts";

/** Where a host gets an archive from: this machine, or a host that has it. */
export type Giver = { readonly host: string | undefined };

/** How long one host may take to hand an archive on to another. */
const handOnMs = 1_800_000;
/** How long a host may take to begin with it: one that allows few sessions has none to spare. */
const beginMs = 20_000;
/** How long nothing more of it may get to the other one. */
const stallMs = 120_000;
/** The most that is kept of a line which has not ended yet. */
const keptChars = 100;
/** How long hosts may take to put away what they kept. */
const closeMs = 10_000;
/** With so many failures, and fewer successes, the hosts do not reach each other. */
const mostFailures = 3;

/** What came of handing an archive on. `unable`: for a reason that lies with the host that was to do it; `failed`: with the two of them, or the other one. */
export type HandedOn = "ok" | "unable" | "failed";

/** The hosts that are sent the same archive. */
interface Group {
  /** SHA-256 of it, once somebody wants to know. */
  digest?: Promise<string>;
  /** Hosts that have it and give it to nobody just now. */
  readonly free: string[];
  readonly waiting: { resolve(giver: Giver): void }[];
  /** How many were sent it from here, or are being sent it. */
  begun: number;
  /** How many get it just now, from here or from a neighbour. */
  underWay: number;
  failures: number;
  successes: number;
}

/** Who hands an image on to whom: the first hosts get it from this machine, each of the others from one that has it. */
export class HandOns {
  readonly #groups = new Map<string, Group>();
  readonly #kept = new Set<Channel>();
  /** Hosts that may still want something. */
  readonly #expected = new Set<string>();

  /** These hosts are about to get an image: what others keep for them stays until each of them has {@link settled}. */
  expect(hosts: readonly string[]): void {
    for (const host of hosts) this.#expected.add(host);
  }

  /** A host has the image, or will not get it. Once none wants anything any more, all put away what they kept. */
  settled(host: string): void {
    if (!this.#expected.delete(host) || this.#expected.size > 0) return;
    this.#release();
  }

  /**
   * Waits until there is somebody to get an archive from. Say what became of it: {@link has} or {@link failed}.
   * @param width how many hosts get it from this machine
   */
  async turn(archive: string, width: number, signal: AbortSignal): Promise<Giver> {
    const group = this.#group(archive);
    const { promise, resolve, reject } = Promise.withResolvers<Giver>();
    const place = { resolve };
    group.waiting.push(place);
    const leave = (): void => {
      const at = group.waiting.indexOf(place);
      if (at >= 0) group.waiting.splice(at, 1);
      reject(new CancelledError());
    };
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    this.#serve(group, width);
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** All of it is at a host, which may hand it on from now on. */
  has(archive: string, width: number, host: string): void {
    const group = this.#group(archive);
    group.underWay--;
    group.free.push(host);
    this.#serve(group, width);
  }

  /** A host did not get it. */
  failed(archive: string, width: number): void {
    const group = this.#group(archive);
    group.underWay--;
    this.#serve(group, width);
  }

  /** A host has tried to hand it on. One that cannot is not asked again; a neighbour that did not get it gets it from here. */
  gave(archive: string, width: number, giver: string, how: HandedOn): void {
    const group = this.#group(archive);
    group[how === "ok" ? "successes" : "failures"]++;
    if (how !== "unable") group.free.push(giver);
    if (how !== "ok") group.begun++;
    this.#serve(group, width);
  }

  /** The digest of an archive, which is found out once for all that get it. */
  digest(archive: ImageArchive): Promise<string> {
    const group = this.#group(archive.id);
    group.digest ??= archive.digest();
    group.digest.catch(() => undefined);
    return group.digest;
  }

  /** A host keeps an archive for as long as this channel is open. */
  keep(channel: Channel): void {
    this.#kept.add(channel);
    void channel.ended.then(() => this.#kept.delete(channel));
  }

  /** Lets all hosts put away what they kept, and waits for that. */
  async close(world: World): Promise<void> {
    const kept = [...this.#kept];
    this.#expected.clear();
    this.#release();
    if (kept.length === 0) return;
    const over = new AbortController();
    await Promise.race([Promise.all(kept.map(({ ended }) => ended)), world.clock.sleep(closeMs, over.signal).catch(() => undefined)]);
    over.abort();
  }

  /** Whoever waits for an archive all the same gets it from here. */
  #release(): void {
    for (const [archive, group] of this.#groups) {
      group.free.length = 0;
      if (group.waiting.length === 0 && group.underWay === 0) this.#groups.delete(archive);
    }
    for (const channel of this.#kept) channel.end();
  }

  #serve(group: Group, width: number): void {
    for (let next = group.waiting[0]; next !== undefined; next = group.waiting[0]) {
      const isOff = group.failures >= mostFailures && group.failures > group.successes;
      const giver = isOff ? undefined : group.free.shift();
      const isHopeless = group.underWay === 0;
      if (giver === undefined && !isOff && group.begun >= width && !isHopeless) return;
      if (giver === undefined) group.begun++;
      group.underWay++;
      group.waiting.shift();
      next.resolve({ host: giver });
    }
  }

  #group(archive: string): Group {
    const group = this.#groups.get(archive) ?? { free: [], waiting: [], begun: 0, underWay: 0, failures: 0, successes: 0 };
    this.#groups.set(archive, group);
    return group;
  }
}

/**
 * Has a host hand an archive on to another one, over a connection between the two.
 * @param onCame told how much of it is there, in bytes
 * @returns how that went; why it did not is told
 */
export async function handOn(world: World, of: Named, { from, to }: { readonly from: string; readonly to: string }, step: DeliverStep, archive: ImageArchive, signal: AbortSignal, onCame: (bytes: number) => void = () => undefined): Promise<HandedOn> {
  const late = new AbortController();
  const over = new AbortController();
  const heard = { begun: false, last: "", came: 0 };
  const hear = (text: string): void => {
    const lines = (heard.last + text).split("\n");
    heard.last = (lines.pop() ?? "").slice(-keptChars);
    heard.begun = true;
    const came = Math.max(0, ...lines.map((line) => (/^ *\d+$/.test(line) ? Number(line) : 0)));
    if (came <= heard.came || came > archive.size) return;
    heard.came = came;
    onCame(came);
  };
  const watch = async (): Promise<void> => {
    await world.clock.sleep(beginMs, over.signal);
    if (!heard.begun) return late.abort(new ConnectError(from, "timeout", `it did not begin within ${beginMs / 1000} s (MaxSessions in its sshd_config)`));
    for (let before = -1; before !== heard.came; ) {
      before = heard.came;
      await world.clock.sleep(stallMs, over.signal);
    }
    late.abort(new ConnectError(to, "timeout", `nothing more of it came within ${stallMs / 1000} s`));
  };
  try {
    await using neighbour = await world.transport.introduce(from, to, signal);
    watch().catch(() => undefined);
    const { status, stderr } = await world.transport.run(from, handOnImage(of, archive.id, archive.size, neighbour), { timeoutMs: handOnMs, signal: AbortSignal.any([signal, late.signal]), onOutput: (stream, text) => (stream === "stdout" ? hear(text) : undefined) });
    if (status === 0) return "ok";
    const own = ownFaults.get(status);
    if (own !== undefined) throw new ConnectError(from, "protocol", own);
    const why = stderr.trim().split("\n").at(-1) ?? "";
    throw new ConnectError(to, "protocol", why === "" ? `its ssh ended with status ${status}` : why);
  } catch (error) {
    if (signal.aborted || !isDeployError(error)) throw error;
    tellOf(world, { from, to }, step, error.message);
    return error.host === from ? "unable" : "failed";
  } finally {
    over.abort();
  }
}

/** Says why a host cannot hand an image on. */
export const tellOf = (world: World, { from, to }: { readonly from: string; readonly to: string }, { image }: DeliverStep, why: string): void =>
  tell(world, { type: "notice", level: "info", host: to, text: `${from} cannot hand ${image} on to it, so that it comes from here: ${why}` });

/** What a host that hands on ends with for reasons of its own. */
const ownFaults: ReadonlyMap<number | undefined, string> = new Map([
  [noAgentStatus, "it takes no agent (AllowAgentForwarding or MaxSessions in its sshd_config)"],
  [nothingKeptStatus, "it has not kept it"],
  [127, "it has no ssh"],
]);
