import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import { emptyScreen, frame, next, type Screen } from "../../lib/report/screen.ts";

const startMs = Date.parse("2026-03-01T14:00:00Z");
const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString();
const after = (...events: [seconds: number, event: EventBody][]): Screen => events.reduce((screen, [seconds, event]) => next(screen, { at: at(seconds), ...event } as Event), emptyScreen);
const shown = (screen: Screen, seconds: number, size = { columns: 80, rows: 24 }): string[] => frame(screen, size, startMs + seconds * 1000);
const phase = (...hosts: string[]): EventBody => ({ type: "phase-start", phase: "Boot", hosts });
const begin = (host: string | undefined, title: string, role = "web"): EventBody => ({ type: "step-start", phase: "Boot", host, role, title, kind: "run", command: "" });
const end = (host: string | undefined, title: string, ok = true, role = "web"): EventBody => ({ type: "step-end", phase: "Boot", host, role, title, kind: "run", ok, durationMs: 0 });
const probe: EventBody = { type: "probe", host: "web-1", role: "web", container: "shop-web-77", attempt: 3, ok: false, answer: "503, body \"\x1b[2Jbooting\"", durationMs: 3 };

test("frame() shows a line for each host with its step and the time it has taken", () => {
  const screen = after([0, { type: "lock", host: "web-1", state: "taken" }], [0, phase("web-1", "web-2", "jobs-1")], [1, begin("web-1", "Start shop-web-77")], [2, begin("jobs-1", "Start shop-jobs-77")], [3, end("jobs-1", "Start shop-jobs-77")]);
  expect(shown(screen, 75)).toEqual([
    "Boot 1:15  1 of 3 done  lock held on web-1",
    "  web-1   › Start shop-web-77 1:14",
    "  web-2   · waiting",
    "  jobs-1  ✓ Start shop-jobs-77",
  ]);
});

test("frame() shows what is under way of two phases at once, and the younger one's name", () => {
  const connecting: [number, EventBody][] = [[0, { type: "phase-start", phase: "Build", hosts: [] }], [0, begin(undefined, "Build")], [1, { type: "phase-start", phase: "Connect", hosts: ["web-1"] }]];
  expect(shown(after(...connecting), 3)).toEqual(["Connect 2 s  0 of 2 done", "  here   › Build 3 s", "  web-1  · waiting"]);
  expect(shown(after(...connecting, [2, { type: "phase-end", phase: "Connect", ok: true, durationMs: 1 }]), 3)).toEqual(["Build 3 s  0 of 2 done", "  here   › Build 3 s", "  web-1  · waiting"]);
});

describe("frame() shows", () => {
  test.each<[string, Screen, string]>([
    ["a failed host until the phase ends", after([0, phase("web-1")], [0, begin("web-1", "Start x")], [1, end("web-1", "Start x", false)]), "  web-1  ✗ Start x"],
    ["a failure of one role while another goes on", after([0, phase("web-1")], [0, begin("web-1", "A", "web")], [0, begin("web-1", "B", "jobs")], [1, end("web-1", "A", false, "web")], [2, end("web-1", "B", true, "jobs")]), "  web-1  ✗ A"],
    ["the step that takes longest of several roles", after([0, phase("web-1")], [0, begin("web-1", "A", "web")], [1, begin("web-1", "B", "jobs")]), "  web-1  › A (+1) 3 s"],
    ["the last answer of a probe, made harmless", after([0, phase("web-1")], [0, begin("web-1", "Wait")], [1, probe]), '  web-1  › Wait 3 s  try 3: 503, body "booting"'],
    ["the last line of a build", after([0, phase()], [0, begin(undefined, "Build")], [1, { type: "output", host: undefined, title: "Build", stream: "stderr", line: "#5 DONE", loud: true }]), "  here  › Build 3 s  #5 DONE"],
    ["a connection being opened", after([0, { type: "connect", host: "web-1", state: "opening", durationMs: 0 }]), "  web-1  › Connect 3 s"],
    ["a connection that failed", after([0, { type: "connect", host: "web-1", state: "failed", durationMs: 0, text: "refused" }]), "  web-1  ✗ refused"],
    ["how much of an image was sent, and how fast", after([0, phase("web-1")], [0, begin("web-1", "Deliver", "")], [2, { type: "transfer", host: "web-1", title: "Deliver", image: "shop:77", state: "progress", sentBytes: 20_000_000, totalBytes: 498_000_000, thereBytes: 0, durationMs: 2000 }]), "  web-1  › Deliver 3 s  20.0 MB of 498 MB, 10.0 MB/s"],
    ["what is taken back", after([0, phase("web-1")], [1, { type: "undo", host: "web-1", title: "Remove x", ok: true }]), "  web-1  ✓ Taken back: Remove x"],
  ])("%s", (_, screen, line) => expect(shown(screen, 3)[1]).toBe(line));
});

test("frame() shows a running hook", () => {
  expect(shown(after([0, { type: "hook", name: "preDeploy", state: "start", durationMs: 0 }]), 4)).toEqual(["hook preDeploy 4 s"]);
});

test("frame() is empty between phases and after the summary", () => {
  expect(shown(emptyScreen, 0)).toEqual([]);
  expect(shown(after([0, phase("a")], [1, { type: "phase-end", phase: "Boot", ok: true, durationMs: 1 }]), 2)).toEqual([]);
});

test("frame() cuts lines to the terminal and leaves its last column free", () => {
  const screen = after([0, phase("web-1")], [0, begin("web-1", "Start shop-web-4f2c1a9")]);
  expect(shown(screen, 1, { columns: 20, rows: 24 })).toEqual(["Boot 1 s", "  web-1  › Start s…"]);
});

test("frame() folds 200 hosts to the rows of the terminal, the odd ones first", () => {
  const hosts = Array.from({ length: 200 }, (_, i) => `web-${i + 1}`);
  const started = hosts.slice(0, 150).map((host): [number, EventBody] => [1, begin(host, "Start shop")]);
  const screen = after([0, phase(...hosts)], ...started, [2, end("web-7", "Start shop", false)], [3, end("web-9", "Start shop")], [3, begin("web-9", "Wait until ready")], ...hosts.slice(20, 30).map((host): [number, EventBody] => [4, end(host, "Start shop")]));
  const lines = shown(screen, 10, { columns: 80, rows: 8 });
  expect(lines).toEqual([
    "Boot 10 s  10 of 200 done",
    "  web-7  ✗ Start shop",
    "  web-9  › Wait until ready 7 s",
    "  web-1  › Start shop 9 s",
    "  web-2  › Start shop 9 s",
    "  web-3  › Start shop 9 s",
    "  … and 195 hosts more: 135 at work, 50 waiting, 10 done",
  ]);
});

test("next() does not change the screen it is given", () => {
  const before = after([0, phase("a")]);
  const copy = structuredClone(before);
  next(before, { at: at(1), ...begin("a", "x") } as Event);
  expect(before).toEqual(copy);
});
