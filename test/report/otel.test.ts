import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { SeverityNumber } from "@opentelemetry/api";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import { openOtel, recordsOf, type OtelOptions } from "../../lib/report/otel.ts";
import type { Failed } from "../../lib/report/recorder.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { collector, type Collector } from "../support/collector.ts";

const at = "2026-03-01T14:03:07.412Z";
const step = { phase: "Boot", host: "web-1", role: "web", title: "Start it", kind: "run" } as const;
const { DEBUG, INFO, WARN, ERROR } = SeverityNumber;

describe("recordsOf() makes of", () => {
  test.each<[string, EventBody, SeverityNumber, readonly string[], Record<string, string>]>([
    ["a command", { type: "step-start", ...step, command: "docker run x" }, DEBUG, ["Start it", "$ docker run x"], { "server.address": "web-1" }],
    ["a failed command", { type: "step-end", ...step, ok: false, durationMs: 400 }, ERROR, ["✗ Start it failed after 0.4 s"], { "server.address": "web-1" }],
    ["output", { type: "output", host: "web-1", title: "x", stream: "stderr", line: "\x1b[31mno\x1b[0m", loud: false }, DEBUG, ["| no"], { "server.address": "web-1", "log.iostream": "stderr" }],
    ["output of a build", { type: "output", host: undefined, title: "x", stream: "stdout", line: "#5 DONE", loud: true }, INFO, ["| #5 DONE"], { "log.iostream": "stdout" }],
    ["a phase", { type: "phase-end", phase: "Boot", ok: true, durationMs: 100 }, INFO, ["✓ Boot 0.1 s"], {}],
    ["a failed phase", { type: "phase-end", phase: "Boot", ok: false, durationMs: 100 }, ERROR, ["✗ Boot failed after 0.1 s"], {}],
    ["a probe that will be made again", { type: "probe", host: "web-1", role: "web", container: "c", attempt: 1, ok: false, answer: "503", durationMs: 1 }, WARN, ["c is not ready yet: 503"], { "server.address": "web-1" }],
    ["a host that cannot be reached", { type: "connect", host: "web-1", state: "failed", durationMs: 1, text: "refused" }, ERROR, ["cannot connect: refused"], { "server.address": "web-1" }],
    ["a lost lock", { type: "lock", host: "web-1", state: "lost" }, ERROR, ["the deploy lock was lost"], { "server.address": "web-1" }],
    ["a failed hook", { type: "hook", name: "preDeploy", state: "failed", durationMs: 1 }, ERROR, ["✗ hook preDeploy failed after 0.0 s"], {}],
    ["what was taken back", { type: "undo", host: "web-1", title: "Remove x", ok: true }, WARN, ["↶ Remove x"], { "server.address": "web-1" }],
    ["what could not be taken back", { type: "undo", host: "web-1", title: "Remove x", ok: false }, ERROR, ["cannot take back: Remove x"], { "server.address": "web-1" }],
    ["a warning", { type: "notice", level: "warn", text: "w" }, WARN, ["warning: w"], {}],
    ["a notice of several lines", { type: "notice", level: "info", text: "a\n\nb" }, INFO, ["a", "b"], {}],
  ])("%s", (_, event, severityNumber, bodies, attributes) => {
    const records = recordsOf({ at, ...event } as Event);
    expect(records.map(({ body }) => body)).toEqual([...bodies]);
    for (const record of records) expect(record).toMatchObject({ severityNumber, severityText: SeverityNumber[severityNumber] ?? "", timestamp: new Date(at) });
    for (const record of records) expect(record.attributes).toEqual(attributes);
  });
});

