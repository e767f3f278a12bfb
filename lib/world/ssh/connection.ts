import type { Client, ClientChannel } from "ssh2";
import type { ConnectError } from "../../ground/errors.ts";
import { Slots } from "../slots.ts";
import { lostConnection, reasonOf } from "./failures.ts";
import { GuestAgent } from "./guest-agent.ts";
import type { Login } from "./handshake.ts";
import { forwardAgent, isOpen, openSession, openSessions } from "./session.ts";

/** Sessions that commands use at once. sshd allows ten by default: one is kept open ahead, one is for stopping a command. */
const mostSessions = 8;
/** RFC 4254: the host would open the channel, but could not. sshd answers so past MaxSessions. */
const connectFailed = 2;

/** Opens connections, one a host, and keeps them until it is disposed. */
export interface ConnectionPool extends AsyncDisposable {
  /** The connection to a host. @throws ConnectError, DeployError (config), or a cancellation */
  get(host: string, signal: AbortSignal): Promise<Connection>;
  /** The next who asks for the connection to a host gets a new one; what runs over the old one goes on to its end. */
  retire(host: string): void;
  /** Whether the host key of a host is also that of another machine which this pool has reached. */
  sharesHostKey(login: Login): boolean;
  /** Makes a port of this machine the same port of the host, until it is disposed. @throws ConnectError, or a cancellation */
  tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable>;
}

/** An open connection to one host. */
export class Connection {
  readonly host: string;
  readonly client: Client;
  /** Places for commands. */
  readonly slots = new Slots(mostSessions);
  /** The host shows a key that is not the known one, and was taken all the same: it gets nothing that others could be reached with. */
  readonly isDistrusted: boolean;
  /** How we logged in; undefined: OpenSSH did, and keeps it to itself. */
  readonly login: Login | undefined;
  /** Settles when the connection is gone, with the reason. */
  readonly gone: Promise<Error>;
  #isGone = false;
  #closing = false;
  #hasServed = false;
  readonly #hasAgent: boolean;
  #guests: GuestAgent | undefined;
  readonly #agentAskedIn = new WeakSet<ClientChannel>();
  /** Whether the host knows of the agent: it may let the session go in which it was asked. */
  #hasAnsweredAgent = false;
  readonly #spares: Promise<ClientChannel>[];
  #reason: Error | undefined;

  /** @param options `forwardAgent`: programs on the host may use the agent that the client was made with; `sessions`: those that are being opened already */
  constructor(host: string, client: Client, options: { readonly forwardAgent: boolean; readonly isDistrusted: boolean; readonly login?: Login | undefined; readonly sessions?: readonly Promise<ClientChannel>[] }) {
    this.host = host;
    this.client = client;
    this.isDistrusted = options.isDistrusted;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.gone = promise;
    client.on("error", (error) => (this.#reason ??= error));
    client.on("close", () => {
      this.#isGone = true;
      resolve(this.#reason ?? new Error(this.#closing ? "it was closed" : "the host closed it"));
    });
    this.login = options.login;
    this.#hasAgent = options.forwardAgent && !options.isDistrusted;
    const { sessions = [] } = options;
    this.#spares = [...(sessions.length === 0 ? openSessions(client) : sessions)];
    if (this.#hasAgent) this.#forwardAgent();
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** True when we closed it ourselves. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** True once a session was there to be had. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  /** Why the connection ended, in words. */
  get reason(): string {
    return this.#reason === undefined ? "the host closed it" : this.#reason.message.replace("Keepalive timeout", "the host does not answer any more");
  }

  lost(doing: string): ConnectError {
    return lostConnection(this.host, doing, this.reason, this.#reason);
  }

  /**
   * A session to run one command in; hold a slot while you use it. One is kept open ahead, so that a command costs one round trip.
   * @throws Error of ssh2 when there is no connection any more, or the host refuses
   */
  async session(): Promise<ClientChannel> {
    const spare = this.#spares.shift();
    const ready = spare === undefined ? undefined : await spare.catch(() => undefined);
    try {
      const channel = ready !== undefined && isOpen(ready) ? ready : await openSession(this.client);
      this.#hasServed = true;
      this.#askForAgent(channel);
      this.#openSpare();
      return channel;
    } catch (error) {
      // The host allows fewer sessions than we thought: with what is open now it has enough.
      if (reasonOf(error) === connectFailed && this.slots.taken > 1) this.slots.shrink(this.slots.taken - 1);
      throw error;
    }
  }

  /** The agent that this host is lent, for commands that are begun from now on. Undefined where it has the user's own already. */
  guests(): GuestAgent | undefined {
    if (this.#hasAgent || this.#guests !== undefined) return this.#guests;
    this.#guests = new GuestAgent();
    Object.assign(this.client, { _agent: this.#guests });
    this.#forwardAgent();
    return this.#guests;
  }

  /** Says goodbye, and waits for no answer to it: that would cost every command a round trip. What was sent before it still arrives. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#isGone) return;
    const { promise: sent, resolve } = Promise.withResolvers<void>();
    const socket = socketOf(this.client);
    socket?.once("finish", resolve);
    socket?.unref?.();
    this.client.end();
    const patience = setTimeout(() => {
      // The client's own destroy() does nothing once end() was called.
      socket?.destroy();
      resolve();
    }, closeMs);
    void this.gone.then(() => clearTimeout(patience));
    await Promise.race([this.gone, sent]);
    patience.unref();
  }

  /** Whoever takes the session that is open ahead brings the request on its way, before any command that is begun after this. Where the host does not open it, the next one does. */
  #forwardAgent(): void {
    const first = (this.#spares.shift() ?? openSession(this.client)).then((channel) => (this.#askForAgent(channel), channel));
    first.catch(() => undefined);
    this.#spares.unshift(first);
  }

  #askForAgent(channel: ClientChannel): void {
    if ((!this.#hasAgent && this.#guests === undefined) || this.#hasAnsweredAgent || this.#agentAskedIn.has(channel)) return;
    this.#agentAskedIn.add(channel);
    forwardAgent(this.client, channel, () => { this.#hasAnsweredAgent = true; });
  }

  #openSpare(): void {
    if (this.#isGone || this.#closing || this.#spares.length > 0 || this.slots.limit < mostSessions) return;
    const spare = openSession(this.client);
    spare.catch(() => undefined);
    this.#spares.push(spare);
  }
}

/** How long a host may take to say goodbye. */
const closeMs = 500;

interface Socket {
  once(event: "finish", listener: () => void): void;
  destroy(): void;
  /** What is no socket of the system, such as a channel through a jump host, has none. */
  unref?(): void;
}

/** The socket of a client, which ssh2 keeps to itself. */
const socketOf = (client: Client): Socket | undefined => (client as unknown as { readonly _sock?: Socket })["_sock"];
