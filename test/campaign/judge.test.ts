import { describe, expect, test } from "bun:test";
import { judge, type HostSight, type Observation } from "../lab/campaign/judge.ts";
import type { Fault, Operation } from "../lab/campaign/kinds.ts";
import type { Loss } from "../lab/campaign/load.ts";
import type { ToolRun } from "../lab/campaign/tool.ts";

const hosts = ["10.0.0.1", "10.0.0.2"];
const t0 = Date.parse("2030-01-01T00:00:00Z");
const at = (ms: number): string => new Date(t0 + ms).toISOString();

const ran = (more: Partial<ToolRun> = {}): ToolRun => ({ status: 0, signal: undefined, events: [], stderr: "", startedAt: t0, struckAt: t0 + 1_000, endedAt: t0 + 3_000, hung: false, ...more });
const failed = (error: Record<string, unknown> = {}, status = 5): ToolRun => ran({ status, events: [{ type: "error", failure: "command", message: "Cannot run it", hint: "Mend it.", state: ["Every host serves what it served before: r1x1."], ...error }] });
const sight = (more: Partial<HostSight> = {}): HostSight => ({ serves: "r1x3", running: ["app-web-r1x3"], containers: ["app-web-r1x1", "app-web-r1x3"], things: ["network kamal"], ...more });
const loss = (host: number, begun: number, ended = begun + 10): Loss => ({ host, kind: "plain", begun: t0 + begun, ended: t0 + ended, error: "ECONNRESET" });

function seen(fault: Fault, more: Partial<Observation> & { operation?: Operation; losses?: readonly Loss[] } = {}): Observation {
  const { operation = "deploy", losses = [], ...rest } = more;
  return {
    point: { id: `${operation}/${fault}/x`, operation, fault, boundary: { key: "x", host: 1 } },
    run: ran(), service: "app", hosts, before: "r1x1", target: "r1x2", nextVersion: "r1x3", fresh: undefined, outages: [], crashedAt: undefined, crashedHost: undefined, rival: undefined,
    lockTakenByKamal: false, after: ["r1x2", "r1x2"], lockFreeMs: 0, converge: ran({ startedAt: t0 + 4_000, endedAt: t0 + 6_000 }), converged: [sight(), sight()],
    usual: ["network kamal"], retained: 2, load: { sent: 100, losses }, strays: [], times: [], ...rest,
  };
}
const problems = (observation: Observation): readonly string[] => judge(observation).problems;
const takenBack = { run: failed(), after: ["r1x1", "r1x1"] };

