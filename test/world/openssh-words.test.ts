import { describe, expect, test } from "bun:test";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { certificateFault, readCertificate } from "../../lib/world/openssh/certificate.ts";
import { explain } from "../../lib/world/openssh/explain.ts";
import { configText, masterArgv } from "../../lib/world/openssh/invocation.ts";
import { createTargets, type Target } from "../../lib/world/ssh/target.ts";

const target = async (name = "web.example", more: Partial<Target> = {}): Promise<Target> => {
  await using targets = createTargets({ ...defaultSshOptions, config: false }, "/home/me", "/app", { HOME: "/home/me" });
  return { ...(await targets.find(name, "host")), ...more };
};
const host = { user: "deploy", host: "web.example", port: 2222 };
const paths = { config: "/tmp/c/config", socket: "/tmp/50%/s" };

describe("configText()", () => {
  const source = { ssh: defaultSshOptions, files: ["/home/me/.ssh/config"], keys: [], home: undefined, canAsk: false, user: "root" };

  test("puts what must hold before the user's files, and our defaults behind", () => {
    expect(configText(source)).toBe(`# What stands first holds.
ControlMaster no
ControlPath none
ControlPersist no
PermitLocalCommand no
ClearAllForwardings yes
RemoteCommand none
RequestTTY no
ForwardX11 no
Tunnel no
BatchMode yes
Include "/home/me/.ssh/config"
Match all
  User root
  StrictHostKeyChecking accept-new
  ConnectTimeout 15
  ServerAliveInterval 5
`);
  });

  test("names keys first, and checks of host keys that were meant", () => {
    const text = configText({ ...source, keys: ["/my keys/50%"], canAsk: true, ssh: { ...defaultSshOptions, keysOnly: true, strictHostKeyChecking: "yes" } });
    expect(text).toContain(`BatchMode no\nIdentityFile "/my keys/50%%"\nIdentitiesOnly yes\nStrictHostKeyChecking yes\nInclude`);
  });

  test("looks in the home of HOME where that is another one", () => {
    expect(configText({ ...source, home: "/h", files: [], user: undefined })).toEndWith(`Match all
  StrictHostKeyChecking accept-new
  ConnectTimeout 15
  ServerAliveInterval 5
  IdentityFile "/h/.ssh/id_ed25519"
  IdentityFile "/h/.ssh/id_ecdsa"
  IdentityFile "/h/.ssh/id_rsa"
  IdentityFile "/h/.ssh/id_ed25519_sk"
  IdentityFile "/h/.ssh/id_ecdsa_sk"
  UserKnownHostsFile "/h/.ssh/known_hosts" "/h/.ssh/known_hosts2"
`);
  });
});

