import { expect, test } from "bun:test";
import { barsOf, tripsOf } from "./bench/bars.ts";
import { runBench } from "./bench/bench.ts";
import { rowOf, rowsOf } from "./bench/rows.ts";
import { failureLines, tableText } from "./bench/table.ts";

test("a slice of the benchmark: 20 stand-in hosts, direct and behind a line of 25 ms", async () => {
  const outcome = await runBench({ hosts: { real: [], "stand-in": [20] }, delays: [0, 25], runs: 1, write: false, source: true }, (text) => console.log(text));
  const rows = rowsOf(outcome.measured);
  console.log(tableText(outcome.measured));
  expect(failureLines(outcome.measured)).toEqual([]);
  expect(rows.length).toBe(4);
  expect(outcome.dockerCalls["stand-in"]).toBeGreaterThanOrEqual(4);
  expect(tripsOf(rows, "stand-in", 20)).toBeLessThanOrEqual(40);
  for (const delay of [0, 25]) {
    const row = rowOf(rows, "deploy", "stand-in", 20, delay);
    expect(row?.connections).toBe(1);
    expect(row?.channels).toBeLessThanOrEqual(6);
    expect(row?.peakMb).toBeLessThanOrEqual(512);
  }
  // What docker takes is a part of the deploy: a stand-in that answers at once, or a replay of nothing, would be faster.
  expect(rowOf(rows, "least", "stand-in", 20, 0)?.wallMs).toBeGreaterThan(500);
  expect(barsOf(outcome.measured, rows).some(({ ok }) => ok !== undefined)).toBe(true);
}, 240_000);
