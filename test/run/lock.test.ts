import { describe, expect, test } from "bun:test";
import type { DeployError } from "../../lib/ground/errors.ts";
import type { Clock } from "../../lib/ground/world.ts";
import { takeLock } from "../../lib/run/lock.ts";
import { settingsOf } from "../support/settings.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld, type FakeWorld } from "../support/world.ts";

/** One try to take the lock, as its host sees it. */
interface Holder {
  readonly after: string;
  readonly heard: string[];
  says(line: string): void;
  /** The command ends, or its connection is lost. */
  end(lost: boolean): void;
}

/** A lock host, and a clock that moves when it is told to. @param answers what each try finds; default: the lock. `broken`: the connection breaks before the answer is there */
function lockHost(answers: readonly string[] = []): { fake: FakeWorld; holders: Holder[]; pass: (ms: number) => Promise<void> } {
  const fake = fakeWorld();
  const holders: Holder[] = [];
  let now = 1_000_000;
  let made = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      await new Promise<void>((wake, fail) => {
        const one = { at: now + ms, wake };
        sleepers.add(one);
        signal.addEventListener("abort", () => { sleepers.delete(one); fail(signal.reason as Error); });
      });
    },
  };
  const open = async (_host: string, command: { readonly text: string }): ReturnType<typeof fake.world.transport.open> => {
    const answer = answers[holders.length] ?? "taken";
    const queue = answer === "broken" ? [] : answer.split("\n");
    let wake = (): void => undefined;
    const over = Promise.withResolvers<boolean>();
    const gone = new AbortController();
    const holder: Holder = {
      after: /after=('[^']*'|\S+)/.exec(command.text)?.[1] ?? "", heard: [],
      says: (line) => { queue.push(line); wake(); },
      end: (lost) => { gone.abort(); over.resolve(lost); wake(); },
    };
    holders.push(holder);
    if (answer !== "taken") holder.end(answer === "broken");
    return {
      write: (text) => void holder.heard.push(text), send: async () => undefined, end: () => holder.end(false),
      lines: (async function* () {
        while (queue.length > 0 || !gone.signal.aborted) {
          const line = queue.shift();
          if (line !== undefined) yield line;
          else await new Promise<void>((done) => (wake = done));
        }
      })(),
      ended: over.promise.then((lost) => ({ status: lost ? undefined : answer === "taken" ? 0 : 75, stderr: "", lost })),
    };
  };
  const world = { ...fake.world, clock, randomHex: () => `t${++made}`, transport: { ...fake.world.transport, open } };
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; ;) {
      await settle();
      const [first] = [...sleepers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      now = first?.at ?? end;
      if (first === undefined) return;
      sleepers.delete(first);
      first.wake();
    }
  };
  return { fake: { ...fake, world }, holders, pass };
}

const settle = async (): Promise<void> => { for (let i = 0; i < 5; i++) await new Promise((done) => setTimeout(done, 0)); };
const settings = settingsOf();
const states = ({ events }: FakeWorld): string[] => events.flatMap((event) => (event.type === "lock" ? [event.state] : []));
const lostBecause = (why: string): Partial<DeployError> => ({ failure: "lock", message: `The deploy lock on 10.0.0.1 was lost while the run was going on: ${why}`, hint: expect.stringContaining("`capstan details`") as never });
/** Whether a step may begin, by the time that nothing is left to happen. */
const isSure = async (lock: { sure(signal?: AbortSignal): Promise<void> }): Promise<boolean> => {
  let sure = false;
  void lock.sure().then(() => { sure = true; });
  await settle();
  return sure;
};

describe("a lock whose connection broke", () => {
  test("is taken again as this run's own", async () => {
    const { fake, holders } = lockHost();
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    expect(await isSure(lock)).toBe(true);
    let begun = false;
    holders[0]?.end(true);
    await settle();
    void lock.sure().then(() => { begun = true; });
    await settle();
    expect([holders.map(({ after }) => after), lock.lost.aborted, begun]).toEqual([["none", "t1"], false, true]);
    const released = lock.release();
    await settle();
    await released;
    expect([states(fake), holders[1]?.heard.at(-1)]).toEqual([["taken", "released"], "release\n"]);
  });

  test("holds back what would begin until it is there again", async () => {
    const { fake, holders, pass } = lockHost();
    let isAway = false;
    const world = { ...fake.world, transport: { ...fake.world.transport, connect: async () => { if (isAway) throw new Error("no route to host"); } } };
    const lock = await takeLock(world, taskOf(settings), "2");
    isAway = true;
    holders[0]?.end(true);
    await settle();
    expect(await isSure(lock)).toBe(false);
    isAway = false;
    await pass(2_000);
    expect([await isSure(lock), holders.length]).toEqual([true, 2]);
    await lock.release();
  });

  test("is known by every token of its tries: the answer to one may have been lost", async () => {
    const { fake, holders, pass } = lockHost(["taken", "broken", "taken"]);
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    holders[0]?.end(true);
    await settle();
    await pass(2_000);
    expect([holders.map(({ after }) => after), lock.lost.aborted]).toEqual([["none", "t1", "'t1 t2'"], false]);
    await lock.release();
  });

  test.each([
    ["somebody else holds it", "held", "the connection broke, and now somebody else holds it: an unknown holder, version , \"\""],
    ["it is gone, though nobody holds it", "\n", "the connection broke, and the host gave it back before it was there again"],
  ])("is lost when %s", async (_title, answer, why) => {
    const { fake, holders } = lockHost(["taken", answer]);
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    holders[0]?.end(true);
    await settle();
    expect(lock.lost.reason).toMatchObject(lostBecause(why));
    expect(await isSure(lock)).toBe(true);
  });
});

