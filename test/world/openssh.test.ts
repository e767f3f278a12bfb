import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import type { SshOptions } from "../../lib/ground/ssh-options.ts";
import { privateFile } from "../../lib/world/openssh/private-file.ts";
import { createWorld } from "../../lib/world/create.ts";
import { startSshServer } from "../support/ssh-server.ts";
import { makeKey, me, run, startSshd, temporaryHome, type Sshd } from "./sshd.ts";
import { choosing, failureOf, limits, never, openTransport, type TestTransport } from "./transport.ts";

/** What only the system's OpenSSH can do, with real keys against a real sshd. */
const keys = temporaryHome();
const homes: Disposable[] = [keys];
let authority: string;
let sshd: Sshd;
const address = (of: Sshd): string => `${me}@127.0.0.1:${of.port}`;
const hello = async (open: TestTransport, host: string): Promise<string> => (await open.transport.run(host, sh`echo hello`, limits)).stdout;
const pub = (path: string): string => readFileSync(`${path}.pub`, "utf8");

beforeAll(async () => {
  authority = makeKey(keys.path, "ca", "ed25519");
  sshd = await startSshd([], [`TrustedUserCAKeys ${authority}.pub`]);
});
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
  for (const home of homes) home[Symbol.dispose]();
});

/** A home that knows the host, with a key that the authority has signed. */
function home(...signing: string[]): string {
  const made = temporaryHome();
  homes.push(made);
  writeFileSync(join(made.path, ".ssh/known_hosts"), sshd.knownHost);
  const key = makeKey(join(made.path, ".ssh"), "id_ed25519", "ed25519");
  if (signing.length > 0) run(["ssh-keygen", "-q", "-s", authority, "-I", "me", ...signing, `${key}.pub`]);
  return made.path;
}
const chosen = (path: string, ssh: Partial<SshOptions> = {}, more: Parameters<typeof openTransport>[2] = {}): TestTransport => openTransport(path, { strictHostKeyChecking: "yes", ...ssh }, { make: choosing, ...more });

describe("a user certificate", () => {
  test("logs in, with a notice that says why OpenSSH is used", async () => {
    const path = home("-n", me);
    await using open = chosen(path);
    expect(await Promise.all([hello(open, address(sshd)), hello(open, address(sshd))])).toEqual(["hello\n", "hello\n"]);
    expect(open.notices()).toEqual([`Reached with the system's OpenSSH: its user certificate ${path}/.ssh/id_ed25519-cert.pub`]);
    expect(open.events.flatMap((event) => (event.type === "connect" ? [event.state] : []))).toEqual(["opening", "ready"]);
  });

  test("named by CertificateFile logs in", async () => {
    const path = home("-n", me);
    run(["mv", join(path, ".ssh/id_ed25519-cert.pub"), join(path, "signed.pub")]);
    writeFileSync(join(path, ".ssh/config"), `Match host 127.0.0.1 exec "test -e ${path}/signed.pub"\n  CertificateFile ${path}/signed.pub\n`);
    await using open = chosen(path);
    expect(await hello(open, address(sshd))).toBe("hello\n");
    expect(open.notices()).toEqual([`Reached with the system's OpenSSH: its user certificate ${path}/signed.pub`]);
  });

  test.each<[string, string[], RegExp]>([
    ["that has expired", ["-n", me, "-V", "20200101000000Z:20210203040500Z"], /: it refused every key for the user \w+: the certificate .*id_ed25519-cert\.pub has expired \(2021-02-03 04:05 UTC\)$/],
    ["for somebody else", ["-n", "alice,bob"], /: it refused every key for the user \w+: the certificate .*id_ed25519-cert\.pub is for alice, bob, not for \w+$/],
  ])("%s is refused, with the cause", async (_, signing, message) => {
    await using open = chosen(home(...signing));
    expect(await failureOf(open.transport.connect(address(sshd), never))).toMatchObject({ reason: "authentication", message: expect.stringMatching(message), hint: "Have the key signed anew, for the user you log in as." });
  });

  test("is named in the refusal where no OpenSSH is there", async () => {
    const path = home("-n", me);
    await using open = chosen(path, {}, { env: { PATH: "/nonexistent" } });
    expect(await failureOf(open.transport.connect(address(sshd), never))).toMatchObject({
      message: `Cannot connect to ${address(sshd)}: it needs OpenSSH (its user certificate ${path}/.ssh/id_ed25519-cert.pub), and there is no ssh on PATH`,
      hint: `Install OpenSSH's client, or set ssh.transport to "ssh2" to try without.`,
    });
  });
});

