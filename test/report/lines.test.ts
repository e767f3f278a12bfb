import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import { lineReporter } from "../../lib/report/lines.ts";
import type { Verbosity } from "../../lib/report/reporter.ts";
import { plain } from "../../lib/report/style.ts";

const at = "2026-03-01T14:03:07.412Z";
/** The lines of some events, without the time. */
function lines(verbosity: Verbosity, ...events: EventBody[]): string[] {
  const written: string[] = [];
  const reporter = lineReporter((line) => written.push(line), { verbosity, style: plain });
  for (const event of events) reporter.report({ at, ...event } as Event);
  return written.map((line) => line.replace(/^14:03:07 {2}/, ""));
}
const step = { phase: "Boot", host: "web-1", role: "web", title: "Start shop-web-77", kind: "run" } as const;

const transfer = { type: "transfer", host: "web-1", title: "Deliver acme/shop:77", image: "acme/shop:77", totalBytes: 100_000_000, thereBytes: 0, durationMs: 1500 } as const;

test("lineReporter() tells the progress of an image every ten per cent", () => {
  const at = (sentBytes: number): EventBody => ({ ...transfer, state: "progress", sentBytes });
  expect(lines("normal", at(10_000_000), at(12_000_000), at(19_999_999), at(20_000_000))).toEqual(["web-1  acme/shop:77: 10 % of 100 MB sent", "web-1  acme/shop:77: 20 % of 100 MB sent"]);
});

test("lineReporter() puts the local time first", () => {
  const written: string[] = [];
  lineReporter((line) => written.push(line), { verbosity: "normal", style: plain }).report({ at, type: "notice", level: "info", text: "Nothing to do" });
  expect(written).toEqual(["14:03:07  Nothing to do"]);
});

describe("lineReporter() shows", () => {
  test.each<[string, EventBody, string[]]>([
    ["a run", { type: "start", command: "deploy", service: "shop", destination: "staging", version: "77", hosts: ["a", "b"] }, ["deploy of shop (staging), version 77, 2 hosts: a, b"]],
    ["a run that concerns no host", { type: "start", command: "build dev", service: "shop", destination: undefined, version: "77", hosts: [] }, ["build dev of shop, version 77"]],
    ["a phase", { type: "phase-start", phase: "Boot", hosts: ["a"] }, ["== Boot (1 host)"]],
    ["the end of a phase", { type: "phase-end", phase: "Boot", ok: true, durationMs: 12_340 }, ["✓ Boot 12.3 s"]],
    ["a failed phase", { type: "phase-end", phase: "Boot", ok: false, durationMs: 125_000 }, ["✗ Boot failed after 2 min 05 s"]],
    ["a failed step", { type: "step-end", ...step, ok: false, durationMs: 400 }, ["web-1  ✗ Start shop-web-77 failed after 0.4 s"]],
    ["output of a build", { type: "output", host: undefined, title: "Build", stream: "stderr", line: "#5 \x1b[32mDONE\x1b[0m", loud: true }, ["here  | #5 DONE"]],
    ["a step that takes long", { type: "waiting", host: "web-1", role: undefined, title: "Pull acme/shop:77", elapsedMs: 40_000, deadlineMs: 1_800_000, text: "last output: Layer\x1b[2J 3" }, ["web-1  Pull acme/shop:77: 40 s, at most 30 min; last output: Layer 3"]],
    ["a program here that says nothing", { type: "waiting", host: undefined, role: undefined, title: "Build", elapsedMs: 80_000, deadlineMs: 3_600_000 }, ["here  Build: 1 min 20 s, at most 1 h"]],
    ["a probe that fails", { type: "probe", host: "web-1", role: "web", container: "shop-web-77", attempt: 1, ok: false, answer: "503", durationMs: 3 }, ["web-1  shop-web-77 is not ready yet: 503"]],
    ["a connection that fails", { type: "connect", host: "web-1", state: "failed", durationMs: 5000, text: "refused" }, ["web-1  cannot connect: refused"]],
    ["a lost lock", { type: "lock", host: "web-1", state: "lost" }, ["web-1  the deploy lock was lost"]],
    ["a hook", { type: "hook", name: "preDeploy", state: "end", durationMs: 1200 }, ["✓ hook preDeploy 1.2 s"]],
    ["how far an image is", { ...transfer, state: "progress", sentBytes: 41_000_000 }, ["web-1  acme/shop:77: 40 % of 100 MB sent"]],
    ["no image that has hardly begun", { ...transfer, state: "progress", sentBytes: 9_000_000 }, []],
    ["that a host has an image", { ...transfer, state: "end", sentBytes: 2_100_000, thereBytes: 498_000_000 }, ["web-1  ✓ acme/shop:77: 2.1 MB sent, 498 MB were there 1.5 s"]],
    ["how far one is that a neighbour hands on", { ...transfer, state: "progress", sentBytes: 41_000_000, from: "web-2" }, ["web-1  acme/shop:77: 40 % of 100 MB handed on by web-2"]],
    ["that a host has it from a neighbour", { ...transfer, state: "end", sentBytes: 0, from: "web-2" }, ["web-1  ✓ acme/shop:77: handed on by web-2 1.5 s"]],
    ["a failed hook", { type: "hook", name: "preDeploy", state: "failed", durationMs: 1200 }, ["✗ hook preDeploy failed after 1.2 s"]],
    ["what was taken back", { type: "undo", host: "web-1", title: "Remove shop-web-77", ok: true }, ["web-1  ↶ Remove shop-web-77"]],
    ["what could not be taken back", { type: "undo", host: "web-1", title: "Remove shop-web-77", ok: false, text: "timeout" }, ["web-1  cannot take back: Remove shop-web-77: timeout"]],
    ["a warning of several lines", { type: "notice", level: "warn", host: "web-1", text: "one\ntwo" }, ["web-1  warning: one", "web-1  two"]],
    [
      "a summary",
      { type: "summary", command: "deploy", service: "shop", destination: undefined, ok: true, from: ["76"], to: "77", hosts: ["web-1", "web-2"], durationMs: 42_100, phases: [{ phase: "Build and push", durationMs: 20_000 }, { phase: "Boot", durationMs: 12_000 }] },
      ["deploy of shop done in 42.1 s", "  version         76 → 77", "  2 hosts         web-1, web-2", "  Build and push  20.0 s", "  Boot            12.0 s"],
    ],
  ])("%s", (_, event, expected) => expect(lines("normal", event)).toEqual(expected));
});

