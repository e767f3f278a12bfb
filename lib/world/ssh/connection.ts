import type { Client, ClientChannel } from "ssh2";
import type { ConnectError } from "../../ground/errors.ts";
import { Slots } from "../slots.ts";
import { lostConnection, reasonOf } from "./failures.ts";
import { forwardAgent, isOpen, openSession } from "./session.ts";

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
  /** Settles when the connection is gone, with the reason. */
  readonly gone: Promise<Error>;
  #isGone = false;
  #closing = false;
  #hasServed = false;
  #spare: Promise<ClientChannel> | undefined;
  #reason: Error | undefined;

  /** @param options `forwardAgent`: programs on the host may use the agent that the client was made with; `session`: one that is being opened already */
  constructor(host: string, client: Client, options: { readonly forwardAgent: boolean; readonly isDistrusted: boolean; readonly session?: Promise<ClientChannel> | undefined }) {
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
    if (options.session === undefined) this.#openSpare();
    else this.#spare = options.session;
    if (options.forwardAgent && !options.isDistrusted) this.#spare = this.#spare?.then((channel) => (forwardAgent(client, channel), channel));
    this.#spare?.catch(() => undefined);
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
    const spare = this.#spare;
    this.#spare = undefined;
    const ready = spare === undefined ? undefined : await spare.catch(() => undefined);
    try {
      const channel = ready !== undefined && isOpen(ready) ? ready : await openSession(this.client);
      this.#hasServed = true;
      this.#openSpare();
      return channel;
    } catch (error) {
      // The host allows fewer sessions than we thought: with what is open now it has enough.
      if (reasonOf(error) === connectFailed && this.slots.taken > 1) this.slots.shrink(this.slots.taken - 1);
      throw error;
    }
  }

  /** Ends the connection. A host that is silent is not waited for. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#isGone) return;
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    this.client.end();
    const patience = setTimeout(() => {
      // The client's own destroy() does nothing once end() was called.
      socketOf(this.client)?.destroy();
      resolve();
    }, closeMs);
    await Promise.race([this.gone, enough]);
    clearTimeout(patience);
  }

  #openSpare(): void {
    if (this.#isGone || this.#closing || this.#spare !== undefined || this.slots.limit < mostSessions) return;
    this.#spare = openSession(this.client);
    this.#spare.catch(() => undefined);
  }
}

/** How long a host may take to say goodbye. */
const closeMs = 500;

/** The socket of a client, which ssh2 keeps to itself. */
const socketOf = (client: Client): { destroy(): void } | undefined => (client as unknown as { readonly _sock?: { destroy(): void } })["_sock"];
