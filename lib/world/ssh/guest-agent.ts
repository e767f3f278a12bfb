import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { Duplex } from "node:stream";
import { utils, type ParsedKey } from "ssh2";
import type { Hash, Identity } from "./identity.ts";

/** Numbers of the messages. Source: RFC draft "SSH Agent Protocol" (draft-ietf-sshm-ssh-agent), sections 3 to 5; PROTOCOL.agent of OpenSSH for the binding of sessions. */
const message = { failure: 5, success: 6, askIdentities: 11, identities: 12, askSignature: 13, signature: 14, extension: 27 } as const;
const bind = "session-bind@openssh.com";
const userauthRequest = 50;
const methods = ["publickey", "publickey-hostbound-v00@openssh.com"];
const mostBytes = 64 * 1024;
/** What one login takes is four requests, over one connection. */
const mostRequests = 16;
const mostOpen = 4;

/** One login that is allowed: to the host that shows this key, as this user, with this key of ours. It is good for one signature. */
export interface Guest {
  readonly hostKey: Buffer;
  readonly user: string;
  readonly identity: Identity;
  used: boolean;
}

/**
 * An agent that is lent to a host. It has no key for whoever asks; a program that proves which host it is about to log in to, by that host's signature of the
 * session, gets one signature for that session if the login is allowed. OpenSSH proves it from version 8.9 on.
 */
export class GuestAgent {
  readonly #guests = new Set<Guest>();
  #open = 0;

  /** Allows a login until it is disposed. */
  allow(guest: Omit<Guest, "used">): Disposable {
    const allowed = { ...guest, used: false };
    this.#guests.add(allowed);
    return { [Symbol.dispose]: () => void this.#guests.delete(allowed) };
  }

  /** What ssh2 asks for when a program on the host opens the agent. A host that asks without end, or takes no answers, does not fill the memory. */
  getStream(done: (error: Error | undefined, stream?: Duplex) => void): void {
    if (this.#open >= mostOpen) return done(new Error("The host has opened the agent too often"));
    this.#open++;
    const session = new Session(this.#guests);
    let held = Buffer.alloc(0);
    let [asked, isOver] = [0, false];
    let goOn = (): void => undefined;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      held = Buffer.alloc(0);
      // ssh2 closes the channel at the end of the stream, and not when it fails.
      stream.push(null);
    };
    const answerAll = async (chunk: Buffer): Promise<void> => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 4) {
        const length = held.readUInt32BE(0);
        if (length === 0 || length > mostBytes || asked >= mostRequests) return end();
        if (held.length < 4 + length) return;
        const request = held.subarray(4, 4 + length);
        held = held.subarray(4 + length);
        asked++;
        const answer = await session.answer(request).catch(() => Buffer.from([message.failure]));
        const { promise: taken, resolve } = Promise.withResolvers<void>();
        goOn = resolve;
        if (!stream.push(text(answer))) await taken;
      }
    };
    const stream: Duplex = new Duplex({
      read: () => goOn(),
      write: (chunk: Buffer, _, next) => {
        // What comes after the end is dropped.
        if (isOver) next();
        else answerAll(chunk).then(() => next(), next);
      },
      final: (next) => {
        end();
        next();
      },
    });
    stream.on("error", () => undefined);
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    void closed.then(() => this.#open--);
    stream.once("close", close);
    // What the host has open is the channel.
    stream.once("pipe", (channel: Duplex) => channel.once("close", close));
    done(undefined, stream);
  }
}

/** What one program asks. Whatever is not as it must be ends in an error, which is told as a failure. */
class Session {
  readonly #guests: ReadonlySet<Guest>;
  #bound: { readonly id: Buffer; readonly hostKey: Buffer } | undefined;

  constructor(guests: ReadonlySet<Guest>) {
    this.#guests = guests;
  }

