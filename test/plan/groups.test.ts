import { expect, test } from "bun:test";
import type { BootSettings } from "../../lib/config/settings.ts";
import { bootGroups } from "../../lib/plan/groups.ts";

const hosts = ["h1", "h2", "h3", "h4"];

// Five hosts in all: one of them runs no role.
test.each<[BootSettings["limit"], string[][]]>([
  [undefined, [hosts]],
  [3, [["h1", "h2", "h3"], ["h4"]]],
  [1, [["h1"], ["h2"], ["h3"], ["h4"]]],
  [9, [hosts]],
  [0, [["h1"], ["h2"], ["h3"], ["h4"]]],
  ["50%", [["h1", "h2"], ["h3", "h4"]]],
  ["1%", [["h1"], ["h2"], ["h3"], ["h4"]]],
  ["100%", [hosts]],
])("bootGroups() with limit %p makes %p", (limit, groups) => {
  expect(bootGroups(hosts, limit, 5)).toEqual(groups);
});

test("bootGroups() makes no group without hosts", () => {
  expect(bootGroups([], 2, 0)).toEqual([]);
  expect(bootGroups([], undefined, 0)).toEqual([]);
});
