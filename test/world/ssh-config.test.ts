import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultSshOptions, type SshOptions } from "../../lib/ground/ssh-options.ts";
import { configLines, fits, fitsAny } from "../../lib/world/ssh/config-lines.ts";
import { createTargets, type Target, type TargetKind } from "../../lib/world/ssh/target.ts";
import { me, temporaryHome } from "./sshd.ts";
import { failureOf } from "./transport.ts";

const home = temporaryHome();
const { path: folder } = home;
afterAll(() => home[Symbol.dispose]());

beforeAll(() => {
  mkdirSync(join(folder, ".ssh/conf.d"));
  writeFileSync(join(folder, ".ssh/conf.d/10-a.conf"), "Host web\n  User first\n");
  writeFileSync(join(folder, ".ssh/conf.d/20-b.conf"), "Host web\n  User second\n  Port 2020\nInclude nested\n");
  writeFileSync(join(folder, ".ssh/nested"), "IdentityFile ~/nested\n");
  writeFileSync(join(folder, ".ssh/one"), "Port 1001\n");
});

type Env = Readonly<Record<string, string | undefined>>;
/** The target of `web` by a config, with one of the readers. */
async function targetOf(config: string, { name = "web", env = {}, ssh = {}, kind = "host" }: { name?: string; env?: Env; ssh?: Partial<SshOptions>; kind?: TargetKind } = {}): Promise<Target> {
  writeFileSync(join(folder, "config"), config);
  await using targets = createTargets({ ...defaultSshOptions, config: ["config"], ...ssh }, folder, folder, { PATH: process.env["PATH"], HOME: folder, USER: me, ...env });
  return await targets.find(name, kind);
}