describe("masterArgv()", () => {
  const options = (argv: readonly string[]): string[] => argv.flatMap((word, i) => (argv[i - 1] === "-o" ? [word] : []));

  test("starts a master that runs nothing", async () => {
    expect(masterArgv(host, await target(), { proxy: undefined, proxyCommand: undefined }, paths)).toEqual([
      "ssh", "-M", "-N", "-T", "-F", "/tmp/c/config", "-o", "ControlPath=/tmp/50%%/s", "-o", "ControlPersist=no", "-o", "LogLevel=DEBUG1", "-o", "StrictHostKeyChecking=accept-new",
      "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ForwardAgent=no", "-l", "deploy", "-p", "2222", "--", "web.example",
    ]);
  });

  test.each<[string, Partial<Target>, { proxy?: string; proxyCommand?: string }, string[]]>([
    ["a jump host", {}, { proxy: "one, two" }, ["ProxyJump=one,two"]],
    ["a command", {}, { proxyCommand: "nc %h %p" }, ["ProxyCommand=nc %h %p"]],
    ["the agent", { forwardAgent: true }, {}, ["ForwardAgent=yes"]],
    ["less than a second", { timeoutMs: 300 }, {}, ["ConnectTimeout=1"]],
    ["keys that are not checked", { strictHostKeyChecking: "no", knownHostsFiles: ["/a b", "/c"] }, {}, ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", `GlobalKnownHostsFile="/a b" "/c"`]],
  ])("passes on %s", async (_, more, way, expected) => {
    expect(options(masterArgv(host, await target("web.example", more), { proxy: undefined, proxyCommand: undefined, ...way }, paths))).toEqual(expect.arrayContaining(expected));
  });
});

describe("explain()", () => {
  const greeted = "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.9";
  test.each<[string, string[], string, string]>([
    ["a name", ["ssh: Could not resolve hostname web.example: Name or service not known"], "resolve", "the name web.example has no address"],
    ["a closed port", ["ssh: connect to host web.example port 22: Connection refused"], "refused", "nothing listens on port 22"],
    ["silence", ["ssh: connect to host web.example port 22: Connection timed out"], "timeout", "it did not answer within 15s"],
    ["half silence", ["Connection timed out during banner exchange", "Connection to 192.0.2.1 port 22 timed out"], "timeout", "the handshake was not done within 15s"],
    ["no route", ["ssh: connect to host web.example port 22: No route to host"], "unreachable", "there is no route to it"],
    ["no common algorithm", [greeted, "Unable to negotiate with 192.0.2.1 port 22: no matching cipher found. Their offer: 3des-cbc"], "protocol", "no algorithm in common (no matching cipher found. Their offer: 3des-cbc)"],
    ["a hangup", ["kex_exchange_identification: Connection closed by remote host", "Connection closed by 192.0.2.1 port 22"], "protocol", "it hung up without a word"],
    ["something else than sshd", ["debug1: kex_exchange_identification: banner line 0: 220 mail", "kex_exchange_identification: Connection closed by remote host"], "protocol", 'what listens on port 22 does not answer as an SSH server: "220 mail"'],
    ["a reset", [greeted, "Connection reset by 192.0.2.1 port 22"], "protocol", "it closed the connection before the handshake was done"],
    ["an unknown key", [greeted, "No ED25519 host key is known for web.example and you have requested strict checking.", "Host key verification failed."], "host-key", "its host key is not known"],
    ["a certificate of another host", [greeted, "Certificate invalid: name is not a listed principal", "Host key verification failed."], "host-key", "its host certificate does not hold: name is not a listed principal"],
    ["refused keys", [greeted, "debug1: Offering public key: /k ED25519 SHA256:abc explicit", "root@web.example: Permission denied (publickey)."], "authentication", "it refused every key for the user root"],
    ["no key", [greeted, "debug1: Trying private key: /k", "no such identity: /k: No such file or directory", "root@web.example: Permission denied (publickey)."], "authentication", "there is no key to log in with"],
    ["a second factor", [greeted, "debug1: Offering public key: /k ED25519 SHA256:abc explicit", "Authenticated using \"publickey\" with partial success.", "root@web.example: Permission denied (keyboard-interactive)."], "authentication", "a key is not enough for the user root, it also wants keyboard-interactive"],
    ["too many keys", [greeted, "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures"], "authentication", "it hung up after too many keys for the user root"],
    ["a security key that is not plugged in", [greeted, 'sign_and_send_pubkey: signing failed for ED25519-SK "/sk": device not found', "root@web.example: Permission denied (publickey)."], "authentication", "the key /sk cannot sign: device not found"],
    ["words of a later version", [greeted, "something new"], "protocol", "something new"],
    ["nothing", [], "protocol", "ssh gave up without a word"],
  ])("reads %s", async (_, words, reason, why) => {
    expect(explain(await target(), words)).toMatchObject({ reason, message: `Cannot connect to web.example: ${why}`, hint: expect.any(String) });
  });

  test("names the line of a key that has changed", async () => {
    const words = [greeted, "debug1: Server host key: ssh-ed25519 SHA256:abc", "@@@@@@", "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", "Offending ECDSA key in /home/me/.ssh/known_hosts:7", "Host key verification failed."];
    expect(explain(await target(), words)).toMatchObject({ reason: "host-key", message: "Cannot connect to web.example: its host key is not the one in /home/me/.ssh/known_hosts:7", details: ["shown: ssh-ed25519 SHA256:abc", "known: (/home/me/.ssh/known_hosts:7)"] });
  });

  test("passes on what is wrong with the SSH config", async () => {
    expect(explain(await target(), ["/home/me/.ssh/config: line 3: Bad configuration option: frobnicate", "/home/me/.ssh/config: terminating, 1 bad configuration options"])).toMatchObject({
      failure: "config", message: "Cannot read the SSH config: /home/me/.ssh/config: line 3: Bad configuration option: frobnicate",
    });
  });

  test.each<[string, string[], string]>([
    ["a jump host that is down", ["ssh: connect to host 192.0.2.9 port 22: Connection refused", "kex_exchange_identification: Connection closed by remote host", "Connection closed by UNKNOWN port 65535"], "Cannot connect to web.example through jump: Cannot connect to jump (192.0.2.9): nothing listens on port 22"],
    ["a jump host that refuses us", ["me@192.0.2.9: Permission denied (publickey).", "kex_exchange_identification: Connection closed by remote host", "Connection closed by UNKNOWN port 65535"], "Cannot connect to web.example through jump: Cannot connect to jump (192.0.2.9): it refused every key for the user me"],
    ["a jump host that forbids it", ["channel 0: open failed: administratively prohibited: open failed", "stdio forwarding failed", "Connection closed by UNKNOWN port 65535"], "Cannot connect to web.example: jump does not let us through (administratively prohibited: open failed)"],
    ["a host that the jump host cannot reach", ["channel 0: open failed: connect failed: Connection refused", "stdio forwarding failed", "Connection closed by UNKNOWN port 65535"], "Cannot connect to web.example: nothing listens there, says jump"],
  ])("tells %s", async (_, words, message) => {
    const hop = await target("jump", { hostName: "192.0.2.9", user: "me" });
    expect(explain(await target("web.example", { jumps: ["jump"] }), words, { hops: [hop] }).message).toBe(message);
  });
});

describe("a certificate", () => {
  const u32 = (value: number): Buffer => Buffer.from([value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255]);
  const field = (value: string | Buffer): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
  const type = "ssh-ed25519-cert-v01@openssh.com";
  const forEver = Buffer.alloc(8, 255);
  const body = Buffer.concat([
    field(type), field(Buffer.alloc(32)), field(Buffer.alloc(32)), Buffer.alloc(8), u32(1), field("me"), field(field("bob")), u32(0), u32(Date.UTC(2020, 0, 1) / 1000), forEver, field(""), field(""),
  ]);
  const line = `${type} ${body.toString("base64")} comment`;

  test("is read as ssh-keygen writes it", () => {
    expect(readCertificate(line)).toEqual({ kind: "user", principals: ["bob"], validFrom: Date.UTC(2020, 0, 1), validUntil: undefined });
  });

  test.each(["", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", line.slice(0, 120), `ssh-rsa${line.slice(11)}`])("is not found in %j", (text) => expect(readCertificate(text)).toBeUndefined());

  const valid = { kind: "user", principals: ["bob"], validFrom: Date.UTC(2020, 0, 1), validUntil: Date.UTC(2021, 0, 1) } as const;
  test.each<[string, Parameters<typeof certificateFault>[0], string, number, string | undefined]>([
    ["holds", valid, "bob", Date.UTC(2020, 5, 1), undefined],
    ["has expired", valid, "bob", Date.UTC(2022, 0, 1), "the certificate /c has expired (2021-01-01 00:00 UTC)"],
    ["does not hold yet", valid, "bob", Date.UTC(2019, 0, 1), "the certificate /c holds only from 2020-01-01 00:00 UTC on"],
    ["is for another", valid, "eve", Date.UTC(2020, 5, 1), "the certificate /c is for bob, not for eve"],
    ["is for nobody", { ...valid, principals: [] }, "eve", Date.UTC(2020, 5, 1), "the certificate /c is for nobody"],
    ["is for hosts", { ...valid, kind: "host" }, "bob", Date.UTC(2020, 5, 1), "the certificate /c is one for hosts"],
  ])("that %s", (_, certificate, user, now, fault) => expect(certificateFault(certificate, "/c", user, now)).toBe(fault));
});
