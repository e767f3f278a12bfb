import { fitsAny } from "./config-lines.ts";

/** The algorithms of a connection, one list a kind, best first. */
export interface Algorithms {
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

/** The lists that somebody set. */
export type ChosenAlgorithms = { readonly [Kind in keyof Algorithms]?: readonly string[] | undefined };

/**
 * What ssh2 1.17.0 has under Bun. A test compares it with ssh2's own tables. Left out is the classic Diffie-Hellman exchange: it stops the whole
 * process for one second to many a connection there, while OpenSSH does it in no time.
 */
export const supported: Algorithms = {
  kex: ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"],
  hostKeys: ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
  ciphers: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"],
  macs: [
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha1-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
    "hmac-md5", "hmac-sha1-96", "hmac-md5-96",
  ],
};

/** What is offered where nobody set anything: ssh2's own order, which has the fastest first, without what is broken. */
export const usual: Algorithms = {
  kex: supported.kex,
  hostKeys: supported.hostKeys,
  ciphers: supported.ciphers.filter((name) => !name.endsWith("-cbc")),
  macs: supported.macs.filter((name) => !/md5|-96/.test(name)),
};

/** A list of ssh_config, which may change the usual one: `+` adds behind it, `^` before it, `-` takes patterns away. */
export function changedList(text: string, defaults: readonly string[]): readonly string[] {
  const names = text.replace(/^[-+^]/, "").split(",").map((name) => name.trim()).filter(Boolean);
  switch (text[0]) {
    case "+": return [...new Set([...defaults, ...names])];
    case "^": return [...new Set([...names, ...defaults])];
    case "-": return defaults.filter((name) => !fitsAny(names, name));
    default: return names;
  }
}

/** What to offer of one kind, best first: what ssh_config says as far as ssh2 has it. */
export const toOffer = (kind: keyof Algorithms, chosen: ChosenAlgorithms): readonly string[] => chosen[kind]?.filter((name) => supported[kind].includes(name)) ?? usual[kind];

/** The names of ssh_config for each kind. */
export const keywords = { kex: "KexAlgorithms", hostKeys: "HostKeyAlgorithms", ciphers: "Ciphers", macs: "MACs" } as const satisfies Record<keyof Algorithms, string>;

/** The first kind of which ssh2 has none of what ssh_config allows. */
export function missingKind(configured: ChosenAlgorithms): keyof Algorithms | undefined {
  const kinds = ["kex", "hostKeys", "ciphers", "macs"] as const;
  return kinds.find((kind) => {
    const names = configured[kind];
    return names !== undefined && !names.some((name) => supported[kind].includes(name));
  });
}
