import { expect, test } from "bun:test";
import type { Event, EventBody } from "../../lib/ground/event.ts";
import { together } from "../../lib/report/host-answers.ts";
import { hostOutput } from "../../lib/report/host-output.ts";
import { lineReporter } from "../../lib/report/lines.ts";
import { liveReporter } from "../../lib/report/tty.ts";
import type { Verbosity } from "../../lib/report/reporter.ts";
import { plain } from "../../lib/report/style.ts";
import { fakeClock } from "../support/clock.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `web-${i + 1}`);
const at = new Date(2030, 0, 2, 3, 4, 5).toISOString();
const stamped = (body: EventBody): Event => ({ at, ...body }) as Event;

/** The lines of a run, without the time in front. */
function linesOf(bodies: readonly EventBody[], verbosity: Verbosity = "normal"): string[] {
  const lines: string[] = [];
  const reporter = lineReporter((line) => lines.push(line.slice("03:04:05  ".length)), { verbosity, style: plain });
  for (const body of bodies) reporter.report(stamped(body));
  reporter.close();
  return lines;
}

const connecting = (count: number, words: (host: string, number: number) => string): EventBody[] => [
  { type: "phase-start", phase: "Connect", hosts: names(count) },
  ...names(count).map((host, i): EventBody => ({ type: "notice", level: "info", host, text: words(host, i) })),
  { type: "phase-end", phase: "Connect", ok: true, durationMs: 1200 },
];
const accepted = (_: string, i: number): string => `New host key accepted: ssh-ed25519 SHA256:${String(i).padEnd(43, "x")}`;

test("what most of 200 hosts say alike is counted, and the odd one out is shown", () => {
  expect(linesOf(connecting(200, (host, i) => (i === 150 ? "its clock is 7 min behind" : accepted(host, i))))).toEqual([
    "== Connect (200 hosts)",
    ...[0, 1, 2, 3, 4].map((i) => `web-${i + 1}  ${accepted("", i)}`),
    "web-151  its clock is 7 min behind",
    "194 more hosts (web-6, web-7 and 192 more): New host key accepted: ssh-ed25519 SHA256:…",
    "✓ Connect 1.2 s",
  ]);
});

test("ten hosts are told of one by one, and all of them when everything is wanted", () => {
  expect(linesOf(connecting(10, accepted)).length).toBe(12);
  expect(linesOf(connecting(200, accepted), "verbose").length).toBe(202);
});

test("hosts that are waited for are counted whatever their containers and times are called", () => {
  const waiting = names(12).map((host, i): EventBody => ({ type: "waiting", host, role: "web", title: "Pull acme/shop:7", elapsedMs: 10_000 + 1000 * (i % 3), deadlineMs: 600_000 }));
  expect(linesOf([{ type: "phase-start", phase: "Pull image", hosts: names(12) }, ...waiting, { type: "phase-end", phase: "Pull image", ok: true, durationMs: 13_000 }]).slice(-2)).toEqual(["7 more hosts (web-6, web-7 and 5 more): Pull acme/shop:7: … s, at most … min", "✓ Pull image 13.0 s"]);
});

test("the end of a phase says how long its hosts took, and names those that took much longer", () => {
  const took = (count: number, msOf: (i: number) => number): string | undefined => linesOf([
    { type: "phase-start", phase: "Pull image", hosts: names(count) },
    ...names(count).flatMap((host, i) => ["Log in", "Pull"].map((title): EventBody => ({ type: "step-end", phase: "Pull image", host, role: undefined, title, kind: "run", ok: true, durationMs: msOf(i) / 2 }))),
    { type: "phase-end", phase: "Pull image", ok: true, durationMs: 9100 },
  ]).at(-1);
  expect(took(200, (i) => 1200 + i)).toBe("✓ Pull image 9.1 s  200 hosts in 1.2 to 1.4 s");
  expect(took(200, (i) => (i === 6 ? 9000 : 1200))).toBe("✓ Pull image 9.1 s  200 hosts in 1.2 to 9.0 s, slow: web-7 9.0 s");
  expect(took(10, (i) => 1200 + i)).toBe("✓ Pull image 9.1 s");
});

test("what was counted is told when the run ends in the middle of a phase", () => {
  expect(linesOf(connecting(20, () => "hello").slice(0, -1)).at(-1)).toBe("15 more hosts (web-6, web-7 and 13 more): hello");
});

test("the live view counts them too", () => {
  let text = "";
  const reporter = liveReporter({ write: (more) => void (text += more), size: () => ({ columns: 120, rows: 30 }) }, fakeClock(), { verbosity: "normal", style: plain });
  for (const body of connecting(30, () => "hello")) reporter.report(stamped(body));
  reporter.close();
  expect(text.match(/hello/g)?.length).toBe(6);
  expect(text).toContain("25 more hosts (web-6, web-7 and 23 more): hello\n✓ Connect 1.2 s\n");
});

test("together() puts equal answers of many hosts together, the odd ones last and by name", () => {
  const shown = (count: number): string[] => together(names(count).map((host, i) => ({ host, output: i === 3 ? "up 2 days\n" : "up 90 days\n" })), ({ host }) => host, ({ output }) => output).map(({ first, places }) => hostOutput("App", places, first.output, { style: plain, quiet: false }));
  expect(shown(200)).toEqual(["App Host: web-1, web-2, web-3, web-5 and 195 more (199 with the same answer)\nup 90 days\n", "App Host: web-4\nup 2 days\n"]);
  expect(shown(10).length).toBe(10);
});
