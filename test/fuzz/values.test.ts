import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { sh } from "../../lib/ground/command.ts";
import { readLabels } from "../../lib/config/traefik/labels.ts";
import { batchScript, chunks } from "../../lib/run/batch.ts";
import { wrap } from "../../lib/world/ssh/shell.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { parseDotenv } from "../../lib/config/dotenv.ts";
import { envFile } from "../../lib/remote/envfile.ts";
import { appendAudit, auditLine } from "../../lib/remote/audit.ts";
import { runAccessory } from "../../lib/remote/accessory.ts";
import { runContainer } from "../../lib/remote/container.ts";
import { shells } from "../support/shell.ts";
import { accessoryOf, roleOf, settingsOf } from "../support/settings.ts";

const nasty = ["'", "\"", "\n", "\r", "\t", "$(touch hacked)", "`touch hacked`", "$HOME", "\\", "😀", "-", "--privileged", "=", ";", "&", "|", ">", "*", "?", "!", "#", "~", " ", "{", "}", "$", "é", "\x1b[31m", "\u202e", "a", "\x01"];
const value = fc.array(fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 3, unit: "grapheme" })), { maxLength: 12 }).map((pieces) => pieces.join("").replaceAll("\0", "")).filter((text) => !text.includes("${") && text.isWellFormed());

/** Runs commands of hosts in a real shell where docker only writes down what it was given. */
function ranIn(shell: readonly string[], script: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "capstan-values-"));
  try {
    writeFileSync(join(folder, "docker"), `#!/bin/sh\nfor word do printf '%s\\0' "$word"; done >> "$LOG"\n`, { mode: 0o755 });
    const exit = Bun.spawnSync([...shell, "-c", script], { cwd: folder, env: { PATH: `${folder}:/usr/bin:/bin`, HOME: "/home/u", LOG: join(folder, "log") }, stdout: "pipe", stderr: "pipe" });
    expect([exit.exitCode, exit.stderr.toString()]).toEqual([0, ""]);
    expect(Bun.file(join(folder, "hacked")).size).toBe(0);
    return readFileSync(join(folder, "log"), "utf8").split("\0").slice(0, -1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const valuesOf = (argv: readonly string[], flag: string): readonly string[] => argv.flatMap((word, i) => (argv[i - 1] === flag ? [word] : []));

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_, shell) => {
  test("every value of a container is one word of docker, byte for byte, and none is an option or code", () => {
    fc.assert(fc.property(value, value, (one, two) => {
      const role = roleOf("web", { env: { clear: { A: one, B: two }, secret: {} }, labels: { team: one }, options: { "label-file": two === "" ? "x" : two }, volumes: [`data:/x${one.replaceAll(/[$~]/g, "")}`] });
      const argv = ranIn(shell, runContainer({ settings: settingsOf(), role, host: "10.0.0.1", version: "77" }).text);
      expect(valuesOf(argv, "--env").filter((word) => /^[AB]=/.test(word))).toEqual([`A=${one}`, `B=${two}`]);
      expect(valuesOf(argv, "--label").at(-1)).toBe(one === "" ? "team" : `team=${one}`);
      expect(valuesOf(argv, "--label-file")).toEqual([two === "" ? "x" : two]);
      expect(valuesOf(argv, "--volume")).toEqual([`data:/x${one.replaceAll(/[$~]/g, "")}`]);
      expect(argv.at(-1)).toBe("acme/shop:77");
      const accessory = accessoryOf("db", { env: { clear: { A: one }, secret: {} }, labels: { team: two } });
      expect(valuesOf(ranIn(shell, runAccessory({ service: "shop", destination: undefined }, accessory, "h").text), "--env")).toContain(`A=${one}`);
    }), { numRuns: 12, seed: 11 });
  });

  test("a reference with braces that do not close swallows nothing behind it", () => {
    for (const text of ["${A:-${B}", "${A:-${B}}", "${A:-$(touch hacked)}", "${A:-`touch hacked`}", "${A", "${A:-'}", "${A:-\"}"]) {
      const role = roleOf("web", { env: { clear: { X: text }, secret: {} } });
      const argv = ranIn(shell, runContainer({ settings: settingsOf(), role, host: "10.0.0.1", version: "77" }).text);
      expect([argv.at(-1), argv.filter((word) => word === "--env-file").length]).toEqual(["acme/shop:77", 1]);
    }
  });

  test("a line of the audit log stays one line, whoever writes what", () => {
    fc.assert(fc.property(value, value, (performer, text) => {
      const line = auditLine({ recordedAt: "2030", performer, destination: undefined, role: undefined, text });
      const folder = mkdtempSync(join(tmpdir(), "capstan-audit-"));
      try {
        expect(Bun.spawnSync([...shell, "-c", appendAudit({ service: "shop", destination: undefined }, line).text], { cwd: folder }).exitCode).toBe(0);
        expect(readFileSync(join(folder, ".kamal/shop-audit.log"), "utf8")).toBe(`${line}\n`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }), { numRuns: 8, seed: 12 });
  });
});

test("an env file has one line a secret, and the name stands before it, whatever the secret is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ unit: "binary", maxLength: 40 }), (a, b) => {
    const text = envFile({ name: "web", env: { secret: { A: new Secret("A", a), B: new Secret("B", b) } } }).reveal();
    expect(text.split("\n").map((line) => line.slice(0, 2))).toEqual(["A=", "B=", ""]);
  }), { numRuns: 100, seed: 13 });
});

test("what is written into a secrets file in single quotes is read as it is", () => {
  fc.assert(fc.property(value.map((text) => text.replaceAll(/['\r\\]/g, "")), (text) => {
    const [entry] = parseDotenv(`A='${text}'\n`, "secrets");
    expect(entry?.value.map((part) => (part.kind === "text" ? part.text : part.kind)).join("")).toBe(text);
  }), { numRuns: 500, seed: 14 });
});

test("commands full of quotes are sent in as many batches as their quotes take, however often a shell reads them", () => {
  const items = Array.from({ length: 6 }, () => ({ command: sh`echo ${"'".repeat(2_000)}`, optional: false }));
  const cut = chunks(items);
  expect(cut.length).toBeGreaterThan(1);
  for (const batch of cut) expect(Buffer.byteLength(wrap(batchScript(batch, "abcdef0123456789").text, "ab"))).toBeLessThan(128 * 1024);
});

test("labels add nothing to the objects of JavaScript", () => {
  readLabels({ "traefik.http.routers.__proto__.rule": "a", "traefik.http.routers.constructor.rule": "b", "traefik.http.middlewares.a.plugin.__proto__.x": "c" }, 3);
  expect(["rule" in {}, "x" in {}, "rule" in Object]).toEqual([false, false, false]);
});
