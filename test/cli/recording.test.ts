import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDeployer, Deployer, type Held } from "../../lib/cli/deployer.ts";
import { main } from "../../lib/cli/main.ts";
import { commands } from "../../lib/cli/commands.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { secret } from "../../lib/config/secret-ref.ts";
import type { OutputSettings } from "../../lib/config/settings.ts";
import { DeployError } from "../../lib/ground/errors.ts";
import type { Event } from "../../lib/ground/event.ts";
import { changes } from "../../lib/run/changes.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { localFiles } from "../../lib/world/files.ts";
import { collector } from "../support/collector.ts";
import { settingsOf } from "../support/settings.ts";
import { containerLine, obliging } from "../support/task.ts";
import { fakeWorld, type Answers } from "../support/world.ts";
import { fakeIo } from "./fake-io.ts";

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "capstan-recording-"));
  folders.push(folder);
  return folder;
}
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const hosts = { "10.0.0.1": obliging([containerLine("web", "1", "a1")]), "10.0.0.2": obliging([containerLine("jobs", "1", "b1")]) };

/** A deployer whose hosts answer from a table, with files and clock of this machine. */
function fakeDeployer(output: Partial<OutputSettings>, answers: Answers = hosts) {
  const fake = fakeWorld({ answers });
  const listeners = new Set<(event: Event) => void>();
  const events: Event[] = [];
  const world = { ...fake.world, files: localFiles, clock: systemClock, report: (event: Event) => { for (const listener of listeners) listener(event); events.push(event); } };
  const held: Held = { listen: (listener) => { listeners.add(listener); return () => listeners.delete(listener); }, scrub: (text) => text, close: async () => undefined };
  const settings = settingsOf({ destination: "staging", readinessDelaySeconds: 0, output: { logFolder: undefined, otelEndpoint: undefined, ...output } });
  return { deployer: new Deployer(settings, world, { version: "2" }, held), events, listeners };
}
const notices = (events: readonly Event[]): string[] => events.flatMap((event) => (event.type === "notice" ? [`${event.level}: ${event.text}`] : []));

/** The only log in a folder. */
function onlyLog(folder: string): { readonly name: string; readonly path: string; readonly text: string; readonly lines: readonly string[] } {
  const names = readdirSync(folder).filter((name) => name !== ".gitignore");
  expect(names.length).toBe(1);
  const path = join(folder, names[0] ?? "");
  const text = readFileSync(path, "utf8");
  return { name: names[0] ?? "", path, text, lines: text.trimEnd().split("\n") };
}

