import { ConnectError, type ConnectFailure } from "../../ground/errors.ts";
import { formatDuration } from "../duration.ts";
import type { Algorithms } from "./algorithms.ts";
import type { Target } from "./target.ts";

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const field = (error: unknown, name: "code" | "level" | "reason"): unknown => (typeof error === "object" && error !== null && name in error ? (error as Record<typeof name, unknown>)[name] : undefined);

/** The code of a system error, such as `ECONNREFUSED`. */
export const codeOf = (error: unknown): string => String(field(error, "code") ?? "");
/** Where ssh2 says an error came from: `client-socket`, `client-authentication`, `handshake`, `protocol`, `agent`. */
export const levelOf = (error: unknown): string => String(field(error, "level") ?? "");
/** Why a host would not open a channel: RFC 4254, section 5.1. */
export const reasonOf = (error: unknown): number => Number(field(error, "reason") ?? 0);

/** Where the name leads, when it does not say so itself. */
function where(target: Target): string {
  const address = target.port === 22 ? target.hostName : `${target.hostName}:${target.port}`;
  return target.name.replace(/^.*@/, "") === address ? "" : ` (${address})`;
}

/** A host that cannot be reached, in one sentence, with what to do. */
export function connectFailure(target: Target, reason: ConnectFailure, why: string, hint: string, cause?: unknown, details?: readonly string[]): ConnectError {
  return new ConnectError(target.name, reason, `Cannot connect to ${target.name}${where(target)}: ${why}`, { hint, cause, details });
}

/** The name has no address. */
export const unresolved = (target: Target, cause: unknown): ConnectError =>
  connectFailure(target, "resolve", `the name ${target.hostName} has no address`, "Check the spelling in the config, and that this machine can look names up.", cause);

/** No answer in time; `waitedFor` says to what. */
export const tooSlow = (target: Target, waitedFor: string): ConnectError =>
  connectFailure(target, "timeout", `${waitedFor} within ${formatDuration(target.timeoutMs)}`, "Check that the host is up and a firewall lets you in, or raise ssh.connectTimeout.");

/** What a socket's error means. */
export function socketFailure(target: Target, error: unknown): ConnectError {
  switch (codeOf(error)) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return unresolved(target, error);
    case "ECONNREFUSED":
      return connectFailure(target, "refused", `nothing listens on port ${target.port}`, "Check ssh.port and that sshd runs on the host.", error);
    case "ETIMEDOUT":
      return tooSlow(target, "it did not answer");
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "EHOSTDOWN":
      return connectFailure(target, "unreachable", "there is no route to it", "Check the address, and your network or VPN.", error);
    case "ECONNRESET":
    case "EPIPE":
      return connectFailure(target, "protocol", "it closed the connection before the handshake was done", "Look at the log of sshd on the host: it may limit new connections (MaxStartups), or block this address.", error);
    default:
      return connectFailure(target, "unreachable", text(error), "Check the address, and your network or VPN.", error);
  }
}

/** What an error of the handshake means, once host key and keys have had their say. */
export function handshakeFailure(target: Target, error: unknown): ConnectError {
  if (levelOf(error) === "client-socket") return socketFailure(target, error);
  if (/before handshake|Invalid identification|Protocol version/i.test(text(error))) {
    return connectFailure(target, "protocol", `what listens on port ${target.port} does not answer as an SSH server`, "Check ssh.port. An sshd hangs up like that when too many connect at once (MaxStartups), or when it blocks this address.", error);
  }
  if (/too many authentication failures/i.test(text(error))) {
    return connectFailure(target, "authentication", `it hung up after too many keys for the user ${target.user}`, "Name the right key in ssh.keys and set ssh.keysOnly, or raise MaxAuthTries in sshd_config.", error);
  }
  if (/no matching/i.test(text(error))) {
    return connectFailure(target, "protocol", `no algorithm in common (${text(error)})`, "Allow curve25519-sha256, ssh-ed25519 and aes128-gcm@openssh.com in sshd_config.", error);
  }
  return connectFailure(target, "protocol", text(error), "Try \"ssh -v\" to see more.", error);
}

/** The host and ssh2 have no algorithm of one kind in common. */
export class NoCommonAlgorithm extends Error {
  readonly kind: keyof Algorithms;
  /** What the host has. */
  readonly offered: readonly string[];

  constructor(kind: keyof Algorithms, offered: readonly string[]) {
    super(`it offers only ${offered.join(", ")}`);
    this.kind = kind;
    this.offered = offered;
  }
}

/** What a login came to. */
export interface LoginAttempt {
  /** Labels of the keys that were offered. */
  readonly tried: readonly string[];
  /** What could not be used. */
  readonly notes: readonly string[];
  /** Methods that the host would go on with. */
  readonly accepted: readonly string[];
  /** A key was taken, and was not enough. */
  readonly partial: boolean;
}

/** The cause of a login that was refused. */
export class RefusedLogin extends Error {
  readonly attempt: LoginAttempt;

  constructor(attempt: LoginAttempt) {
    super("no key was enough");
    this.attempt = attempt;
  }
}

/** No key was enough. */
export function loginRefused(target: Target, attempt: LoginAttempt): ConnectError {
  const { tried, notes, accepted, partial } = attempt;
  const others = accepted.filter((method) => method !== "publickey").join(", ");
  const details = [...tried.map((label) => `tried: ${label}`), ...notes];
  const fail = (why: string, hint: string): ConnectError => connectFailure(target, "authentication", why, hint, new RefusedLogin(attempt), details);
  if (tried.length === 0 && (accepted.length === 0 || accepted.includes("publickey"))) return fail("there is no key to log in with", "Start an agent and add your key with ssh-add, or name a key file in ssh.keys.");
  if (partial) return fail(`a key is not enough for the user ${target.user}, it also wants ${others}`, `Let ${target.user} in with a key alone: AuthenticationMethods in sshd_config.`);
  if (accepted.length > 0 && !accepted.includes("publickey")) return fail(`it takes no keys, only ${others}`, "Set \"PubkeyAuthentication yes\" in sshd_config.");
  return fail(`it refused every key for the user ${target.user}`, `Add one of these keys to ~/.ssh/authorized_keys of ${target.user} on the host, or set ssh.user or ssh.keys.`);
}

/** The connection broke while it was in use. */
export function lostConnection(host: string, doing: string, why: string, cause?: unknown): ConnectError {
  return new ConnectError(host, "lost", `Lost the connection to ${host} ${doing}: ${why}`, { hint: "Check that the host is up, then run the command again.", cause });
}
