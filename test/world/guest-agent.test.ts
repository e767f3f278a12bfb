import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { ParsedKey } from "ssh2";
import { GuestAgent } from "../../lib/world/ssh/guest-agent.ts";
import type { Hash, Identity } from "../../lib/world/ssh/identity.ts";
import { readKey } from "../../lib/world/ssh/key-format.ts";
import { makeKey, temporaryHome } from "./sshd.ts";

const u32 = (value: number): Buffer => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const text = (value: Buffer | string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), typeof value === "string" ? Buffer.from(value) : value]);
const kinds = ["ed25519", "rsa", "ecdsa"] as const;
type Kind = (typeof kinds)[number];

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());
const load = (name: string, kind: Kind): ParsedKey => {
  const file = readKey(readFileSync(makeKey(home.path, name, kind), "utf8"));
  if (file.kind !== "private") throw new Error("It is no private key");
  return file.key;
};
const hosts = { ed25519: load("host-ed25519", "ed25519"), rsa: load("host-rsa", "rsa"), ecdsa: load("host-ecdsa", "ecdsa") };
const users = { ed25519: load("user-ed25519", "ed25519"), rsa: load("user-rsa", "rsa"), ecdsa: load("user-ecdsa", "ecdsa") };
const stranger = load("stranger", "ed25519");
const id = Buffer.from("the ID of a session, thirty-two b");

const algorithmOf = (key: ParsedKey): string => (key.type === "ssh-rsa" ? "rsa-sha2-512" : key.type);

/** As SSH writes it: DER turned into two numbers for ECDSA. */
function signatureOf(key: ParsedKey, data: Buffer): Buffer {
  const raw = key.sign(data, key.type === "ssh-rsa" ? "sha512" : undefined);
  if (!key.type.startsWith("ecdsa")) return Buffer.concat([text(algorithmOf(key)), text(raw)]);
  const first = raw[3] ?? 0;
  return Buffer.concat([text(key.type), text(Buffer.concat([text(raw.subarray(4, 4 + first)), text(raw.subarray(6 + first))]))]);
}

const bound = (key: ParsedKey, { session = id, by = key, forwarding = 0 } = {}): Buffer =>
  Buffer.concat([Buffer.from([27]), text("session-bind@openssh.com"), text(key.getPublicSSH()), text(session), text(signatureOf(by, session)), Buffer.from([forwarding])]);

const login = (key: ParsedKey, { session = id, user = "deploy", service = "ssh-connection", method = "publickey", host = undefined as ParsedKey | undefined, more = "" } = {}): Buffer =>
  Buffer.concat([text(session), Buffer.from([50]), text(user), text(service), text(method), Buffer.from([1]), text(algorithmOf(key)), text(key.getPublicSSH()), ...(host === undefined ? [] : [text(host.getPublicSSH())]), Buffer.from(more)]);

const asking = (key: ParsedKey, data: Buffer): Buffer => Buffer.concat([Buffer.from([13]), text(key.getPublicSSH()), text(data), u32(key.type === "ssh-rsa" ? 4 : 0)]);

/** A program on the host that asks the agent. */
function program(agent: GuestAgent): { ask(request: Buffer): Promise<Buffer> } {
  let stream: Duplex | undefined;
  agent.getStream((_, opened) => { stream = opened; });
  return {
    async ask(request) {
      const { promise, resolve } = Promise.withResolvers<Buffer>();
      stream?.once("data", resolve);
      // In two pieces, as a network may have it.
      stream?.write(text(request).subarray(0, 3));
      stream?.write(text(request).subarray(3));
      return (await promise).subarray(4);
    },
  };
}

function agentFor(host = hosts.ed25519, key = users.ed25519): { readonly agent: GuestAgent; readonly allowed: Disposable } {
  const agent = new GuestAgent();
  return { agent, allowed: agent.allow({ hostKey: host.getPublicSSH(), user: "deploy", identity: identityOf(key) }) };
}

const identityOf = (key: ParsedKey): Identity => ({ label: "key", publicKey: key, signNow: undefined, sign: async (data: Buffer, hash: Hash | undefined) => key.sign(data, hash) });