describe("a host certificate", () => {
  const withHost = async (principal: string, work: (open: TestTransport, host: string) => Promise<void>, line = (port: number) => `@cert-authority [127.0.0.1]:${port} ${pub(authority)}`): Promise<void> => {
    const folder = temporaryHome();
    homes.push(folder);
    const hostKey = makeKey(folder.path, "host", "ed25519");
    run(["ssh-keygen", "-q", "-s", authority, "-I", "host", "-h", "-n", principal, `${hostKey}.pub`]);
    const path = home();
    await using host = await startSshd([join(path, ".ssh/id_ed25519.pub")], [`HostKey ${hostKey}`, `HostCertificate ${hostKey}-cert.pub`]);
    writeFileSync(join(path, ".ssh/known_hosts"), line(host.port));
    await using open = chosen(path);
    await work(open, address(host));
  };

  test("is taken from an authority that known_hosts names", () => withHost("127.0.0.1", async (open, host) => {
    expect(await hello(open, host)).toBe("hello\n");
    expect(open.notices()).toEqual([expect.stringMatching(/^Reached with the system's OpenSSH: its host key is signed by an authority \(@cert-authority in .*known_hosts:1\)$/)]);
  }));

  test("for another name is refused", () => withHost("db.example", async (open, host) => {
    expect(await failureOf(open.transport.connect(host, never))).toMatchObject({ reason: "host-key" });
  }));

  test("of a revoked authority is refused", () => withHost("127.0.0.1", async (open, host) => {
    expect(await failureOf(open.transport.connect(host, never))).toMatchObject({ reason: "host-key", message: expect.stringContaining("revoked") });
  }, (port) => `@cert-authority [127.0.0.1]:${port} ${pub(authority)}@revoked * ${pub(authority)}`));
});

describe("a security key", () => {
  const field = (value: Buffer | string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const blob = Buffer.concat([field("sk-ssh-ed25519@openssh.com"), field(Buffer.alloc(32, 7)), field("ssh:")]);
  let agent: Server;
  let socket: string;
  let [signing, mostSigning] = [0, 0];
  // An agent whose one key is in a device that is not plugged in.
  beforeAll(async () => {
    socket = join(keys.path, "agent");
    agent = createServer((client) => {
      client.on("error", () => undefined);
      let held = Buffer.alloc(0);
      client.on("data", (chunk: Buffer) => {
        held = Buffer.concat([held, chunk]);
        if (held.length < 4 || held.length < 4 + held.readUInt32BE()) return;
        const [, , , , kind] = held;
        held = Buffer.alloc(0);
        if (kind === 11) return client.write(field(Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), field(blob), field("token")])));
        if (kind !== 13) return client.write(field(Buffer.from([5])));
        mostSigning = Math.max(mostSigning, ++signing);
        setTimeout(() => {
          signing--;
          client.write(field(Buffer.from([5])));
        }, touchMs);
        return true;
      });
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    agent.listen(socket, resolve);
    await promise;
  });
  afterAll(() => void agent.close());

  const touchMs = 4500;

  test("is asked for by one host after the other, and the touch is not counted against ssh.connectTimeout", async () => {
    const path = home();
    writeFileSync(join(path, "sk.pub"), `sk-ssh-ed25519@openssh.com ${blob.toString("base64")} token\n`);
    run(["rm", join(path, ".ssh/id_ed25519"), join(path, ".ssh/id_ed25519.pub")]);
    await using takes = await startSshd([join(path, "sk.pub")]);
    writeFileSync(join(path, ".ssh/known_hosts"), takes.knownHost);
    writeFileSync(join(path, ".ssh/config"), `Host a b\n  HostName 127.0.0.1\n  Port ${takes.port}\n  User ${me}\n`);
    await using open = chosen(path, { transport: "openssh", connectTimeoutSeconds: 4 }, { env: { SSH_AUTH_SOCK: socket } });
    mostSigning = 0;
    expect(await Promise.all(["a", "b"].map((host) => failureOf(open.transport.connect(host, never))))).toMatchObject(["a", "b"].map((host) => ({ message: expect.stringMatching(new RegExp(`^Cannot connect to ${host} .*: the key token cannot sign: `)) })));
    expect(mostSigning).toBe(1);
  }, 60_000);

  test("of the agent is for OpenSSH, whose words on it are told", async () => {
    const path = home();
    writeFileSync(join(path, "sk.pub"), `sk-ssh-ed25519@openssh.com ${blob.toString("base64")} token\n`);
    run(["rm", join(path, ".ssh/id_ed25519"), join(path, ".ssh/id_ed25519.pub")]);
    await using takes = await startSshd([join(path, "sk.pub")]);
    writeFileSync(join(path, ".ssh/known_hosts"), takes.knownHost);
    await using open = chosen(path, {}, { env: { SSH_AUTH_SOCK: socket } });
    expect(await failureOf(open.transport.connect(address(takes), never))).toMatchObject({ reason: "authentication", message: expect.stringMatching(/: the key token cannot sign: /), hint: expect.stringContaining("touch it") });
    expect(open.notices()).toEqual(["Reached with the system's OpenSSH: its key token (in the agent) is a security key (sk-ssh-ed25519@openssh.com)"]);
  });
});

describe("algorithms that ssh2 lacks", () => {
  test.each<[string, string[], string]>([
    ["a key exchange", ["KexAlgorithms sntrup761x25519-sha512@openssh.com"], "ssh2 has none of its KexAlgorithms: sntrup761x25519-sha512@openssh.com"],
    ["a MAC", ["Ciphers aes128-ctr", "MACs umac-128-etm@openssh.com"], "ssh2 has none of its MACs: umac-128-etm@openssh.com"],
  ])("%s is used by OpenSSH, once the host has named it", async (_, options, reason) => {
    const path = home();
    await using host = await startSshd([join(path, ".ssh/id_ed25519.pub")], options);
    writeFileSync(join(path, ".ssh/known_hosts"), host.knownHost);
    await using open = chosen(path);
    expect(await hello(open, address(host))).toBe("hello\n");
    expect(open.notices()).toEqual([expect.stringContaining(`Reached with the system's OpenSSH: ${reason}`)]);
  });

  test("are not looked for when ssh.transport is ssh2", async () => {
    const path = home();
    await using host = await startSshd([join(path, ".ssh/id_ed25519.pub")], ["KexAlgorithms sntrup761x25519-sha512@openssh.com"]);
    writeFileSync(join(path, ".ssh/known_hosts"), host.knownHost);
    await using open = chosen(path, { transport: "ssh2" });
    expect(await failureOf(open.transport.connect(address(host), never))).toMatchObject({ reason: "protocol" });
    expect(open.notices()).toEqual([]);
  });
});

test("a refusal that nothing foretold says what else can be tried", async () => {
  await using server = await startSshServer({ accepts: () => false });
  await using open = chosen(home(), { strictHostKeyChecking: "no" });
  expect(await failureOf(open.transport.connect(server.host, never))).toMatchObject({ reason: "authentication", hint: expect.stringMatching(/^Add one of these keys .* If "ssh" itself gets in, set ssh\.transport to "openssh"\.$/) });
  expect(server.connections).toBe(1);
});

describe("a one-time code", () => {
  test("is asked for by our own prompt, once ssh2 was told that the key is not enough", async () => {
    await using server = await startSshServer({ code: "123456" });
    const asked: string[] = [];
    await using open = chosen(home(), { strictHostKeyChecking: "no" }, { prompt: async (question) => { asked.push(question); return asked.length === 1 ? "000000" : "123456"; } });
    expect((await open.transport.run(server.host, sh`echo in`, limits)).stdout).toBe("in\n");
    expect(asked).toEqual(["(root@127.0.0.1) Verification code", "(root@127.0.0.1) Verification code"]);
    expect(open.notices()).toEqual(["Reached with the system's OpenSSH: beside the key it wants keyboard-interactive"]);
    expect(open.redactor.scrub("123456")).not.toContain("123456");
  });

  test("where nobody can be asked OpenSSH is not tried", async () => {
    await using server = await startSshServer({ code: "123456" });
    await using open = chosen(home(), { strictHostKeyChecking: "no" });
    expect(await failureOf(open.transport.connect(server.host, never))).toMatchObject({ reason: "authentication", message: expect.stringContaining("a key is not enough for the user root, it also wants keyboard-interactive") });
    expect([open.notices(), server.connections]).toEqual([[], 1]);
  });
});

test.if(process.platform === "linux")("a key that is a secret has no name in any folder", async () => {
  const path = home();
  const key = readFileSync(join(path, ".ssh/id_ed25519"), "utf8");
  run(["rm", join(path, ".ssh/id_ed25519")]);
  await using takes = await startSshd([join(path, ".ssh/id_ed25519.pub")]);
  writeFileSync(join(path, ".ssh/known_hosts"), takes.knownHost);
  await using open = chosen(path, { transport: "openssh", keysOnly: true, keyData: [{ name: "SSH_KEY", read: async () => key }] });
  expect(await hello(open, address(takes))).toBe("hello\n");
  const [folder = ""] = foldersOf(takes.port);
  expect(readdirSync(folder).sort()).toEqual(["config", "s"]);
  const [, file = ""] = /IdentityFile "(\/proc\/\d+\/fd\/\d+)"\nIdentitiesOnly yes\n/.exec(readFileSync(join(folder, "config"), "utf8")) ?? [];
  expect(file).toStartWith(`/proc/${process.pid}/fd/`);
  // Another file or socket may have the number by now: some cannot be opened.
  expect(await Bun.file(file).text().catch(() => "")).not.toBe(key);
  await open[Symbol.asyncDispose]();
  expect(existsSync(folder)).toBe(false);
});

test("a key that is a secret goes by its name in a refusal", async () => {
  const path = home();
  const key = readFileSync(join(path, ".ssh/id_ed25519"), "utf8");
  await using open = chosen(path, { transport: "openssh", keysOnly: true, keyData: [{ name: "SSH_KEY", read: async () => key }] });
  expect(await failureOf(open.transport.connect(address(sshd), never))).toMatchObject({ reason: "authentication", details: ["tried: secret SSH_KEY"] });
});

test.if(process.platform === "linux")("privateFile() gives a path that another program of the user can read, and no file that stays", async () => {
  using made = temporaryHome();
  const { path } = made;
  const listed = (): string[] => [...readdirSync(path), ...readdirSync("/dev/shm").filter((name) => name.startsWith("capstan-"))];
  const file = await privateFile(path, "key", "a secret\n");
  expect([run(["cat", file.path]), run(["stat", "-L", "-c", "%a", file.path]), listed()]).toEqual(["a secret\n", "600\n", [".ssh"]]);
  await file[Symbol.asyncDispose]();
  expect(listed()).toEqual([".ssh"]);
});

test("what a ProxyCommand leaves behind ends with the connection", async () => {
  const path = home("-n", me);
  writeFileSync(join(path, "relay.cjs"), `const socket = require("node:net").connect(Number(process.argv.at(-1)), process.argv.at(-2)); process.stdin.pipe(socket).pipe(process.stdout); socket.on("close", () => process.exit());`);
  writeFileSync(join(path, "proxy"), `#!/bin/sh\ntrap '' HUP\nsleep 71.25 &\n${process.execPath} ${path}/relay.cjs "$@"\nwait\n`, { mode: 0o700 });
  writeFileSync(join(path, ".ssh/config"), `Host web\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${me}\n  ProxyCommand ${path}/proxy %h %p\n`);
  const isRunning = (): boolean => run(["ps", "-eo", "args"]).split("\n").some((line) => line === "sleep 71.25" || line.includes(`${path}/proxy`));
  const open = chosen(path, { transport: "openssh" });
  expect(await hello(open, "web")).toBe("hello\n");
  expect(isRunning()).toBe(true);
  await open[Symbol.asyncDispose]();
  for (let i = 0; i < 250 && isRunning(); i++) await Bun.sleep(20);
  expect(isRunning()).toBe(false);
});

test("an OpenSSH that is not there is told before anything is done", async () => {
  await using open = createWorld({ report: () => undefined, env: { HOME: "/nonexistent", PATH: "/nonexistent" } });
  const ssh = { ...(await import("../../lib/ground/ssh-options.ts")).defaultSshOptions, transport: "openssh" as const };
  expect(() => open.useSsh(ssh)).toThrow("Cannot use OpenSSH, which ssh.transport asks for: there is no ssh on PATH");
});

/** Folders of the masters that run for a port. */
const foldersOf = (port: number): string[] =>
  run(["ps", "-eo", "args"]).split("\n").filter((line) => line.startsWith("ssh -M ") && line.includes(`-p ${port} --`)).flatMap((line) => /ControlPath=(\S+)\/s /.exec(line)?.[1] ?? []);

test("the master outlives Ctrl-C, and ends with us, even when we are killed", async () => {
  const path = home("-n", me);
  const script = join(path, "hold.ts");
  const root = new URL("../..", import.meta.url).pathname;
  copyFileSync(join(path, ".ssh/id_ed25519"), join(path, "key"));
  writeFileSync(script, `
    import { createWorld } from "${root}lib/world/create.ts";
    import { defaultSshOptions } from "${root}lib/ground/ssh-options.ts";
    import { sh } from "${root}lib/ground/command.ts";
    const { world } = createWorld({ report: () => undefined, ssh: { ...defaultSshOptions, transport: "openssh", strictHostKeyChecking: "yes" }, env: { ...process.env, HOME: ${JSON.stringify(path)}, SSH_AUTH_SOCK: undefined } });
    const limits = { timeoutMs: 60_000, signal: world.signal };
    process.on("SIGINT", async () => console.log((await world.transport.run("${address(sshd)}", sh\`echo again\`, limits)).stdout));
    console.log((await world.transport.run("${address(sshd)}", sh\`echo here\`, limits)).stdout);
    setInterval(() => undefined, 1000);
  `);
  const child = Bun.spawn([process.execPath, script], { stdin: "ignore", stdout: "pipe", stderr: "inherit", detached: true });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const says = async (text: string): Promise<void> => {
    for (let said = ""; !said.includes(text); ) said += (await reader.read()).value ?? "";
  };
  await says("here");
  const [folder = ""] = foldersOf(sshd.port);
  expect(existsSync(join(folder, "s"))).toBe(true);
  // The whole group, as a terminal does it.
  process.kill(-child.pid, "SIGINT");
  await says("again");
  process.kill(-child.pid, "SIGKILL");
  for (let i = 0; i < 500 && (existsSync(folder) || foldersOf(sshd.port).length > 0); i++) await Bun.sleep(20);
  expect([existsSync(folder), existsSync(join(folder, "..")), foldersOf(sshd.port)]).toEqual([false, false, []]);
}, 60_000);
