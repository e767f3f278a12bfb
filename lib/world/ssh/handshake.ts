import type { Duplex } from "node:stream";
import { BaseAgent, Client, type AnyAuthMethod, type ClientChannel, type ConnectConfig, type ParsedKey, type SignCallback, type SigningRequestOptions } from "ssh2";
import { isDeployError } from "../../ground/errors.ts";
import { onAbort, cancellation } from "../cancel.ts";
import { toOffer, type Algorithms } from "./algorithms.ts";
import { chooseRsaSignature, type RsaSignatures } from "./rsa-signatures.ts";
import { signAtOnce } from "./sign-at-once.ts";
import { Deadline } from "./deadline.ts";
import { logInEarly } from "./early.ts";
import { handshakeFailure, levelOf, loginRefused, tooSlow } from "./failures.ts";
import type { HostKeyCheck } from "./host-keys.ts";
import type { Identities, Identity } from "./identity.ts";
import type { Target } from "./target.ts";
import { writeWholePackets } from "./whole-packets.ts";

/** What ends the attempts in ssh2: its types leave it out. */
const noMoreMethods = false as unknown as AnyAuthMethod;
/** With so many keys a host has patience for another round: sshd allows six tries. */
const fewTries = 2;
/** How much of what a host says first is looked at. */
const mostHeard = 4096;
const mostBanner = 4096;

/** The way to a host. */
export interface Line {
  readonly stream: Duplex;
  /** Why it broke, where it knows. */
  complaint?(): string | undefined;
}

/** How we logged in: what another host would need to do the same. */
export interface Login {
  /** The key that the host showed. */
  readonly hostKey: Buffer;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identity: Identity;
}

/** A client that is logged in. */
export interface LoggedIn {
  readonly client: Client;
  readonly login: Login | undefined;
  /** The sessions that were asked for on the way. */
  readonly sessions: readonly Promise<ClientChannel>[];
}

/**
 * Speaks SSH over an open stream: checks the host's key, then logs in.
 * @returns a client whose errors have a listener
 * @throws ConnectError (host-key, authentication, key-file, timeout, protocol), or a cancellation
 */
export async function handshake({ stream, complaint }: Line, target: Target, check: HostKeyCheck, login: Identities, signal: AbortSignal): Promise<LoggedIn> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const client = new Client();
  let failure: unknown;
  let accepted: readonly string[] = [];
  let partial = false;
  const tried: string[] = [];
  using deadline = new Deadline(target.timeoutMs, () => reject(tooSlow(target, "the handshake was not done")));
  using _ = onAbort(signal, () => reject(cancellation(signal)));
  const left = [...login.identities];
  let rsa: RsaSignatures | undefined;
  let heard = "";
  let banner = "";
  let shown: Buffer | undefined;
  let last: Identity | undefined;
  const offered: { -readonly [Kind in keyof Algorithms]?: readonly string[] } = {};

  const explain = (error: unknown): unknown => {
    if (check.refusal !== undefined) return check.refusal;
    if (levelOf(error) !== "client-authentication") return isDeployError(error) ? error : handshakeFailure(target, error, { heard, offered, complaint: complaint?.(), hasOffered: tried.length > 0 });
    return isDeployError(failure) ? failure : loginRefused(target, { tried, notes: failure === undefined ? login.notes : [...login.notes, String(failure)], accepted, partial, banner });
  };
  client.on("ready", resolve);
  client.on("banner", (text) => (banner = (banner + text).slice(0, mostBanner)));
  const hear = (chunk: Buffer): void => {
    heard += chunk.toString("latin1").slice(0, mostHeard - heard.length);
    if (heard.length >= mostHeard || heard.includes("SSH-")) stream.off("data", hear);
  };
  client.on("error", (error) => {
    // An agent that fails is one key less, not the end: ssh2 goes on to the next.
    if (levelOf(error) === "agent") failure ??= error;
    else reject(explain(error));
  });
  client.on("close", () => reject(explain(new Error("it closed the connection before the handshake was done"))));

  const config: ConnectConfig & { username: string } = {
    sock: stream,
    username: target.user,
    readyTimeout: 0,
    keepaliveInterval: target.keepaliveMs,
    keepaliveCountMax: target.keepaliveCountMax,
    algorithms: algorithmsFor(target, check),
    debug: (line) => takeOffer(line, offered),
    hostVerifier: (key: Buffer) => {
      shown ??= Buffer.from(key);
      return check.accept(key);
    },
    ...(target.forwardAgent && target.agent !== undefined ? { agent: target.agent, agentForward: true } : {}),
    authHandler: (methods, taken, next) => {
      accepted = methods ?? accepted;
      partial ||= taken === true;
      if (left.length === 0 && tried.length <= fewTries && rsa?.weaken() === true) left.push(...login.identities.filter(({ publicKey }) => publicKey.type === "ssh-rsa"));
      const identity = accepted.length === 0 || accepted.includes("publickey") ? left.shift() : undefined;
      if (identity === undefined) return next(noMoreMethods);
      last = identity;
      if (!tried.includes(identity.label)) tried.push(identity.label);
      const { username } = config;
      next(identity.signNow === undefined ? { type: "agent", username, agent: new AgentOfOne(identity, deadline, (error) => (failure ??= error)) } : { type: "publickey", username, key: identity.publicKey });
    },
  };
  try {
    writeWholePackets(stream);
    client.connect(config);
    stream.on("data", hear);
    signAtOnce(client, login.identities);
    rsa = chooseRsaSignature(client, target.extras.pubkeyAlgorithms);
    const early = isForeseeable(target, login) ? logInEarly(client) : undefined;
    await promise;
    // From here on each packet would be put in words for nobody.
    silence(client);
    await check.recorded();
    countAllAsAnswers(client, stream);
    const done = shown === undefined || last === undefined ? undefined : { hostKey: shown, address: target.hostName, port: target.port, user: target.user, identity: last };
    return { client, login: done, sessions: early?.sessions() ?? [] };
  } catch (error) {
    client.destroy();
    stream.destroy();
    throw error;
  }
}

