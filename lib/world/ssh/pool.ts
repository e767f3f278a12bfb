import { ConnectError } from "../../ground/errors.ts";
import type { EventBody } from "../../ground/event.ts";
import type { Clock } from "../../ground/world.ts";
import { throwIfCancelled, unlessCancelled } from "../cancel.ts";
import { doorOf, Doors } from "../doors.ts";
import { Connection, type ConnectionPool } from "./connection.ts";
import { dial } from "./dial.ts";
import { dialCommand } from "./dial-command.ts";
import { forwardThrough } from "./forward.ts";
import { handshake, type Line, type LoggedIn, type Login } from "./handshake.ts";
import { againAfterHangup } from "./hangup.ts";
import { HostKeys, type HostKeyCheck } from "./host-keys.ts";
import type { Identities, Keyring } from "./identity.ts";
import { Shared } from "./shared.ts";
import type { Target, TargetKind, Targets } from "./target.ts";
import { openTunnel } from "./tunnel.ts";

export interface PoolOptions {
  readonly targets: Targets;
  readonly keyring: Keyring;
  readonly report: (event: EventBody) => void;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Handshakes at once: sshd and the hosts' firewalls drop bursts. */
  readonly maxConcurrentStarts: number;
}

/** The way to a host: its name, and the hosts to jump through where they are not its own. */
interface Route {
  readonly name: string;
  readonly kind: TargetKind;
  readonly via: readonly string[] | undefined;
}

const keyOf = ({ name, kind, via }: Route): string => [kind, ...(via ?? []), name].join(" ");

/** One connection a host, opened when it is first needed, opened again when it was lost. */
export class Pool implements ConnectionPool {
  readonly #options: PoolOptions;
  readonly #hostKeys: HostKeys;
  readonly #starts: Doors;
  readonly #connections = new Map<string, Shared<Connection>>();
  /** Connections that are used to their end, and not again. */
  readonly #retired: Shared<Connection>[] = [];
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#hostKeys = new HostKeys(options.report);
    this.#starts = new Doors(options.maxConcurrentStarts);
  }

  get(name: string, signal: AbortSignal): Promise<Connection> {
    return this.#get({ name, kind: "host", via: undefined }, signal, []);
  }

  retire(name: string): void {
    const key = keyOf({ name, kind: "host", via: undefined });
    const existing = this.#connections.get(key);
    if (existing === undefined) return;
    this.#connections.delete(key);
    this.#retired.push(existing);
  }

  sharesHostKey({ hostKey, address, port }: Login): boolean {
    const logins = [...this.#connections.values(), ...this.#retired].flatMap(({ value }) => value?.login ?? []);
    return logins.some((other) => other.hostKey.equals(hostKey) && (other.address !== address || other.port !== port));
  }

  async tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable> {
    return await openTunnel(await this.get(host, signal), port, signal);
  }

  async #get(route: Route, signal: AbortSignal, trail: readonly string[]): Promise<Connection> {
    throwIfCancelled(signal);
    const key = keyOf(route);
    if (trail.includes(key)) throw new ConnectError(route.name, "jump", `Cannot connect to ${route.name}: it is to be reached through itself`, { hint: "Look at ProxyJump in ~/.ssh/config, or set \"ProxyJump none\" for it." });
    const existing = this.#connections.get(key);
    if (existing !== undefined && existing.value?.isGone !== true && !existing.failed) return existing.wait(signal);
    const opening = new Shared((signal) => this.#open(route, signal, [...trail, key]));
    this.#connections.set(key, opening);
    return opening.wait(signal);
  }

  async #open(route: Route, signal: AbortSignal, trail: readonly string[]): Promise<Connection> {
    const { report, clock, keyring, targets } = this.#options;
    const host = route.kind !== "host" ? `${route.name} (jump host)` : route.name;
    const startedAt = clock.now();
    report({ type: "connect", host, state: "opening", durationMs: 0 });
    try {
      const target = await targets.find(route.name, route.kind, signal);
      const [login, check, hop] = await Promise.all([keyring.for(target), this.#hostKeys.check(target), this.#hopTo(target, route, signal, trail)]);
      const { client, sessions, login: how } = await this.#connect(target, hop, check, login, signal);
      const connection = new Connection(route.name, client, { sessions, login: how, isDistrusted: check.isDistrusted, forwardAgent: target.forwardAgent && target.agent !== undefined });
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

  #connect(target: Target, hop: Connection | undefined, check: HostKeyCheck, login: Identities, signal: AbortSignal): Promise<LoggedIn> {
    return againAfterHangup(this.#options.clock, signal, async () => {
      using _ = await this.#starts.take(doorOf(target), signal);
      const line = await this.#lineTo(target, hop, signal);
      return await handshake(line, target, check, login, signal);
    });
  }

  /** The connection of the host to jump through, if any. */
  async #hopTo(target: Target, route: Route, signal: AbortSignal, trail: readonly string[]): Promise<Connection | undefined> {
    const jumps = route.via ?? target.jumps;
    const last = jumps.at(-1);
    if (last === undefined) return undefined;
    const before = jumps.slice(0, -1);
    try {
      return await this.#get({ name: last, kind: route.via === undefined ? target.jumpKind : route.kind, via: before.length === 0 ? undefined : before }, signal, trail);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      throw new ConnectError(target.name, "jump", `Cannot connect to ${target.name} through ${last}: ${error.message}`, { hint: error.hint, details: error.details, cause: error });
    }
  }

  async #lineTo(target: Target, hop: Connection | undefined, signal: AbortSignal): Promise<Line> {
    if (hop !== undefined) return { stream: await unlessCancelled(forwardThrough(hop, target), signal) };
    return target.proxyCommand === undefined ? { stream: await dial(target, this.#options.clock, signal) } : dialCommand(target.proxyCommand, this.#options.env);
  }

  /** Closes every connection, those behind a jump host first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const close = async (shared: Shared<Connection>): Promise<void> => {
      shared.abort();
      const connection = await shared.settled.catch(() => undefined);
      await connection?.close();
    };
    const all = [...this.#connections];
    const ofHosts = (isHost: boolean): Shared<Connection>[] => all.flatMap(([key, shared]) => (key.startsWith("host ") === isHost ? [shared] : []));
    await Promise.all([...ofHosts(true), ...this.#retired].map(close));
    await Promise.all(ofHosts(false).map(close));
  }
}