const failure = Buffer.from([5]);
const success = Buffer.from([6]);
const nothing = Buffer.from([12, 0, 0, 0, 0]);

test.each(kinds.flatMap((host) => kinds.map((user) => [host, user] as const)))("a program that proves by the host's key (%s) where it logs in gets one signature (%s), and no second one", async (host, user) => {
  const { agent } = agentFor(hosts[host], users[user]);
  const { ask } = program(agent);
  expect(await ask(Buffer.from([11]))).toEqual(nothing);
  expect(await ask(bound(hosts[host]))).toEqual(success);
  expect(await ask(Buffer.from([11]))).toEqual(Buffer.concat([Buffer.from([12]), u32(1), text(users[user].getPublicSSH()), text("capstan")]));
  const data = login(users[user]);
  const answer = await ask(asking(users[user], data));
  expect(answer[0]).toBe(14);
  if (user !== "ecdsa") expect(answer.subarray(1)).toEqual(text(signatureOf(users[user], data)));
  else expect(answer.subarray(5, 28).toString()).toContain("ecdsa-sha2-nistp");
  expect(await ask(asking(users[user], data))).toEqual(failure);
  expect(await ask(Buffer.from([11]))).toEqual(nothing);
});

test("the login may name the host's key once more", async () => {
  const method = "publickey-hostbound-v00@openssh.com";
  const { agent } = agentFor();
  const { ask } = program(agent);
  await ask(bound(hosts.ed25519));
  expect(await ask(asking(users.ed25519, login(users.ed25519, { method, host: stranger })))).toEqual(failure);
  expect((await ask(asking(users.ed25519, login(users.ed25519, { method, host: hosts.ed25519 }))))[0]).toBe(14);
});

test.each<[what: string, request: Buffer]>([
  ["another host's key", bound(stranger)],
  ["the host's key without its signature", bound(hosts.ed25519, { by: stranger })],
  ["a session that is handed on once more", bound(hosts.ed25519, { forwarding: 1 })],
])("a program that shows %s gets no key and no signature", async (_, request) => {
  const { agent } = agentFor();
  const { ask } = program(agent);
  await ask(request);
  expect(await ask(Buffer.from([11]))).toEqual(nothing);
  expect(await ask(asking(users.ed25519, login(users.ed25519)))).toEqual(failure);
});

test("a session is bound to one host, which is one that a login is allowed to", async () => {
  const { agent } = agentFor();
  agent.allow({ hostKey: hosts.rsa.getPublicSSH(), user: "deploy", identity: identityOf(users.ed25519) });
  const { ask } = program(agent);
  expect(await ask(bound(stranger))).toEqual(failure);
  expect(await ask(bound(hosts.rsa))).toEqual(success);
  expect(await ask(bound(hosts.ed25519))).toEqual(failure);
});

test("of machines that share a host key each gets its own login", async () => {
  const { agent } = agentFor();
  agent.allow({ hostKey: hosts.ed25519.getPublicSSH(), user: "other", identity: identityOf(users.rsa) });
  agent.allow({ hostKey: hosts.ed25519.getPublicSSH(), user: "third", identity: identityOf(users.rsa) });
  const { ask } = program(agent);
  await ask(bound(hosts.ed25519));
  expect(await ask(Buffer.from([11]))).toEqual(Buffer.concat([Buffer.from([12]), u32(2), text(users.ed25519.getPublicSSH()), text("capstan"), text(users.rsa.getPublicSSH()), text("capstan")]));
  const data = login(users.rsa, { user: "third" });
  expect((await ask(asking(users.rsa, data)))[0]).toBe(14);
  expect(await ask(asking(users.rsa, data))).toEqual(failure);
  expect((await ask(asking(users.ed25519, login(users.ed25519))))[0]).toBe(14);
});

