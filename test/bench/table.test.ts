import { expect, test } from "bun:test";
import { barsOf } from "../lab/bench/bars.ts";
import { chart } from "../lab/bench/chart.ts";
import type { Kind } from "../lab/bench/fleet.ts";
import type { Work } from "../lab/bench/plan.ts";
import { rowsOf, type Measured } from "../lab/bench/rows.ts";
import { barTable, besideTable, deployTable, failureLines, floorTable, page, tableText, type Circumstances } from "../lab/bench/table.ts";

const one = (work: Work, kind: Kind, hosts: number, delayMs: number, walls: readonly number[], more: { readonly cpuMs?: number; readonly peakMb?: number; readonly channels?: number } = {}, failures: readonly string[] = []): Measured =>
  ({ of: { work, kind, hosts, delayMs }, samples: walls.map((wallMs) => ({ wallMs, cpuMs: 200, peakMb: 80, connections: 1, channels: 4, ...more })), failures });

const measured = [
  one("deploy", "real", 1, 0, [1_000, 900, 950]), one("deploy", "real", 1, 75, [2_450, 2_500, 2_400], { channels: 5 }), one("details", "real", 1, 25, [500]), one("floor", "real", 1, 0, [700]), one("least", "real", 1, 0, [400]),
  one("deploy", "stand-in", 20, 0, [2_000], { cpuMs: 900 }), one("deploy", "stand-in", 100, 0, [4_000]), one("deploy", "stand-in", 200, 0, [8_000], { peakMb: 300 }, ["it broke\nat the end"]),
  one("deploy", "stand-in", 200, 75, [], {}, ["it broke"]),
];
const circumstances: Circumstances = { command: "bun run bench --write", slice: false, date: "2030-01-02", machine: "2 x CPU", tookMs: 1_800_000, load: 0.25, runs: 5, program: "binary", dockerCalls: { real: 25, "stand-in": 25 } };

test("a row for each number of hosts and delay: medians, the most memory and channels, failures", () => {
  expect(deployTable(measured)).toEqual([
    ["hosts", "delay ms", "wall s", "from - to", "CPU s", "peak MB", "connections", "channels", "failed"],
    ["1 real", "0", "0.95", "0.90 - 1.00", "0.20", "80", "1", "4", "0 of 3"],
    ["1 real", "75", "2.45", "2.40 - 2.50", "0.20", "80", "1", "5", "0 of 3"],
    ["20 stand-in", "0", "2.00", "2.00 - 2.00", "0.90", "80", "1", "4", "0 of 1"],
    ["100 stand-in", "0", "4.00", "4.00 - 4.00", "0.20", "80", "1", "4", "0 of 1"],
    ["200 stand-in", "0", "8.00", "8.00 - 8.00", "0.20", "300", "1", "4", "1 of 2"],
    ["200 stand-in", "75", "", "", "", "", "", "", "1 of 1"],
  ]);
});

test("what capstan adds to its docker commands, and the round trips", () => {
  expect(floorTable(rowsOf(measured)).slice(1, 3)).toEqual([["1 real", "0.95", "0.70", "0.25", "0.40", "0.55", "10.0"], ["20 stand-in", "2.00", "", "", "", "", ""]]);
});

test("the other commands stand beside what was measured elsewhere, at the same round trip", () => {
  expect(besideTable(rowsOf(measured)).slice(1)).toEqual([["deploy", "0", "0.95", "0.20", "4", "3.10"], ["deploy", "75", "2.45", "0.20", "5", ""], ["details", "25", "0.50", "0.20", "4", "1.16"]]);
});

test("each bar passes, fails or was not measured", () => {
  const bars = new Map(barsOf(measured, rowsOf(measured)).map(({ title, wanted, got, ok }) => [title, { wanted, got, ok }]));
  expect([...bars.values()].filter(({ ok }) => ok === undefined).length).toBe(4);
  expect(bars.get("Deploy, 1 host, no delay: 0.55 of Kamal's with TCP_NODELAY")).toEqual({ wanted: "at most 0.99 s", got: "0.95 s", ok: true });
  expect(bars.get("What it takes above the least docker work: a fifth of Kamal's")).toEqual({ wanted: "at most 0.51 s", got: "0.55 s", ok: false });
  expect(bars.get("Round trips of a deploy, 1 real host")).toEqual({ wanted: "at most 15.0", got: "10.0", ok: true });
  expect(bars.get("Exec channels of any host in any deploy")).toEqual({ wanted: "at most 6", got: "5", ok: true });
  expect(bars.get("Client CPU, 20 stand-in hosts: a fifth of Kamal's")).toEqual({ wanted: "at most 0.56 s", got: "0.90 s", ok: false });
  expect(bars.get("200 stand-in hosts: deploys that fail")).toEqual({ wanted: "at most 0", got: "2", ok: false });
  expect(bars.get("200 stand-in hosts: peak memory")).toEqual({ wanted: "at most 512 MB", got: "300 MB", ok: true });
  expect(bars.get("Each further host from 20 to 200 stand-ins")).toEqual({ wanted: "at most 60 ms", got: "33 ms", ok: true });
  expect(bars.get("A further host beyond 100 against one up to 100: linear, with a quarter for noise")).toEqual({ wanted: "at most 1.25 times", got: "1.60 times", ok: false });
  expect(barTable(measured, rowsOf(measured)).filter((row) => row[3] === "**FAIL**").length).toBe(4);
});

test("the page tells this run from what was measured elsewhere, and a slice from the whole", () => {
  const text = page(measured, circumstances);
  for (const line of ["- command: `bun run bench --write`\n- date: 2030-01-02", "- machine: 2 x CPU; the hosts are on it as well; its load before the start was 0.3", "- took: 30 minutes", "the binary, compiled from this tree", "medians of 5 runs", "25 (real), 25 (stand-in)", "| 1 real | 0 | 0.95 |", "## Measured elsewhere: Kamal 2.12\n\nNot of this run.", "| 1 | 0 | 3.1 | 0.65 | 2 | 0.59 | 0.56 | 31 |", "- deploy, 200 stand-in, 0 ms: it broke\n", "`pull` 100 ms"]) expect(text).toContain(line);
  expect(page(measured, { ...circumstances, slice: true, runs: 1, program: "source" })).toContain("- a slice: fewer cases");
  expect(page([measured[0] as Measured], circumstances)).toContain("## Failed runs\n\nNone.");
  expect(page([measured[6] as Measured], circumstances)).not.toContain("## One host");
  expect(failureLines(measured)).toEqual(["deploy, 200 stand-in, 0 ms: it broke", "deploy, 200 stand-in, 75 ms: it broke"]);
});

test("columns stand below each other in a terminal", () => {
  const [first = "", ...rest] = tableText(measured).split("\n\n")[0]?.split("\n") ?? [];
  expect(rest.length).toBe(6);
  expect(rest.every((row) => row.length === first.length)).toBe(true);
  expect(tableText(measured)).not.toContain("**");
});

test("the chart is a picture of its own, with a bar for each row and a line for each floor", () => {
  const svg = chart(rowsOf(measured), "2030-01-02");
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" width="760" height="584"')).toBe(true);
  expect(svg.match(/<rect x=/g)?.length).toBe(5);
  expect(svg.match(/<line class="floor"/g)?.length).toBe(2);
  expect(svg).toContain("Real hosts: sshd, Docker and kamal-proxy each");
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).not.toMatch(/NaN|undefined|href|<script/);
  expect(chart(rowsOf(measured.slice(0, 2)), "2030-01-02")).not.toContain("Stand-in hosts");
});
