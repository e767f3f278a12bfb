import { Slots } from "./slots.ts";

/**
 * Handshakes that one sshd is given at once. Source: sshd_config(5), `MaxStartups 10:30:100`: from ten that are not logged in yet, it drops some without a word.
 */
const mostAtOneDoor = 8;

/** Turns to open a connection: so many in all, and few at one sshd that many hosts are reached through. */
export class Doors {
  readonly #all: Slots;
  readonly #doors = new Map<string, Slots>();

  /** @param limit turns at once in all */
  constructor(limit: number) {
    this.#all = new Slots(limit);
  }

  /**
   * Waits for a turn. Dispose what is returned to give it back.
   * @param door what answers first on the way: an address, or a command that leads there
   * @throws CancelledError when `signal` aborts first
   */
  async take(door: string, signal: AbortSignal): Promise<Disposable> {
    const slots = this.#doors.get(door) ?? new Slots(mostAtOneDoor);
    this.#doors.set(door, slots);
    using taken = new DisposableStack();
    // The door first: who waits at one keeps nobody else from another.
    taken.use(await slots.take(signal));
    taken.use(await this.#all.take(signal));
    return taken.move();
  }
}

/** The door of a host that is dialled by the command of its config: which sshd that meets is not ours to know, so that all of them count as one. */
const ofCommand = "by ProxyCommand";

/** What answers first on the way to a host. */
export const doorOf = ({ hostName, port, proxyCommand }: { readonly hostName: string; readonly port: number; readonly proxyCommand: string | undefined }): string => (proxyCommand === undefined ? `${hostName}:${port}` : ofCommand);
