import { describe, expect, test } from "bun:test";
import { Command } from "../../lib/ground/command.ts";
import { ConnectError, type DeployError } from "../../lib/ground/errors.ts";
import type { Phase, Plan, RunStep } from "../../lib/ground/step.ts";
import { apply, type Conductor } from "../../lib/run/apply.ts";
import { deadlineOf } from "../../lib/run/progress.ts";
import { fakeWorld, type FakeOptions, type FakeWorld } from "../support/world.ts";

const step = (text: string, more: Partial<RunStep> = {}): RunStep => ({ kind: "run", title: text, command: new Command(text), undo: new Command(`un${text}`), undoTitle: `un${text}`, ...more });
const quiet: Conductor = { callHook: async () => undefined, onAudit: () => undefined, onPhase: () => undefined };
const always = [[/./, ""]] as const;

const planOf = (...phases: Phase[]): Plan => ({ notes: [], phases, afterFailure: { takenBack: "The old version serves.", committed: "The new version serves." } });
const boot = (steps: readonly RunStep[], hosts: readonly string[] = ["h1"]): Plan => planOf({ title: "Boot", lanes: hosts.map((host) => ({ host, steps })) });

async function failing(plan: Plan, options: FakeOptions, press?: (fake: FakeWorld, host: string, text: string) => void): Promise<{ error: DeployError; fake: FakeWorld }> {
  const fake = fakeWorld({ answers: { h1: always, h2: always }, ...options, ...(press === undefined ? {} : { onRun: (host: string, text: string) => press(fake, host, text) }) });
  const error = await apply(fake.world, plan, quiet).then(() => undefined, (thrown: unknown) => thrown);
  return { error: error as DeployError, fake };
}

