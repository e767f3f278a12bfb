import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import type { Files } from "../../lib/ground/world.ts";
import { fileLines, lastLines, logFileName, openLogFile } from "../../lib/report/file.ts";

/** Three minutes and 7.4 seconds past two in the afternoon, wherever the test runs. */
const atMs = new Date(2026, 2, 1, 14, 3, 7, 412).getTime();
const at = new Date(atMs).toISOString();
const step = { phase: "Boot", host: "web-1", role: "web", title: "Start shop-web-77", kind: "run" } as const;

test.each<[string | undefined, string, string | undefined, string]>([
  [undefined, "deploy", undefined, "2026-03-01T14-03-07_deploy.log"],
  ["staging", "deploy", undefined, "2026-03-01T14-03-07_staging_deploy.log"],
  [undefined, "app", "boot", "2026-03-01T14-03-07_app_boot.log"],
  ["staging", "proxy", "reboot", "2026-03-01T14-03-07_staging_proxy_reboot.log"],
  [undefined, "../ci/job 7", undefined, "2026-03-01T14-03-07_..-ci-job-7.log"],
])("logFileName() of %p, %p and %p is %p", (destination, command, subcommand, name) => expect(logFileName(atMs, destination, command, subcommand)).toBe(name));

describe("fileLines() has", () => {
  test.each<[string, EventBody, readonly string[]]>([
    ["the start", { type: "start", command: "deploy", service: "shop", destination: "staging", version: "77", hosts: ["a", "b"] }, ["deploy of shop (staging), version 77, 2 hosts: a, b"]],
    ["a connection", { type: "connect", host: "web-1", state: "opening", durationMs: 0 }, ["web-1   connecting"]],
    ["an open connection", { type: "connect", host: "web-1", state: "ready", durationMs: 37 }, ["web-1   connected in 0.0 s"]],
    ["a phase", { type: "phase-start", phase: "Boot", hosts: ["a"] }, ["== Boot (1 host)"]],
    ["the end of a phase", { type: "phase-end", phase: "Boot", ok: true, durationMs: 12_340 }, ["✓ Boot 12.3 s"]],
    ["a command with its text", { type: "step-start", ...step, command: "docker run shop\ndocker start shop" }, ["web-1   Start shop-web-77", "web-1   $ docker run shop", "web-1   docker start shop"]],
    ["the end of a command", { type: "step-end", ...step, ok: true, durationMs: 1200 }, ["web-1   ✓ Start shop-web-77 1.2 s"]],
    ["quiet output, without colours", { type: "output", host: "web-1", title: step.title, stream: "stdout", line: "\x1b[32m3f2a\x1b[0m \x07", loud: false }, ["web-1   | 3f2a \\x07"]],
    ["output of this machine", { type: "output", host: undefined, title: "Build", stream: "stderr", line: "#5 DONE", loud: true }, ["here    | #5 DONE"]],
    ["a probe", { type: "probe", host: "web-1", role: "web", container: "shop-web-77", attempt: 3, ok: true, answer: "200", durationMs: 12 }, ["web-1   shop-web-77 is ready at try 3 (12 ms)"]],
    ["the lock", { type: "lock", host: "web-1", state: "taken" }, ["web-1   deploy lock taken"]],
    ["the start of a hook", { type: "hook", name: "preDeploy", state: "start", durationMs: 0 }, ["hook preDeploy starts"]],
    ["a quiet hook", { type: "hook", name: "preDeploy", state: "end", durationMs: 1200, loud: false }, ["✓ hook preDeploy 1.2 s"]],
    ["what a quiet hook logs", { type: "notice", level: "info", text: "one\ntwo", loud: false }, ["one", "two"]],
    ["the audit", { type: "audit", host: "web-1", line: "[2026] [ann] Booted app" }, ["web-1   audit: [2026] [ann] Booted app"]],
    ["what was taken back", { type: "undo", host: "web-1", title: "Remove shop-web-77", ok: true }, ["web-1   ↶ Remove shop-web-77"]],
    ["a warning", { type: "notice", level: "warn", host: "web-1", text: "full" }, ["web-1   warning: full"]],
    ["the summary", { type: "summary", command: "deploy", service: "shop", destination: undefined, ok: true, from: ["76"], to: "77", hosts: [], durationMs: 42_100, phases: [] }, ["deploy of shop done in 42.1 s", "  version  76 → 77"]],
  ])("%s", (_, event, expected) => expect(fileLines({ at, ...event } as Event, 6)).toEqual(expected.map((line) => `14:03:07.412  ${line}`)));
});