test.each<[Verbosity, string[]]>([
  ["quiet", []],
  ["normal", []],
  ["verbose", ["web-1  Start shop-web-77", "web-1  $ docker run shop", "web-1  | 3f2a", "web-1  ✓ Start shop-web-77 1.2 s", "web-1  shop-web-77 is ready at try 3 (12 ms)", "web-1  deploy lock taken"]],
])("lineReporter() shows of ordinary steps when %s: %j", (verbosity, expected) => {
  expect(lines(
    verbosity, { type: "step-start", ...step, command: "docker run shop" }, { type: "output", host: "web-1", title: step.title, stream: "stdout", line: "3f2a", loud: false },
    { type: "step-end", ...step, ok: true, durationMs: 1200 }, { type: "probe", host: "web-1", role: "web", container: "shop-web-77", attempt: 3, ok: true, answer: "200", durationMs: 12 },
    { type: "lock", host: "web-1", state: "taken" },
  )).toEqual(expected);
});

test("lineReporter() shows when quiet only what needs somebody", () => {
  expect(lines(
    "quiet", { type: "phase-start", phase: "Boot", hosts: [] }, { type: "notice", level: "warn", text: "w" }, { type: "undo", host: "a", title: "Remove x", ok: false }, { type: "lock", host: "a", state: "lost" },
  )).toEqual(["a     cannot take back: Remove x", "a     the deploy lock was lost"]);
});

test("lineReporter() aligns what comes after the host", () => {
  expect(lines("normal", { type: "start", command: "deploy", service: "shop", destination: undefined, version: undefined, hosts: ["web-1", "10.0.0.3:2222"] }, { type: "notice", level: "info", host: "web-1", text: "x" }).at(-1)).toBe("web-1          x");
});

test("lineReporter() tells a probe again only when its answer changes", () => {
  const probe = (host: string, attempt: number, answer: string): EventBody => ({ type: "probe", host, role: "web", container: "c", attempt, ok: false, answer, durationMs: 1 });
  expect(lines("normal", probe("a", 1, "refused"), probe("b", 1, "refused"), probe("a", 2, "refused"), probe("a", 3, "503"), probe("a", 4, "refused"))).toEqual([
    "a     c is not ready yet: refused", "b     c is not ready yet: refused", "a     c is not ready yet: 503", "a     c is not ready yet: refused",
  ]);
});

test("lineReporter() holds lines back while somebody else writes", () => {
  const written: string[] = [];
  const reporter = lineReporter((line) => written.push(line), { verbosity: "normal", style: plain });
  const say = (text: string): void => reporter.report({ type: "notice", level: "info", text, at });
  const [resume, again] = [reporter.pause(), reporter.pause()];
  say("one");
  again();
  again();
  expect(written).toEqual([]);
  resume();
  say("two");
  expect(written).toEqual(["14:03:07  one", "14:03:07  two"]);
  reporter.pause();
  say("three");
  reporter.close();
  expect(written.at(-1)).toBe("14:03:07  three");
});
