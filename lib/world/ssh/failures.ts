import { ConnectError, type ConnectFailure } from "../../ground/errors.ts";
import { formatDuration } from "../duration.ts";
import { keywords, usual, type Algorithms } from "./algorithms.ts";
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

/** The name has no address, or nobody could tell. */
export function unresolved(target: Target, cause: unknown): ConnectError {
  if (codeOf(cause) === "EAI_AGAIN") return connectFailure(target, "resolve", `the name server does not answer for ${target.hostName}`, "Check the network of this machine and its name servers, or write an address instead; ssh.dnsRetries says how often to ask.", cause);
  const family = target.addressFamily === undefined ? "" : ` of IPv${target.addressFamily}`;
  return connectFailure(target, "resolve", `the name ${target.hostName} has no address${family}`, family === "" ? "Check the spelling in the config, and that this machine can look names up." : "Check AddressFamily in the SSH config.", cause);
}

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

/** What could be seen of a handshake that failed. */
export interface Handshake {
  /** The first bytes from the host, as text. */
  readonly heard: string;
  /** The host's algorithms, as far as it has told them. */
  readonly offered: { readonly [Kind in keyof Algorithms]?: readonly string[] };
  /** What a ProxyCommand says of its end. */
  readonly complaint: string | undefined;
  /** At least one key was offered. */
  readonly hasOffered?: boolean;
}

/** The cause of a connection that was closed before the host had said a word: it may be taken a moment later. */
export class EarlyHangup extends Error {}

/** ssh2's words for each kind of algorithm that has none in common. */
const kinds: readonly (readonly [RegExp, keyof Algorithms])[] = [[/key exchange/i, "kex"], [/host key/i, "hostKeys"], [/cipher/i, "ciphers"], [/MAC/, "macs"]];

/** What an error of the handshake means, once host key and keys have had their say. */
export function handshakeFailure(target: Target, error: unknown, { heard, offered, complaint, hasOffered }: Handshake): ConnectError {
  if (complaint !== undefined) return connectFailure(target, "unreachable", complaint, "Run that command by hand, and look at ProxyCommand in the SSH config or ssh.proxyCommand.", error);
  const isSocket = levelOf(error) === "client-socket";
  const hungUp = isSocket ? ["ECONNRESET", "EPIPE"].includes(codeOf(error)) : /before (the )?handshake/i.test(text(error));
  if (heard !== "" && !/^SSH-/m.test(heard)) {
    const line = heard.split("\n")[0]?.replaceAll(/[^\x20-\x7e]/g, "").trim().slice(0, 80) ?? "";
    // OpenSSH since 9.8 says so itself where it used to hang up.
    if (/not allowed at this time|exceeded maxstartups/i.test(line)) return connectFailure(target, "protocol", `it takes no connection now ("${line}")`, "Its sshd limits new connections (MaxStartups), or shuts this address out for a while (PerSourcePenalties).", new EarlyHangup(line));
    return connectFailure(target, "protocol", `what listens on port ${target.port} does not answer as an SSH server: "${line}"`, "Check ssh.port.", error);
  }
  if (heard === "" && hungUp) {
    return connectFailure(target, "protocol", "it hung up without a word", "Look at the log of sshd on the host: too many may connect at once (MaxStartups), or it shuts this address out (hosts.deny, fail2ban). Check ssh.port too.", new EarlyHangup(text(error)));
  }
  // What was sent behind the key, unread, makes the system of a host that hangs up swallow its last word.
  if (hasOffered === true && hungUp) {
    return connectFailure(target, "authentication", `it hung up while it was offered keys for the user ${target.user}`, "Too many of them, as a rule: name the right key in ssh.keys and set ssh.keysOnly, or raise MaxAuthTries in sshd_config. Its sshd may have been restarting too; its log says.", error);
  }
  if (isSocket) return socketFailure(target, error);
  if (/Invalid identification|Protocol version/i.test(text(error))) {
    return connectFailure(target, "protocol", `what listens on port ${target.port} does not speak SSH 2.0: "${(/^SSH-.*$/m.exec(heard)?.[0] ?? "").trim().slice(0, 80)}"`, "Check ssh.port, and update sshd on the host.", error);
  }
  if (/too many authentication failures/i.test(text(error))) {
    return connectFailure(target, "authentication", `it hung up after too many keys for the user ${target.user}`, "Name the right key in ssh.keys and set ssh.keysOnly, or raise MaxAuthTries in sshd_config.", error);
  }
  const kind = /no matching/i.test(text(error)) ? kinds.find(([words]) => words.test(text(error)))?.[1] : undefined;
  if (kind !== undefined) {
    const theirs = offered[kind] ?? [];
    const chosen = target.algorithms[kind] === undefined ? "" : ` of those in the SSH config (${keywords[kind]})`;
    return connectFailure(target, "protocol", `it has no ${nouns[kind]} that we have${chosen}, only ${theirs.join(", ")}`, `Allow ${usual[kind].slice(0, 2).join(" or ")} in its sshd_config (${keywords[kind]}).`, new NoCommonAlgorithm(kind, theirs));
  }
  return connectFailure(target, "protocol", text(error), "Try \"ssh -v\" to see more.", error);
}

const nouns: Record<keyof Algorithms, string> = { kex: "key exchange", hostKeys: "host key", ciphers: "cipher", macs: "MAC" };

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
  /** What the host shows to everybody who logs in. */
  readonly banner?: string;
}

/** How much of a banner is told. */
const mostBannerLines = 5;

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
  const banner = (attempt.banner ?? "").split("\n").map((line) => line.replaceAll(/[^\P{Cc}\t]/gu, "").trim()).filter(Boolean).slice(0, mostBannerLines);
  const details = [...tried.map((label) => `tried: ${label}`), ...notes, ...banner.map((line) => `it says: ${line.slice(0, 200)}`)];
  const fail = (why: string, hint: string): ConnectError => connectFailure(target, "authentication", why, hint, new RefusedLogin(attempt), details);
  if (tried.length === 0 && (accepted.length === 0 || accepted.includes("publickey"))) return fail("there is no key to log in with", "Start an agent and add your key with ssh-add, or name a key file in ssh.keys.");
  if (partial) return fail(`a key is not enough for the user ${target.user}, it also wants ${others}`, `Let ${target.user} in with a key alone: AuthenticationMethods in sshd_config.`);
  if (accepted.length > 0 && !accepted.includes("publickey")) return fail(`it takes no keys, only ${others}`, "Set \"PubkeyAuthentication yes\" in sshd_config.");
  return fail(`it refused every key for the user ${target.user}`, `Add one of these keys to ~/.ssh/authorized_keys of ${target.user} on the host, or set ssh.user or ssh.keys.${target.user === "root" ? " Its sshd may also keep root out: PermitRootLogin and AllowUsers in sshd_config." : ""}`);
}

/** The connection broke while it was in use. */
export function lostConnection(host: string, doing: string, why: string, cause?: unknown): ConnectError {
  return new ConnectError(host, "lost", `Lost the connection to ${host} ${doing}: ${why}`, { hint: "Check that the host is up, then run the command again.", cause });
}