/** A first key that lies open, and whose signature does not hang on what the host says. With compression the host would take what comes early for compressed. */
function isForeseeable(target: Target, { identities: [first] }: Identities): boolean {
  return !target.compression && first?.signNow !== undefined && first.publicKey.type !== "ssh-rsa";
}

/** ssh2's types know fewer names than ssh2 does. */
function algorithmsFor(target: Target, check: HostKeyCheck): Exclude<ConnectConfig["algorithms"], undefined> {
  const lists = {
    kex: toOffer("kex", target.algorithms),
    serverHostKey: check.algorithms,
    cipher: toOffer("ciphers", target.algorithms),
    hmac: toOffer("macs", target.algorithms),
    compress: target.compression ? ["zlib@openssh.com", "none"] : ["none"],
  };
  return lists as unknown as Exclude<ConnectConfig["algorithms"], undefined>;
}

const offers: readonly (readonly [RegExp, keyof Algorithms])[] = [
  [/^Handshake: \(remote\) KEX method: (.*)/, "kex"],
  [/^Handshake: \(remote\) Host key format: (.*)/, "hostKeys"],
  [/^Handshake: \(remote\) C->S cipher: (.*)/, "ciphers"],
  [/^Handshake: \(remote\) C->S MAC: (.*)/, "macs"],
];

/** Only ssh2's own log, version 1.17.0, has the host's lists. */
function takeOffer(line: string, offered: { -readonly [Kind in keyof Algorithms]?: readonly string[] }): void {
  for (const [pattern, kind] of offers) {
    const names = pattern.exec(line)?.[1];
    // Strict key exchange and the like are flags among the names.
    if (names !== undefined) offered[kind] = names.split(",").filter((name) => !/^(ext-info-|kex-strict-)/.test(name));
  }
}

function silence(client: Client): void {
  const { _protocol: protocol } = client as unknown as { readonly _protocol: object };
  Object.assign(protocol, { _debug: undefined });
}

/**
 * ssh2 1.17.0 takes little but the answer to its own question for a sign of life. While a lot is sent over a slow line that question stands behind
 * it for longer than a host may be silent: so whatever comes from the host counts, as with OpenSSH.
 */
function countAllAsAnswers(client: Client, stream: Duplex): void {
  const { _resetKA: count } = client as unknown as { readonly _resetKA?: () => void };
  let heardAt = performance.now();
  stream.on("data", () => {
    if (performance.now() - heardAt < 1_000) return;
    heardAt = performance.now();
    count?.();
  });
}

/**
 * A key behind the interface of an agent: ssh2 asks the host about the public key and calls for a signature only if the host would take it,
 * so no passphrase is asked for in vain.
 */
class AgentOfOne extends BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #deadline: Deadline;
  readonly #onFailure: (error: unknown) => void;

  constructor(identity: Identity, deadline: Deadline, onFailure: (error: unknown) => void) {
    super();
    this.#identity = identity;
    this.#deadline = deadline;
    this.#onFailure = onFailure;
  }

  getIdentities(done: (error: undefined, keys: ParsedKey[]) => void): void {
    done(undefined, [this.#identity.publicKey]);
  }

  sign(_key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const done = typeof options === "function" ? options : callback;
    const hash = typeof options === "function" ? undefined : options.hash;
    this.#deadline.pausedFor(() => this.#identity.sign(data, hash)).then((signature) => done?.(undefined, signature), (error: unknown) => {
      this.#onFailure(error);
      done?.(error instanceof Error ? error : new Error(String(error)));
    });
  }
}
