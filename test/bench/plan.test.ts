import { expect, test } from "bun:test";
import { countSessions, median, roundTrips } from "../lab/bench/figures.ts";
import { benchOptions, isSlice } from "../lab/bench/options.ts";
import { casesOf, keyOf, roundOf } from "../lab/bench/plan.ts";

test.each([[[3], 3], [[3, 1, 2], 2], [[4, 1, 3, 2], 2.5], [[], Number.NaN]] as const)("the median of %p is %p", (values, middle) => expect(median(values)).toBe(middle));

test("round trips are the slope between the smallest and the largest delay", () => {
  expect(roundTrips([[75, 2_500], [0, 1_000], [25, 9_999]])).toBe(10);
  expect(roundTrips([[0, 1_000]])).toBeUndefined();
  expect(roundTrips([])).toBeUndefined();
});

test("connections and channels are counted in sshd's log, forced commands and subsystems too", () => {
  expect(countSessions(`Connection from 10.0.0.1 port 5 on 10.0.0.2 port 22 rdomain ""
Accepted key ED25519 SHA256:abc found at /keys:1
Accepted publickey for root from 10.0.0.1 port 5 ssh2: ED25519 SHA256:abc
Starting session: command for root from 10.0.0.1 port 5 id 0
Starting session: forced-command (config) 'x' for root from 10.0.0.1 port 5 id 1
Close session: user root from 10.0.0.1 port 5 id 0
`)).toEqual({ connections: 1, channels: 2 });
});

test("the usual benchmark, and what is only a slice of it", () => {
  const usual = benchOptions([]);
  expect(usual).toEqual({ hosts: { real: [1, 3, 10, 20], "stand-in": [1, 10, 20, 50, 100, 200] }, delays: [0, 25, 75], runs: 5, write: false, source: false });
  expect(isSlice(usual)).toBe(false);
  for (const args of [["--runs", "4"], ["--only", "real"], ["--hosts", "1"], ["--delays", "0,25"]]) expect(isSlice(benchOptions(args))).toBe(true);
  expect(isSlice(benchOptions(["--runs", "7", "--delays", "0,10,25,75"]))).toBe(false);
});

test("numbers are sorted and taken once; more hosts than can be real are stand-ins only", () => {
  expect(benchOptions(["--hosts", "200,1,1", "--delays", "75,0"])).toMatchObject({ hosts: { real: [1], "stand-in": [1, 200] }, delays: [0, 75] });
});

test.each([
  [["--only", "fake"], "--only is real or stand-in, not fake"],
  [["--hosts", "1,x"], '--hosts is a list of whole numbers of at least 1, not "1,x"'],
  [["--hosts", "0"], '--hosts is a list of whole numbers of at least 1, not "0"'],
  [["--delays", ""], '--delays is a list of whole numbers of at least 0, not ""'],
  [["--hosts", "500"], "There are at most 40 real hosts and 200 stand-ins"],
  [["--delays", "1,2,3,4,5,6,7,8,9"], "At most eight delays can be had at once"],
  [["--runs", "0"], '--runs is a list of whole numbers of at least 1, not "0"'],
] as const)("%p is refused", (args, message) => expect(() => benchOptions(args)).toThrow(message));

test("a deploy for each delay, the other commands on one real host, and the floors without delay", () => {
  expect(casesOf({ hosts: { real: [1], "stand-in": [20] }, delays: [0, 25] }).map(keyOf)).toEqual([
    "deploy real 1 0", "deploy real 1 25", "rollback real 1 0", "rollback real 1 25", "details real 1 0", "details real 1 25", "lock status real 1 0", "lock status real 1 25", "floor real 1 0", "least real 1 0",
    "deploy stand-in 20 0", "deploy stand-in 20 25", "floor stand-in 20 0", "least stand-in 20 0",
  ]);
});

test("every round has every case once, and no two rounds begin alike", () => {
  const cases = casesOf(benchOptions([]));
  const rounds = [0, 1, 2, 3, 4].map((round) => roundOf(cases, round).map(keyOf));
  for (const round of rounds) expect(round.toSorted()).toEqual(cases.map(keyOf).toSorted());
  expect(new Set(rounds.map(([first]) => first)).size).toBe(5);
});
