import { createHmac, createHash, randomBytes } from "node:crypto";
import { fitsAny } from "./config-lines.ts";

/** A line of a known_hosts file. Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownHost {
  readonly file: string;
  readonly line: number;
  /** `cert-authority`: the key signs the certificates of these hosts. */
  readonly marker: "revoked" | "cert-authority" | undefined;
  /** `|1|salt|hash`, or patterns with commas between. */
  readonly hosts: string;
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** Base64. */
  readonly key: string;
}

/** What known_hosts says of a key that a host shows. */
export type Verdict =
  | { readonly kind: "known" }
  | { readonly kind: "unknown" }
  /** Other keys are known for this host: these. */
  | { readonly kind: "changed"; readonly instead: readonly KnownHost[] }
  | { readonly kind: "revoked"; readonly by: KnownHost };

/** The entries of a file. Lines that make no sense are left out. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split("\n").flatMap((line, i) => {
    const [, marker, hosts, type, key] = /^\s*(?:@(\S+)\s+)?([^\s#@]\S*)\s+(\S+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line) ?? [];
    if (hosts === undefined || type === undefined || key === undefined) return [];
    if (marker !== undefined && marker !== "revoked" && marker !== "cert-authority") return [];
    // A line of SSH 1, or one torn apart, is no key of the host that another one could differ from.
    if (keyType(Buffer.from(key, "base64")) !== type) return [];
    return [{ file, line: i + 1, marker, hosts, type, key }];
  });
}

/** Whether an entry speaks of a host, named `host` or `[host]:port`. */
export function isFor(entry: KnownHost, name: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|(.+)$/.exec(entry.hosts) ?? [];
  if (salt !== undefined && hash !== undefined) return hashed(name, salt) === hash;
  return fitsAny(entry.hosts.toLowerCase().split(","), name);
}

/**
 * Judges the key a host shows.
 * @param name `host`, or `[host]:port` where the port is not 22
 * @param key the key's blob
 */
export function judge(entries: readonly KnownHost[], name: string, key: Uint8Array): Verdict {
  const shown = Buffer.from(key).toString("base64");
  const here = entries.filter((entry) => isFor(entry, name));
  const withoutPort = entries.filter((entry) => isFor(entry, bareName(name)));
  const by = [...here, ...withoutPort].find((entry) => entry.marker === "revoked" && entry.key === shown);
  if (by !== undefined) return { kind: "revoked", by };
  const valid = here.filter((entry) => entry.marker === undefined);
  // As OpenSSH does, a host on another port whose own key is not known may show the key that is known for its name alone, yet need not.
  if ((valid.length > 0 ? valid : withoutPort).some((entry) => entry.marker === undefined && entry.key === shown)) return { kind: "known" };
  return valid.length === 0 ? { kind: "unknown" } : { kind: "changed", instead: valid };
}

/** The name without the port, which holds where nothing is known of the port. */
export const bareName = (name: string): string => name.replace(/^\[(.*)\]:\d+$/, "$1");

/** Every algorithm a host key may be asked for with, by the type in known_hosts. */
const algorithmsOf = (type: string): string[] => (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]);

/** Algorithms in the order to offer: first those of the keys that are known, else a host with several keys seems to have changed. */
export function preferredAlgorithms(entries: readonly KnownHost[], name: string, all: readonly string[]): string[] {
  const valid = entries.filter((entry) => entry.marker === undefined);
  const here = valid.filter((entry) => isFor(entry, name));
  const known = (here.length > 0 ? here : valid.filter((entry) => isFor(entry, bareName(name)))).flatMap((entry) => algorithmsOf(entry.type));
  return [...new Set([...known.filter((algorithm) => all.includes(algorithm)), ...all])];
}

/** The line to add for a host. Source of the hashed form: `|1|`, salt, HMAC-SHA1 of the name under the salt. */
export function knownHostLine(name: string, key: Uint8Array, hash: boolean, salt = randomBytes(20).toString("base64")): string {
  return `${hash ? `|1|${salt}|${hashed(name, salt)}` : name} ${keyType(key)} ${Buffer.from(key).toString("base64")}\n`;
}

const hashed = (name: string, salt: string): string => createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64");

/** The type a key's blob begins with. A host may show anything, and this goes into the user's file: what cannot be a type is `unknown`. */
export function keyType(key: Uint8Array): string {
  const bytes = Buffer.from(key);
  const type = bytes.length < 4 ? "" : bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString("latin1");
  return /^[\w@.-]{1,100}$/.test(type) ? type : "unknown";
}

/** As OpenSSH prints it: `SHA256:` and base64 without padding. */
export const fingerprint = (key: Uint8Array): string => `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
