import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import type { SshOptions } from "../../lib/ground/ssh-options.ts";
import { makeKey, me, run, startSshd, temporaryHome, type Sshd } from "./sshd.ts";
import { failureOf, limits, never, openTransport, transports, type TestTransport } from "./transport.ts";

/** Everything here talks to a real sshd; keys and agent are real too. */
const keys = temporaryHome();
const homes: Disposable[] = [keys];
let plain: string;
let rsa: string;
let ecdsa: string;
let secret: string;
let sshd: Sshd;
let bastion: Sshd;

beforeAll(async () => {
  plain = makeKey(keys.path, "plain", "ed25519");
  rsa = makeKey(keys.path, "rsa", "rsa", "", "-b", "2048");
  ecdsa = makeKey(keys.path, "ecdsa", "ecdsa");
  secret = makeKey(keys.path, "secret", "ed25519", "open sesame", "-a", "1");
  [sshd, bastion] = await Promise.all([startSshd([plain, rsa, ecdsa, secret].map((path) => `${path}.pub`)), startSshd([`${plain}.pub`])]);
});
afterAll(async () => {
  await Promise.all([sshd[Symbol.asyncDispose](), bastion[Symbol.asyncDispose]()]);
  for (const home of homes) home[Symbol.dispose]();
});

/** A home that knows both hosts. */
function home(config?: string, more = ""): string {
  const made = temporaryHome();
  homes.push(made);
  writeFileSync(join(made.path, ".ssh/known_hosts"), sshd.knownHost + bastion.knownHost + more);
  if (config !== undefined) writeFileSync(join(made.path, ".ssh/config"), config);
  return made.path;
}
const strict: Partial<SshOptions> = { strictHostKeyChecking: "yes" };
const address = (of: Sshd): string => `${me}@127.0.0.1:${of.port}`;
const hello = async (open: TestTransport, host: string): Promise<string> => (await open.transport.run(host, sh`echo hello`, limits)).stdout;

