import { afterAll, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { project, removeProjects } from "../config/project.ts";
import { shop } from "../config/yaml/fixtures.ts";

afterAll(removeProjects);

const sha = "abc1234def5678abc1234def5678abc1234def56";

/** Ends before the first connection: the hook fails. */
async function deploy(files: Readonly<Record<string, string>>, hook: string, ...argv: readonly string[]): Promise<{ readonly status: number; readonly stderr: string; readonly env: Record<string, string> }> {
  const { folder } = project({ [hook]: `#!/bin/sh\nenv | grep -E "^(KAMAL|MRSK|API)_" | sort > record\necho "asking the team"\necho "not now: $API_KEY" >&2\nexit 3\n`, ...files });
  chmodSync(join(folder, hook), 0o755);
  const { KAMAL_LOCK: _lock, ...env } = process.env;
  const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "../../mod.ts"), "deploy", "--version", sha, ...argv], { cwd: folder, env: { ...env, CI: "1" }, stdout: "pipe", stderr: "pipe" });
  const [stderr, status] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  const record = readFileSync(join(folder, "record"), "utf8").trim().split("\n");
  return { status, stderr, env: Object.fromEntries(record.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])) };
}

test("a project of Kamal calls its hooks as they stand", async () => {
  const { status, stderr, env } = await deploy({ "config/deploy.yml": shop, "config/deploy.qa.yml": "", ".kamal/secrets.qa": "API_KEY=k1-of-qa\n" }, ".kamal/hooks/pre-connect", "-c", "config/deploy.yml", "-d", "qa", "-r", "web");
  expect(env).toEqual({
    KAMAL_RECORDED_AT: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/), KAMAL_PERFORMER: expect.stringMatching(/./), KAMAL_DESTINATION: "qa", KAMAL_VERSION: sha, KAMAL_SERVICE_VERSION: "shop@abc1234",
    KAMAL_SERVICE: "shop", KAMAL_HOSTS: "10.0.0.1", KAMAL_ROLES: "web", KAMAL_LOCK: "false", KAMAL_COMMAND: "deploy", API_KEY: "k1-of-qa",
  });
  expect(status).toBe(8);
  expect(stderr).toContain("Hook preConnect failed: .kamal/hooks/pre-connect ended with status 3");
  expect(stderr).toContain("asking the team");
  expect(stderr).toContain("not now: ‹secret API_KEY›");
  expect(stderr).not.toContain("k1-of-qa");
}, 20_000);

test("a project of MRSK too, with what .env says", async () => {
  const { status, env } = await deploy({ "config/deploy.yml": `${shop}stop_wait_time: 30\n`, ".env": "API_KEY=k1-of-env\n" }, ".mrsk/hooks/pre-connect", "-c", "config/deploy.yml");
  expect(env).toEqual({
    MRSK_RECORDED_AT: expect.stringMatching(/Z$/), MRSK_PERFORMER: expect.stringMatching(/./), MRSK_VERSION: sha, MRSK_SERVICE_VERSION: "shop@abc1234", MRSK_HOSTS: "10.0.0.1,10.0.0.2",
    MRSK_COMMAND: "deploy", KAMAL_LOCK: "false", API_KEY: "k1-of-env",
  });
  expect(status).toBe(8);
}, 20_000);