const login = me;
/** What of the target, by which config, written `lines with ; between`. */
const rows: [string, Partial<Target>, string?][] = [
  ["Include conf.d/*.conf", { user: "first", port: 2020, identityFiles: [join(folder, "nested")] }],
  ["Include conf.d/*.conf", { user: "root", port: 22 }, "db"],
  ["Host db; Include one; Host *; User u", { user: "u", port: 22 }],
  ["Host web; Include one; Host db; Port 5", { port: 1001 }],
  ["Host web; Include conf.d/10-a.conf; Port 7", { user: "first", port: 7 }],
  ['Include "one" nested # both', { port: 1001, identityFiles: [join(folder, "nested")] }],
  ["Include missing; User u", { user: "u" }],
  ["Host web db; User u", { user: "u" }],
  ["Host * !web; User u", { user: "root" }],
  ["Host WEB; User u", { user: "root" }],
  ["Match host WEB; User u", { user: "u" }],
  ["host=web; user = u", { user: "u" }],
  ['Host "web"; User "u" # me', { user: "u" }],
  ["Host web; User one; Host *; User two; Port 3", { user: "one", port: 3 }],
  ["HostName %h.example", { hostName: "web.example", knownAs: "web.example" }],
  ["HostName 10.0.0.%%h", { hostName: "10.0.0.%h" }],
  ["HostName fe80::1%%eth0", { hostName: "fe80::1%eth0" }],
  ["Match host web; User u", { user: "u" }],
  ["HostName real; Match host real; User u", { user: "u" }],
  ["HostName real; Match originalhost web !host web; User u", { user: "u" }],
  ["Match host db,w*b; User u", { user: "u" }],
  ["Match host *,!web; User u", { user: "root" }],
  [`Match localuser ${login}; Port 9`, { port: 9 }],
  ["Match localuser nobody-else; Port 9", { port: 22 }],
  ["Match user deploy; Port 9", { port: 9 }, "deploy@web"],
  ["User deploy; Match user deploy; Port 9", { port: 9, user: "deploy" }],
  ["Match all; Port 9", { port: 9 }],
  ["Match host db exec true; Port 9", { port: 22 }],
  ["Match final; User late", { user: "late" }],
  ["HostName web.example; Match final host *.example; User late; Port 9", { user: "late", port: 9 }],
  ["Match final all; IdentityFile ~/late; Host *; IdentityFile ~/early", { identityFiles: [join(folder, "early"), join(folder, "late")] }],
  ["Match canonical; User late", { user: "root" }],
  ["ProxyJump none; Host *; ProxyJump b", { jumps: [] }],
  ["ProxyJump joe@[2001:db8::1]:2222,b:23", { jumps: ["joe@[2001:db8::1]:2222", "b:23"], jumpKind: "jump" }],
  ["ProxyCommand none; ProxyJump b", { proxyCommand: undefined }],
  ["ProxyCommand nc -X %% %h %p # %r@%n; HostName real", { proxyCommand: "nc -X % real 22 # root@web" }],
  ["HostKeyAlias Pool; Port 2222", { knownAs: "pool" }],
  ["Port 2222", { knownAs: "[web]:2222" }],
  ["HostName 2001:DB8::1; Port 2222", { knownAs: "[2001:db8::1]:2222" }],
  ["UserKnownHostsFile /a /b; GlobalKnownHostsFile none", { knownHostsFiles: ["/a", "/b"], newKeysFile: "/a" }],
  ["UserKnownHostsFile none; GlobalKnownHostsFile /g", { knownHostsFiles: ["/g"], newKeysFile: undefined }],
  ["UserKnownHostsFile /known_%h_%k; HostKeyAlias pool; GlobalKnownHostsFile none", { knownHostsFiles: ["/known_web_pool"] }],
  ["StrictHostKeyChecking off", { strictHostKeyChecking: "no" }],
  ["StrictHostKeyChecking yes", { strictHostKeyChecking: "yes" }],
  ["StrictHostKeyChecking ask", { strictHostKeyChecking: "accept-new" }],
  ["NoHostAuthenticationForLocalhost yes; HostName 127.0.0.1", { strictHostKeyChecking: "no" }],
  ["NoHostAuthenticationForLocalhost yes", { strictHostKeyChecking: "accept-new" }],
  ["NoHostAuthenticationForLocalhost yes; HostName 127.0.0.1; ProxyJump b", { strictHostKeyChecking: "accept-new" }],
  ["IdentityFile ~/%r_%h_%p_%u_%n_%d", { identityFiles: [join(folder, `root_web_22_${login}_web_${folder}`)] }],
  ['IdentityFile "~/with space"; IdentityFile %d/b', { identityFiles: [join(folder, "with space"), join(folder, "b")] }],
  ["IdentityFile ${KEYS}/k", { identityFiles: ["/keys/k"] }],
  ["IdentityFile none", { identityFiles: ["ed25519", "ecdsa", "rsa", "ed25519_sk", "ecdsa_sk"].map((type) => join(folder, `.ssh/id_${type}`)) }],
  ["IdentitiesOnly yes", { identitiesOnly: true }],
  ["", { agent: "/from/env" }],
  ["IdentityAgent none", { agent: undefined }],
  ["IdentityAgent SSH_AUTH_SOCK", { agent: "/from/env" }],
  ["IdentityAgent $OTHER_AGENT", { agent: "/other" }],
  ["IdentityAgent ${OTHER_AGENT}", { agent: "/other" }],
  ['IdentityAgent "/Library/agent %u.sock"', { agent: `/Library/agent ${login}.sock` }],
  ["CertificateFile ~/%h-cert.pub", { certificateFiles: [join(folder, "web-cert.pub")] }],
  ["ConnectTimeout 1m", { timeoutMs: 60_000 }],
  ["ConnectTimeout 0", { timeoutMs: 15_000 }],
  ["ConnectionAttempts 3", { connectionAttempts: 3 }],
  ["ServerAliveInterval 60; ServerAliveCountMax 2", { keepaliveMs: 60_000, keepaliveCountMax: 2 }],
  ["ServerAliveInterval 0", { keepaliveMs: 5_000, keepaliveCountMax: 3 }],
  ["AddressFamily inet6", { addressFamily: 6 }],
  ["AddressFamily any", { addressFamily: undefined }],
  ["BindAddress 10.0.0.9; BindInterface eth7", { bindAddress: "10.0.0.9", bindInterface: "eth7" }],
  ["Compression yes", { compression: true }],
  ["Ciphers aes256-ctr,aes128-ctr", { algorithms: { ciphers: ["aes256-ctr", "aes128-ctr"] } as Target["algorithms"] }],
  // What a person's own session wants is none of ours.
  ["RemoteCommand tmux attach; RequestTTY force; LocalForward 8080 localhost:80; ForwardX11 yes; EscapeChar none; LogLevel DEBUG3; SendEnv LANG; SetEnv A=b; VisualHostKey yes; User u", { user: "u", port: 22 }],
  ["CheckHostIP yes; UpdateHostKeys no; AddKeysToAgent yes; ControlMaster auto; ControlPath ~/.ssh/%C; ControlPersist 1h; IPQoS none; NumberOfPasswordPrompts 1; RekeyLimit 1M; TCPKeepAlive no; User u", { user: "u" }],
];

