import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { judge, knownHostLine, parseKnownHosts, preferredAlgorithms, type Verdict } from "../../lib/world/ssh/known-hosts.ts";

/** A key that looks like one of its type. */
function blob(type: string, seed: number): Buffer {
  const field = (value: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, value.length]), value]);
  return Buffer.concat([field(Buffer.from(type)), field(Buffer.alloc(32, seed))]);
}
const text = (type: string, seed: number): string => `${type} ${blob(type, seed).toString("base64")}`;
const [ours, other, rsa] = [text("ssh-ed25519", 1), text("ssh-ed25519", 2), text("ssh-rsa", 3)];
const shown = blob("ssh-ed25519", 1);
const hashed = (name: string): string => {
  const salt = Buffer.alloc(20, 9).toString("base64");
  return `|1|${salt}|${createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64")}`;
};
const kindOf = (file: string, name = "web"): Verdict["kind"] => judge(parseKnownHosts(file, "/known"), name, shown).kind;

describe("judge()", () => {
  test.each<[string, Verdict["kind"], string?]>([
    [`web ${ours}`, "known"],
    [`web ${ours} root@web of 2024`, "known"],
    [`  web\t${ours}\r`, "known"],
    [`db,web,10.0.0.1 ${ours}`, "known"],
    [`WEB ${ours}`, "known"],
    [`w?b ${ours}`, "known"],
    [`*.example ${ours}`, "known", "a.b.example"],
    [`*.example,!old.example ${ours}`, "unknown", "old.example"],
    [`!web,* ${ours}`, "unknown"],
    [`${hashed("web")} ${ours}`, "known"],
    [`${hashed("[web]:2222")} ${ours}`, "known", "[web]:2222"],
    [`${hashed("web")} ${ours}`, "unknown", "[db]:22"],
    [`[web]:2222 ${ours}`, "known", "[web]:2222"],
    [`[web]:2222 ${ours}`, "unknown", "[web]:2223"],
    [`[web]:2222 ${ours}`, "unknown"],
    [`[2001:db8::1]:2222 ${ours}`, "known", "[2001:db8::1]:2222"],
    [`2001:db8::1 ${ours}`, "known", "2001:db8::1"],
    [`[*]:2222 ${ours}`, "known", "[web]:2222"],
    // Without a key of its own, a port may show that of the host.
    [`web ${ours}`, "known", "[web]:2222"],
    [`web ${other}`, "unknown", "[web]:2222"],
    [`web ${ours}\n[web]:2222 ${other}`, "changed", "[web]:2222"],
    [`web ${other}\nweb ${ours}`, "known"],
    [`web ${other}`, "changed"],
    [`web ${rsa}`, "changed"],
    [`db ${ours}`, "unknown"],
    [`# web ${ours}`, "unknown"],
    [`@revoked web ${ours}\nweb ${ours}`, "revoked"],
    [`web ${ours}\n@revoked * ${ours}`, "revoked"],
    [`@revoked web ${ours}`, "revoked", "[web]:2222"],
    [`@revoked db ${ours}\nweb ${ours}`, "known"],
    [`@revoked web ${other}\nweb ${ours}`, "known"],
    // The key of an authority is no host's key, not even one that it shows as its own.
    [`@cert-authority web ${ours}`, "unknown"],
    [`@cert-authority * ${other}\nweb ${ours}`, "known"],
    [`@something web ${ours}`, "unknown"],
    // What is no key says nothing of a host.
    ["web 1024 35 1234567890", "unknown"],
    ["web ssh-ed25519 AAAA", "unknown"],
    [`web ssh-rsa ${shown.toString("base64")}`, "unknown"],
    ["web", "unknown"],
    ["", "unknown"],
  ])("%j: %s", (file, kind, name = "web") => expect(kindOf(file, name)).toBe(kind));

  test("names every line that says otherwise", () => {
    expect(judge(parseKnownHosts(`# first\nweb ${other}\nw* ${rsa}\n`, "/known"), "web", shown)).toMatchObject({ kind: "changed", instead: [{ line: 2, type: "ssh-ed25519" }, { line: 3, type: "ssh-rsa" }] });
  });

  test.each(["*".repeat(5000), `${"*a".repeat(3000)}`, "|1|x|y", "|1||", ",,,", "!", "[", "(a+)+$"])("is not slow or lost on the pattern %#", (pattern) => {
    const startedAt = performance.now();
    expect(["known", "unknown"]).toContain(kindOf(`${pattern} ${ours}`, "a".repeat(3000)));
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});

test("knownHostLine() writes what judge() knows again, hashed or not", () => {
  for (const hash of [false, true]) {
    const line = knownHostLine("[web]:2222", shown, hash);
    expect(line.includes("web")).toBe(!hash);
    expect(kindOf(line, "[web]:2222")).toBe("known");
    expect(kindOf(line, "[db]:2222")).toBe("unknown");
  }
});

test.each<[string, string, string[]]>([
  ["", "web", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]],
  [`web ${rsa}`, "web", ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]],
  [`web ${rsa}`, "[web]:2222", ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]],
  [`web ${rsa}\n[web]:2222 ${ours}`, "[web]:2222", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]],
  [`@revoked web ${rsa}\n@cert-authority web ${rsa}`, "web", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]],
  [`web ecdsa-sha2-nistp256 ${blob("ecdsa-sha2-nistp256", 1).toString("base64")}`, "web", ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]],
])("preferredAlgorithms() with %j for %s", (file, name, order) => {
  expect(preferredAlgorithms(parseKnownHosts(file, "/known"), name, ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"])).toEqual(order);
});
