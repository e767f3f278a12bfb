import { createPrivateKey, type KeyObject } from "node:crypto";
import { utils, type ParsedKey } from "ssh2";

/** A key file, read. */
export type KeyFile =
  | { readonly kind: "private"; readonly key: ParsedKey }
  | { readonly kind: "public"; readonly key: ParsedKey }
  /** `publicKey` is undefined where the format hides it. */
  | { readonly kind: "encrypted"; readonly publicKey: ParsedKey | undefined }
  | { readonly kind: "unusable"; readonly why: string };

/**
 * Reads a private key (OpenSSH, PEM, PKCS#8, PuTTY) or a public one.
 * @param passphrase for an encrypted key; a wrong one gives `unusable`
 */
export function readKey(text: string, passphrase?: string): KeyFile {
  const parsed = utils.parseKey(text, passphrase);
  if (!(parsed instanceof Error)) return fromParsed(parsed);
  if (/-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)) return fromPkcs8(text, passphrase);
  if (passphrase === undefined && /no passphrase/i.test(parsed.message)) return { kind: "encrypted", publicKey: publicKeyOf(text) };
  const security = /\bsk-(ssh|ecdsa)-|sk-ssh-ed25519@openssh\.com/.test(text);
  return { kind: "unusable", why: security ? "keys of security devices work only through the agent's own OpenSSH" : parsed.message };
}

function fromParsed(parsed: ParsedKey | ParsedKey[]): KeyFile {
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return { kind: "unusable", why: "the file holds no key" };
  if (key.type === "ssh-dss") return { kind: "unusable", why: "keys of type DSA are too weak: sshd does not take them" };
  return { kind: key.isPrivateKey() ? "private" : "public", key };
}

/** ssh2 does not know PKCS#8: the key is written in a form that it knows. */
function fromPkcs8(text: string, passphrase: string | undefined): KeyFile {
  if (text.includes("BEGIN ENCRYPTED") && passphrase === undefined) return { kind: "encrypted", publicKey: undefined };
  try {
    const key = createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
    const known = knownForm(key);
    if (known === undefined) return { kind: "unusable", why: `keys of type ${key.asymmetricKeyType ?? "unknown"} are not supported` };
    const parsed = utils.parseKey(known);
    return parsed instanceof Error ? { kind: "unusable", why: parsed.message } : fromParsed(parsed);
  } catch (error) {
    return { kind: "unusable", why: error instanceof Error ? error.message : String(error) };
  }
}

function knownForm(key: KeyObject): string | undefined {
  switch (key.asymmetricKeyType) {
    case "rsa": return key.export({ format: "pem", type: "pkcs1" }).toString();
    case "ec": return key.export({ format: "pem", type: "sec1" }).toString();
    case "ed25519": return opensshEd25519(key);
    default: return undefined;
  }
}

const field = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** Source of the format: PROTOCOL.key of OpenSSH. */
function opensshEd25519(key: KeyObject): string {
  const { d, x } = key.export({ format: "jwk" });
  const [secret, open] = [Buffer.from(d ?? "", "base64url"), Buffer.from(x ?? "", "base64url")];
  const publicBlob = Buffer.concat([field("ssh-ed25519"), field(open)]);
  const fields = Buffer.concat([Buffer.alloc(8), publicBlob, field(Buffer.concat([secret, open])), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (fields.length % 8)) % 8 }, (_, i) => i + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), field("none"), field("none"), field(""), one, field(publicBlob), field(Buffer.concat([fields, padding]))]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64").replaceAll(/.{70}/g, "$&\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** The public half of an encrypted key in OpenSSH's own format, where it stands in the clear. */
function publicKeyOf(text: string): ParsedKey | undefined {
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text) ?? [];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const magic = "openssh-key-v1\0";
  if (bytes.subarray(0, magic.length).toString("latin1") !== magic) return undefined;
  let at = magic.length;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  try {
    for (const _ of ["cipher", "kdf", "kdf options"]) next();
    at += 4;
    return publicKeyFrom(next());
  } catch {
    return undefined;
  }
}

/** A public key from its blob, as it stands in known_hosts and authorized_keys. Undefined for a type that ssh2 does not know. */
export function publicKeyFrom(blob: Buffer): ParsedKey | undefined {
  if (blob.length < 4) return undefined;
  const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1");
  const parsed = utils.parseKey(`${type} ${blob.toString("base64")}`);
  return parsed instanceof Error ? undefined : parsed;
}
