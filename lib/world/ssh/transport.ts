import type { ClientChannel } from "ssh2";
import type { Command } from "../../ground/command.ts";
import { ConnectError, isDeployError } from "../../ground/errors.ts";
import type { EventBody } from "../../ground/event.ts";
import type { Terminal } from "../../ground/terminal.ts";
import type { Channel, Clock, Exit, HttpAnswer, HttpProbe, Introduction, Limits, Transport } from "../../ground/world.ts";
import { throwIfCancelled, unlessCancelled, within } from "../cancel.ts";
import type { Redactor } from "../redact.ts";
import type { SshOptions } from "../../ground/ssh-options.ts";
import type { Connection, ConnectionPool } from "./connection.ts";
import { checkCommand } from "./execution.ts";
import { reasonOf } from "./failures.ts";
import type { Login } from "./handshake.ts";
import { keyType } from "./known-hosts.ts";
import { Keyring } from "./identity.ts";
import { interact } from "./interact.ts";
import { Pool } from "./pool.ts";
import { httpProbe } from "./probe.ts";
import { openChannel, runCommand } from "./run.ts";
import type { Targets } from "./target.ts";

export interface TransportOptions {
  readonly ssh: SshOptions;
  /** Finds out how to connect to hosts. Stays the caller's. */
  readonly targets: Targets;
  /** Where SSH_AUTH_SOCK, HOME and PATH are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of key files stand. */
  readonly cwd: string;
  readonly report: (event: EventBody) => void;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Asks the user for a passphrase. Undefined where nobody can be asked. */
  readonly prompt?: ((question: string) => Promise<string>) | undefined;
}

/** How often a command that was never sent is tried again: the connection was lost while it was idle, or the host has no session free. */
const mostTries = 20;

const sessionPauseMs = 50;
/** How long a host may take to open a session: one that is gone is found out by its silence, earlier. */
const openMs = 30_000;
/** How long commands that have said their last word may take to be gone. */
const lastWordsMs = 500;

/** Reaches hosts by SSH, in this process. Dispose it to close all connections. */
export function createTransport(options: TransportOptions): Transport & AsyncDisposable {
  const { ssh, targets, env, report, redactor, clock, prompt } = options;
  return new SshTransport(new Pool({ targets, keyring: new Keyring({ keyData: ssh.keyData, prompt, redactor }), report, clock, env, maxConcurrentStarts: ssh.maxConcurrentStarts }), options);
}

/** Runs commands over the connections of a pool, whoever opens them. */
export class SshTransport implements Transport, AsyncDisposable {
  readonly #pool: ConnectionPool;
  readonly #redactor: Redactor;
  readonly #clock: Clock;
  readonly #report: (event: EventBody) => void;
  readonly #open = new Set<{ stop(): Promise<void> }>();
  /** Commands whose session is not closed yet: some have been told to end, and are about to. */
  readonly #closing = new Set<Promise<void>>();

  /** @param pool disposed with the transport */
  constructor(pool: ConnectionPool, { report, redactor, clock }: Pick<TransportOptions, "report" | "redactor" | "clock">) {
    this.#pool = pool;
    this.#redactor = redactor;
    this.#clock = clock;
    this.#report = report;
  }

  async connect(host: string, signal: AbortSignal): Promise<void> {
    await this.#pool.get(host, signal);
  }

