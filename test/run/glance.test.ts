import { expect, test } from "bun:test";
import { ConnectError } from "../../lib/ground/errors.ts";
import type { LockFact } from "../../lib/remote/lock.ts";
import { lockNews } from "../../lib/run/lock.ts";
import { glance } from "../../lib/run/looks.ts";
import { accessoryOf, roleOf, settingsOf } from "../support/settings.ts";
import { containerLine, factsAnswer, taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const shop = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"], proxy: undefined })], accessories: [accessoryOf("cache", { hosts: ["10.0.0.9"] })] });
const answers = {
  "10.0.0.1": [[/show\(\)/, ""], [/docker version/, factsAnswer([containerLine("web", "2", "a2"), containerLine("web", "1", "a1")])]],
  "10.0.0.9": [[/docker version/, factsAnswer()]],
} as const;
const gone = (...hosts: readonly string[]) => (host: string): void => {
  if (hosts.includes(host)) throw new ConnectError(host, "timeout", `Cannot connect to ${host}: it did not answer`);
};

test("glance() tells of the hosts that can be looked at, and why of the others, those of accessories too", async () => {
  const { state, unseen, lock, back } = await glance(fakeWorld({ answers, onRun: gone("10.0.0.2", "10.0.0.9") }).world, taskOf(shop));
  expect(state.places.map(({ host, role, version, left }) => [host, role, version, left.map(({ name }) => name)])).toEqual([["10.0.0.1", "web", "2", ["shop-web-1"]]]);
  expect([...unseen]).toEqual([["10.0.0.2", "Cannot connect to 10.0.0.2: it did not answer"], ["10.0.0.9", "Cannot connect to 10.0.0.9: it did not answer"]]);
  expect([lock, back?.version]).toEqual([undefined, "1"]);
});

test("glance() does without the lock where its host is away, and tells a bug", async () => {
  const { unseen, lock } = await glance(fakeWorld({ answers, onRun: gone("10.0.0.1", "10.0.0.2") }).world, taskOf(shop));
  expect([[...unseen.keys()], lock]).toEqual([["10.0.0.1", "10.0.0.2"], undefined]);
  expect(glance(fakeWorld({ answers, onRun: () => { throw new TypeError("a bug"); } }).world, taskOf(shop))).rejects.toThrow("a bug");
});

const held: LockFact = { lockedBy: "Ann", since: "2030-01-02T03:04:05Z", version: "2", message: "Automatic deploy lock", manual: false };
const holder = { host: "laptop", command: "deploy", step: "Switch", since: "2030-01-02T03:04:05Z", ageSeconds: 60, silentSeconds: 1, token: "aa" };

test.each<[string, LockFact, string, string]>([
  ["of a run at work", { ...held, holder }, "alive", 'Ann, version 2, "Automatic deploy lock"; deploy from laptop, at "Switch", for 60 s, since 2030-01-02T03:04:05Z'],
  ["of a run that is gone", { ...held, holder: { ...holder, silentSeconds: 90 } }, "dead", 'Ann, version 2, "Automatic deploy lock"; deploy from laptop, at "Switch", for 60 s, since 2030-01-02T03:04:05Z; silent for 90 s: its run is gone, and the next one takes the lock over'],
  ["of Kamal", held, "manual", 'Ann, version 2, "Automatic deploy lock", since 2030-01-02T03:04:05Z, by another tool'],
  ["taken by hand, by somebody who did not say when", { ...held, since: "", message: "Moving", manual: true }, "manual", 'Ann, version 2, "Moving"'],
])("lockNews() %s", (_title, lock, kind, text) => expect(lockNews("10.0.0.1", lock)).toEqual({ host: "10.0.0.1", kind: kind as "alive", text }));
