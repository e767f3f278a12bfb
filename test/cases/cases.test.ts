import { describe, expect, test } from "bun:test";
import { accessoryCases } from "./accessories.ts";
import { appCases } from "./app.ts";
import { buildCases } from "./build.ts";
import type { Run } from "./case.ts";
import { configCases } from "./config.ts";
import { envCases } from "./env.ts";
import { flowCases } from "./flows.ts";
import { lockCases } from "./lock.ts";
import { mrskCases } from "./mrsk.ts";
import { proxyCases } from "./proxy.ts";
import { secretCases } from "./secrets.ts";
import { allLines, linesOf, outcomesOf, wordsOf } from "./project.ts";

const cases = [...appCases, ...envCases, ...proxyCases, ...accessoryCases, ...lockCases, ...buildCases, ...configCases, ...flowCases, ...mrskCases, ...secretCases];

test.each(cases.flatMap(({ name, elsewhere = [] }) => elsewhere.map((where) => [name, where] as const)))("%s is shown by %s", async (_, where) => {
  const [file = "", title = ""] = where.split(/: (.*)/);
  expect(await Bun.file(file).text()).toContain(title);
});

test("every case of the reference has its tries, or tests elsewhere", () => {
  expect(cases.filter(({ tries, elsewhere = [] }) => tries.length + elsewhere.length === 0).map(({ name }) => name)).toEqual([]);
});

describe.each(cases.filter(({ tries }) => tries.length > 0).map((one) => [one.name, one] as const))("%s", (_, { tries }) => {
  test.each(tries.map((run, i) => [`${i + 1}: ${run.argv}`, run] as const))("%s", (_line, run) => check(run), 20_000);
});

async function check(run: Run): Promise<void> {
  const { asItStands: outcome, imported } = await outcomesOf(run);
  if ((run.status ?? 0) !== outcome.status) expect({ status: outcome.status, said: outcome.stderr || outcome.stdout }).toEqual({ status: run.status ?? 0, said: "" });
  for (const [host, expected] of Object.entries(run.runs ?? {})) expect(inOrder(linesOf(outcome, host), expected.map(wordsOf))).toEqual(expected.map(wordsOf));
  for (const [host, texts] of Object.entries(run.never ?? {})) for (const text of texts) expect(linesOf(outcome, host).filter((line) => line.includes(text))).toEqual([]);
  for (const [host, files] of Object.entries(run.writes ?? {})) {
    expect(outcome.records.filter(({ kind, host: on }) => kind === "upload" && on === host).map(({ path, mode }) => `${String(path)} ${String(mode)}`)).toEqual([...files]);
  }
  if (run.hosts !== undefined) expect([...new Set(outcome.records.filter(({ type }) => type === "step").map(({ host }) => String(host)))]).toEqual([...run.hosts]);
  if (run.phases !== undefined) expect([...new Set(outcome.records.filter(({ type }) => type === "step").map(({ phase }) => String(phase)))]).toEqual([...run.phases]);
  for (const text of run.prints ?? []) has(outcome.stdout, text);
  if (imported !== undefined) expect(allLines(imported)).toEqual(allLines(outcome));
  for (const text of run.complains ?? []) has(outcome.stderr + outcome.stdout, text);
}

const has = (text: string, wanted: string | RegExp): void => (typeof wanted === "string" ? expect(text).toContain(wanted) : expect(text).toMatch(wanted));

/** Those of the expected lines that are there, in this order; where one is missing, the lines that come nearest take its place. */
function inOrder(lines: readonly string[], expected: readonly string[]): readonly string[] {
  const found: string[] = [];
  let rest = lines;
  for (const line of expected) {
    const at = rest.indexOf(line);
    if (at === -1) return [...found, `not found: ${line}`, ...nearest(rest, line)];
    found.push(line);
    rest = rest.slice(at + 1);
  }
  return found;
}

const nearest = (lines: readonly string[], wanted: string): readonly string[] => {
  const start = wanted.split(" ").slice(0, 2).join(" ");
  const near = lines.filter((line) => line.startsWith(start));
  return near.length > 0 ? near : lines;
};
