import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ConnectError } from "../../lib/ground/errors.ts";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { supported } from "../../lib/world/ssh/algorithms.ts";
import { loginRefused, NoCommonAlgorithm } from "../../lib/world/ssh/failures.ts";
import { parseKnownHosts } from "../../lib/world/ssh/known-hosts.ts";
import { needsOpenssh, type HostFacts, type KeyFact } from "../../lib/world/ssh/needs-openssh.ts";
import { factsOf } from "../../lib/world/ssh/openssh-facts.ts";
import { createTargets, type Target } from "../../lib/world/ssh/target.ts";
import { makeKey, run, temporaryHome } from "./sshd.ts";

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());

async function targetWith(config: string, env: Record<string, string | undefined> = {}): Promise<Target> {
  writeFileSync(join(home.path, "ssh_config"), config);
  await using targets = createTargets({ ...defaultSshOptions, config: ["ssh_config"] }, home.path, home.path, { PATH: process.env["PATH"], HOME: home.path, ...env });
  return await targets.find("web", "host");
}

const aKey = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const ordinary: KeyFact = { label: "/k", place: "file", kind: "ordinary", type: "ssh-ed25519" };
const sk: KeyFact = { label: "/sk", place: "file", kind: "security-key", type: "sk-ssh-ed25519@openssh.com" };
const inAgent: KeyFact = { label: "me@here", place: "agent", kind: "certificate", type: "ssh-ed25519-cert-v01@openssh.com" };
const odd: KeyFact = { label: "/odd", place: "file", kind: "unreadable", type: "Unsupported key format" };
const facts = (more: Partial<HostFacts> = {}): HostFacts => ({ knownHosts: [], keys: [ordinary], ...more });

