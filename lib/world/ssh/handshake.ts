import type { Duplex } from "node:stream";
import { BaseAgent, Client, type AnyAuthMethod, type ConnectConfig, type ParsedKey, type SignCallback, type SigningRequestOptions } from "ssh2";
import { isDeployError } from "../../ground/errors.ts";
import { onAbort, cancellation } from "../cancel.ts";
import { signAtOnce } from "./sign-at-once.ts";
import { Deadline } from "./deadline.ts";
import { handshakeFailure, levelOf, loginRefused, tooSlow } from "./failures.ts";
import type { HostKeyCheck } from "./host-keys.ts";
import type { Identities, Identity } from "./identity.ts";
import type { Target } from "./target.ts";

/** What ends the attempts in ssh2: its types leave it out. */
const noMoreMethods = false as unknown as AnyAuthMethod;
/** A host that is silent is given up after 15 to 20 seconds, whatever is going on: a network that was away for ten is not. */
const keepaliveIntervalMs = 5_000;
const keepaliveCountMax = 3;

/**
 * Speaks SSH over an open stream: checks the host's key, then logs in.
 * @returns a client that is logged in; its errors have a listener
 * @throws ConnectError (host-key, authentication, key-file, timeout, protocol), or a cancellation
 */
export async function handshake(stream: Duplex, target: Target, check: HostKeyCheck, login: Identities, signal: AbortSignal): Promise<Client> {
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

  const explain = (error: unknown): unknown => {
    if (check.refusal !== undefined) return check.refusal;
    if (levelOf(error) !== "client-authentication") return isDeployError(error) ? error : handshakeFailure(target, error);
    return isDeployError(failure) ? failure : loginRefused(target, { tried, notes: failure === undefined ? login.notes : [...login.notes, String(failure)], accepted, partial });
  };
  client.on("ready", resolve);
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
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax,
    algorithms: { serverHostKey: check.algorithms.filter(isHostKeyAlgorithm) },
    hostVerifier: (key: Buffer) => check.accept(key),
    ...(target.forwardAgent && target.agent !== undefined ? { agent: target.agent, agentForward: true } : {}),
    authHandler: (methods, taken, next) => {
      accepted = methods ?? accepted;
      partial ||= taken === true;
      const identity = accepted.length === 0 || accepted.includes("publickey") ? left.shift() : undefined;
      if (identity === undefined) return next(noMoreMethods);
      tried.push(identity.label);
      const { username } = config;
      next(identity.signNow === undefined ? { type: "agent", username, agent: new AgentOfOne(identity, deadline, (error) => (failure ??= error)) } : { type: "publickey", username, key: identity.publicKey });
    },
  };
  try {
    client.connect(config);
    signAtOnce(client, login.identities);
    await promise;
    await check.recorded();
    countAllAsAnswers(client, stream);
    return client;
  } catch (error) {
    client.destroy();
    stream.destroy();
    throw error;
  }
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

type HostKeyAlgorithm = "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" | "rsa-sha2-512" | "rsa-sha2-256" | "ssh-rsa";
const isHostKeyAlgorithm = (name: string): name is HostKeyAlgorithm => name !== "";

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