describe("Ctrl-C in the middle of a batch", () => {
  test("lets the step in flight end, begins no later one, and takes back what was begun", async () => {
    const { error, fake } = await failing(boot([step("one"), step("two"), step("three")]), {}, (fake, _host, text) => { if (text === "two") fake.abort(); });
    expect(error).toMatchObject({ failure: "cancelled", message: "Cancelled between two steps" });
    expect(fake.ran).toEqual(["h1 $ one", "h1 $ two", "h1 $ untwo", "h1 $ unone"]);
    expect(error.state).toEqual(["Taken back on h1: untwo", "Taken back on h1: unone", "The old version serves."]);
    expect(fake.events.flatMap((event) => (event.type === "step-end" && event.ok ? [event.title] : []))).toEqual(["one", "two"]);
  });

  test("is heard though it came before the host said that the batch runs", async () => {
    const fake = fakeWorld({ answers: { h1: always } });
    const error: unknown = await apply(fake.world, boot([step("one"), step("two"), step("three")]), { ...quiet, onPhase: () => fake.abort() }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled" });
    expect(fake.ran).not.toContain("h1 $ two");
    expect(fake.ran).not.toContain("h1 $ three");
  });

  test("is heard on every host", async () => {
    const { fake } = await failing(boot([step("one"), step("two"), step("three")], ["h1", "h2"]), {}, (fake, host, text) => { if (host === "h1" && text === "two") fake.abort(); });
    expect(fake.ran.filter((text) => text.endsWith("three"))).toEqual([]);
  });

  test("takes back the next step too when the host did not say how the batch ended", async () => {
    const fake = fakeWorld({ answers: { h1: always } });
    const run = fake.world.transport.run;
    const world = { ...fake.world, transport: { ...fake.world.transport, run: async (...[host, command, limits]: Parameters<typeof run>) => ({ ...(await run(host, command, limits)), ...(command.text.includes("trap") ? { status: undefined, signal: "KILL" } : {}) }) } };
    const error: unknown = await apply(world, boot([step("one"), step("two")]), { ...quiet, onPhase: () => fake.abort() }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled" });
    expect(fake.ran.slice(-1)).toEqual(["h1 $ unone"]);
  });

  test("does not wait for a step that may be left alone", async () => {
    const { error, fake } = await failing(boot([step("pull", { onCancel: "abandon" }), step("two")]), {}, (fake, _host, text) => { if (text === "pull") fake.abort(); });
    expect(error).toMatchObject({ failure: "cancelled", message: "Cancelled while doing: pull on h1" });
    expect(fake.events.filter((event) => event.type === "step-end")).toMatchObject([{ title: "pull", ok: false }]);
  });

  test("begins no later phase", async () => {
    const plan = planOf({ title: "Boot", lanes: [{ host: "h1", steps: [step("boot")] }, { host: "h2", steps: [step("boot")] }] }, { title: "Switch", lanes: [{ host: "h1", steps: [step("switch")] }, { host: "h2", steps: [step("switch")] }] });
    const { error, fake } = await failing(plan, {}, (fake, host, text) => { if (host === "h2" && text === "boot") fake.abort(); });
    expect(error).toMatchObject({ failure: "cancelled" });
    expect(fake.ran.filter((text) => text.includes("switch"))).toEqual([]);
    expect(fake.ran.filter((text) => text.includes("unboot")).sort()).toEqual(["h1 $ unboot", "h2 $ unboot"]);
  });
});

const lost = (host: string): ConnectError => new ConnectError(host, "lost", `Lost the connection to ${host} while it ran`);

/** Loses the connection when that command is sent for the first time. */
function loseAt(wanted: string, onHost = "h1"): (fake: FakeWorld, host: string, text: string) => void {
  let left = 1;
  return (_fake, host, text) => {
    if (host === onHost && text === wanted && left-- > 0) throw lost(host);
  };
}

describe("a connection that is lost in the middle of a batch", () => {
  const rest = (fake: FakeWorld): string[] => fake.ran.map((line) => line.replace("h1 $ ", ""));
  const steps = (more: Partial<RunStep> = {}): Plan => boot([step("one"), step("two", more), step("three")]);

  test("is made again, and the record of the shell says where to go on", async () => {
    const { error, fake } = await failing(steps(), { records: { h1: "did 0 0 ." } }, loseAt("two"));
    expect(error).toBeUndefined();
    expect(rest(fake)).toEqual(["one", "two", "ask for the record", "three"]);
    expect(fake.events.flatMap((event) => (event.type === "step-end" ? [[event.title, event.ok]] : []))).toEqual([["one", true], ["two", true], ["three", true]]);
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [`${event.level} ${event.host}: ${event.text}`] : []))).toEqual([
      "warn h1: Lost the connection to h1 while it ran. Connecting again", 'info h1: Connected again: going on with "three"',
    ]);
  });

  test.each<[what: string, record: string, more: Partial<RunStep>, ran: readonly string[]]>([
    ["the shell did all of it unheard", "did 0 0 0 .", {}, []],
    ["the shell stopped before the step in flight", "did 0 .", {}, ["two", "three"]],
    ["a step that failed unheard may be repeated", "did 0 141 .", { repeatable: true }, ["two", "three"]],
    ["a step that failed unheard took effect all the same", "did 0 141 .", { doneIf: new Command("is-two") }, ["is-two", "three"]],
    ["nobody knows, and the step may be repeated", "gone", { repeatable: true }, ["two", "is-three", "three"]],
    ["nobody knows, and the step took effect", "gone", { doneIf: new Command("is-two") }, ["is-two", "is-three", "three"]],
    ["nobody knows, and the step did not take effect: none after it has begun", "gone", { doneIf: new Command("not-two") }, ["not-two", "two", "three"]],
  ])("%s", async (_what, record, more, ran) => {
    const plan = boot([step("one"), step("two", more), step("three", { doneIf: new Command("is-three") })]);
    const answers = { h1: [[/^not-/, 1], [/^is-three/, 1], [/./, ""]] as const };
    const { error, fake } = await failing(plan, { records: { h1: record }, answers }, loseAt("two"));
    expect(error).toBeUndefined();
    const after = rest(fake).slice(3);
    expect(after.filter((text) => !text.startsWith("is-three"))).toEqual(ran.filter((text) => text !== "is-three"));
  });

  test.each<[what: string, record: string, why: string]>([
    ["nobody knows what became of the step in flight", "gone", 'Connected again, and could not go on: nobody knows whether "two" was done, and it must not be done twice.'],
    ["it failed unheard", "did 0 1 .", 'Connected again, and could not go on: "two" ended with status 1 meanwhile; what it said is lost.'],
    ["it does not come to its end", "busy", 'Connected again, and could not go on: "two" is still at work on h1.'],
  ])("fails the run when %s, and no step runs twice", async (_what, record, why) => {
    const { error, fake } = await failing(steps(), { records: { h1: record } }, loseAt("two"));
    expect(error).toMatchObject({ failure: "connect", host: "h1", details: [why] });
    expect(rest(fake).filter((text) => text === "two" || text === "three")).toEqual(["two"]);
    if (record !== "busy") expect(rest(fake).slice(-2)).toEqual(["untwo", "unone"]);
    else expect(error.state).toEqual(['Could not take back "two" on h1: it is still at work there', 'Could not take back "one" on h1: it is left as it is, since "two" could not be taken back']);
  });

  test("is made again once a phase: the second loss fails the run", async () => {
    let left = 2;
    const { error, fake } = await failing(steps({ repeatable: true }), { records: { h1: "did 0 ." } }, (_fake, host, text) => { if (text === "two" && left-- > 0) throw lost(host); });
    expect(error).toMatchObject({ failure: "connect", host: "h1" });
    expect(rest(fake).filter((text) => text === "two")).toEqual(["two", "two"]);
  });

  test("fails the run when the host does not come back, and takes back what can be", async () => {
    let tries = 0;
    const { error, fake } = await failing(steps(), { onConnect: (host) => { if (++tries > 0) throw new ConnectError(host, "refused", `Cannot connect to ${host}: nothing listens on port 22`); } }, loseAt("two"));
    expect(error).toMatchObject({ failure: "connect", details: ["It could not be made again: Cannot connect to h1: nothing listens on port 22"] });
    expect(error.state).toEqual([
      'Could not take back "two" on h1: Cannot connect to h1: nothing listens on port 22', 'Could not take back "one" on h1: it is left as it is, since "two" could not be taken back',
    ]);
    expect(tries).toBeGreaterThan(20);
    expect(fake.ran.slice(-1)).toEqual(["h1 $ two"]);
  });

  test("is not made again after Ctrl-C, which ends the wait for it", async () => {
    let tries = 0;
    const fake: FakeWorld = fakeWorld({ answers: { h1: always }, onRun: (host, text) => { if (text === "two") throw lost(host); }, onConnect: (host) => {
      if (++tries === 3) fake.abort();
      if (tries < 6) throw new ConnectError(host, "refused", "no");
    } });
    const error: unknown = await apply(fake.world, steps(), quiet).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled" });
    expect(fake.ran).not.toContain("h1 $ three");
  });

  test("takes back also what the host did unheard, and nothing once that was the point of no return", async () => {
    const away = { onConnect: (() => { let tries = 0; return (host: string) => { if (++tries < 62) throw new ConnectError(host, "refused", "no"); }; })() };
    const first = await failing(steps(), { records: { h1: "did 0 0 0 ." }, ...away }, loseAt("two"));
    expect(first.error).toMatchObject({ failure: "connect" });
    expect(rest(first.fake).slice(-4)).toEqual(["ask for the record", "unthree", "untwo", "unone"]);
    const plan = planOf({ title: "Switch", lanes: [{ host: "h1", steps: [step("switch")] }] }, { title: "Retire", committed: true, lanes: [{ host: "h1", steps: [step("stop")] }] });
    let tries = 0;
    const second = await failing(plan, { records: { h1: "did 0 0 ." }, onConnect: (host) => { if (++tries < 62) throw new ConnectError(host, "refused", "no"); } }, loseAt("switch"));
    expect(second.error.state).toEqual(["The new version serves."]);
    expect(rest(second.fake)).toEqual(["switch", "ask for the record"]);
  });

  test("lets the other hosts go on", async () => {
    const { error, fake } = await failing(boot([step("one"), step("two")], ["h1", "h2"]), { records: { h1: "did 0 ." } }, loseAt("two"));
    expect(error).toBeUndefined();
    expect(fake.ran.filter((text) => text.startsWith("h1"))).toEqual(["h1 $ one", "h1 $ two", "h1 $ ask for the record", "h1 $ two"]);
    expect(fake.ran.filter((text) => text.startsWith("h2"))).toEqual(["h2 $ one", "h2 $ two"]);
  });

  test("in housekeeping is told and fails nothing", async () => {
    const plan = planOf({ title: "Prune", optional: true, committed: true, lanes: [{ host: "h1", steps: [step("prune")] }, { host: "h2", steps: [step("prune")] }] });
    const { error, fake } = await failing(plan, {}, (_fake, host) => { if (host === "h2") throw lost(host); });
    expect(error).toBeUndefined();
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [`${event.host}: ${event.text}`] : []))).toContain("h2: Lost the connection to h2 while it ran");
  });
});

