import type { Command } from "../ground/command.ts";
import { ConnectError } from "../ground/errors.ts";
import type { Terminal } from "../ground/terminal.ts";
import type { Channel, Exit, HttpAnswer, HttpProbe, Introduction, Limits, Transport } from "../ground/world.ts";
import { throwIfCancelled } from "./cancel.ts";
import { opensshLacks } from "./openssh-program.ts";
import { RefusedLogin } from "./ssh/failures.ts";
import { needsOpenssh } from "./ssh/needs-openssh.ts";
import { factsOf } from "./ssh/openssh-facts.ts";
import { homeOf } from "./ssh/paths.ts";
import { Shared } from "./ssh/shared.ts";
import { createTargets, type Target, type Targets } from "./ssh/target.ts";
import { createTransport, type TransportOptions } from "./ssh/transport.ts";

type OpenTransport = Transport & AsyncDisposable;
/** Where nobody can be asked, OpenSSH has no more than we have. */
const methodsThatAsk = ["keyboard-interactive", "password"];

/** Reaches each host with what can reach it: ssh2, in this process, or the system's OpenSSH. Dispose it to close all connections. */
export function createTransports(options: Omit<TransportOptions, "targets">): OpenTransport {
  const { ssh, env, cwd } = options;
  return new Transports({ ...options, targets: remembering(createTargets(ssh, homeOf(env), cwd, env)) });
}

/** Both transports, and whoever chooses between them, ask for the same hosts: reading ssh_config runs a program. */
function remembering(targets: Targets): Targets {
  const found = new Map<string, Shared<Target>>();
  return {
    async find(name, kind, signal = new AbortController().signal) {
      const key = `${kind} ${name}`;
      const before = found.get(key);
      const finding = before === undefined || before.failed ? new Shared((shared) => targets.find(name, kind, shared)) : before;
      found.set(key, finding);
      return await finding.wait(signal);
    },
    [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose](),
  };
}

class Transports implements Transport, AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #chosen = new Map<string, Shared<OpenTransport>>();
  #ssh2: OpenTransport | undefined;
  #openssh: Promise<OpenTransport> | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async connect(host: string, signal: AbortSignal): Promise<void> {
    await (await this.#to(host, signal)).connect(host, signal);
  }

  async run(host: string, command: Command, limits: Limits): Promise<Exit> {
    return await (await this.#to(host, limits.signal)).run(host, command, limits);
  }

  async open(host: string, command: Command, signal: AbortSignal): Promise<Channel> {
    return await (await this.#to(host, signal)).open(host, command, signal);
  }

  async interact(host: string, command: Command, terminal: Terminal, signal: AbortSignal): Promise<number> {
    return await (await this.#to(host, signal)).interact(host, command, terminal, signal);
  }

  async probe(host: string, probe: HttpProbe, signal: AbortSignal): Promise<HttpAnswer> {
    return await (await this.#to(host, signal)).probe(host, probe, signal);
  }

  async tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable> {
    return await (await this.#to(host, signal)).tunnel(host, port, signal);
  }

  async introduce(host: string, to: string, signal: AbortSignal): Promise<Introduction> {
    const [from, other] = await Promise.all([this.#to(host, signal), this.#to(to, signal)]);
    if (from === other) return await from.introduce(host, to, signal);
    throw new ConnectError(to, "protocol", `Cannot let ${host} log in to ${to}: the system's OpenSSH reaches one of the two, and lends no agent that is for one login alone`, { hint: "Connect to both with ssh2." });
  }

  async renew(host: string): Promise<void> {
    await this.#ssh2?.renew(host);
    await (await this.#openssh)?.renew(host);
  }

  /** What reaches a host: chosen once. */
  async #to(host: string, signal: AbortSignal): Promise<OpenTransport> {
    const { transport } = this.#options.ssh;
    if (transport === "ssh2") return this.#bySsh2();
    if (transport === "openssh") return await this.#byOpenssh();
    throwIfCancelled(signal);
    const existing = this.#chosen.get(host);
    if (existing?.value !== undefined) return existing.value;
    if (existing !== undefined && !existing.failed) return await existing.wait(signal);
    const choosing = new Shared((signal) => this.#choose(host, signal));
    this.#chosen.set(host, choosing);
    return await choosing.wait(signal);
  }

  async #choose(host: string, signal: AbortSignal): Promise<OpenTransport> {
    const target = await this.#options.targets.find(host, "host", signal);
    const facts = await factsOf(target);
    const foreseen = needsOpenssh(target, facts) ?? (await this.#reasonOfJumps(target, [], signal));
    if (foreseen !== undefined) return await this.#openFor(host, foreseen);
    try {
      await this.#bySsh2().connect(host, signal);
      return this.#bySsh2();
    } catch (failure) {
      throwIfCancelled(signal);
      const reason = this.#couldAnswer(failure) ? needsOpenssh(target, { ...facts, failure }) : undefined;
      if (reason === undefined) throw this.#withHint(failure);
      return await this.#openFor(host, reason);
    }
  }

  /** What is said of a jump host holds for all behind it. */
  async #reasonOfJumps({ jumps, jumpKind }: Target, trail: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    for (const jump of jumps) {
      if (trail.includes(jump)) continue;
      const target = await this.#options.targets.find(jump, jumpKind, signal);
      const reason = needsOpenssh(target, await factsOf(target));
      if (reason !== undefined) return `the jump host ${jump} needs it, ${reason}`;
      const before = await this.#reasonOfJumps(target, [...trail, jump], signal);
      if (before !== undefined) return before;
    }
    return undefined;
  }

  async #openFor(host: string, reason: string): Promise<OpenTransport> {
    const { env, report } = this.#options;
    const lack = opensshLacks(env);
    if (lack !== undefined) {
      throw new ConnectError(host, "protocol", `Cannot connect to ${host}: it needs OpenSSH (${reason}), and ${lack}`, { hint: `Install OpenSSH's client, or set ssh.transport to "ssh2" to try without.` });
    }
    report({ type: "notice", level: "info", host, text: `Reached with the system's OpenSSH: ${reason}` });
    return await this.#byOpenssh();
  }

  #couldAnswer(failure: unknown): boolean {
    const cause = failure instanceof ConnectError ? failure.cause : undefined;
    if (this.#options.prompt !== undefined || !(cause instanceof RefusedLogin)) return true;
    const { accepted } = cause.attempt;
    return accepted.some((method) => !methodsThatAsk.includes(method));
  }

  /** A refusal that nothing foretold: OpenSSH may know a way that we do not. */
  #withHint(failure: unknown): unknown {
    if (!(failure instanceof ConnectError) || (failure.reason !== "authentication" && failure.reason !== "protocol") || opensshLacks(this.#options.env) !== undefined) return failure;
    const { host = "", reason, message, hint, details, cause } = failure;
    return new ConnectError(host, reason, message, { hint: `${hint ?? ""} If "ssh" itself gets in, set ssh.transport to "openssh".`.trim(), details, cause });
  }

  #bySsh2(): OpenTransport {
    return (this.#ssh2 ??= createTransport(this.#options));
  }

  #byOpenssh(): Promise<OpenTransport> {
    const load = async (): Promise<OpenTransport> => (await import("./openssh/transport.ts")).createOpensshTransport(this.#options);
    return (this.#openssh ??= load());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const choosing of this.#chosen.values()) choosing.abort();
    await this.#ssh2?.[Symbol.asyncDispose]();
    await (await this.#openssh)?.[Symbol.asyncDispose]();
    await this.#options.targets[Symbol.asyncDispose]();
  }
}