/** A connection to the agent, as a hostile host may use it. */
function opened(agent: GuestAgent): Duplex {
  const { stream } = opening(agent);
  if (stream === undefined) throw new Error("It was not opened");
  return stream;
}
function opening(agent: GuestAgent): { readonly error: Error | undefined; readonly stream: Duplex | undefined } {
  let result: { readonly error: Error | undefined; readonly stream: Duplex | undefined } = { error: undefined, stream: undefined };
  agent.getStream((error, stream) => { result = { error, stream }; });
  return result;
}
const question = text(Buffer.from([11]));

test.each<[what: string, bytes: Buffer, answers: number]>([
  ["asks more often than a login takes", Buffer.concat(Array.from({ length: 1000 }, () => question)), 16],
  ["sends what is no message", Buffer.concat([question, Buffer.alloc(64)]), 1],
  ["announces a message that is too long", Buffer.from([255, 255, 255, 255]), 0],
])("a connection that %s ends, and what comes after that is dropped", async (_, bytes, answers) => {
  const stream = opened(agentFor().agent);
  const got: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => got.push(chunk));
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  stream.on("end", resolve);
  stream.write(bytes);
  await ended;
  for (let i = 0; i < 50; i++) await new Promise<void>((taken) => void stream.write(Buffer.alloc(32 * 1024, 1), () => taken()));
  expect([Buffer.concat(got).length, stream.writableLength]).toEqual([answers * 9, 0]);
});

test("a host that takes no answers is answered no more", async () => {
  const { agent } = agentFor();
  // Each answer has a key in it that is longer than what a stream holds.
  const long = { label: "long", publicKey: { ...users.ed25519, type: "ssh-ed25519", getPublicSSH: () => Buffer.alloc(100_000) } as unknown as ParsedKey, signNow: undefined, sign: async () => Buffer.alloc(0) };
  agent.allow({ hostKey: hosts.ed25519.getPublicSSH(), user: "deploy", identity: long });
  const stream = opened(agent);
  stream.write(text(bound(hosts.ed25519)));
  stream.write(Buffer.concat(Array.from({ length: 10 }, () => question)));
  await Bun.sleep(50);
  expect(stream.readableLength).toBeLessThan(210_000);
  let got = 0;
  stream.on("data", (chunk: Buffer) => { got += chunk.length; });
  await Bun.sleep(50);
  expect(got).toBeGreaterThan(1_000_000);
});

test("a host opens the agent four times at once", async () => {
  const { agent } = agentFor();
  const four = [1, 2, 3, 4].map(() => opened(agent));
  expect(opening(agent).error?.message).toBe("The host has opened the agent too often");
  four[0]?.resume();
  four[0]?.end();
  await Bun.sleep(20);
  expect(opening(agent).error).toBeUndefined();
  expect(opening(agent).error).toBeDefined();
});

test.each<[what: string, request: Buffer]>([
  ["another user", asking(users.ed25519, login(users.ed25519, { user: "root" }))],
  ["another session", asking(users.ed25519, login(users.ed25519, { session: Buffer.from("another") }))],
  ["another service", asking(users.ed25519, login(users.ed25519, { service: "ssh-userauth" }))],
  ["another way", asking(users.ed25519, login(users.ed25519, { method: "hostbased" }))],
  ["more than a login", asking(users.ed25519, login(users.ed25519, { more: "x" }))],
  ["another key", asking(stranger, login(stranger))],
  ["a key that the login does not name", asking(users.ed25519, login(stranger))],
  ["a file", asking(users.ed25519, Buffer.from("SSHSIG"))],
  ["nothing", Buffer.from([13])],
  ["a key to keep", Buffer.from([17])],
  ["another extension", Buffer.concat([Buffer.from([27]), text("query")])],
])("nothing is signed for %s", async (_, request) => {
  const { ask } = program(agentFor().agent);
  await ask(bound(hosts.ed25519));
  expect(await ask(request)).toEqual(failure);
});

test("what was allowed ends", async () => {
  const { agent, allowed } = agentFor();
  const { ask } = program(agent);
  await ask(bound(hosts.ed25519));
  allowed[Symbol.dispose]();
  expect(await ask(asking(users.ed25519, login(users.ed25519)))).toEqual(failure);
});
