import { expect, test } from "bun:test";
import { CancelledError } from "../../lib/ground/errors.ts";
import type { Channel } from "../../lib/ground/world.ts";
import { HandOns } from "../../lib/run/hand-on.ts";
import { fakeWorld } from "../support/world.ts";

const never = new AbortController().signal;

/** Hosts that want the same archive, and who gives it to them. */
function fleet(width: number) {
  const handOns = new HandOns();
  const givers: Record<string, string> = {};
  const settle = async (): Promise<Record<string, string>> => {
    await Bun.sleep(0);
    return { ...givers };
  };
  return {
    handOns,
    settle,
    want(...hosts: string[]) {
      for (const host of hosts) void handOns.turn("a", width, never).then((giver) => { givers[host] = giver.host ?? "here"; });
      return settle();
    },
    has(host: string) {
      const giver = givers[host];
      if (giver !== undefined && giver !== "here") handOns.gave("a", width, giver, "ok");
      handOns.has("a", width, host);
      return settle();
    },
  };
}

test("this machine gives to one, then each that has it to one at a time", async () => {
  const { want, has } = fleet(1);
  expect(await want("1", "2", "3", "4", "5")).toEqual({ 1: "here" });
  expect(await has("1")).toEqual({ 1: "here", 2: "1" });
  expect(await has("2")).toEqual({ 1: "here", 2: "1", 3: "1", 4: "2" });
  expect(await has("3")).toEqual({ 1: "here", 2: "1", 3: "1", 4: "2", 5: "1" });
});

test("to as many as it is told", async () => {
  const { want } = fleet(2);
  expect(await want("1", "2", "3")).toEqual({ 1: "here", 2: "here" });
});

test("when the first one fails, the next one gets it from here", async () => {
  const { want, handOns, settle } = fleet(1);
  await want("1", "2");
  handOns.failed("a", 1);
  expect(await settle()).toEqual({ 1: "here", 2: "here" });
});

test("a host that cannot hand it on is not asked again", async () => {
  const { want, has, handOns, settle } = fleet(1);
  await want("1", "2", "3");
  await has("1");
  handOns.gave("a", 1, "1", "unable");
  expect(await settle()).toEqual({ 1: "here", 2: "1" });
  handOns.has("a", 1, "2");
  expect(await settle()).toEqual({ 1: "here", 2: "1", 3: "2" });
});

test("a host that did not get it from one that others can get it from costs nobody else anything", async () => {
  const { want, has, handOns, settle } = fleet(1);
  await want("1", "2", "3");
  await has("1");
  handOns.gave("a", 1, "1", "failed");
  expect(await settle()).toEqual({ 1: "here", 2: "1", 3: "1" });
});

test("after three failures and fewer successes all get it from here at once", async () => {
  const { want, has, handOns, settle } = fleet(1);
  await want("1", "2", "3", "4", "5", "6", "7", "8");
  await has("1");
  await has("2");
  expect(await settle()).toEqual({ 1: "here", 2: "1", 3: "1", 4: "2" });
  handOns.gave("a", 1, "1", "unable");
  handOns.gave("a", 1, "2", "failed");
  expect(await settle()).toEqual({ 1: "here", 2: "1", 3: "1", 4: "2", 5: "2" });
  handOns.gave("a", 1, "2", "failed");
  expect(await settle()).toEqual({ 1: "here", 2: "1", 3: "1", 4: "2", 5: "2", 6: "here", 7: "here", 8: "here" });
});

test("whoever still wants it when all have put it away gets it from here", async () => {
  const { want, has, handOns, settle } = fleet(1);
  handOns.expect(["1"]);
  await want("1", "2");
  handOns.settled("1");
  expect(await settle()).toEqual({ 1: "here" });
  handOns.failed("a", 1);
  expect(await settle()).toEqual({ 1: "here", 2: "here" });
  await has("2");
  handOns.expect(["2"]);
  handOns.settled("2");
  expect(await want("3")).toEqual({ 1: "here", 2: "here", 3: "here" });
});

test("archives that differ have nothing to do with each other", async () => {
  const handOns = new HandOns();
  expect(await handOns.turn("a", 1, never)).toEqual({ host: undefined });
  expect(await handOns.turn("b", 1, never)).toEqual({ host: undefined });
});

test("one that is cancelled waits no longer, and takes nobody's turn", async () => {
  const { want, has, handOns } = fleet(1);
  await want("1");
  const stop = new AbortController();
  const waiting = handOns.turn("a", 1, stop.signal);
  await want("2");
  stop.abort();
  await expect(waiting).rejects.toBeInstanceOf(CancelledError);
  expect(await has("1")).toEqual({ 1: "here", 2: "1" });
});

test("what hosts keep goes once none wants anything any more", async () => {
  const ended: string[] = [];
  const kept = (host: string): Channel => {
    const over = Promise.withResolvers<{ status: number; stderr: string; lost: boolean }>();
    return { write: () => undefined, send: async () => undefined, end: () => { ended.push(host); over.resolve({ status: 0, stderr: "", lost: false }); }, lines: (async function* () {})(), ended: over.promise };
  };
  const handOns = new HandOns();
  handOns.expect(["1", "2", "3"]);
  for (const host of ["1", "2"]) {
    handOns.keep(kept(host));
    handOns.settled(host);
    handOns.settled(host);
  }
  expect(ended).toEqual([]);
  handOns.settled("3");
  expect(ended).toEqual(["1", "2"]);
  await Bun.sleep(0);
  handOns.keep(kept("4"));
  await handOns.close(fakeWorld().world);
  expect(ended).toEqual(["1", "2", "4"]);
});