describe.each([["ssh -G", {}], ["our own reader", { PATH: "/nonexistent" }]] as const)("with %s", (_, reader) => {
  const env = { ...reader, KEYS: "/keys", OTHER_AGENT: "/other", SSH_AUTH_SOCK: "/from/env" };
  test.each(rows)("%s", async (config, expected, name = "web") => {
    expect(await targetOf(`${config.split("; ").join("\n")}\n`, { name, env })).toMatchObject(expected);
  });

  test("a jump host of ssh_config is for the login name, as with ssh; one of the settings for root", async () => {
    expect(await targetOf("", { env, kind: "jump" })).toMatchObject({ user: login });
    expect(await targetOf("", { env, kind: "hop" })).toMatchObject({ user: "root" });
    expect(await targetOf("User u\n", { env, kind: "jump" })).toMatchObject({ user: "u" });
    expect(await targetOf("User root\n", { env, kind: "jump" })).toMatchObject({ user: "root" });
    expect(await targetOf("ProxyJump a\n", { env, ssh: { proxy: "b" } })).toMatchObject({ jumps: ["b"], jumpKind: "hop" });
  });

  test("lists that add, take away and put first", async () => {
    const { algorithms } = await targetOf("Ciphers +aes128-cbc\nMACs -hmac-sha1*\nKexAlgorithms ^ecdh-sha2-nistp521\nHostKeyAlgorithms rsa-sha2-512\n", { env });
    expect(algorithms.ciphers).toContain("aes128-gcm@openssh.com");
    expect(algorithms.ciphers?.at(-1)).toBe("aes128-cbc");
    expect(algorithms.macs).toContain("hmac-sha2-256");
    expect(algorithms.macs).not.toContain("hmac-sha1");
    expect(algorithms.kex?.[0]).toBe("ecdh-sha2-nistp521");
    expect(algorithms.hostKeys).toEqual(["rsa-sha2-512"]);
  });

  test("lists that nobody set are left to us", async () => {
    expect((await targetOf("User u\n", { env })).algorithms).toEqual({ kex: undefined, hostKeys: undefined, ciphers: undefined, macs: undefined });
  });
});

