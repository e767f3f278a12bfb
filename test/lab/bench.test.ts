import { expect, test } from "bun:test";
import { runBench } from "./bench/bench.ts";
import { roundTrips } from "./bench/figures.ts";
import { rowOf, rowsOf } from "./bench/rows.ts";
import { failureLines, tableText } from "./bench/table.ts";

test("a slice of the benchmark: 1 and 20 stand-in hosts, direct and behind a line of 75 ms", async () => {
  const outcome = await runBench({ hosts: { real: [], "stand-in": [1, 20] }, delays: [0, 75], runs: 2, write: false, source: true }, (text) => console.log(text));
  const rows = rowsOf(outcome.measured);
  console.log(tableText(outcome.measured));
  expect(failureLines(outcome.measured)).toEqual([]);
  expect(rows.length).toBe(8);
  expect(outcome.dockerCalls["stand-in"]).toBeGreaterThanOrEqual(4);
  // The fastest of each: what else this machine does makes a run longer, never shorter.
  const trips = roundTrips(rows.filter(({ of }) => of.work === "deploy" && of.hosts === 1).map(({ of, fastestMs }) => [of.delayMs, fastestMs]));
  expect(trips).toBeGreaterThan(3);
  expect(trips).toBeLessThanOrEqual(40);
  for (const row of rows.filter(({ of }) => of.work === "deploy")) {
    expect(row.connections).toBe(1);
    expect(row.peakMb).toBeLessThanOrEqual(512);
    expect(row.fewestChannels).toBeLessThanOrEqual(6);
  }
  // What docker takes is a part of the deploy: a stand-in that answers at once, or a replay of nothing, would be faster.
  expect(rowOf(rows, "least", "stand-in", 20, 0)?.wallMs).toBeGreaterThan(500);
}, 240_000);
