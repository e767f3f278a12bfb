import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../mod.ts", import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), "capstan-stray-"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
mkdirSync(join(cwd, ".capstan"));
writeFileSync(join(cwd, ".capstan/secrets"), 'TOKEN=\'canary-"of"-mine-5a\'\nPW=p\n');

/** Runs a command of a project whose first hook does `body` and never ends. */
function runWith(body: string, ...options: readonly string[]) {
  writeFileSync(join(cwd, "deploy.config.ts"), `export default { service: "shop", image: "acme/shop", servers: ["192.0.2.10"], registry: { username: "u", password: ["PW"] },
    hooks: { preConnect: async ({ secret }) => { const token = await secret("TOKEN"); ${body}; await new Promise(() => undefined); } } };`);
  return Bun.spawnSync([process.execPath, entry, "app", "boot", "--version", "7", ...options], { cwd, env: { ...process.env, CI: "true" }, timeout: 30_000 });
}

test.each([
  ["thrown in a timer", 'setTimeout(() => { throw new Error("cannot use " + token); }, 1)'],
  ["a rejection that nobody waits for", 'void Promise.reject(new Error("cannot use " + token))'],
  ["no error, and its base64", 'void Promise.reject("cannot use " + btoa(token))'],
])("what ends the process tells no secret: %s", (_, body) => {
  for (const options of [[], ["--json"]]) {
    const ran = runWith(body, ...options);
    const printed = ran.stdout.toString() + ran.stderr.toString();
    expect(printed).toContain("cannot use ‹secret TOKEN›");
    expect(printed).not.toMatch(/canary|Y2FuYXJ5/);
    expect(ran.exitCode).toBe(1);
    if (options.length > 0) expect(JSON.parse(ran.stdout.toString().trim().split("\n").at(-1) ?? "")).toMatchObject({ type: "error", status: 1, failure: "bug" });
  }
}, 60_000);

test("the error of a hook is a line of JSON, whatever is taken out of it", () => {
  const ran = runWith('throw new Error("cannot use \\\\" + token + "\\\\ in " + JSON.stringify({ token }))', "--json");
  const last = JSON.parse(ran.stdout.toString().trim().split("\n").at(-1) ?? "") as { message: string };
  expect(last.message).toBe('Hook preConnect failed: cannot use ‹secret TOKEN›\\ in {"token":"‹secret TOKEN›"}');
}, 60_000);