test("lastLines() says how it ended", () => {
  expect(lastLines({ at, durationMs: 42_140, failure: undefined })).toEqual(["# Completed in 42.1s"]);
  expect(lastLines({ at, durationMs: 940, failure: { type: "health", message: "web-1 is not healthy", text: "Error: web-1 is not healthy\n\n  Next: look" } })).toEqual([
    "14:03:07.412  Error: web-1 is not healthy", "14:03:07.412", "14:03:07.412    Next: look", "# FAILED: health: web-1 is not healthy (0.9s)",
  ]);
});

/** Files in memory; appending fails from `failsAt` on. */
function memory(options: { readonly folderExists?: boolean; readonly failsAt?: number } = {}) {
  const written = new Map<string, string>();
  let appends = 0;
  const files: Files = {
    read: async (path) => written.get(path),
    exists: async () => options.folderExists === true,
    bytes: async () => undefined,
    list: async () => undefined,
    write: async (path, content) => void written.set(path, content),
    async append(path, content) {
      if (++appends >= (options.failsAt ?? Infinity)) throw new Error("the disk is full");
      await Promise.resolve();
      written.set(path, (written.get(path) ?? "") + content);
    },
  };
  return { files, written };
}

const notice = (text: string): Event => ({ at, type: "notice", level: "info", text });
const place = { folder: "/app/log", path: "/app/log/x.log" };
const fine = { at, durationMs: 1000, failure: undefined };

test("openLogFile() appends what comes in its order, before the end", async () => {
  const { files, written } = memory();
  const log = await openLogFile({ files, ...place, warn: () => undefined });
  expect(written.get("/app/log/x.log")).toBe("");
  log.report(notice("one"));
  log.report(notice("two"));
  await Bun.sleep(0);
  expect(written.get("/app/log/x.log")).toBe("14:03:07.412  one\n14:03:07.412  two\n");
  log.report(notice("three"));
  expect(await log.end(fine)).toBe("Logs written to /app/log/x.log");
  expect(written.get("/app/log/x.log")).toBe("14:03:07.412  one\n14:03:07.412  two\n14:03:07.412  three\n# Completed in 1.0s\n");
});

test("openLogFile() hides a new folder from git, and leaves one that is there alone", async () => {
  const fresh = memory();
  await openLogFile({ files: fresh.files, ...place, warn: () => undefined });
  expect(fresh.written.get("/app/log/.gitignore")).toBe("*\n");
  const old = memory({ folderExists: true });
  await openLogFile({ files: old.files, ...place, warn: () => undefined });
  expect([...old.written.keys()]).toEqual(["/app/log/x.log"]);
});

test("openLogFile() tells once that it cannot go on, and then is silent", async () => {
  const warnings: unknown[] = [];
  const { files } = memory({ failsAt: 2 });
  const log = await openLogFile({ files, ...place, warn: (why) => warnings.push(String(why)) });
  for (const text of ["one", "two"]) {
    log.report(notice(text));
    await Bun.sleep(0);
  }
  expect(await log.end(fine)).toBeUndefined();
  expect(warnings).toEqual(["Error: the disk is full"]);
});

test("openLogFile() rejects when it cannot begin", async () => {
  const { files } = memory({ failsAt: 1 });
  await expect(openLogFile({ files, ...place, warn: () => undefined })).rejects.toThrow("the disk is full");
});