function started(endpoint: string, more: Partial<OtelOptions> = {}) {
  const warnings: string[] = [];
  const recorder = openOtel({
    endpoint, toolVersion: "1.2.3", runId: "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f", service: "shop", destination: "staging", command: "deploy", performer: "ann@acme.example",
    clock: systemClock, warn: (why) => warnings.push(why instanceof Error ? why.message : String(why)), ...more,
  });
  return { recorder, warnings };
}
const start: Event = { at, type: "start", command: "deploy", service: "shop", destination: "staging", version: "77", hosts: ["web-1"] };
const notice = (text: string): Event => ({ at, type: "notice", level: "info", text });
const ending = (failure?: Failed) => ({ at, durationMs: 42_140, failure });
const health: Failed = { type: "health", message: "web-1 is not healthy", text: "Error: web-1 is not healthy" };

async function withCollector(work: (those: Collector) => Promise<void>, answer?: () => Response | Promise<Response>): Promise<void> {
  await using those = collector(answer);
  await work(those);
}

test("openOtel() sends what a deploy was, its lines and how it ended", () => withCollector(async ({ url, requests, records }) => {
  const { recorder, warnings } = started(url);
  recorder.report(start);
  recorder.report({ at, type: "output", host: "web-1", title: "x", stream: "stdout", line: "3f2a", loud: false });
  expect(await recorder.end(ending())).toBe(`Logs sent to ${url}`);
  expect(warnings).toEqual([]);
  expect(requests.map(({ method, path, type }) => `${method} ${path} ${type}`)).toEqual(["POST /v1/logs application/json"]);
  expect(requests[0]?.resource).toEqual({
    "service.name": "capstan", "service.version": "1.2.3", "service.namespace": "shop", "capstan.run_id": "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f",
    "capstan.performer": "ann@acme.example", "capstan.deploy_version": "77", "deployment.environment.name": "staging",
  });
  const deployment = { "capstan.command": "deploy", "deployment.id": "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f", "deployment.name": "deploy shop" };
  expect(records()).toEqual([
    { event: "capstan.start", severity: "INFO", body: "deploy of shop (staging), version 77, 1 host: web-1", attributes: deployment },
    { event: undefined, severity: "DEBUG", body: "| 3f2a", attributes: { "server.address": "web-1", "log.iostream": "stdout" } },
    { event: "capstan.complete", severity: "INFO", body: "Completed in 42.1s", attributes: { ...deployment, "capstan.runtime": 42.1, "capstan.deploy_version": "77", "deployment.status": "succeeded" } },
  ]);
}));

test("openOtel() sends why a run failed", () => withCollector(async ({ url, records }) => {
  const { recorder } = started(url);
  recorder.report(start);
  await recorder.end(ending(health));
  expect(records().at(-1)).toEqual({
    event: "capstan.failed", severity: "ERROR", body: "FAILED: health: web-1 is not healthy (42.1s)",
    attributes: {
      "capstan.command": "deploy", "deployment.id": "0f0f0f0f-0f0f-4f0f-af0f-0f0f0f0f0f0f", "deployment.name": "deploy shop", "deployment.status": "failed",
      "capstan.runtime": 42.1, "capstan.deploy_version": "77", "exception.type": "health", "exception.message": "web-1 is not healthy",
    },
  });
}));

test("openOtel() calls only what brings a version to hosts a deployment", () => withCollector(async ({ url, requests, records }) => {
  const { recorder } = started(url, { command: "proxy reboot", destination: undefined });
  recorder.report({ ...start, command: "proxy reboot", version: undefined });
  await recorder.end(ending());
  expect(records().map(({ attributes }) => attributes)).toEqual([{ "capstan.command": "proxy reboot" }, { "capstan.command": "proxy reboot", "capstan.runtime": 42.1 }]);
  expect(Object.keys(requests[0]?.resource ?? {})).toEqual(["service.name", "service.version", "service.namespace", "capstan.run_id", "capstan.performer"]);
}));