describe("requests", () => {
  test("none lost, all well", () => expect(judge(seen("sigint"))).toEqual({ problems: [], sent: 100, lost: 0, excused: 0, endMs: 2_000 }));

  test("one lost is a defect, and is told with its host, kind and time", () => {
    expect(judge(seen("sigint", { losses: [loss(2, 1_500)] }))).toMatchObject({ lost: 1, problems: ["1 requests lost: 1 x h2 ECONNRESET at 0.5 to 0.5 s"] });
  });

  test.each([
    ["in it", 2, 1_500, 1_600, 0], ["into it", 2, 900, 1_100, 0], ["out of it", 2, 1_900, 2_500, 0], ["before it", 2, 500, 600, 1], ["after it", 2, 2_100, 2_200, 1], ["on the other host", 1, 1_500, 1_600, 1],
  ])("of a host that is down: %s", (_what, host, begun, ended, lost) => {
    expect(judge(seen("reboot", { outages: [{ host: 2, from: t0 + 1_000, to: t0 + 2_000 }], losses: [loss(host, begun, ended)] })).lost).toBe(lost);
  });

  test("of a host that is down until it is deployed to", () => {
    const outages = [{ host: 1, from: t0 + 1_000, to: undefined }];
    expect(judge(seen("proxy-kill", { outages, after: ["failed", "r1x2"], losses: [loss(1, 5_900)] }))).toMatchObject({ lost: 0, excused: 1, problems: [] });
    expect(judge(seen("proxy-kill", { outages, losses: [loss(1, 6_100)] })).lost).toBe(1);
  });

  test("of a new host in a setup", () => {
    const observation = { operation: "setup", losses: [loss(2, 100), loss(1, 100)], fresh: 2 } as const;
    expect(judge(seen("clock", observation))).toMatchObject({ lost: 1, excused: 1 });
  });

  describe("of a new container that crashed", () => {
    const crashed = { crashedAt: t0 + 1_500, crashedHost: 1, losses: [loss(1, 1_600)] };
    const switchAt = (ms: number): ToolRun => ran({ events: [{ type: "step-start", phase: "Switch", title: "Switch app-web", host: hosts[0], at: at(ms) }] });
    test("after the switch", () => expect(judge(seen("new-crash", { ...crashed, run: switchAt(1_200) }))).toMatchObject({ lost: 0, excused: 1 }));
    test("before the switch", () => expect(judge(seen("new-crash", { ...crashed, run: switchAt(1_800) })).lost).toBe(1));
    test("long after it", () => expect(judge(seen("new-crash", { ...crashed, run: switchAt(1_200), losses: [loss(1, 6_600)] })).lost).toBe(1));
  });

  describe("of a host whose proxy is rebooted", () => {
    const step = (type: string, ms: number) => ({ type, phase: "Reboot proxy", title: "Replace the proxy's container", host: hosts[0], ok: true, at: at(ms) });
    const whole = [step("step-start", 1_000), step("step-end", 2_000)];
    const reboot = (events: ToolRun["events"], losses: readonly Loss[], fault: Fault = "sigint", run: Partial<ToolRun> = {}): number =>
      judge(seen(fault, { operation: "proxy-reboot", target: "r1x1", after: ["r1x1", "r1x1"], run: ran({ events, ...run }), losses })).lost;
    test("in the gap", () => expect(reboot(whole, [loss(1, 1_500)])).toBe(0));
    test("of the other host", () => expect(reboot(whole, [loss(2, 1_500)])).toBe(1));
    test("after the gap", () => expect(reboot(whole, [loss(1, 2_600)])).toBe(1));
    test("while nobody hears how it goes, for a while", () => expect(reboot(whole.slice(0, 1), [loss(1, 15_900)], "kill-9", { status: undefined, signal: "SIGKILL" })).toBe(0));
    test("and not for longer", () => expect(reboot(whole.slice(0, 1), [loss(1, 16_100)], "kill-9", { status: undefined, signal: "SIGKILL" })).toBe(1));
  });
});

describe("the end of the tool", () => {
  test.each([
    ["sigint", { status: 130 }, []], ["sigterm", { status: 143 }, ["exit status 143"]], ["reset", { status: 130 }, ["exit status 130"]], ["reset", { status: 1 }, ["exit status 1"]],
    ["sigint", { status: undefined, signal: "SIGSEGV" }, ["died of SIGSEGV"]], ["reset", { hung: true, status: undefined, signal: "SIGKILL" }, ["it did not end"]], ["kill-9", { status: undefined, signal: "SIGKILL" }, []],
    ["kill-9", { status: undefined, signal: "SIGSEGV" }, ["ended with SIGSEGV, not with SIGKILL"]],
  ] as const)("%s, %p", (fault, end, wanted) => {
    const error = { type: "error", failure: "cancelled", message: "Stopped", state: ["Every host serves what it served before: r1x1."] };
    expect(problems(seen(fault, { run: ran({ events: [error], ...end }), after: ["r1x1", "r1x1"] })).filter((problem) => !problem.startsWith("ended with 0"))).toEqual([...wanted]);
  });

  test("a boundary that was never told", () => expect(problems(seen("sigint", { run: ran({ struckAt: undefined }) }))).toEqual(["the boundary was never told"]));
});

