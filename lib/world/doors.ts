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

/**
 * What answers first on the way to a host. Where the command of its config leads is not ours to know: the same command leads to the same place, and
 * `ssh -W HOST:PORT bastion` to the same bastion for all hosts.
 */
export function doorOf({ hostName, port, proxyCommand }: { readonly hostName: string; readonly port: number; readonly proxyCommand: string | undefined }): string {
  if (proxyCommand === undefined) return `${hostName}:${port}`;
  const command = proxyCommand.trim();
  if (!/^(\S*\/)?ssh\s/.test(command)) return command;
  const isHere = new RegExp(`(?<![\\w.-])(-W)?(${RegExp.escape(hostName)}|${port})(?![\\w.-])`, "g");
  return command.replaceAll(isHere, "");
}