test("openOtel() sends the headers that OpenTelemetry's own variable names", () => withCollector(async ({ url, requests }) => {
  process.env["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=k1,tenant=shop";
  try {
    const { recorder } = started(url);
    recorder.report(start);
    await recorder.end(ending());
  } finally {
    delete process.env["OTEL_EXPORTER_OTLP_HEADERS"];
  }
  expect(requests.map(({ headers }) => [headers.get("api-key"), headers.get("tenant")])).toEqual([["k1", "shop"]]);
}));

test("openOtel() names the version that a rollback found out on the hosts", () => withCollector(async ({ url, records }) => {
  const { recorder } = started(url, { command: "rollback" });
  recorder.report({ ...start, command: "rollback", version: undefined });
  recorder.report({ at, type: "summary", command: "rollback", service: "shop", destination: "staging", ok: true, from: ["77"], to: "76", hosts: [], durationMs: 1, phases: [] });
  await recorder.end(ending());
  expect(records().at(-1)?.attributes).toMatchObject({ "capstan.deploy_version": "76", "deployment.name": "rollback shop" });
}));

test("openOtel() sends a batch as soon as there are 100 records", () => withCollector(async ({ url, requests, records }) => {
  const { recorder } = started(url);
  recorder.report(start);
  for (let i = 1; i < 250; i++) recorder.report(notice(`line ${i}`));
  while (requests.length < 2) await Bun.sleep(5);
  expect(requests.map(({ count }) => count)).toEqual([100, 100]);
  await recorder.end(ending());
  expect(requests.map(({ count }) => count)).toEqual([100, 100, 51]);
  expect(records().slice(1, 250).map(({ body }) => body)).toEqual(Array.from({ length: 249 }, (_, i) => `line ${i + 1}`));
}));

test("openOtel() sends nothing of its own accord before the batch is full or 5 seconds are over", () => withCollector(async ({ url, requests }) => {
  const { recorder } = started(url);
  for (let i = 0; i < 99; i++) recorder.report(notice("x"));
  await Bun.sleep(100);
  expect(requests).toEqual([]);
  await recorder.end(ending());
  expect(requests.map(({ count }) => count)).toEqual([100]);
}));

describe("openOtel() tells once", () => {
  test("that the collector refuses, and takes no time for it", async () => {
    const free = Bun.serve({ port: 0, fetch: () => new Response() });
    const { port } = free;
    await free.stop(true);
    const { recorder, warnings } = started(`http://127.0.0.1:${port}`);
    const beganMs = performance.now();
    for (let i = 0; i < 350; i++) recorder.report(notice("x"));
    expect(await recorder.end(ending())).toBeUndefined();
    expect(performance.now() - beganMs).toBeLessThan(1000);
    expect(warnings).toEqual([`connect ECONNREFUSED 127.0.0.1:${port}`]);
  });

  test("that there can be no collector at such an address, and lets the run go on", async () => {
    const { recorder, warnings } = started("nowhere");
    recorder.report(start);
    recorder.report(notice("x"));
    expect(await recorder.end(ending())).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  test("that the collector does not want it", () => withCollector(async ({ url, requests }) => {
    const { recorder, warnings } = started(url);
    for (let i = 0; i < 250; i++) recorder.report(notice("x"));
    expect(await recorder.end(ending())).toBeUndefined();
    expect(requests.length).toBe(3);
    expect(warnings).toEqual(["it answers 401 Unauthorized"]);
  }, () => new Response("no", { status: 401, statusText: "Unauthorized" })));

  test("that the collector does not answer, and waits no longer than 5 seconds at the end", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const slept: number[] = [];
    // The 5 seconds at the end are over at once.
    const clock = { now: () => Date.now(), sleep: async (ms: number, signal: AbortSignal) => { slept.push(ms); if (ms === 2000) await systemClock.sleep(ms, signal); } };
    const { recorder, warnings } = started(`http://127.0.0.1:${port}`, { clock });
    recorder.report(start);
    expect(await recorder.end(ending())).toBeUndefined();
    expect(slept).toContain(5000);
    expect(warnings).toEqual(["no answer within 5 seconds"]);
    silent.close();
  });
});
