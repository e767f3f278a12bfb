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
const keepaliveIntervalMs = 15_000;
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
  const ring = new Ring(login.identities, deadline, (error) => (failure ??= error));

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

  let offered = false;
  const config: ConnectConfig = {
    sock: stream,
    username: target.user,
    readyTimeout: 0,
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax,
    algorithms: { serverHostKey: check.algorithms.filter(isHostKeyAlgorithm) },
    hostVerifier: (key: Buffer) => check.accept(key),
    authHandler: (methods, taken, next) => {
      accepted = methods ?? accepted;
      partial ||= taken === true;
      if (offered || login.identities.length === 0) return next(noMoreMethods);
      offered = true;
      tried.push(...login.identities.map(({ label }) => label));
      next({ type: "agent", username: target.user, agent: ring });
    },
  };
  try {
    client.connect(config);
    signAtOnce(client, login.identities);
    await promise;
    await check.recorded();
    return client;
  } catch (error) {
    client.destroy();
    stream.destroy();
    throw error;
  }
}

type HostKeyAlgorithm = "ssh-ed25519" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" | "rsa-sha2-512" | "rsa-sha2-256" | "ssh-rsa";
const isHostKeyAlgorithm = (name: string): name is HostKeyAlgorithm => name !== "";

/**
 * All keys behind the interface of an agent: ssh2 asks the host about each public key and calls for a signature only of one that the host
 * would take, so no passphrase is asked for in vain.
 */
class Ring extends BaseAgent<ParsedKey> {
  readonly #identities: readonly Identity[];
  readonly #deadline: Deadline;
  readonly #onFailure: (error: unknown) => void;

  constructor(identities: readonly Identity[], deadline: Deadline, onFailure: (error: unknown) => void) {
    super();
    this.#identities = identities;
    this.#deadline = deadline;
    this.#onFailure = onFailure;
  }

  getIdentities(done: (error: undefined, keys: ParsedKey[]) => void): void {
    done(undefined, this.#identities.map(({ publicKey }) => publicKey));
  }

  sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    const done = typeof options === "function" ? options : callback;
    const identity = this.#identities.find(({ publicKey }) => publicKey === key);
    const hash = typeof options === "function" ? undefined : options.hash;
    const signing = identity === undefined ? Promise.reject(new Error("unknown key")) : this.#deadline.pausedFor(() => identity.sign(data, hash));
    signing.then((signature) => done?.(undefined, signature), (error: unknown) => {
      this.#onFailure(error);
      done?.(error instanceof Error ? error : new Error(String(error)));
    });
  }
}