  async run(host: string, command: Command, limits: Limits): Promise<Exit> {
    checkCommand(host, command);
    const { connection, channel, slot } = await this.#session(host, command, limits.signal);
    const closed = Promise.withResolvers<void>();
    this.#closing.add(closed.promise);
    return await runCommand(connection, channel, command, limits, this.#redactor, this.#clock, () => {
      slot[Symbol.dispose]();
      this.#closing.delete(closed.promise);
      closed.resolve();
    });
  }

  async open(host: string, command: Command, signal: AbortSignal): Promise<Channel> {
    checkCommand(host, command);
    const { connection, channel, slot } = await this.#session(host, command, signal);
    const opened = openChannel(connection, channel, command, signal, this.#redactor);
    this.#open.add(opened);
    void opened.ended.then(() => {
      slot[Symbol.dispose]();
      this.#open.delete(opened);
    });
    return opened;
  }

  async interact(host: string, command: Command, terminal: Terminal, signal: AbortSignal): Promise<number> {
    checkCommand(host, command);
    const { connection, channel, slot } = await this.#session(host, command, signal);
    using _ = slot;
    return await interact(connection, channel, command, terminal, signal);
  }

  async renew(host: string): Promise<void> {
    this.#pool.retire(host);
  }

  async probe(host: string, probe: HttpProbe, signal: AbortSignal): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#pool.get(host, signal);
      try {
        const answer = await httpProbe(connection.client, probe, this.#clock, signal, (text) => this.#redactor.scrub(text));
        if (!connection.isGone) return answer;
      } catch (error) {
        throwIfCancelled(signal);
        if (!connection.isGone) throw error;
      }
      if (attempt > 1) throw connection.lost(`while it asked ${probe.address}:${probe.port}`);
    }
  }

  async tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable> {
    const connection = await this.#pool.get(host, signal);
    if (connection.isDistrusted) {
      throw new ConnectError(host, "host-key", `Cannot make port ${port} of this machine reachable from ${host}: its host key is not the known one`, { hint: `Find out why. If the host was installed anew, remove the old key from known_hosts and try again; otherwise somebody may be in between.` });
    }
    try {
      return await this.#pool.tunnel(host, port, signal);
    } catch (error) {
      if (signal.aborted || connection.isGone || !(await this.#hasRegistry(connection, port, signal))) throw error;
      this.#report({ type: "notice", level: "info", host, text: `Port ${port} leads to a registry there already: it is used as it is` });
      return { [Symbol.asyncDispose]: async () => undefined };
    }
  }

  async introduce(host: string, to: string, signal: AbortSignal): Promise<Introduction> {
    const [from, other] = await Promise.all([this.#pool.get(host, signal), this.#pool.get(to, signal)]);
    const refuse = (whose: string, why: string): ConnectError => new ConnectError(whose, "protocol", `Cannot let ${host} log in to ${to}: ${why}`, { hint: "Connect to both with ssh2, and check their host keys." });
    const loginOf = (name: string, { isDistrusted, login }: Connection): Login => {
      if (isDistrusted) throw refuse(name, `the host key of ${name} is not the known one`);
      if (login === undefined) throw refuse(name, `the system's OpenSSH reaches ${name}, and lends no agent that is for one login alone`);
      return login;
    };
    loginOf(host, from);
    const login = loginOf(to, other);
    // A login is bound to a host key: to who else has that key too, it would be as good.
    if (this.#pool.sharesHostKey(login)) throw refuse(to, `another machine has the host key of ${to} too; give each its own (ssh-keygen -A)`);
    const { hostKey, address, port, user } = login;
    const allowed = from.guests()?.allow(login);
    return { address, port, user, hostKey: `${keyType(hostKey)} ${hostKey.toString("base64")}`, [Symbol.asyncDispose]: async () => allowed?.[Symbol.dispose]() };
  }

  /** A host that is this machine has its registry already, and so has one with a tunnel of its own. Source of the path: OCI distribution specification, "end-1". */
  async #hasRegistry({ client }: Connection, port: number, signal: AbortSignal): Promise<boolean> {
    const answer = await httpProbe(client, { address: "127.0.0.1", port, path: "/v2/", headers: {}, timeoutMs: 5_000 }, this.#clock, signal, (text) => text);
    return answer.ok && answer.status === 200;
  }

  /** A session for one command, and the slot to give back after it. */
  async #session(host: string, command: Command, signal: AbortSignal): Promise<{ connection: Connection; channel: ClientChannel; slot: Disposable }> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#pool.get(host, signal);
      const slot = await connection.slots.take(signal);
      const opening = connection.session();
      try {
        return { connection, slot, channel: await unlessCancelled(within(openMs, opening), signal) };
      } catch (error) {
        slot[Symbol.dispose]();
        if (isDeployError(error)) {
          void opening.then((channel) => channel.close(), () => undefined);
          throw error;
        }
        const idleLoss = connection.isGone && attempt === 1;
        // A host that allows one session needs a moment to see that the last one has ended.
        const noneFree = reasonOf(error) !== 0 && attempt < mostTries && (connection.slots.taken > 0 || connection.hasServed);
        if (noneFree && connection.slots.taken === 0) await this.#clock.sleep(sessionPauseMs, signal);
        if (idleLoss || noneFree) continue;
        if (connection.isGone) throw connection.lost(`before it could run "${command}"`);
        throw new ConnectError(host, "protocol", `Cannot run "${command}" on ${host}: it opens no session (${error instanceof Error ? error.message : String(error)})`, { hint: "Raise MaxSessions in sshd_config, and check that the user may run commands.", cause: error });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((channel) => channel.stop()));
    await within(lastWordsMs, Promise.all(this.#closing)).catch(() => undefined);
    await this.#pool[Symbol.asyncDispose]();
  }
}
