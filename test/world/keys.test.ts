import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createBox } from "./box.ts";
import { makeKey, run } from "./sshd.ts";
import { failureOf, never, openTransport } from "./transport.ts";

/** Keys of every kind and file format against a real sshd, and a real agent in every mood. */
const box = createBox();
const { folder } = box;
afterAll(() => box[Symbol.dispose]());
const patience = 20_000;

describe("a key file", () => {
  const pair = (kind: readonly ["ed25519" | "rsa" | "ecdsa", ...string[]], format: string) => ["", "open sesame"].map((passphrase) => ({ kind, format, passphrase }));
  const [rsa, ecdsa] = [["rsa", "-b", "2048"], ["ecdsa", "-b", "256"]] as const;
  const files = [
    // ssh-keygen writes ed25519 in its own format only.
    ...pair(["ed25519"], "OpenSSH"), ...["OpenSSH", "PEM", "PKCS8"].flatMap((format) => [...pair(rsa, format), ...pair(ecdsa, format)]),
    ...["384", "521"].map((bits) => ({ kind: ["ecdsa", "-b", bits] as const, format: "PKCS8", passphrase: "" })),
  ];

  test.each(files)("$kind as $format, passphrase $passphrase", async ({ kind: [type, ...more], format, passphrase }) => {
    const path = makeKey(folder, `k${Bun.hash([type, more, format, passphrase].join())}`, type, passphrase, ...more, "-a", "1", ...(format === "OpenSSH" ? [] : ["-m", format]));
    const asked: string[] = [];
    await using open = openTransport(folder, { ...box.reach([`AuthorizedKeysFile ${path}.pub`]), keys: [path] }, { prompt: async (question) => { asked.push(question); return passphrase; } });
    await open.transport.connect("box", never);
    expect(asked).toEqual(passphrase === "" ? [] : [`Passphrase of ${path}`]);
  }, patience);

  test.each(["rsa-sha2-256", "rsa-sha2-512"])("of type rsa signs with %s for a host that wants nothing else", async (algorithm) => {
    const path = makeKey(folder, `only-${algorithm}`, "rsa", "", "-b", "2048");
    await using open = openTransport(folder, { ...box.reach([`AuthorizedKeysFile ${path}.pub`, `PubkeyAcceptedAlgorithms ${algorithm}`]), keys: [path] });
    await open.transport.connect("box", never);
  }, patience);

  test("of type dsa is refused before the host is asked", async () => {
    const path = join(folder, "dsa");
    const { exitCode } = Bun.spawnSync(["ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path]);
    // OpenSSH from version 10 on makes none any more.
    if (exitCode !== 0) return;
    await using open = openTransport(folder, { ...box.reach(), keys: [path] });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({
      reason: "key-file",
      message: `Cannot use the key ${path}: keys of type DSA are too weak: sshd does not take them`,
      hint: "Use a key of type ed25519, ecdsa or rsa, readable by you.",
    });
  }, patience);
});

describe("an agent", () => {
  const socket = join(folder, "agent");
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: join(folder, "askpass"), SSH_ASKPASS_REQUIRE: "force" };
  const many: string[] = [];
  let agent: Bun.Subprocess;
  beforeAll(async () => {
    writeFileSync(join(folder, "askpass"), "#!/bin/sh\necho open sesame\n", { mode: 0o700 });
    writeFileSync(join(folder, "refuse"), "#!/bin/sh\nexit 1\n", { mode: 0o700 });
    agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { env: { ...env, SSH_ASKPASS: join(folder, "refuse") }, stdout: "ignore", stderr: "ignore" });
    for (let i = 0; i < 200 && Bun.spawnSync(["ssh-add", "-l"], { env }).exitCode === 2; i++) await Bun.sleep(20);
    for (let i = 0; i < 8; i++) {
      many.push(makeKey(folder, `agent${i}`, "ed25519"));
      run(["ssh-add", "-q", many[i] ?? ""], env);
    }
  });
  afterAll(async () => {
    agent.kill();
    await agent.exited;
  });
  const last = (): string => many.at(-1) ?? "";
  const few = (): string[] => [`AuthorizedKeysFile ${last()}.pub`, "MaxAuthTries 3"];

  test("of many keys offers first the one that the SSH config names", async () => {
    await using open = openTransport(folder, { ...box.reach(few(), [`IdentityFile ${last()}`]), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
    await open.transport.connect("box", never);
  }, patience);

  test("finds it by its public half, also where the private one is not here", async () => {
    copyFileSync(`${last()}.pub`, join(folder, "elsewhere.pub"));
    for (const name of ["elsewhere", "elsewhere.pub"]) {
      await using open = openTransport(folder, { ...box.reach(few(), [`IdentityFile ${join(folder, name)}`, "IdentitiesOnly yes"]), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
      await open.transport.connect("box", never);
    }
  }, patience);

  test("whose many keys the host is tired of is explained", async () => {
    await using open = openTransport(folder, { ...box.reach(few()), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ reason: "authentication", message: expect.stringContaining("it hung up after too many keys"), hint: "Name the right key in ssh.keys and set ssh.keysOnly, or raise MaxAuthTries in sshd_config." });
  }, patience);

  test("is not asked where the SSH config says none", async () => {
    await using open = openTransport(folder, { ...box.reach([`AuthorizedKeysFile ${last()}.pub`], ["IdentityAgent none", "IdentityFile /nowhere"]), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ message: "Cannot connect to box: there is no key to log in with", details: [] });
  }, patience);

  test("is asked at the place that the SSH config says", async () => {
    await using open = openTransport(folder, { ...box.reach([`AuthorizedKeysFile ${many[0]}.pub`], ["IdentityAgent ${MY_AGENT}"]), keys: [], keysOnly: false }, { env: { MY_AGENT: socket } });
    await open.transport.connect("box", never);
  }, patience);

  test("that refuses to sign is one key less, and is named", async () => {
    const asking = makeKey(folder, "asking", "ed25519");
    run(["ssh-add", "-q", "-c", asking], env);
    const server = box.reach([`AuthorizedKeysFile ${asking}.pub`], [`IdentityFile ${asking}`, "IdentitiesOnly yes"]);
    rmSync(asking);
    await using open = openTransport(folder, { ...server, keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ reason: "authentication", details: expect.arrayContaining([`tried: ${asking} (in the agent)`, expect.stringContaining(`the agent at ${socket} refused to sign`)]) });
    run(["ssh-add", "-q", "-d", `${asking}.pub`], env);
  }, patience);

  test("that is locked says so", async () => {
    run(["ssh-add", "-x"], env);
    await using open = openTransport(folder, { ...box.reach([], ["IdentityFile /nowhere"]), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: socket } });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ message: "Cannot connect to box: there is no key to log in with", details: [`the agent at ${socket} has no key that can be used: it may be locked`] });
    run(["ssh-add", "-X"], env);
  }, patience);

  test("that hangs up is no agent", async () => {
    const path = join(folder, "hangs-up");
    const listener = createServer((connection) => connection.destroy());
    const { promise, resolve } = Promise.withResolvers<void>();
    listener.listen(path, resolve);
    await promise;
    await using open = openTransport(folder, { ...box.reach([], ["IdentityFile /nowhere"]), keys: [], keysOnly: false }, { env: { SSH_AUTH_SOCK: path } });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ details: [`the agent at ${path} does not answer`] });
    await using works = openTransport(folder, box.reach(), { env: { SSH_AUTH_SOCK: path } });
    await works.transport.connect("box", never);
    listener.close();
  }, patience);
});