describe("a lock", () => {
  test.each([
    ["gone", "it was released by somebody else"],
    ["silent", "the host did not hear from this run for too long and gave it back (did this machine sleep, or was the network away?)"],
    ["stopped", "the process that held it was ended on the host"],
    [undefined, "the process that held it was killed on the host"],
  ])("is lost with its holder, and its last word says why: %p", async (word, why) => {
    const { fake, holders } = lockHost();
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    if (word !== undefined) holders[0]?.says(word);
    holders[0]?.end(false);
    await settle();
    expect([lock.lost.reason, holders.length]).toEqual([expect.objectContaining(lostBecause(why)), 1]);
    expect(states(fake)).toEqual(["taken", "lost"]);
  });

  test("is not sure any more when the host has not answered for ten seconds: a machine that slept waits for its word first", async () => {
    const { fake, holders, pass } = lockHost();
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    await pass(7_000);
    expect(await isSure(lock)).toBe(true);
    await pass(7_000);
    expect([await isSure(lock), holders[0]?.heard.length]).toEqual([false, 4]);
    let begun = false;
    void lock.sure().then(() => { begun = true; });
    holders[0]?.says("heard");
    await settle();
    // That was the answer to what was said eleven seconds ago.
    expect(begun).toBe(false);
    for (let i = 0; i < 3; i++) holders[0]?.says("heard");
    await settle();
    expect(begun).toBe(true);
    await lock.release();
  });

  test("does not hold back what Ctrl-C ends anyway", async () => {
    const { fake, pass } = lockHost();
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    await pass(14_000);
    const stop = new AbortController();
    const waiting = lock.sure(stop.signal);
    stop.abort();
    await waiting;
    expect(fake.events.at(-1)).toMatchObject({ type: "notice", text: "Waiting until the host says that it has the deploy lock still" });
    await lock.release();
  });

  test("is given up when its holder does not answer any more", async () => {
    const { fake, pass } = lockHost();
    const lock = await takeLock(fake.world, taskOf(settings), "2");
    await pass(60_000);
    expect(lock.lost.aborted).toBe(false);
    await pass(10_000);
    expect(lock.lost.reason).toMatchObject(lostBecause("the process that holds it does not answer any more"));
  });
});

describe("a lock of a run that may be gone", () => {
  const adrift = "held\ntoken aa\nfrom ci-3\ncommand deploy\nstep Boot web\nadrift\nbeat 100\nnow 100";

  test.each([["its connection is gone", adrift], ["it does not beat", adrift.replace("adrift\n", "").replace("beat 100", "beat 94")]])("is waited for without being asked to: %s", async (_title, answer) => {
    const { fake, pass } = lockHost([answer, answer, "taken"]);
    const taking = takeLock(fake.world, taskOf(settings), "2");
    await pass(3_000);
    await (await taking).release();
    const more = answer === adrift ? "; its connection is gone" : "";
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual([`The deploy lock is held: an unknown holder, version , ""; deploy from ci-3, at "Boot web", for 100 s${more}. Waiting for a moment: its run may be gone`]);
  });

  test("is somebody else's once that run is back, or has not gone for half a minute", async () => {
    const back = lockHost([adrift, adrift.replace("adrift\n", "")]);
    const refused = takeLock(back.fake.world, taskOf(settings), "2").catch((error: unknown) => error);
    await back.pass(3_000);
    expect(await refused).toMatchObject({ failure: "lock" });
    const stuck = lockHost(Array.from({ length: 40 }, () => adrift));
    const late = takeLock(stuck.fake.world, taskOf(settings), "2").catch((error: unknown) => error);
    await stuck.pass(40_000);
    expect(await late).toMatchObject({ failure: "lock" });
    expect(stuck.holders.length).toBe(31);
  });
});
