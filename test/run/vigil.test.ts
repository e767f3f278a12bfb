import { describe, expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import { ConnectError } from "../../lib/ground/errors.ts";
import { ask } from "../../lib/run/ask.ts";
import { inWords, keepVigil } from "../../lib/run/vigil.ts";
import { fakeWorld, type FakeWorld } from "../support/world.ts";

const waited = ({ events }: FakeWorld): (string | number | undefined)[][] => events.flatMap((event) => (event.type === "waiting" ? [[event.title, event.elapsedMs / 1000, event.text]] : []));

describe("keepVigil()", () => {
  test("tells after ten seconds, then ever more rarely, with what was heard last, until the deadline", async () => {
    const fake = fakeWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    let heard = "";
    using _ = keepVigil(fake.world, { host: "h1", title: "Pull", deadlineMs: 1_800_000, heard: () => heard || undefined }, resolve);
    await fake.world.clock.sleep(15_000, fake.world.signal);
    heard = "last output: x";
    await promise;
    expect(waited(fake)).toEqual([["Pull", 10, undefined], ...[20, 40, 80, 160, 320, 620, 920, 1220, 1520].map((seconds) => ["Pull", seconds, "last output: x"])]);
    expect(fake.events[0]).toMatchObject({ type: "waiting", host: "h1", deadlineMs: 1_800_000 });
  });

  test("is silent about what ends soon, and once it is over", async () => {
    const fake = fakeWorld();
    let late = 0;
    { using _ = keepVigil(fake.world, { host: "h1", title: "x", deadlineMs: 30_000 }, () => late++); await fake.world.clock.sleep(9_000, fake.world.signal); }
    await fake.world.clock.sleep(100_000, fake.world.signal);
    expect([waited(fake), late]).toEqual([[], 0]);
  });
});

test.each([[40_000, "40 seconds"], [1_000, "1 second"], [60_000, "60 seconds"], [600_000, "10 minutes"], [90_500, "91 seconds"], [7_200_000, "2 hours"]])("inWords(%d) is %s", (ms, text) => {
  expect(inWords(ms)).toBe(text);
});

describe("a question", () => {
  const lost = new ConnectError("h1", "lost", "Lost the connection to h1");
  const questions = { one: { command: sh`one`, parse: (text: string) => text } };

  test("is asked once more when the connection is lost, and not twice", async () => {
    let left = 1;
    const fake = fakeWorld({ answers: { h1: [[/./, "yes\x1e"]] }, onRun: () => { if (left-- > 0) throw lost; } });
    expect(await ask(fake.world, "h1", questions)).toEqual({ one: "yes" });
    expect([fake.connected, fake.ran.length]).toEqual([["h1"], 2]);
    left = 2;
    expect(await ask(fake.world, "h1", questions).catch((error: unknown) => error)).toBe(lost);
  });

  test("is not asked again for any other reason", async () => {
    const fake = fakeWorld({ answers: { h1: [[/./, 1]] } });
    expect(await ask(fake.world, "h1", questions).catch((error: unknown) => error)).toMatchObject({ failure: "command" });
    expect(fake.ran.length).toBe(1);
  });
});
