import { expect, test } from "bun:test";
import { runCampaign } from "./campaign/campaign.ts";
import { faultNames, wayNames, type Fault } from "./campaign/kinds.ts";
import { usualSeed } from "./campaign/options.ts";
import { pickSlice } from "./campaign/points.ts";
import { failureLines, tableText } from "./campaign/table.ts";

/** Left to the whole campaign (`bun run faults`): they take longest, and other tests of the lab show them. */
const long: readonly Fault[] = ["silent-long", "reboot", "dockerd", "disk-full", "proxy-crash", "proxy-kill", "registry-slow", "sighup"];

test("a slice of the fault campaign: one fault at a time at boundaries that the tool reports, under load", async () => {
  const { tried } = await runCampaign({
    lanes: 2, operations: ["deploy", "proxy-reboot", "accessory-reboot"], ways: wayNames,
    pick: (boundaries) => pickSlice(boundaries, usualSeed, 12, faultNames.filter((fault) => !long.includes(fault))),
    say: (text) => console.log(text),
  });
  console.log(tableText(tried));
  expect(failureLines(tried)).toEqual([]);
  expect(tried.length).toBe(12);
  for (const way of wayNames) expect(tried.filter(({ point }) => point.way === way).length).toBeGreaterThanOrEqual(4);
  expect(tried.reduce((sum, { sent }) => sum + sent, 0)).toBeGreaterThan(1_000);
}, 600_000);
