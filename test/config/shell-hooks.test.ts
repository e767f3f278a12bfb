import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HookContexts, HookName, Hooks } from "../../lib/config/hooks.ts";
import { selectScope } from "../../lib/config/scope.ts";
import { shellHooks } from "../../lib/config/shell-hooks.ts";
import { DeployError } from "../../lib/ground/errors.ts";
import { connectedContext } from "../../lib/run/hooks.ts";
import { createPrograms } from "../../lib/world/programs.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { settingsOf } from "../support/settings.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";
import { failure } from "./project.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "capstan-hooks-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of hooks that write down what they were told. */
function hooksFolder(name: string, files: readonly string[], script = `env | grep -E "^(KAMAL|MRSK|API|PATH_OF)_" | sort > "$PATH_OF_RECORD"; echo out; echo err >&2`): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const file of files) {
    writeFileSync(join(path, file), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, file), 0o755);
  }
  return path;
}

const sha = "abc1234def5678abc1234def5678abc1234def56";
const record = (): string => join(folder, "record");

/** Calls a hook as a run does, with real programs. */
async function call<Name extends HookName>(hooks: Hooks, name: Name, more: { readonly roles?: readonly string[]; readonly destination?: string; readonly hosts?: readonly string[]; readonly command?: readonly [string, string?]; readonly locked?: boolean; readonly rest?: Partial<HookContexts[Name]> } = {}): Promise<{ readonly env: Record<string, string>; readonly output: readonly string[]; readonly concealed: readonly string[] }> {
  const settings = settingsOf({ root: folder, destination: more.destination });
  const scope = selectScope(settings, more.roles === undefined ? {} : { roles: more.roles });
  const [command = "deploy", subcommand] = more.command ?? [];
  const fake = fakeWorld({ answers: {} });
  const redactor = createRedactor();
  const concealed: string[] = [];
  const programs = createPrograms({ env: { PATH: process.env["PATH"], HOME: folder, PATH_OF_RECORD: record() }, cwd: folder, redactor, clock: fake.world.clock });
  const world = { ...fake.world, programs, conceal: (value: string) => void concealed.push(value) };
  const base = { world, task: taskOf(settings, { scope, command, subcommand, performer: "ann@acme.example" }), version: sha, recordedAt: "2030-01-02T03:04:05Z", locked: more.locked ?? true };
  const context = { ...connectedContext(base, more.hosts ?? scope.hosts, { signal: new AbortController().signal, loud: undefined }), ...more.rest } as HookContexts[Name];
  rmSync(record(), { force: true });
  await hooks[name]?.(context);
  const env = Object.fromEntries(readFileSync(record(), "utf8").trim().split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  delete env["PATH_OF_RECORD"];
  return { env, concealed, output: fake.events.flatMap((event) => (event.type === "output" ? [`${event.stream}: ${event.line}`] : [])).toSorted() };
}

const common = { KAMAL_RECORDED_AT: "2030-01-02T03:04:05Z", KAMAL_PERFORMER: "ann@acme.example", KAMAL_VERSION: sha, KAMAL_SERVICE_VERSION: "shop@abc1234", KAMAL_SERVICE: "shop", KAMAL_LOCK: "true" };

describe("shellHooks()", () => {
  test("G4 tells pre-deploy what Kamal tells it, secrets included, and shows its output", async () => {
    const { env, output, concealed } = await call(shellHooks(hooksFolder("g4", ["pre-deploy"])), "preDeploy", { roles: ["web"], destination: "qa" });
    expect(env).toEqual({ ...common, KAMAL_DESTINATION: "qa", KAMAL_HOSTS: "10.0.0.1", KAMAL_ROLES: "web", KAMAL_COMMAND: "deploy", API_KEY: "k1" });
    expect([output, concealed]).toEqual([["stderr: err", "stdout: out"], ["k1"]]);
  });

  test("G4 without -r there are no roles, and app boot is command and subcommand", async () => {
    const { env } = await call(shellHooks(hooksFolder("g4", ["pre-app-boot"])), "preAppBoot", { command: ["app", "boot"], hosts: ["10.0.0.2"] });
    expect(env).toEqual({ ...common, KAMAL_HOSTS: "10.0.0.2", KAMAL_COMMAND: "app", KAMAL_SUBCOMMAND: "boot" });
  });

  test.each<[file: string, hook: Exclude<HookName, "auditBroadcast" | "onFailure">, secrets: boolean]>([
    ["pre-connect", "preConnect", true], ["docker-setup", "dockerSetup", false], ["pre-build", "preBuild", false], ["pre-deploy", "preDeploy", true], ["pre-app-boot", "preAppBoot", false],
    ["post-app-boot", "postAppBoot", false], ["pre-proxy-reboot", "preProxyReboot", false], ["post-proxy-reboot", "postProxyReboot", false], ["post-deploy", "postDeploy", true],
    ["pre-traefik-reboot", "preProxyReboot", false], ["post-traefik-reboot", "postProxyReboot", false],
  ])("takes %s for %s, with secrets: %p", async (file, hook, secrets) => {
    const hooks = shellHooks(hooksFolder(`one-${file}`, [file]));
    expect(Object.keys(hooks)).toEqual([hook]);
    const { env } = await call(hooks, hook, { locked: false, rest: hook === "postDeploy" ? { runtimeSeconds: 12 } : {} });
    expect(env).toEqual({ ...common, KAMAL_LOCK: "false", KAMAL_HOSTS: "10.0.0.1,10.0.0.2", KAMAL_COMMAND: "deploy", ...(secrets ? { API_KEY: "k1" } : {}), ...(hook === "postDeploy" ? { KAMAL_RUNTIME: "12" } : {}) });
  });

  test("tells hooks of MRSK by its names, all of them with secrets", async () => {
    const { env } = await call(shellHooks(hooksFolder("mrsk", ["pre-build"]), { prefix: "MRSK" }), "preBuild", { destination: "qa" });
    expect(env).toEqual({ MRSK_RECORDED_AT: "2030-01-02T03:04:05Z", MRSK_PERFORMER: "ann@acme.example", MRSK_VERSION: sha, MRSK_SERVICE_VERSION: "shop@abc1234", MRSK_HOSTS: "10.0.0.1,10.0.0.2", MRSK_COMMAND: "deploy", MRSK_DESTINATION: "qa", KAMAL_LOCK: "true", API_KEY: "k1" });
  });

  test("leaves samples, other files and a folder that is not there alone", () => {
    expect(shellHooks(hooksFolder("samples", ["pre-deploy.sample", "README", "on-failure"]))).toEqual({});
    expect(shellHooks(join(folder, "nowhere"))).toEqual({});
  });

  test("finds a folder beside the file that calls it", () => {
    const path = join(folder, "beside.ts");
    hooksFolder("beside", ["pre-connect"]);
    writeFileSync(path, `import { shellHooks } from "${join(import.meta.dir, "../../lib/config/shell-hooks.ts")}";\nexport const hooks = shellHooks("beside");\n`);
    expect(Object.keys((require(path) as { hooks: Hooks }).hooks)).toEqual(["preConnect"]);
  });

  test("fails with a hook that ends with another status than 0", async () => {
    const hooks = shellHooks(hooksFolder("failing", ["pre-deploy"], "echo the queue is not empty >&2; exit 3"));
    const error = await failure(() => call(hooks, "preDeploy"));
    expect([error.message, error.details]).toEqual([`${folder}/failing/pre-deploy ended with status 3`, ["the queue is not empty"]]);
  });

  test("fails with a file that is not executable, and says so", async () => {
    const path = hooksFolder("plain", ["pre-deploy"]);
    chmodSync(join(path, "pre-deploy"), 0o644);
    const error = await failure(() => call(shellHooks(path), "preDeploy"));
    expect(error).toBeInstanceOf(DeployError);
    expect([error.failure, error.message, error.hint]).toEqual(["hook", `${path}/pre-deploy is not executable`, `Run "chmod +x ${path}/pre-deploy", or take the file away.`]);
  });

  test("hands lines of the audit log to MRSK's command", async () => {
    const hooks = shellHooks(join(folder, "nowhere"), { prefix: "MRSK", auditBroadcast: `sh -c 'env | grep ^MRSK > "$PATH_OF_RECORD"; echo "API_LINE=$0 $1" >> "$PATH_OF_RECORD"' mine` });
    const event = { recordedAt: "2030-01-02T03:04:05Z", performer: "ann", destination: "qa", role: "web", host: "10.0.0.1", text: `Booted app version 77 "x" $(id)`, line: "" };
    const { env } = await call(hooks, "auditBroadcast", { rest: { event } });
    expect(env).toEqual({ MRSK_PERFORMER: "ann", MRSK_RECORDED_AT: "2030-01-02T03:04:05Z", MRSK_DESTINATION: "qa", MRSK_ROLE: "web", MRSK_EVENT: `Booted app version 77 "x" $(id)`, API_LINE: `mine [ann] [qa] [web] Booted app version 77 "x" $(id)` });
  });
});