describe("needsOpenssh()", () => {
  test.each<[string, string]>([
    ["PKCS11Provider /lib/token.so", "its key is in /lib/token.so (PKCS11Provider in the SSH config)"],
    ["KnownHostsCommand /bin/known %H\n  VerifyHostKeyDNS yes", "its host key comes from a program (KnownHostsCommand in the SSH config)"],
    ["VerifyHostKeyDNS yes", "its host key is looked up in DNS (VerifyHostKeyDNS in the SSH config)"],
    ["RevokedHostKeys /etc/krl", "revoked host keys are listed in /etc/krl (RevokedHostKeys in the SSH config)"],
    ["ProxyCommand pass %h\n  ProxyUseFdpass yes", "its ProxyCommand passes the connection on (ProxyUseFdpass in the SSH config)"],
    ["PubkeyAuthentication no", "logging in with keys is turned off (PubkeyAuthentication in the SSH config)"],
    ["PreferredAuthentications keyboard-interactive,password", "it is to log in with keyboard-interactive, password (PreferredAuthentications in the SSH config)"],
    ["Ciphers chacha20-poly1305@openssh.com", "of the Ciphers in the SSH config ssh2 has none: chacha20-poly1305@openssh.com"],
    ["MACs umac-64@openssh.com,umac-128@openssh.com", "of the MACs in the SSH config ssh2 has none: umac-64@openssh.com, umac-128@openssh.com"],
    ["KexAlgorithms sntrup761x25519-sha512@openssh.com", "of the KexAlgorithms in the SSH config ssh2 has none: sntrup761x25519-sha512@openssh.com"],
    ["HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com", "of the HostKeyAlgorithms in the SSH config ssh2 has none: ssh-ed25519-cert-v01@openssh.com"],
  ])("with %j in ssh_config says: %s", async (config, reason) => {
    expect(needsOpenssh(await targetWith(`Host web\n  ${config}\n`), facts())).toBe(reason);
  });

  test.each([
    "", "GSSAPIAuthentication yes", "ProxyUseFdpass yes", "Ciphers +aes128-cbc", "MACs ^umac-64@openssh.com", "PreferredAuthentications publickey,password", "VerifyHostKeyDNS ask",
    "ControlMaster auto\n  ControlPath ~/.ssh/cm-%C\n  ControlPersist 10m", "Tunnel yes", "ForwardX11 yes", "LocalForward 8080 localhost:80", "RemoteCommand tmux", "RequestTTY force", "SecurityKeyProvider internal",
  ])("is content with %j", async (config) => {
    expect(needsOpenssh(await targetWith(`Host web\n  ${config}\n`), facts())).toBeUndefined();
  });

  test("takes a host whose key is signed by an authority, and only that one", async () => {
    const target = await targetWith("");
    const authority = (hosts: string): HostFacts => facts({ knownHosts: parseKnownHosts(`# keys\n\n@cert-authority ${hosts} ssh-ed25519 ${aKey} ca\n`, "/known") });
    expect(needsOpenssh(target, authority("*.example,w?b"))).toBe("its host key is signed by an authority (@cert-authority in /known:3)");
    expect(needsOpenssh(target, authority("*.example,db"))).toBeUndefined();
    expect(needsOpenssh(target, authority("*,!web"))).toBeUndefined();
    const other = await targetWith("Port 2222\nHostName web.example\n");
    expect(other.knownAs).toBe("[web.example]:2222");
    expect(needsOpenssh(other, authority("*.example"))).toBe("its host key is signed by an authority (@cert-authority in /known:3)");
    expect(needsOpenssh(other, authority("[*.example]:2223"))).toBeUndefined();
  });

  test.each<[string, KeyFact[], string | undefined]>([
    ["a certificate beside a key", [ordinary, { ...inAgent, place: "file", label: "/k-cert.pub" }], "its user certificate /k-cert.pub"],
    ["a certificate in the agent and nothing else", [inAgent], "its user certificate me@here (in the agent)"],
    ["a certificate in the agent beside a key", [ordinary, inAgent], undefined],
    ["a security key alone", [odd, sk], "its key /sk is a security key (sk-ssh-ed25519@openssh.com)"],
    ["a security key beside another", [sk, ordinary], undefined],
    ["a key that cannot be read", [odd], "ssh2 cannot read its key /odd: Unsupported key format"],
    ["no key", [], undefined],
  ])("judges %s", async (_, keys, reason) => {
    expect(needsOpenssh(await targetWith(""), facts({ keys }))).toBe(reason);
  });

  test("tries Kerberos where there is no key", async () => {
    expect(needsOpenssh(await targetWith("GSSAPIAuthentication yes\n"), facts({ keys: [] }))).toBe("it may let us in by Kerberos (GSSAPIAuthentication in the SSH config)");
  });

  test.each<[string, readonly string[], boolean, KeyFact[], string | undefined]>([
    ["a second factor", ["keyboard-interactive"], true, [ordinary], "beside the key it wants keyboard-interactive"],
    ["two keys", ["publickey"], true, [ordinary], "it wants a second key"],
    ["no keys at all", ["password", "keyboard-interactive"], false, [ordinary], "it takes no keys, only password, keyboard-interactive"],
    ["a key we could not offer", ["publickey"], false, [ordinary, sk], "its key /sk is a security key (sk-ssh-ed25519@openssh.com)"],
    ["a certificate of the agent", ["publickey"], false, [ordinary, inAgent], "its user certificate me@here (in the agent)"],
    ["another key", ["publickey", "password"], false, [ordinary], undefined],
  ])("after a refusal of ssh2 by a host that wants %s", async (_, accepted, partial, keys, reason) => {
    const target = await targetWith("");
    const failure = loginRefused(target, { tried: ["/k"], notes: [], accepted, partial });
    expect(needsOpenssh(target, facts({ keys, failure }))).toBe(reason);
  });

  test("names the algorithms that ssh2 lacks, once the host has told them", async () => {
    const failure = new ConnectError("web", "protocol", "Cannot connect to web", { cause: new NoCommonAlgorithm("ciphers", ["chacha20-poly1305@openssh.com"]) });
    expect(needsOpenssh(await targetWith(""), facts({ failure }))).toBe("ssh2 has none of its Ciphers: chacha20-poly1305@openssh.com");
  });
});

