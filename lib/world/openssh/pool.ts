import { ConnectError } from "../../ground/errors.ts";
import { throwIfCancelled, unlessCancelled } from "../cancel.ts";
import { Doors } from "../doors.ts";
import { Slots } from "../slots.ts";
import type { ConnectionPool } from "../ssh/connection.ts";
import { againAfterHangup } from "../ssh/hangup.ts";
import { Shared } from "../ssh/shared.ts";
import type { TransportOptions } from "../ssh/transport.ts";
import type { MasterConnection } from "./master-connection.ts";
import { closeForward, openForward } from "./mux.ts";
import { Opener } from "./opener.ts";

/** One master a host, started when it is first needed, started again when it was lost. */
export class MasterPool implements ConnectionPool {
  readonly #options: TransportOptions;
  readonly #opener: Opener;
  readonly #starts: Doors;
  /** Hosts for which a key is touched come one by one: a device asks for one touch at a time. */
  readonly #touches = new Slots(1);
  readonly #connections = new Map<string, Shared<MasterConnection>>();
  /** Connections that are used to their end, and not again. */
  readonly #retired: Shared<MasterConnection>[] = [];
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#opener = new Opener(options);
    this.#starts = new Doors(options.ssh.maxConcurrentStarts);
  }

  async get(name: string, signal: AbortSignal): Promise<MasterConnection> {
    throwIfCancelled(signal);
    const existing = this.#connections.get(name);
    if (existing !== undefined && existing.value?.isGone !== true && !existing.failed) return await existing.wait(signal);
    const opening = new Shared((signal) => this.#open(name, signal));
    this.#connections.set(name, opening);
    return await opening.wait(signal);
  }

  retire(host: string): void {
    const existing = this.#connections.get(host);
    if (existing === undefined) return;
    this.#connections.delete(host);
    this.#retired.push(existing);
  }

  /** OpenSSH keeps host keys to itself; nobody is introduced to anybody here. */
  sharesHostKey(): boolean {
    return false;
  }

  async tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable> {
    const connection = await this.get(host, signal);
    try {
      const opening = openForward(connection.socket, port);
      // Cancelled while the host answers: what it opens then is closed again.
      opening.then(() => (signal.aborted ? closeForward(connection.socket, port) : undefined)).catch(() => undefined);
      await unlessCancelled(opening, signal);
    } catch (error) {
      throwIfCancelled(signal);
      if (connection.isGone) throw connection.lost(`while it opened port ${port}`);
      throw new ConnectError(host, "protocol", `Cannot make port ${port} of this machine reachable from ${host}: ${error instanceof Error ? error.message : String(error)}`, {
        hint: `Check that nothing else listens on port ${port} there, and that sshd_config has "AllowTcpForwarding yes".`, cause: error,
      });
    }
    return {
      async [Symbol.asyncDispose]() {
        if (!connection.isGone) await closeForward(connection.socket, port).catch(() => undefined);
      },
    };
  }

  async #open(host: string, signal: AbortSignal): Promise<MasterConnection> {
    const { report, clock } = this.#options;
    const startedAt = clock.now();
    report({ type: "connect", host, state: "opening", durationMs: 0 });
    try {
      const connection = await againAfterHangup(clock, signal, async () => {
        using _ = await this.#turn(host, signal);
        return await this.#opener.open(host, signal);
      });
      report({ type: "connect", host, state: "ready", durationMs: clock.now() - startedAt });
      void connection.gone.then(() => {
        if (connection.isClosing || this.#closed) return;
        report({ type: "connect", host, state: "failed", durationMs: clock.now() - startedAt, text: `connection lost: ${connection.reason}` });
      });
      return connection;
    } catch (error) {
      report({ type: "connect", host, state: "failed", durationMs: clock.now() - startedAt, text: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** A turn to start, to be given back. */
  async #turn(host: string, signal: AbortSignal): Promise<Disposable> {
    using taken = new DisposableStack();
    if (await this.#opener.wantsTouch(host, signal)) taken.use(await this.#touches.take(signal));
    taken.use(await this.#starts.take(await this.#opener.doorOf(host, signal), signal));
    return taken.move();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#connections.values(), ...this.#retired].map(async (shared) => {
      shared.abort();
      const connection = await shared.settled.catch(() => undefined);
      await connection?.close();
    }));
    await this.#opener[Symbol.asyncDispose]();
  }
}
