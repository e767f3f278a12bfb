import { expect, test } from "bun:test";
import type { Event } from "../../lib/ground/event.ts";
import { plain } from "../../lib/report/style.ts";
import { summaryLines } from "../../lib/report/summary.ts";

const summary: Extract<Event, { type: "summary" }> = {
  at: "", type: "summary", command: "rollback", service: "shop", destination: "staging", ok: true, from: ["77", "76"], to: "75",
  hosts: Array.from({ length: 40 }, (_, i) => `web-${i + 1}`), durationMs: 65_000, phases: [],
};

test("summaryLines() names all versions that served, and the first of many hosts", () => {
  expect(summaryLines(summary, plain)).toEqual(["rollback of shop (staging) done in 1 min 05 s", "  version   77, 76 → 75", "  40 hosts  web-1, web-2, web-3, web-4, web-5, web-6, web-7 and 33 more"]);
});

test.each<[Partial<typeof summary>, string]>([
  [{ from: [] }, "  version  75 (the first)"],
  [{ from: ["75"] }, "  version  75 (again)"],
  [{ from: ["74"], ok: false }, "  version wanted  74 → 75"],
])("summaryLines() of %j says %p", (change, line) => expect(summaryLines({ ...summary, hosts: [], ...change }, plain)[1]).toBe(line));

test("summaryLines() tells what hosts were sent of images, and what they had", () => {
  expect(summaryLines({ ...summary, hosts: [], delivered: { sentBytes: 2_100_000, thereBytes: 498_000_000 } }, plain)[2]).toBe("  image    2.1 MB sent, 498 MB were there");
  expect(summaryLines({ ...summary, hosts: [], delivered: { sentBytes: 500_000_000, thereBytes: 0 } }, plain)[2]).toBe("  image    500 MB sent");
});

test("summaryLines() says that a run failed", () => expect(summaryLines({ ...summary, ok: false }, plain)[0]).toBe("rollback of shop (staging) failed in 1 min 05 s"));