describe("what the user is told", () => {
  test.each([
    [{}, []],
    [{ failure: "bug", message: "x is undefined", stack: "Error\n at a\n at b" }, ["told as a bug: x is undefined  at a  at b"]],
    [{ hint: undefined }, ["no hint: Cannot run it"]],
    [{ hint: undefined, causes: [{ hint: "Mend that." }] }, []],
    [{ state: [] }, ["no state: Cannot run it"]],
    [{ message: " " }, ["an error without a text"]],
  ])("%p", (error, wanted) => expect(problems(seen("reset", { ...takenBack, run: failed(error) }))).toEqual([...wanted]));

  test("nothing at all", () => expect(problems(seen("reset", { ...takenBack, run: ran({ status: 5 }) }))).toEqual(["nothing was told"]));
  test("a stack trace", () => expect(problems(seen("reset", { ...takenBack, run: { ...failed(), stderr: "x\n    at work (/a/b.ts:1:2)\n" } }))).toEqual(["a stack trace on standard error"]));

  test.each([
    ["Every host serves what it served before: r1x1.", ["r1x1", "r1x1"], 0], ["Every host serves what it served before: r1x1.", ["r1x1", "r1x2"], 1], ["Nothing was changed.", ["r1x2", "r1x1"], 1],
    ["Version r1x2 serves on every host; only the clean-up after it failed.", ["r1x2", "r1x2"], 0], ["Version r1x2 serves on every host.", ["r1x1", "r1x2"], 1],
  ])("%s, while they serve %p", (state, after, wrong) => {
    expect(problems(seen("reset", { run: failed({ state: [state] }), after }))).toHaveLength(wrong);
  });

  test("a host that serves nothing afterwards", () => expect(problems(seen("reset", { run: failed({ state: ["x"] }), after: ["failed", "r1x1"] }))).toEqual(["h1 serves nothing afterwards"]));
  test("an end with 0 that brought nothing", () => expect(problems(seen("sigint", { after: ["r1x2", "r1x1"] }))).toEqual(["ended with 0, and h2 serves r1x1, not r1x2"]));
});

describe("two at once", () => {
  test.each([[0, 7, 0], [7, 0, 0], [0, 0, 0], [7, 7, 1], [0, 5, 1]])("%i and %i", (first, second, wrong) => {
    const run = first === 0 ? ran() : failed({ state: ["x"] }, first);
    expect(problems(seen("two-deploys", { run, rival: second === 0 ? ran() : failed({}, second), after: first === 0 ? ["r1x2", "r1x2"] : ["r1x1", "r1x1"] }))).toHaveLength(wrong);
  });

  test("Kamal takes a lock that is held", () => {
    const taken = { type: "lock", state: "taken" };
    expect(problems(seen("kamal-lock", { lockTakenByKamal: true, run: ran({ events: [taken] }) }))).toEqual(["Kamal could take the lock while it was held"]);
    expect(problems(seen("kamal-lock", { lockTakenByKamal: true, run: ran({ events: [taken, { type: "lock", state: "released" }] }) }))).toEqual([]);
  });
});

describe("what is left", () => {
  test.each([
    [{ lockFreeMs: undefined }, "the lock was left for 30 s"],
    [{ strays: ["capstan-ssh-x"] }, "left here: capstan-ssh-x"],
    [{ converge: ran({ hung: true }) }, "the next deploy did not end"],
    [{ converge: failed({ details: ["a", "b", "c"] }) }, "the next deploy ended with 5: Cannot run it b / c"],
    [{ converged: [sight(), sight({ serves: "r1x1" })] }, "after the next deploy h2 serves r1x1, not r1x3"],
    [{ converged: [sight({ running: ["app-web-r1x2", "app-web-r1x3"] }), sight()] }, "after the next deploy h1 runs app-web-r1x2, app-web-r1x3"],
    [{ converged: [sight({ containers: ["app-web-r1x3", "app-web-r1x3_replaced_1"] }), sight()] }, "after the next deploy h1 has app-web-r1x3_replaced_1"],
    [{ converged: [sight({ containers: ["app-web-r1x1", "app-web-r1x2", "app-web-r1x3", "app-web-r1x4"] }), sight()] }, "after the next deploy h1 keeps 4 containers"],
    [{ usual: ["network kamal", "running app-store"], converged: [sight(), sight({ things: ["running app-store"] })] }, "after the next deploy h1 has no running app-store"],
    [{ converged: [sight({ things: ["network kamal", "volume H"] }), sight()] }, "after the next deploy h1 has volume H"],
  ])("%p", (more, problem) => expect(problems(seen("reset", more))).toEqual([problem]));
});
