import { describe, expect, test } from "bun:test";
import { Command } from "../../lib/ground/command.ts";
import { ConnectError, type DeployError } from "../../lib/ground/errors.ts";
import type { Phase, Plan, RunStep } from "../../lib/ground/step.ts";
import { apply, type Conductor } from "../../lib/run/apply.ts";
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

describe("a connection that is lost in the middle of a batch", () => {
  const lost = (host: string): ConnectError => new ConnectError(host, "lost", `The connection to ${host} was lost`);

  test("takes back the step whose outcome is unknown too, and says what could not be", async () => {
    let gone = false;
    const { error, fake } = await failing(boot([step("one"), step("two"), step("three")]), {}, (_fake, host, text) => {
      if (text === "two") gone = true;
      if (gone) throw lost(host);
    });
    expect(error).toMatchObject({ failure: "connect", host: "h1", message: "The connection to h1 was lost" });
    // Nobody knows whether "two" is still at work: what came before it is left alone too.
    expect(fake.ran.slice(-2)).toEqual(["h1 $ two", expect.stringMatching(/^h1 \$ kill -TERM 7 /)]);
    expect(error.state).toEqual(['Could not take back "two" on h1: The connection to h1 was lost', 'Could not take back "one" on h1: it is left as it is, since "two" could not be taken back']);
    expect(fake.events.flatMap((event) => (event.type === "step-end" ? [[event.title, event.ok]] : []))).toEqual([["one", true], ["two", false]]);
  });

  test("lets the other hosts end their steps and takes those back", async () => {
    const { error, fake } = await failing(boot([step("one"), step("two")], ["h1", "h2"]), {}, (_fake, host, text) => { if (host === "h1" && text === "two") throw lost(host); });
    expect(error).toMatchObject({ failure: "connect", host: "h1" });
    // The shell that was left behind on h1 may still be at work: the undo waits for its end.
    expect(fake.ran.filter((text) => text.startsWith("h1"))).toEqual(["h1 $ one", "h1 $ two", expect.stringMatching(/^h1 \$ kill -TERM 7 .*while kill -0 7 /), "h1 $ untwo", "h1 $ unone"]);
    expect(fake.ran.filter((text) => text.startsWith("h2"))).toEqual(["h2 $ one", "h2 $ two", "h2 $ untwo", "h2 $ unone"]);
    expect(error.state).toEqual(["Taken back on h1, h2: untwo", "Taken back on h1, h2: unone", "The old version serves."]);
  });

  test("in housekeeping is told and fails nothing", async () => {
    const plan = planOf({ title: "Prune", optional: true, committed: true, lanes: [{ host: "h1", steps: [step("prune")] }, { host: "h2", steps: [step("prune")] }] });
    const { error, fake } = await failing(plan, {}, (_fake, host) => { if (host === "h2") throw lost(host); });
    expect(error).toBeUndefined();
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [`${event.host}: ${event.text}`] : []))).toEqual(["h2: The connection to h2 was lost"]);
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