describe("Deployer.run() with a log folder", () => {
  test("writes all of a change that succeeds", async () => {
    const folder = join(newFolder(), "deep/log");
    const { deployer, events, listeners } = fakeDeployer({ logFolder: folder });
    await deployer.redeploy({ skipPush: true });
    const { name, path, text, lines } = onlyLog(folder);
    expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_staging_redeploy\.log$/);
    expect(lines.filter((line) => !/^(\d\d:\d\d:\d\d\.\d{3}( {2}.+)?|# .+)$/.test(line))).toEqual([]);
    expect(lines[0]).toMatch(/ {2}redeploy of shop \(staging\), version 2, 2 hosts: 10\.0\.0\.1, 10\.0\.0\.2$/);
    expect(text).toMatch(/ {2}10\.0\.0\.2 {2}\$ docker run --detach .* --name shop-jobs-staging-2 /);
    expect(text).toMatch(/ {2}10\.0\.0\.1 {2}audit: /);
    expect(text).toMatch(/ {2}10\.0\.0\.1 {2}deploy lock released/);
    expect(lines.at(-1)).toMatch(/^# Completed in \d+\.\ds$/);
    expect(notices(events).at(-1)).toBe(`info: Logs written to ${path}`);
    expect(listeners.size).toBe(0);
  });

  test("writes why a change failed", async () => {
    const folder = newFolder();
    const { deployer, events } = fakeDeployer({ logFolder: folder }, { ...hosts, "10.0.0.2": [[/docker run .*jobs/, 125], ...obliging()] });
    await expect(deployer.run(changes.appBoot(), "app", "boot")).rejects.toBeInstanceOf(DeployError);
    const { name, path, lines } = onlyLog(folder);
    expect(name).toEndWith("_staging_app_boot.log");
    const what = /Cannot run "docker run .* acme\/shop:2 bin\/work" on 10\.0\.0\.2: it ended with status 125/.source;
    expect(lines.some((line) => new RegExp(`^[\\d:.]+ {2}Error: ${what}$`).test(line))).toBe(true);
    expect(lines.some((line) => line.endsWith("State now: Taken back on 10.0.0.2: Remove shop-jobs-staging-2"))).toBe(true);
    expect(lines.at(-1)).toMatch(new RegExp(`^# FAILED: command: ${what} \\(\\d+\\.\\ds\\)$`));
    expect(notices(events).at(-1)).toBe(`info: Logs written to ${path}`);
  });

  test("warns of a folder that cannot be made, and goes on", async () => {
    const file = join(newFolder(), "taken");
    writeFileSync(file, "");
    const { deployer, events } = fakeDeployer({ logFolder: file });
    expect(await deployer.redeploy({ skipPush: true })).toMatchObject({ to: "2" });
    const warnings = notices(events).filter((text) => text.startsWith("warn"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`warn: There is no complete log of this run: Cannot append to ${file}/`);
  });

  test("takes ~ for the home directory", async () => {
    const home = newFolder();
    const { deployer } = fakeDeployer({ logFolder: "~/log" });
    Object.assign(deployer.world.env, { HOME: home });
    await deployer.redeploy({ skipPush: true });
    expect(onlyLog(join(home, "log")).lines.at(-1)).toStartWith("# Completed in ");
  });

  test("writes nothing of a plan", async () => {
    const folder = join(newFolder(), "log");
    await using those = collector();
    await fakeDeployer({ logFolder: folder, otelEndpoint: those.url }).deployer.plan({ skipPush: true });
    expect(existsSync(folder)).toBe(false);
    expect(those.requests).toEqual([]);
  });
});

describe("Deployer.run() with a collector", () => {
  test("sends all of a change, with the version and who made it", async () => {
    await using those = collector();
    const { deployer, events } = fakeDeployer({ otelEndpoint: those.url });
    await deployer.redeploy({ skipPush: true });
    const records = those.records();
    expect(records[0]).toMatchObject({ event: "capstan.start", attributes: { "deployment.name": "redeploy shop" } });
    expect(records.find(({ body }) => body.startsWith("$ docker run"))).toMatchObject({ severity: "DEBUG", attributes: { "server.address": "10.0.0.1" } });
    expect(records.at(-1)).toMatchObject({ event: "capstan.complete", attributes: { "capstan.command": "redeploy", "deployment.status": "succeeded" } });
    expect(those.requests[0]?.resource).toMatchObject({ "service.namespace": "shop", "capstan.deploy_version": "2", "deployment.environment.name": "staging", "capstan.run_id": "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f" });
    expect(notices(events).at(-1)).toBe(`info: Logs sent to ${those.url}`);
  });

  test("that is not there succeeds with one warning, which the log file has too", async () => {
    const folder = newFolder();
    const { deployer, events } = fakeDeployer({ otelEndpoint: "http://127.0.0.1:1", logFolder: folder });
    await deployer.redeploy({ skipPush: true });
    const warning = "The logs of this run do not reach http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1";
    expect(notices(events).filter((text) => text.startsWith("warn"))).toEqual([`warn: ${warning}`]);
    const { text, lines } = onlyLog(folder);
    expect(text).toContain(`warning: ${warning}`);
    expect(lines.at(-1)).toStartWith("# Completed in ");
  });
});

describe("no record holds a secret", () => {
  const config = (output: DeployConfig["output"]): DeployConfig => ({
    service: "shop", image: "acme/shop", servers: ["192.0.2.10"], builder: { context: "." },
    registry: { server: "registry.example", username: "bot", password: secret("TOKEN") },
    secrets: { TOKEN: () => "s3cr3t token" },
    output,
    hooks: {
      async preConnect(context) {
        const token = await context.secret("TOKEN");
        context.log(`the token is ${token}`);
        await context.local(["sh", "-c", `echo "$1"`, "sh", `told ${token}`]);
        throw new Error(`refused:\n${token}`);
      },
    },
  });

  test.each([[["-v"]], [["--json"]]])("nor does what the command line prints with %p", async (options) => {
    const cwd = newFolder();
    writeFileSync(join(cwd, "deploy.config.ts"), `export default {
      service: "shop", image: "acme/shop", servers: ["192.0.2.10"], builder: { context: "." }, registry: { server: "localhost:5000" }, secrets: { TOKEN: () => 's3cr3t "token"' },
      hooks: { preConnect: async ({ secret }) => { throw new Error("refused: " + await secret("TOKEN")); } },
    };`);
    const { io, written } = fakeIo();
    expect(await main(["app", "boot", "--version", "7", ...options], { ...io, cwd, clock: systemClock }, commands)).toBe(8);
    const printed = written.stdout + written.stderr;
    expect(printed).toContain("Hook preConnect failed: refused: ‹secret TOKEN›");
    expect(printed).not.toContain("s3cr3t");
  });

  test("that a hook logs, a program prints, or an error names", async () => {
    const cwd = newFolder();
    await using those = collector();
    await using deployer = await createDeployer({ config: config({ file: { path: "log" }, otel: { endpoint: those.url } }), cwd, version: "7" });
    await expect(deployer.redeploy({ skipPush: true })).rejects.toThrow("Hook preConnect failed");
    const { text, lines } = onlyLog(join(cwd, "log"));
    expect(text).toContain("the token is ‹secret TOKEN›");
    expect(text).toContain("| told ‹secret TOKEN›");
    expect(lines.at(-1)).toMatch(/^# FAILED: hook: Hook preConnect failed: refused: ‹secret TOKEN› \(\d+\.\ds\)$/);
    expect(those.records().at(-1)).toMatchObject({ event: "capstan.failed", attributes: { "exception.type": "hook", "exception.message": "Hook preConnect failed: refused: ‹secret TOKEN›" } });
    const sent = those.requests.map((request) => request.text).join("");
    expect(sent).toContain("the token is ‹secret TOKEN›");
    expect(text + sent).not.toContain("s3cr3t");
  });
});

test("a run that was killed has left what it did", async () => {
  const cwd = newFolder();
  writeFileSync(join(cwd, "deploy.config.ts"), `export default {
    service: "shop", image: "acme/shop", servers: ["192.0.2.10"], builder: { context: "." }, registry: { server: "localhost:5000" }, output: { file: { path: "log" } },
    hooks: { preConnect: async ({ log }) => { log("last words"); await Bun.sleep(100); process.kill(process.pid, "SIGKILL"); } },
  };`);
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "../../mod.ts"), "deploy", "--skip-push", "--version", "7"], { cwd, stdio: ["ignore", "ignore", "ignore"] });
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(onlyLog(join(cwd, "log")).lines.at(-1)).toEndWith("  last words");
});

test("the command line says where the log is, whatever it shows", async () => {
  const cwd = newFolder();
  writeFileSync(join(cwd, "deploy.config.ts"), `export default {
    service: "shop", image: "acme/shop", servers: ["192.0.2.10"], builder: { context: "." }, registry: { server: "localhost:5000" },
    output: { file: { path: "log" } }, hooksOutput: "quiet",
    hooks: { preConnect: ({ log }) => { log("from the hook"); throw new Error("no"); } },
  };`);
  const { io, written } = fakeIo();
  expect(await main(["app", "boot", "--version", "7"], { ...io, cwd, clock: systemClock }, commands)).toBe(8);
  const { name, path, text } = onlyLog(join(cwd, "log"));
  expect(name).toEndWith("_app_boot.log");
  expect(text).toContain("  from the hook\n");
  expect(written.stderr).not.toContain("from the hook");
  expect(written.stderr).toContain(`  Logs written to ${path}\n`);
});
