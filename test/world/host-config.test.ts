import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultSshOptions, type SshOptions } from "../../lib/ground/ssh-options.ts";
import { parseAddress } from "../../lib/world/ssh/address.ts";
import { createTargets, type Target } from "../../lib/world/ssh/target.ts";
import { failureOf } from "./transport.ts";
import { temporaryHome } from "./sshd.ts";

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());
const config = `
Include conf.d/*.conf
Host alias
  HostName %h.example
  Port 2222
  IdentityFile ~/.ssh/%h_key
  IdentityFile %d/second
  IdentitiesOnly yes
  ProxyJump one,joe@two:23
  UserKnownHostsFile /one "/two"
  StrictHostKeyChecking no
  ConnectTimeout 3
  HostKeyAlias Pool
Host cmd
  ProxyCommand nc %h %p
Host !nope *.named
  User = named
`;
mkdirSync(join(home.path, ".ssh/conf.d"));
writeFileSync(join(home.path, ".ssh/config"), config);
writeFileSync(join(home.path, ".ssh/conf.d/x.conf"), "Host included\n  User inc\n");
writeFileSync(join(home.path, "mine"), "Host *\n  User mine\n");

const readers = [["ssh -G", {}], ["the parser", { PATH: "/nonexistent" }]] as const;

describe.each(readers)("createTargets() with %s", (_, env) => {
  const find = async (name: string, ssh: Partial<SshOptions> = {}, kind: "host" | "hop" = "host"): Promise<Target> => {
    await using targets = createTargets({ ...defaultSshOptions, ...ssh }, home.path, home.path, { PATH: process.env["PATH"], HOME: home.path, ...env });
    return await targets.find(name, kind);
  };

  test("reads what ssh_config says of a host", async () => {
    expect(await find("alias")).toMatchObject({
      name: "alias", hostName: "alias.example", port: 2222, user: "root", identitiesOnly: true,
      identityFiles: [`${home.path}/.ssh/alias.example_key`, `${home.path}/second`],
      jumps: ["one", "joe@two:23"], knownAs: "pool", strictHostKeyChecking: "no", timeoutMs: 3000,
    });
    expect((await find("alias")).knownHostsFiles.slice(0, 2)).toEqual(["/one", "/two"]);
  });

  test("falls back to root, port 22, the usual keys and files", async () => {
    expect(await find("web")).toMatchObject({
      hostName: "web", port: 22, user: "root", identitiesOnly: false, jumps: [], proxyCommand: undefined, knownAs: "web", strictHostKeyChecking: "accept-new", timeoutMs: 15_000,
      identityFiles: ["ed25519", "ecdsa", "rsa", "ed25519_sk", "ecdsa_sk"].map((type) => `${home.path}/.ssh/id_${type}`),
    });
    expect((await find("web")).knownHostsFiles[0]).toBe(`${home.path}/.ssh/known_hosts`);
  });

  test.each<[string, Partial<SshOptions>, string, number]>([
    ["web", {}, "root", 22],
    ["a.named", {}, "named", 22],
    ["included", {}, "inc", 22],
    ["a.named", { user: "deploy", port: 44 }, "deploy", 44],
    ["me@a.named:45", { user: "deploy", port: 44 }, "me", 45],
    ["alias", { port: 44 }, "root", 44],
    ["included", { config: false }, "root", 22],
    ["included", { config: ["mine"] }, "mine", 22],
  ])("%s with %j is reached as %s on port %d", async (name, ssh, user, port) => {
    expect(await find(name, ssh)).toMatchObject({ user, port });
  });

  test("a hop takes neither user nor port nor proxy of the settings", async () => {
    expect(await find("bastion", { user: "deploy", port: 44, proxy: "bastion" }, "hop")).toMatchObject({ user: "root", port: 22, jumps: [] });
  });

  test("the settings' proxy wins over ssh_config's", async () => {
    expect(await find("alias", { proxy: "b:1, c" })).toMatchObject({ jumps: ["b:1", "c"] });
    expect(await find("cmd", { proxy: "b" })).toMatchObject({ jumps: ["b"], proxyCommand: undefined });
    expect(await find("cmd")).toMatchObject({ jumps: [], proxyCommand: "nc cmd 22" });
  });

  test("strict checking in the settings is not weakened by ssh_config", async () => {
    expect(await find("alias", { strictHostKeyChecking: "yes" })).toMatchObject({ strictHostKeyChecking: "yes" });
  });

  test("a port makes part of the name that a key is known by", async () => {
    expect((await find("Web:2200")).knownAs).toBe("[web]:2200");
  });

  test("keysOnly leaves no other files", async () => {
    expect(await find("web", { keys: ["~/k", "rel/k"], keysOnly: true })).toMatchObject({ keys: [`${home.path}/k`, `${home.path}/rel/k`], identityFiles: [], identitiesOnly: true });
  });
});

test("createTargets() passes on what OpenSSH says of a broken config", async () => {
  writeFileSync(join(home.path, "broken"), "Hots web\n");
  await using targets = createTargets({ ...defaultSshOptions, config: ["broken"] }, home.path, home.path, { PATH: process.env["PATH"] });
  expect(await failureOf(targets.find("web", "host"))).toMatchObject({ failure: "config", message: expect.stringMatching(/^Cannot read the SSH config: .*broken.* line 1: .*hots/i) });
});

test.each([
  ["web", { user: undefined, host: "web", port: undefined }],
  ["me@web.example:22", { user: "me", host: "web.example", port: 22 }],
  ["[2001:db8::1]:2222", { user: undefined, host: "2001:db8::1", port: 2222 }],
  ["me@[::1]", { user: "me", host: "::1", port: undefined }],
  ["2001:db8::1", { user: undefined, host: "2001:db8::1", port: undefined }],
  ["ssh://me@web:2", { user: "me", host: "web", port: 2 }],
])("parseAddress() reads %s", (text, address) => expect(parseAddress(text)).toEqual(address));

test.each(["", "web:0", "web:70000", "a b", "-oProxyCommand=x", "me@", "web:x"])("parseAddress() refuses %j", (text) => expect(() => parseAddress(text)).toThrow("as a host"));
