import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import type { Verbosity } from "../../lib/report/reporter.ts";
import { plain } from "../../lib/report/style.ts";
import { erase, liveReporter } from "../../lib/report/tty.ts";

/** A terminal that understands what the painter uses, and a clock that ticks when told. */
function terminal(verbosity: Verbosity = "normal") {
  const size = { columns: 60, rows: 10 };
  let nowMs = Date.parse("2026-03-01T14:00:00Z");
  let wake: (() => void) | undefined;
  const lines = [""];
  const raw: string[] = [];
  let row = 0;
  const reporter = liveReporter({
    size: () => size,
    write(text) {
      raw.push(text);
      for (const piece of text.match(/\x1b\[\??\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+/g) ?? []) {
        if (piece === "\n") lines[++row] ??= "";
        else if (piece === "\r") lines[row] = lines[row] ?? "";
        else if (piece.endsWith("A")) row -= Number(piece.slice(2, -1));
        else if (piece.endsWith("J")) lines.splice(row, lines.length, "");
        else if (!piece.startsWith("\x1b")) lines[row] += piece;
      }
    },
  }, {
    now: () => nowMs,
    sleep: (ms, signal) => new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("stopped")));
      wake = () => {
        nowMs += ms;
        resolve();
      };
    }),
  }, { verbosity, style: plain });
  return {
    reporter, lines, raw, size,
    tell: (...events: EventBody[]) => events.forEach((event) => reporter.report({ at: new Date(nowMs).toISOString(), ...event } as Event)),
    async tick() {
      wake?.();
      await Bun.sleep(0);
    },
  };
}
const phase: EventBody = { type: "phase-start", phase: "Boot", hosts: ["web-1", "web-2"] };
const begin = (host: string): EventBody => ({ type: "step-start", phase: "Boot", host, role: "web", title: "Start x", kind: "run", command: "docker run x" });
const end = (host: string): EventBody => ({ type: "step-end", phase: "Boot", host, role: "web", title: "Start x", kind: "run", ok: true, durationMs: 1000 });

test("liveReporter() paints hosts at work and lets what is finished scroll up", async () => {
  const { tell, tick, lines, reporter } = terminal();
  tell(phase, begin("web-1"));
  await tick();
  expect(lines).toEqual(["Boot 0 s  0 of 2 done", "  web-1  › Start x 0 s", "  web-2  · waiting"]);
  tell(end("web-1"), { type: "notice", level: "warn", host: "web-2", text: "disk is nearly full" });
  await tick();
  expect(lines).toEqual(["web-2  warning: disk is nearly full", "Boot 0 s  1 of 2 done", "  web-1  ✓ Start x", "  web-2  · waiting"]);
  tell({ type: "phase-end", phase: "Boot", ok: true, durationMs: 3000 });
  reporter.close();
  expect(lines).toEqual(["web-2  warning: disk is nearly full", "✓ Boot 3.0 s", ""]);
});

test("liveReporter() paints at most once a tick, and not at all when nothing changed", async () => {
  const { tell, tick, raw } = terminal();
  tell(phase, ...Array.from({ length: 500 }, () => begin("web-1")));
  await tick();
  expect(raw.length).toBe(2); // the cursor is hidden, then one frame
  await tick();
  expect(raw.length).toBe(2);
});

test("liveReporter() hides the cursor while it paints and shows it at the end, once", () => {
  const { tell, raw, reporter } = terminal();
  tell(phase);
  reporter.close();
  reporter.close();
  expect(raw).toEqual(["\x1b[?25l", "\x1b[?25h"]);
});

test("liveReporter() leaves the screen to others while it is paused", async () => {
  const { tell, tick, lines, reporter } = terminal();
  tell(phase);
  await tick();
  const resume = reporter.pause();
  expect(lines).toEqual([""]);
  tell(begin("web-1"));
  await tick();
  expect(lines).toEqual([""]);
  resume();
  await tick();
  expect(lines[1]).toBe("  web-1  › Start x 0 s");
});

test("liveReporter() shows commands as lines when verbose", () => {
  const { tell, lines, reporter } = terminal("verbose");
  tell(begin("web-1"), end("web-1"));
  reporter.close();
  expect(lines).toEqual(["web-1  Start x", "web-1  $ docker run x", "web-1  ✓ Start x 1.0 s", ""]);
});

describe("erase()", () => {
  test.each<[string, string[], number, string]>([
    ["nothing", [], 80, ""],
    ["one line", ["abc"], 80, "\r\x1b[J"],
    ["three lines", ["a", "b", "c"], 80, "\r\x1b[2A\x1b[J"],
    ["lines that a narrower terminal wrapped", ["a".repeat(59), "b"], 20, "\r\x1b[3A\x1b[J"],
    ["colours, which take no room", ["\x1b[31mabc\x1b[39m"], 3, "\r\x1b[J"],
  ])("takes back %s", (_, lines, columns, expected) => expect(erase(lines, columns)).toBe(expected));
});