describe("factsOf()", () => {
  let socket: string;
  let agent: Bun.Subprocess;
  beforeAll(async () => {
    socket = join(home.path, "agent");
    agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore", stderr: "ignore" });
    for (let i = 0; i < 100 && Bun.spawnSync(["ssh-add", "-l"], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).exitCode === 2; i++) await Bun.sleep(20);
  });
  afterAll(async () => {
    agent.kill();
    await agent.exited;
  });

  test("tells what the files and the agent hold", async () => {
    const [plain, secret, authority] = [makeKey(home.path, "plain", "ed25519"), makeKey(home.path, "secret", "ecdsa", "open sesame", "-a", "1"), makeKey(home.path, "ca", "ed25519")];
    run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "root", `${plain}.pub`]);
    run(["ssh-add", "-q", plain], { ...process.env, SSH_AUTH_SOCK: socket });
    writeFileSync(join(home.path, "sk"), securityKey());
    writeFileSync(join(home.path, "odd"), "nonsense");
    writeFileSync(join(home.path, "known"), "@cert-authority web ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n");
    const names = ["plain", "secret", "sk", "odd", "missing"].map((name) => `IdentityFile ${home.path}/${name}\n`).join("");
    const { keys, knownHosts } = await factsOf(await targetWith(`UserKnownHostsFile ${home.path}/known\nGlobalKnownHostsFile /dev/null\n${names}`, { SSH_AUTH_SOCK: socket }));
    expect(keys).toEqual([
      { label: `${plain}-cert.pub`, place: "file", kind: "certificate", type: "certificate" },
      { label: plain, place: "file", kind: "ordinary", type: "ssh-ed25519" },
      { label: secret, place: "file", kind: "ordinary", type: "ecdsa-sha2-nistp256" },
      { label: `${home.path}/sk`, place: "file", kind: "security-key", type: "sk-ssh-ed25519@openssh.com" },
      { label: `${home.path}/odd`, place: "file", kind: "unreadable", type: "Unsupported key format" },
      { label: "plain@test", place: "agent", kind: "ordinary", type: "ssh-ed25519" },
      { label: "plain@test", place: "agent", kind: "certificate", type: "ssh-ed25519-cert-v01@openssh.com" },
    ]);
    expect(knownHosts).toMatchObject([{ marker: "cert-authority", hosts: "web", file: `${home.path}/known`, line: 1 }]);
  });

  test("an agent that is gone has no keys", async () => {
    expect(await factsOf(await targetWith("IdentityFile /nowhere\nUserKnownHostsFile /nowhere\nGlobalKnownHostsFile /dev/null\n", { SSH_AUTH_SOCK: "/nowhere/agent" }))).toEqual({ keys: [], knownHosts: [] });
  });
});

test("the table of algorithms is ssh2's own, as far as OpenSSH knows the names", () => {
  const constants = createRequire(import.meta.url)("ssh2/lib/protocol/constants.js") as Record<string, string[]>;
  const names = (ours: readonly string[], theirs: string): [string[], string[]] => [[...ours].sort(), [...(constants[theirs] ?? [])].sort()];
  const foreign = new Set(["ssh-dss", "blowfish-cbc", "aes128-gcm", "aes256-gcm", "arcfour", "arcfour128", "arcfour256", "hmac-sha2-256-96", "hmac-sha2-512-96", "hmac-ripemd160"]);
  for (const [ours, theirs] of [names(supported.kex, "SUPPORTED_KEX"), names(supported.hostKeys, "SUPPORTED_SERVER_HOST_KEY"), names(supported.ciphers, "SUPPORTED_CIPHER"), names(supported.macs, "SUPPORTED_MAC")]) {
    expect(ours).toEqual(theirs.filter((name) => !foreign.has(name) && !name.startsWith("diffie-hellman-")));
  }
});

/** The public part of a security key's file, as ssh-keygen lays it out: making a real one needs the device. */
function securityKey(): string {
  const field = (value: Buffer | string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const blob = Buffer.concat([field("sk-ssh-ed25519@openssh.com"), field(Buffer.alloc(32, 7)), field("ssh:")]);
  const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), field("none"), field("none"), field(""), Buffer.from([0, 0, 0, 1]), field(blob), field(Buffer.alloc(64))]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64").replaceAll(/.{70}/g, "$&\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
