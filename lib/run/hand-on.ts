import { CancelledError, ConnectError, isDeployError } from "../ground/errors.ts";
import type { ImageArchive } from "../ground/image.ts";
import type { DeliverStep } from "../ground/step.ts";
import type { Channel, World } from "../ground/world.ts";
import { handOnImage, noAgentStatus } from "../remote/delivery.ts";
import type { Named } from "../ground/names.ts";
import { tell } from "./stamp.ts";

/** Where a host gets an archive from: this machine, or a host that has it. */
export type Giver = { readonly host: string | undefined };

/** How long one host may take to hand an archive on to another. */
const handOnMs = 1_800_000;
/** How long a host may take to begin with it: one that allows few sessions has none to spare. */
const beginMs = 20_000;
/** How long hosts may take to put away what they kept. */
const closeMs = 10_000;
/** With so many failures and no success the hosts do not reach each other. */
const mostFailures = 3;

/** The hosts that are sent the same archive. */
interface Group {
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

  /** A host has tried to hand it on. One that did not manage is not asked again; a neighbour that did not get it gets it from here. */
  gave(archive: string, width: number, giver: string, ok: boolean): void {
    const group = this.#group(archive);
    group[ok ? "successes" : "failures"]++;
    if (ok) group.free.push(giver);
    else group.begun++;
    this.#serve(group, width);
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

  #release(): void {
    this.#groups.clear();
    for (const channel of this.#kept) channel.end();
  }

  #serve(group: Group, width: number): void {
    for (let next = group.waiting[0]; next !== undefined; next = group.waiting[0]) {
      const isOff = group.failures >= mostFailures && group.successes === 0;
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
 * @returns whether it did; why not is told
 */
export async function handOn(world: World, of: Named, { from, to }: { readonly from: string; readonly to: string }, step: DeliverStep, archive: ImageArchive, signal: AbortSignal): Promise<boolean> {
  const late = new AbortController();
  const begun = new AbortController();
  try {
    await using neighbour = await world.transport.introduce(from, to, signal);
    void world.clock.sleep(beginMs, begun.signal).then(() => late.abort(new ConnectError(to, "timeout", `it did not begin within ${beginMs / 1000} s`)), () => undefined);
    const { status, stderr } = await world.transport.run(from, handOnImage(of, archive.id, archive.size, neighbour), { timeoutMs: handOnMs, signal: AbortSignal.any([signal, late.signal]), onOutput: () => begun.abort() });
    if (status === 0) return true;
    const why = status === noAgentStatus ? "it takes no agent (AllowAgentForwarding in its sshd_config)" : status === 127 ? "it has no ssh" : (stderr.trim().split("\n").at(-1) ?? "");
    throw new ConnectError(to, "protocol", why === "" ? `its ssh ended with status ${status}` : why);
  } catch (error) {
    if (signal.aborted || !isDeployError(error)) throw error;
    tell(world, { type: "notice", level: "info", host: to, text: `${from} cannot hand ${step.image} on to it, so that it comes from here: ${error.message}` });
    return false;
  } finally {
    begun.abort();
  }
}