  async answer(request: Buffer): Promise<Buffer> {
    const fields = new Fields(request);
    switch (fields.byte()) {
      case message.askIdentities: {
        const blobs = this.#here().map(blobOf).filter((blob, i, all) => all.findIndex((other) => other.equals(blob)) === i);
        return Buffer.concat([Buffer.from([message.identities]), u32(blobs.length), ...blobs.flatMap((blob) => [text(blob), text("capstan")])]);
      }
      case message.extension: {
        if (fields.text() !== bind) throw new Error("There is no such extension");
        this.#bind(fields);
        return Buffer.from([message.success]);
      }
      case message.askSignature: return Buffer.concat([Buffer.from([message.signature]), text(await this.#sign(fields))]);
      default: throw new Error("There is no such request");
    }
  }

  /** The logins that are allowed to the host that this program is bound to: there is more than one where machines share a host key. */
  #here(): readonly Guest[] {
    return this.#bound === undefined ? [] : this.#to(this.#bound.hostKey);
  }

  #to(key: Buffer): readonly Guest[] {
    return [...this.#guests].filter(({ hostKey, used }) => !used && hostKey.equals(key));
  }

  #bind(fields: Fields): void {
    const [hostKey, id, signature, isForwarding] = [fields.string(), fields.string(), fields.string(), fields.byte()];
    fields.end();
    // Whose key it is first: a signature of anybody costs time to verify.
    if (this.#bound !== undefined || isForwarding !== 0 || this.#to(hostKey).length === 0 || !isSignedBy(hostKey, id, signature)) throw new Error("It is not bound to that host");
    this.#bound = { id, hostKey };
  }

  async #sign(fields: Fields): Promise<Buffer> {
    const [key, data, flags] = [fields.string(), fields.string(), fields.u32()];
    fields.end();
    const guest = this.#here().find((one) => key.equals(blobOf(one)) && this.#isLogin(data, one));
    if (guest === undefined) throw new Error("That is not allowed");
    guest.used = true;
    const { type } = guest.identity.publicKey;
    const algorithm = type !== "ssh-rsa" ? type : (flags & 4) !== 0 ? "rsa-sha2-512" : "rsa-sha2-256";
    const hash: Hash | undefined = type !== "ssh-rsa" ? undefined : algorithm === "rsa-sha2-512" ? "sha512" : "sha256";
    const signature = await guest.identity.sign(data, hash);
    return Buffer.concat([text(algorithm), text(type.startsWith("ecdsa-") ? sshForm(signature) : signature)]);
  }

  /** Whether this is what a client signs to log in as the guest in the session that was bound, and nothing else. Source: RFC 4252, section 7; PROTOCOL of OpenSSH, 3.1. */
  #isLogin(data: Buffer, { user, hostKey, identity }: Guest): boolean {
    const fields = new Fields(data);
    if (this.#bound === undefined || !fields.string().equals(this.#bound.id) || fields.byte() !== userauthRequest) return false;
    if (fields.text() !== user || fields.text() !== "ssh-connection") return false;
    const method = fields.text();
    if (!methods.includes(method) || fields.byte() !== 1) return false;
    const algorithm = fields.text();
    const { type } = identity.publicKey;
    if (algorithm !== type && !(type === "ssh-rsa" && /^rsa-sha2-(256|512)$/.test(algorithm))) return false;
    if (!fields.string().equals(identity.publicKey.getPublicSSH())) return false;
    if (method !== "publickey" && !fields.string().equals(hostKey)) return false;
    fields.end();
    return true;
  }
}

const blobOf = ({ identity }: Guest): Buffer => identity.publicKey.getPublicSSH();

/** Whether a host has signed the ID of a session, which only who has its private key can. */
function isSignedBy(hostKey: Buffer, id: Buffer, signature: Buffer): boolean {
  const parsed: ParsedKey | ParsedKey[] | Error = utils.parseKey(hostKey);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key instanceof Error) return false;
  const fields = new Fields(signature);
  const [algorithm, bytes] = [fields.text(), fields.string()];
  fields.end();
  const publicKey: KeyObject = createPublicKey(key.getPublicPEM());
  if (key.type === "ssh-ed25519") return algorithm === key.type && verify(null, id, publicKey, bytes);
  if (key.type === "ssh-rsa") return /^rsa-sha2-(256|512)$/.test(algorithm) && verify(algorithm.endsWith("512") ? "sha512" : "sha256", id, publicKey, bytes);
  const curve = curves[key.type];
  if (curve === undefined || algorithm !== key.type) return false;
  const numbers = new Fields(bytes);
  const flat = Buffer.concat([numbers.number(curve.bytes), numbers.number(curve.bytes)]);
  numbers.end();
  return verify(curve.hash, id, { key: publicKey, dsaEncoding: "ieee-p1363" }, flat);
}

/** Source: RFC 5656, sections 3.1.2 and 6.2.1. */
const curves: Readonly<Record<string, { readonly hash: string; readonly bytes: number }>> = {
  "ecdsa-sha2-nistp256": { hash: "sha256", bytes: 32 },
  "ecdsa-sha2-nistp384": { hash: "sha384", bytes: 48 },
  "ecdsa-sha2-nistp521": { hash: "sha512", bytes: 66 },
};

/** A signature of two numbers as SSH writes it: one out of a file comes in DER, one out of an agent as it must be. */
function sshForm(signature: Buffer): Buffer {
  if (signature[0] !== 0x30) return signature;
  let at = (signature[1] ?? 0) > 0x80 ? 3 : 2;
  const next = (): Buffer => {
    const length = signature[at + 1] ?? 0;
    const number = signature.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return text(number);
  };
  return Buffer.concat([next(), next()]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const text = (value: Buffer | string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value as string)]);

/** The fields of a message, one after another. Source: RFC 4251, section 5. @throws Error past the end */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  string(): Buffer {
    const length = this.u32();
    if (length > this.#bytes.length - this.#at) throw new RangeError("A field ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.string().toString("latin1");
  }

  /** A number that is not negative, in so many bytes. */
  number(size: number): Buffer {
    const bytes = this.string();
    const digits = bytes[0] === 0 ? bytes.subarray(1) : bytes;
    if (digits.length > size) throw new RangeError("A number is too large");
    return Buffer.concat([Buffer.alloc(size - digits.length), digits]);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("A message has more than it should");
  }
}
