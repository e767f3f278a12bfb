import { ConnectError } from "../../ground/errors.ts";
import { keywords, missingKind } from "./algorithms.ts";
import { NoCommonAlgorithm, RefusedLogin } from "./failures.ts";
import { bareName, isFor, type KnownHost } from "./known-hosts.ts";
import type { Target } from "./target.ts";

/** A key to log in with, as far as it matters who can use it. */
export interface KeyFact {
  /** Path of the file, or the comment in the agent. */
  readonly label: string;
  readonly place: "file" | "agent";
  /** `ordinary`: ssh2 can use it. `unreadable`: it cannot read the file. */
  readonly kind: "ordinary" | "security-key" | "certificate" | "unreadable";
  /** Such as `ssh-ed25519`; why it cannot be read where it is unreadable. */
  readonly type: string;
}

/** What is known of a host beside its target. */
export interface HostFacts {
  /** The entries of its known_hosts files. */
  readonly knownHosts: readonly KnownHost[];
  /** Every key there is to log in with. */
  readonly keys: readonly KeyFact[];
  /** What an attempt with ssh2 failed of. Undefined before the first one. */
  readonly failure?: unknown;
}

/**
 * Why a host is for the system's OpenSSH: words to stand behind a colon. Undefined where ssh2 can do what `ssh` would.
 * What only the host can tell, such as a second factor, shows once ssh2 has been refused: ask again with that failure.
 */
export function needsOpenssh(target: Target, facts: HostFacts): string | undefined {
  return fromConfig(target) ?? fromKnownHosts(target, facts.knownHosts) ?? fromKeys(target, facts.keys) ?? (facts.failure instanceof ConnectError ? fromFailure(target, facts.keys, facts.failure) : undefined);
}

function fromConfig({ extras, algorithms, proxyCommand }: Target): string | undefined {
  const { pkcs11Provider, knownHostsCommand, verifyHostKeyDns, revokedHostKeys, proxyUseFdpass, preferredAuthentications, pubkeyAuthentication } = extras;
  if (pkcs11Provider !== undefined) return `its key is in ${pkcs11Provider} (PKCS11Provider in the SSH config)`;
  if (knownHostsCommand !== undefined) return "its host key comes from a program (KnownHostsCommand in the SSH config)";
  if (verifyHostKeyDns) return "its host key is looked up in DNS (VerifyHostKeyDNS in the SSH config)";
  if (revokedHostKeys.length > 0) return `revoked host keys are listed in ${revokedHostKeys.join(", ")} (RevokedHostKeys in the SSH config)`;
  if (proxyCommand !== undefined && proxyUseFdpass) return "its ProxyCommand passes the connection on (ProxyUseFdpass in the SSH config)";
  if (!pubkeyAuthentication) return "logging in with keys is turned off (PubkeyAuthentication in the SSH config)";
  if (preferredAuthentications !== undefined && !preferredAuthentications.includes("publickey")) return `it is to log in with ${preferredAuthentications.join(", ")} (PreferredAuthentications in the SSH config)`;
  const kind = missingKind(algorithms);
  return kind === undefined ? undefined : `of the ${keywords[kind]} in the SSH config ssh2 has none: ${algorithms[kind]?.join(", ")}`;
}

function fromKnownHosts(target: Target, entries: readonly KnownHost[]): string | undefined {
  const authority = authorityOf(target, entries);
  return authority && `its host key is signed by an authority (@cert-authority in ${authority.file}:${authority.line})`;
}

/** As OpenSSH has it, an authority for a name alone counts on every port. */
const authorityOf = ({ knownAs }: Target, entries: readonly KnownHost[]): KnownHost | undefined =>
  entries.find((entry) => entry.marker === "cert-authority" && (isFor(entry, knownAs) || isFor(entry, bareName(knownAs))));

/** What is set for the host's key and ssh2 has no part in: each with the place where it stands. */
export function unheeded(target: Target, entries: readonly KnownHost[]): string[] {
  const { knownHostsCommand, verifyHostKeyDns, revokedHostKeys } = target.extras;
  const authority = authorityOf(target, entries);
  return [
    ...(revokedHostKeys.length > 0 ? [`the revoked host keys in ${revokedHostKeys.join(", ")} (RevokedHostKeys in the SSH config)`] : []),
    ...(knownHostsCommand === undefined ? [] : ["the program that knows host keys (KnownHostsCommand in the SSH config)"]),
    ...(verifyHostKeyDns ? ["host keys in DNS (VerifyHostKeyDNS in the SSH config)"] : []),
    ...(authority === undefined ? [] : [`the authority that signs its host key (@cert-authority in ${authority.file}:${authority.line})`]),
  ];
}

/** A certificate beside a key file is what the host wants; one in the agent may be for others. */
function fromKeys({ extras }: Target, keys: readonly KeyFact[]): string | undefined {
  const certificate = keys.find(({ kind, place }) => kind === "certificate" && place === "file");
  if (certificate !== undefined) return of(certificate);
  if (keys.some(({ kind }) => kind === "ordinary")) return undefined;
  const special = firstSpecial(keys);
  if (special !== undefined) return of(special);
  // Distributions turn GSSAPI on for every host: it counts only where there is nothing else.
  if (extras.gssapiAuthentication) return "it may let us in by Kerberos (GSSAPIAuthentication in the SSH config)";
  return extras.hostbasedAuthentication ? "it may let us in for this machine (HostbasedAuthentication in the SSH config)" : undefined;
}

/** The failure of a jump host stands as the cause of its hosts'. */
function fromFailure({ extras }: Pick<Target, "extras">, keys: readonly KeyFact[], { cause }: ConnectError): string | undefined {
  if (cause instanceof ConnectError) return fromFailure({ extras }, keys, cause);
  if (cause instanceof NoCommonAlgorithm) return `ssh2 has none of its ${keywords[cause.kind]}: ${cause.offered.join(", ")}`;
  if (!(cause instanceof RefusedLogin)) return undefined;
  const { accepted, partial } = cause.attempt;
  const others = accepted.filter((method) => method !== "publickey");
  if (partial) return accepted.includes("publickey") ? "it wants a second key" : `beside the key it wants ${others.join(", ")}`;
  const special = firstSpecial(keys);
  if (special !== undefined) return of(special);
  if (extras.gssapiAuthentication && others.includes("gssapi-with-mic")) return "it lets us in by Kerberos (GSSAPIAuthentication in the SSH config)";
  if (extras.hostbasedAuthentication && others.includes("hostbased")) return "it lets us in for this machine (HostbasedAuthentication in the SSH config)";
  return accepted.length > 0 && !accepted.includes("publickey") ? `it takes no keys, only ${others.join(", ")}` : undefined;
}

const firstSpecial = (keys: readonly KeyFact[]): KeyFact | undefined => keys.find(({ kind }) => kind === "security-key" || kind === "certificate") ?? keys.find(({ kind }) => kind === "unreadable");

function of({ kind, label, type, place }: KeyFact): string {
  const name = place === "agent" ? `${label} (in the agent)` : label;
  switch (kind) {
    case "certificate": return `its user certificate ${name}`;
    case "security-key": return `its key ${name} is a security key (${type})`;
    default: return `ssh2 cannot read its key ${name}: ${type}`;
  }
}
