import { expect, test } from "bun:test";
import type { Fault, Operation, Way } from "../lab/campaign/kinds.ts";
import { failureLines, page, tableRows, tableText, type Tried } from "../lab/campaign/table.ts";

const one = (operation: Operation, fault: Fault, more: Partial<Tried> = {}, way: Way = "registry"): Tried => ({
  point: { id: `${way}/${operation}/${fault}/x.h1`, way, operation, fault, boundary: { key: "x.h1", host: 1 } }, problems: [], sent: 1_000, lost: 0, excused: 0, endMs: 1_200, ...more,
});
const tried = [one("deploy", "sigint"), one("deploy", "sigint", { problems: ["the lock was left for 30 s", "it did not end"], lost: 3, endMs: 64_000 }), one("proxy-reboot", "reboot", { excused: 12 }, "ssh")];

test("a row for each fault: survived / tried, requests, lost, the slowest end", () => {
  const rows = tableRows(tried);
  expect(rows[0]).toEqual(["fault", "deploy", "rollback", "setup", "accessory-reboot", "proxy-reboot", "all", "requests", "lost", "to a host down", "slowest end"]);
  expect(rows.find(([title]) => title === "sigint")).toEqual(["sigint", "1/2", "-", "-", "-", "-", "1/2", "2,000", "3", "0", "64.0 s"]);
  expect(rows.find(([title]) => title === "reboot")).toEqual(["reboot", "-", "-", "-", "-", "1/1", "1/1", "1,000", "0", "12", "1.2 s"]);
  expect(rows.find(([title]) => title === "new-crash")?.[5]).toBe("");
  expect(rows.at(-1)).toEqual(["all", "1/2", "0/0", "0/0", "0/0", "1/1", "2/3", "3,000", "3", "12", "64.0 s"]);
});

test("columns stand below each other", () => {
  const [head = "", ...rows] = tableText(tried).split("\n");
  expect(rows.every((row) => row.length === head.length)).toBe(true);
});

test("failed points are told with their id and all that was wrong", () => {
  expect(failureLines(tried)).toEqual(["registry/deploy/sigint/x.h1: the lock was left for 30 s; it did not end"]);
});

test("the page has the command, the seed, the table and the failed points", () => {
  const text = page(tried, { command: "bun run faults --write", seed: 7, date: "2030-01-02", machine: "2 x CPU", tookMs: 2_400_000, picked: 502, boundaries: { deploy: 130 } });
  for (const line of ["- command: `bun run faults --write`", "- seed: 7", "- date: 2030-01-02", "- machine: 2 x CPU", "- took: 40 minutes", "- points: 3 tried of 502 picked, over 130 boundaries of", "- survived: 2 of 3\n- through a registry: 1 of 2\n- without a registry: layers that a host does not have go through its SSH connection: 1 of 1\n", "- `registry/deploy/sigint/x.h1`\n  - the lock was left for 30 s\n  - it did not end"]) expect(text).toContain(line);
  expect(text).toContain("| sigint | 1/2 | - |");
  expect(page([tried[0] as Tried], { command: "x", seed: 1, date: "", machine: "", tookMs: 0, picked: 1, boundaries: {} })).toContain("## Failed points\n\nNone.");
});