describe("Match exec", () => {
  test("is asked by ssh -G", async () => {
    expect(await targetOf('Match exec "test %h = web"\n  Port 9\n')).toMatchObject({ port: 9 });
    expect(await targetOf("Match exec false\n  Port 9\n")).toMatchObject({ port: 22 });
    expect(await targetOf("Match !exec false\n  Port 9\n")).toMatchObject({ port: 9 });
  });

  test.each<[string, string]>([
    ["# first\nMatch originalhost web exec true\n  Port 9\n", `"Match exec" in ${folder}/config:2`],
    ["Match localnetwork 10.0.0.0/8\n", `"Match localnetwork" in ${folder}/config:1`],
    ["CanonicalizeHostname yes\n", "CanonicalizeHostname"],
  ])("and the like are refused where there is no ssh to ask: %j", async (config, what) => {
    expect(await failureOf(targetOf(config, { env: { PATH: "/nonexistent" } }))).toMatchObject({
      failure: "config",
      message: `Cannot read the SSH config: ${what} takes OpenSSH to evaluate, and there is no ssh on the PATH`,
      hint: "Install the OpenSSH client, or set ssh.config to false and say in deploy.config.ts how to connect.",
    });
  });

  test("a file that includes itself is refused by both", async () => {
    writeFileSync(join(folder, ".ssh/loop"), "Include loop\n");
    expect(await failureOf(targetOf("Include loop\n", { env: { PATH: "/nonexistent" } }))).toMatchObject({ failure: "config", message: expect.stringContaining("is included more than 16 deep") });
    expect(await failureOf(targetOf("Include loop\n"))).toMatchObject({ failure: "config", message: expect.stringContaining("Cannot read the SSH config") });
  });
});

describe("a program behind Match exec", () => {
  const find = async (exec: string, signal?: AbortSignal): Promise<Target> => {
    writeFileSync(join(folder, "config"), `Match exec "${exec}"\n  User found\n`);
    await using targets = createTargets({ ...defaultSshOptions, config: ["config"] }, folder, folder, { PATH: process.env["PATH"], HOME: folder, USER: me });
    return await targets.find("web", "host", signal);
  };
  const isRunning = (seconds: number): boolean => Bun.spawnSync(["ps", "-eo", "args"]).stdout.toString().split("\n").includes(`sleep ${seconds}`);

  test("that leaves one behind holds nobody up", async () => {
    const startedAt = performance.now();
    expect((await find("sleep 7.25 &")).user).toBe("found");
    expect(performance.now() - startedAt).toBeLessThan(6000);
  });

  test("is ended, with all it started, when nobody waits any more", async () => {
    const aborter = new AbortController();
    const finding = failureOf(find("sleep 61.25; true", aborter.signal));
    for (let i = 0; i < 500 && !isRunning(61.25); i++) await Bun.sleep(20);
    expect(isRunning(61.25)).toBe(true);
    aborter.abort();
    expect(await finding).toMatchObject({ failure: "cancelled" });
    for (let i = 0; i < 100 && isRunning(61.25); i++) await Bun.sleep(20);
    expect(isRunning(61.25)).toBe(false);
  });
});

test.each([
  ["User joe", [{ line: 1, keyword: "user", words: ["joe"], rest: "joe" }]],
  ["\n\t User=joe  \r", [{ line: 2, keyword: "user", words: ["joe"], rest: "joe" }]],
  ["# User joe", []],
  ["Host a \"b c\" 'd\"e' f\\ g \\\"h # i", [{ line: 1, keyword: "host", words: ["a", "b c", 'd"e', "f g", '"h'], rest: "a \"b c\" 'd\"e' f\\ g \\\"h # i" }]],
  ["Match", [{ line: 1, keyword: "match", words: [], rest: "" }]],
  ["A=b=c", [{ line: 1, keyword: "a", words: ["b=c"], rest: "b=c" }]],
])("configLines() takes %j apart", (text, lines) => expect(configLines(text)).toEqual(lines));

test.each([
  ["*", "", true], ["*", "web", true], ["w?b", "web", true], ["w?b", "wb", false], ["*.example", "a.b.example", true], ["web", "web2", false], ["a*b*c", "a-b-b-c", true], ["a*b*c", "a-c-b", false], ["?", "", false],
])("fits(%j, %j) is %p", (pattern, name, expected) => expect(fits(pattern, name)).toBe(expected));

test("a pattern with many stars is judged at once", () => {
  const startedAt = performance.now();
  expect(fits(`${"*a".repeat(5000)}b`, "a".repeat(20_000))).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

test.each([[["*", "!web"], "web", false], [["!web", "*"], "db", true], [["!db"], "web", false], [[], "web", false]] as const)("fitsAny(%j, %j) is %p", (patterns, name, expected) => expect(fitsAny(patterns, name)).toBe(expected));
