/** What a user certificate says of itself. Format: PROTOCOL.certkeys of OpenSSH. */
export interface Certificate {
  readonly kind: "user" | "host";
  /** Names it is for; empty: it is for nobody. */
  readonly principals: readonly string[];
  /** Milliseconds since 1970; undefined: for ever. */
  readonly validFrom: number | undefined;
  readonly validUntil: number | undefined;
}

/** How many fields the public key of each type has, behind the nonce. */
const keyFields: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1, "ssh-rsa": 2, "rsa-sha2-256": 2, "rsa-sha2-512": 2, "ssh-dss": 4,
  "ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2, "sk-ssh-ed25519": 2, "sk-ecdsa-sha2-nistp256": 3,
};
const forEver = 0xffff_ffff_ffff_ffffn;

/** Reads a line such as ssh-keygen writes: type, base64, comment. Undefined for anything that is no certificate. */
export function readCertificate(line: string): Certificate | undefined {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const [, plain] = /^(.+)-cert-v01@openssh\.com$/.exec(type) ?? [];
  const fields = keyFields[plain ?? ""];
  if (fields === undefined) return undefined;
  try {
    const reader = new Reader(Buffer.from(base64, "base64"));
    if (reader.bytes().toString() !== type) return undefined;
    for (let i = 0; i < 1 + fields; i++) reader.bytes();
    reader.skip(8);
    const kind = reader.u32() === 2 ? "host" : "user";
    reader.bytes();
    const names = new Reader(reader.bytes());
    const principals: string[] = [];
    while (!names.isAtEnd) principals.push(names.bytes().toString());
    const [from, until] = [reader.u64(), reader.u64()];
    return { kind, principals, validFrom: from === 0n ? undefined : Number(from) * 1000, validUntil: until === forEver ? undefined : Number(until) * 1000 };
  } catch {
    return undefined;
  }
}

/**
 * Why a host cannot have taken a certificate, as far as it shows here. Undefined: nothing speaks against it.
 * @param now milliseconds since 1970
 */
export function certificateFault({ kind, principals, validFrom, validUntil }: Certificate, path: string, user: string, now: number): string | undefined {
  const day = (ms: number): string => new Date(ms).toISOString().replace("T", " ").slice(0, 16);
  if (kind === "host") return `the certificate ${path} is one for hosts`;
  if (validUntil !== undefined && now >= validUntil) return `the certificate ${path} has expired (${day(validUntil)} UTC)`;
  if (validFrom !== undefined && now < validFrom) return `the certificate ${path} holds only from ${day(validFrom)} UTC on`;
  // The host may map other names to the user (AuthorizedPrincipalsFile): this is told only once it has refused.
  if (!principals.includes(user)) return principals.length === 0 ? `the certificate ${path} is for nobody` : `the certificate ${path} is for ${principals.join(", ")}, not for ${user}`;
  return undefined;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  u64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }

  skip(count: number): void {
    this.#at += count;
  }

  bytes(): Buffer {
    const length = this.u32();
    if (this.#at + length > this.#bytes.length) throw new Error("cut short");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