describe.each(transports)("over %s", (over, make) => {
  describe("keys", () => {
    test.each(["plain", "rsa", "ecdsa"])("%s logs in", async (name) => {
      await using open = openTransport(home(), { ...strict, keys: [join(keys.path, name)], keysOnly: true }, { make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });

    // OpenSSH reads no ed25519 key of that form.
    test.each(over === "ssh2" ? ["plain", "rsa", "ecdsa"] : ["rsa", "ecdsa"])("%s logs in as PKCS#8", async (name) => {
      const path = home();
      const copy = join(path, "pkcs8");
      writeFileSync(copy, pkcs8(name), { mode: 0o600 });
      await using open = openTransport(path, { ...strict, keys: [copy], keysOnly: true }, { make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });

    test("an encrypted key asks once for all hosts", async () => {
      const asked: string[] = [];
      await using open = openTransport(home(), { ...strict, keys: [secret] }, { prompt: async (question) => { asked.push(question); return asked.length === 1 ? "wrong" : "open sesame"; }, make });
      expect(await Promise.all([hello(open, address(sshd)), hello(open, `localhost:${sshd.port}`).catch(() => "unknown host")])).toEqual(["hello\n", "unknown host"]);
      expect(asked).toEqual([`Passphrase of ${secret}`, `Wrong. Passphrase of ${secret}`]);
      expect(open.redactor.scrub("open sesame")).not.toContain("sesame");
    });

    test("an encrypted key that the host would not take is not asked for", async () => {
      const asked: string[] = [];
      await using open = openTransport(home(), { ...strict, keys: [secret, plain] }, { prompt: async (question) => { asked.push(question); return ""; }, make });
      expect(await hello(open, address(bastion))).toBe("hello\n");
      expect(asked).toEqual([]);
    });

    test("an encrypted key without anybody to ask fails with what to do", async () => {
      await using open = openTransport(home(), { ...strict, keys: [secret], keysOnly: true }, { make });
      expect(await failureOf(open.transport.connect(address(sshd), never))).toMatchObject({
        reason: "key-file",
        message: `Cannot use the key ${secret}: it needs a passphrase and nobody can be asked`,
        hint: `Add it to an agent with "ssh-add ${secret}".`,
      });
    });

    test("the usual files are found without being named", async () => {
      const path = home();
      copyFileSync(rsa, join(path, ".ssh/id_rsa"));
      await using open = openTransport(path, strict, { make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });
  });

  describe("the agent", () => {
    let socket: string;
    let agent: Bun.Subprocess;
    beforeAll(async () => {
      socket = join(keys.path, "agent");
      agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore", stderr: "ignore" });
      for (let i = 0; i < 100 && Bun.spawnSync(["ssh-add", "-l"], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).exitCode === 2; i++) await Bun.sleep(20);
      // Unlocked once by the user: nobody is asked again.
      const askpass = join(keys.path, "askpass");
      writeFileSync(askpass, "#!/bin/sh\necho open sesame\n", { mode: 0o700 });
      run(["ssh-add", "-q", secret], { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" });
      run(["ssh-add", "-q", rsa], { ...process.env, SSH_AUTH_SOCK: socket });
    });
    afterAll(async () => {
      agent.kill();
      await agent.exited;
    });

    test("logs in with its keys", async () => {
      await using open = openTransport(home(), strict, { env: { SSH_AUTH_SOCK: socket }, make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });

    test("is forwarded to the host when the config says so, for every command", async () => {
      const listed = async (forwardAgent: boolean): Promise<string[]> => {
        await using open = openTransport(home(), { ...strict, forwardAgent }, { env: { SSH_AUTH_SOCK: socket }, make });
        const list = async (): Promise<string> => (await open.transport.run(address(sshd), sh`ssh-add -l 2>&1 | wc -l; ssh-add -l >/dev/null 2>&1; echo $?`, limits)).stdout.trim().split(/\s+/).join(" ");
        return [await list(), await list()];
      };
      expect(await listed(true)).toEqual(["2 0", "2 0"]);
      expect(await listed(false)).toEqual(["1 2", "1 2"]);
    });

    test("is not forwarded to a host whose key has changed, checked or not", async () => {
      const path = home();
      const other = readFileSync(`${makeKey(keys.path, `other-${over}`, "ed25519")}.pub`, "utf8");
      writeFileSync(join(path, ".ssh/known_hosts"), `[127.0.0.1]:${sshd.port} ${other}`);
      await using open = openTransport(path, { strictHostKeyChecking: "no", forwardAgent: true }, { env: { SSH_AUTH_SOCK: socket }, make });
      expect((await open.transport.run(address(sshd), sh`ssh-add -l >/dev/null 2>&1; echo $?`, limits)).stdout).toBe("2\n");
      expect(open.notices()).toEqual([expect.stringMatching(/^The host key has changed and is not checked: \S+ SHA256:\S+\. The agent is not forwarded there$/)]);
    });

    test("serves an encrypted key file that it holds", async () => {
      await using open = openTransport(home(), { ...strict, keys: [secret], keysOnly: true }, { env: { SSH_AUTH_SOCK: socket }, make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });

    test("signs with rsa keys too, named by their public file", async () => {
      await using open = openTransport(home(), { ...strict, keys: [`${rsa}.pub`], keysOnly: true }, { env: { SSH_AUTH_SOCK: socket }, make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
    });

    test("is asked beside the named keys; what was tried is listed in that order", async () => {
      const path = home();
      const stranger = makeKey(path, "stranger", "ed25519");
      await using open = openTransport(path, { ...strict, keys: [stranger] }, { env: { SSH_AUTH_SOCK: socket }, make });
      expect(await failureOf(open.transport.connect(address(bastion), never))).toMatchObject({
        reason: "authentication",
        // OpenSSH asks the agent first.
        details: over === "ssh2" ? [`tried: ${stranger}`, "tried: secret@test (in the agent)", "tried: rsa@test (in the agent)"] : ["tried: secret@test (in the agent)", "tried: rsa@test (in the agent)", `tried: ${stranger}`],
      });
    });

    test("that does not answer is mentioned, and the files are tried", async () => {
      const path = home();
      const stranger = makeKey(path, "stranger", "ed25519");
      const gone = { env: { SSH_AUTH_SOCK: join(path, "gone") } };
      await using works = openTransport(path, { ...strict, keys: [plain] }, { ...gone, make });
      expect(await hello(works, address(sshd))).toBe("hello\n");
      await using fails = openTransport(path, { ...strict, keys: [stranger] }, { ...gone, make });
      expect(await failureOf(fails.transport.connect(address(sshd), never))).toMatchObject({ details: [`tried: ${stranger}`, `the agent at ${path}/gone does not answer`] });
    });
  });

  describe("jump hosts", () => {
    test("ssh.proxy leads through a host whose key is checked too", async () => {
      await using open = openTransport(home(), { ...strict, keys: [plain], proxy: address(bastion) }, { make });
      expect(await hello(open, address(sshd))).toBe("hello\n");
      const ready = open.events.flatMap((event) => (event.type === "connect" && event.state === "ready" ? [event.host] : []));
      expect(ready).toEqual([...(over === "ssh2" ? [`${address(bastion)} (jump host)`] : []), address(sshd)]);
    });

    test("ssh_config's ProxyJump leads through a chain", async () => {
      const config = `Host inner\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${me}\n  ProxyJump one,two\nHost one two\n  HostName 127.0.0.1\n  Port ${bastion.port}\n  User ${me}\nHost *\n  IdentityFile ${plain}\n`;
      await using open = openTransport(home(config), strict, { make });
      expect(await hello(open, "inner")).toBe("hello\n");
      expect(open.events.flatMap((event) => (event.type === "connect" && event.state === "ready" ? [event.host] : []))).toEqual([...(over === "ssh2" ? ["one (jump host)", "two (jump host)"] : []), "inner"]);
    });

    test("a jump host that fails is named", async () => {
      await using open = openTransport(home(), { ...strict, keys: [plain], proxy: "127.0.0.1:1" }, { make });
      expect(await failureOf(open.transport.connect(address(sshd), never))).toMatchObject({
        reason: "jump",
        message: `Cannot connect to ${address(sshd)} through 127.0.0.1:1: Cannot connect to 127.0.0.1:1: nothing listens on port 1`,
      });
    });

    test("a host behind the jump host that fails is told as the jump host sees it", async () => {
      await using open = openTransport(home(), { ...strict, keys: [plain], proxy: address(bastion) }, { make });
      expect(await failureOf(open.transport.connect("127.0.0.1:1", never))).toMatchObject({ reason: "refused", message: `Cannot connect to 127.0.0.1:1: nothing listens there, says ${address(bastion)}` });
    });

    test("a host that jumps through itself is refused", async () => {
      await using open = openTransport(home("Host web two\n  ProxyJump one\nHost one\n  ProxyJump two\n"), strict, { make });
      expect(await failureOf(open.transport.connect("web", never))).toMatchObject({ reason: "jump" });
    });

    test("a ProxyCommand carries the connection", async () => {
      const script = `const socket = require("node:net").connect(Number(process.argv.at(-1)), process.argv.at(-2)); process.stdin.pipe(socket).pipe(process.stdout); socket.on("close", () => process.exit());`;
      const path = home();
      writeFileSync(join(path, "relay.cjs"), script);
      writeFileSync(join(path, ".ssh/config"), `Host web\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${me}\n  ProxyCommand ${process.execPath} ${path}/relay.cjs %h %p\n`);
      await using open = openTransport(path, { ...strict, keys: [plain] }, { make });
      expect(await hello(open, "web")).toBe("hello\n");
    });
  });

  test("thirty commands at once fit into the ten sessions of a default sshd", async () => {
    await using open = openTransport(home(), { ...strict, keys: [plain] }, { make });
    const outputs = await Promise.all(Array.from({ length: 30 }, async (_, i) => (await open.transport.run(address(sshd), sh`echo ${i}`, limits)).stdout));
    expect(outputs).toEqual(Array.from({ length: 30 }, (_, i) => `${i}\n`));
  });

  test("a command whose time is up is stopped on the host, also for root", async () => {
    await using open = openTransport(home(), { ...strict, keys: [plain] }, { make });
    await failureOf(open.transport.run(address(sshd), sh`sleep 65; true`, { ...limits, timeoutMs: 300 }));
    expect((await open.transport.run(address(sshd), sh`ps -eo args | grep -c '^sleep 6[5]'`, limits)).stdout).toBe("0\n");
  });

  test("transport.probe() tells what sshd says of a closed port, and of forwarding that is forbidden", async () => {
    await using closed = await startSshd([`${plain}.pub`], ["AllowTcpForwarding no"]);
    const path = home();
    await using open = openTransport(path, { keys: [plain] }, { make });
    const probe = { address: "127.0.0.1", port: 1, path: "/up", headers: {}, timeoutMs: 2000 };
    expect(await open.transport.probe(address(sshd), probe, never)).toMatchObject({ ok: false, reason: "refused", detail: "Connection refused" });
    expect(await open.transport.probe(address(closed), probe, never)).toMatchObject({ ok: false, reason: "forbidden", detail: "open failed" });
  });

  describe("a host that is not content", () => {
    test.each<[string, string[], string]>([
      ["with a key alone", ["AuthenticationMethods publickey,password", "PasswordAuthentication yes"], "a key is not enough for the user"],
      ["with keys at all", ["PubkeyAuthentication no", "PasswordAuthentication yes"], "it takes no keys, only password"],
      ["with so many keys", ["MaxAuthTries 1"], "it hung up (after too many keys|while it was offered keys) for the user"],
    ])("%s is explained", async (_, options, message) => {
      const path = home();
      const strangers = ["one", "two"].map((name) => makeKey(path, name, "ed25519"));
      const [first = ""] = options;
      await using picky = await startSshd([`${plain}.pub`], options);
      await using open = openTransport(path, { keys: first.startsWith("Max") ? strangers : [plain] }, { make });
      expect(await failureOf(open.transport.connect(address(picky), never))).toMatchObject({ reason: "authentication", message: expect.stringMatching(new RegExp(message)) });
    });
  });
});

/** A key rewritten as PKCS#8. ssh-keygen does it for rsa and ecdsa; ed25519 it leaves alone, so that key is taken apart here. */
function pkcs8(name: string): string {
  const copy = join(keys.path, `${name}.copy`);
  mkdirSync(keys.path, { recursive: true });
  copyFileSync(join(keys.path, name), copy);
  if (name !== "plain") {
    run(["ssh-keygen", "-q", "-p", "-N", "", "-m", "PKCS8", "-f", copy]);
    return readFileSync(copy, "utf8");
  }
  const bytes = Buffer.from(readFileSync(copy, "utf8").replaceAll(/-----.*-----|\s/g, ""), "base64");
  // The private half stands behind the second copy of the public one: 32 bytes of seed, then the public key again.
  const publicKey = Buffer.from(readFileSync(join(keys.path, `${name}.pub`), "utf8").split(" ")[1] ?? "", "base64").subarray(-32);
  const at = bytes.lastIndexOf(publicKey);
  const seed = bytes.subarray(at - 32, at);
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "pem", type: "pkcs8" }).toString();
}

test("a host that is logged in to at once need not wait for word that its answers have come", async () => {
  await using talkative = await startSshd([`${plain}.pub`], ["LogLevel DEBUG3"]);
  await using open = openTransport(home(undefined, talkative.knownHost), { ...strict, keys: [plain], keysOnly: true });
  expect(await hello(open, address(talkative))).toBe("hello\n");
  // Once while it looks at the key, once while it makes the sessions.
  const [before = ""] = talkative.log().split("Starting session");
  expect(before.match(/Received SSH2_MSG_IGNORE/g)).toHaveLength(2);
});