describe("a step that takes long", () => {
  /** A host whose second step never ends; its first one has ended. */
  function stuck(): FakeWorld {
    const fake = fakeWorld({ answers: { h1: always } });
    const { run } = fake.world.transport;
    const hang: typeof run = async (host, command, limits) => {
      if (!command.text.includes("trap")) return run(host, command, limits);
      const mark = "0f".repeat(8);
      limits.onOutput?.("stdout", `\x1e${mark} pid 7\x1e\x1e${mark} 0 0\x1e`);
      limits.onOutput?.("stderr", `\x1e${mark} 0 0\x1e`);
      limits.onOutput?.("stdout", "Layer 3 of 7\n");
      return new Promise((_, reject) => limits.signal.addEventListener("abort", () => reject(limits.signal.reason as Error)));
    };
    return { ...fake, world: { ...fake.world, transport: { ...fake.world.transport, run: hang } } };
  }

  test("is told at widening intervals, with what it said last; then it is ended, and the failure names it", async () => {
    const fake = stuck();
    const error: unknown = await apply(fake.world, boot([step("one"), step("two", { timeoutMs: 60_000 })]), quiet).catch((thrown: unknown) => thrown);
    expect(fake.events.flatMap((event) => (event.type === "waiting" && event.title === "two" ? [[event.host, event.elapsedMs, event.deadlineMs, event.text]] : []))).toEqual([
      ["h1", 10_000, 60_000, "last output: Layer 3 of 7"], ["h1", 20_000, 60_000, "last output: Layer 3 of 7"], ["h1", 40_000, 60_000, "last output: Layer 3 of 7"],
    ]);
    expect(error).toMatchObject({
      name: "TimeoutError", failure: "command", host: "h1", message: 'Cannot finish "two" on h1: it did not end within 60 seconds', details: ["Layer 3 of 7"],
      hint: "It was ended there. Look at what it waits for: the load and the disks of the host.", state: ["Taken back on h1: untwo", "Taken back on h1: unone", "The old version serves."],
    });
  });

  test("has ten minutes where it does not say, an upload a minute and more for what it brings", () => {
    const upload = { kind: "upload", title: "u", path: "p", mode: "0600", content: "x".repeat(1_000_000) } as const;
    expect([deadlineOf(step("x")), deadlineOf(step("x", { timeoutMs: 5 })), deadlineOf({ ...upload, content: "" }), deadlineOf(upload)]).toEqual([600_000, 5, 60_000, 160_000]);
  });
});

test("apply() gives an undo as long as its step may take", async () => {
  const limits: number[] = [];
  const { world } = fakeWorld({ answers: { h1: [[/^two/, 1], [/./, ""]] } });
  const run = world.transport.run;
  const watched = { ...world, transport: { ...world.transport, run: (...[host, command, limit]: Parameters<typeof run>) => { if (command.text.startsWith("un")) limits.push(limit.timeoutMs); return run(host, command, limit); } } };
  await apply(watched, boot([step("one", { timeoutMs: 300_000 }), step("two")]), quiet).catch(() => undefined);
  expect(limits).toEqual([120_000, 300_000]);
});

test("apply() lets a bug through as it is", async () => {
  const { error } = await failing(boot([step("one")]), { answers: { h1: [] } });
  expect(error.message).toBe("No answer on h1 for: one");
});
