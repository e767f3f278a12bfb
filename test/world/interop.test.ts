import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshOptions } from "../../lib/ground/ssh-options.ts";
import { keywords, supported, type Algorithms } from "../../lib/world/ssh/algorithms.ts";
import { needsOpenssh } from "../../lib/world/ssh/needs-openssh.ts";
import { factsOf } from "../../lib/world/ssh/openssh-facts.ts";
import { createTargets } from "../../lib/world/ssh/target.ts";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { createBox } from "./box.ts";
import { makeKey, run } from "./sshd.ts";
import { failureOf, never, openTransport } from "./transport.ts";

/** Every algorithm that the OpenSSH of this machine has, one at a time, against its own sshd. */
const box = createBox();
const { folder } = box;
const app = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("x".repeat(200_000)) });
afterAll(async () => {
  box[Symbol.dispose]();
  await app.stop(true);
});
const hostKeys: Record<string, string> = { "ssh-ed25519": box.hostKey };

beforeAll(() => {
  for (const bits of ["256", "384", "521"]) hostKeys[`ecdsa-sha2-nistp${bits}`] = makeKey(folder, `host-${bits}`, "ecdsa", "", "-b", bits);
  makeKey(folder, "host-rsa", "rsa", "", "-b", "2048");
  for (const name of ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]) hostKeys[name] = join(folder, "host-rsa");
  appendFileSync(join(folder, ".ssh/known_hosts"), [...new Set(Object.values(hostKeys))].map((path) => `box ${readFileSync(`${path}.pub`, "utf8")}`).join(""));
});

async function reasonFor(ssh: Partial<SshOptions>, failure?: unknown): Promise<string | undefined> {
  await using targets = createTargets({ ...defaultSshOptions, ...ssh }, folder, folder, { ...process.env, HOME: folder, SSH_AUTH_SOCK: undefined });
  const target = await targets.find("box", "host");
  return needsOpenssh(target, { ...(await factsOf(target)), failure });
}

const list = (query: string): string[] => run(["ssh", "-Q", query]).trim().split("\n");
const rows: [keyof Algorithms, string][] = [
  ...list("kex").map((name): [keyof Algorithms, string] => ["kex", name]),
  ...list("cipher").map((name): [keyof Algorithms, string] => ["ciphers", name]),
  ...list("mac").map((name): [keyof Algorithms, string] => ["macs", name]),
  // Those of security keys and certificates need what cannot be made here.
  ...list("key-sig").filter((name) => !/^(sk-|webauthn-)|-cert-v01|^ssh-dss/.test(name)).map((name): [keyof Algorithms, string] => ["hostKeys", name]),
];

describe("a host that has nothing else", () => {
  test.each(rows)("%s %s", async (kind, name) => {
    const keyword = keywords[kind];
    const ssh = box.reach([`${keyword} ${name}`, ...(kind === "macs" ? ["Ciphers aes128-ctr"] : []), ...(kind === "hostKeys" ? [`HostKey ${hostKeys[name]}`] : [])], [`${keyword} +${name}`]);
    await using open = openTransport(folder, ssh);
    if (supported[kind].includes(name)) {
      // A shell would take longer than all the rest.
      expect(await open.transport.probe("box", { address: "127.0.0.1", port: app.port ?? 0, path: "/", headers: {}, timeoutMs: 10_000 }, never)).toMatchObject({ ok: true, status: 200, body: expect.stringMatching(/^x{1000}/) });
      expect(await reasonFor(ssh)).toBeUndefined();
      return;
    }
    const failure = await failureOf(open.transport.connect("box", never));
    expect(failure).toMatchObject({ reason: "protocol", message: expect.stringMatching(new RegExp(`^Cannot connect to box: it has no .* that we have( of those in the SSH config \\(${keyword}\\))?, only ${name.replaceAll(".", "\\.")}$`)) });
    expect(await reasonFor(ssh, failure)).toBe(`ssh2 has none of its ${keyword}: ${name}`);
    expect(await reasonFor({ ...ssh, config: [only(keyword, name)] })).toBe(`of the ${keyword} in the SSH config ssh2 has none: ${name}`);
  }, 20_000);
});

function only(keyword: string, name: string): string {
  const path = join(folder, "only");
  writeFileSync(path, `${keyword} ${name}\n`);
  return path;
}
