import { describe, expect, test } from "bun:test";
import { isLockOver, judge, type HostSight, type Left, type LockState, type Observation } from "../lab/campaign/judge.ts";
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
const left = (version: string, ...more: readonly string[]): Left => ({ containers: [`app-web-${version}`, "kamal-proxy", "app-store", ...more], running: [`app-web-${version}`, "kamal-proxy", "app-store"] });

function seen(fault: Fault, more: Partial<Observation> & { operation?: Operation; losses?: readonly Loss[] } = {}): Observation {
  const { operation = "deploy", losses = [], ...rest } = more;
  return {
    point: { id: `registry/${operation}/${fault}/x`, way: "registry", operation, fault, boundary: { key: "x", host: 1 } },
    run: ran(), service: "app", hosts, before: "r1x1", target: "r1x2", nextVersion: "r1x3", fresh: undefined, outages: [], crashedAt: undefined, struckHost: 1, rival: undefined,
    lockTakenByKamal: false, kamalLockGone: false, after: ["r1x2", "r1x2"], left: [left("r1x2"), left("r1x2")], lock: "free", converge: ran({ startedAt: t0 + 4_000, endedAt: t0 + 6_000 }), converged: [sight(), sight()],
    usual: ["network kamal"], retained: 2, load: { sent: 300, sentTo: [150, 150], ms: 5_000, losses }, strays: [], times: [], ...rest,
  };
}
const problems = (observation: Observation): readonly string[] => judge(observation).problems;
const takenBack = { run: failed(), after: ["r1x1", "r1x1"] };

describe("requests", () => {
  test("none lost, all well", () => expect(judge(seen("sigint"))).toEqual({ problems: [], isSound: true, sent: 300, lost: 0, excused: 0, endMs: 2_000 }));

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
    for (const fault of ["reboot", "dockerd", "silent-short", "silent-long", "proxy-crash"] as const) {
      const strict = judge(seen(fault, { outages, after: ["failed", "r1x2"], losses: [loss(1, 5_900)] }));
      expect([strict.lost, strict.problems.at(-1)]).toEqual([1, "ended with 0, and h1 serves failed, not r1x2"]);
    }
  });

  test("of a host that does not serve again in its time: FAILED, and what is lost then counts", () => {
    const outages = [{ host: 1, from: t0 + 1_000, to: t0 + 2_000, lateMs: 20_000 }];
    expect(judge(seen("reboot", { outages, after: ["failed", "r1x2"], run: failed(), losses: [loss(1, 1_500), loss(1, 2_100)] }))).toMatchObject({
      lost: 1, excused: 1, problems: [expect.stringContaining("1 requests lost"), "h1 serves nothing afterwards", expect.stringContaining("h1 serves failed"), expect.stringContaining("h2 serves r1x2"), "h1 does not serve again within 20 s after the fault"],
    });
  });

  test("too few show nothing", () => {
    expect(problems(seen("reset", { load: { sent: 199, sentTo: [150, 49], ms: 5_000, losses: [] } }))).toEqual(["only 49 requests were sent to h2 in 5.0 s, 50 are the least"]);
  });

  describe("of a new host in a setup", () => {
    const switched = (ms: number) => [{ type: "step-end", phase: "Switch", title: "Switch app-web", host: hosts[1], ok: true, at: at(ms) }];
    const setup = (run: ToolRun, ...losses: readonly Loss[]): number => judge(seen("clock", { operation: "setup", fresh: 2, run, losses, converge: ran({ startedAt: t0 + 4_000, endedAt: t0 + 6_000, events: switched(5_000) }) })).lost;
    test("until it was switched there", () => expect(setup(ran({ events: switched(2_000) }), loss(2, 100), loss(2, 2_400))).toBe(0));
    test("not after that", () => expect(setup(ran({ events: switched(2_000) }), loss(2, 2_600))).toBe(1));
    test("of a setup that failed, until the deploy after it has switched there", () => expect(setup(failed(), loss(2, 2_600), loss(2, 5_400), loss(2, 5_600))).toBe(1));
    test("and no other host", () => expect(setup(ran({ events: switched(2_000) }), loss(1, 100))).toBe(1));
  });

  describe("of a new container that crashed", () => {
    const crashed = { crashedAt: t0 + 1_500, struckHost: 1, losses: [loss(1, 1_600)] };
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
    test("in a step that takes longer than a gap may", () => expect(reboot([step("step-start", 1_000), step("step-end", 40_000)], [loss(1, 15_900), loss(1, 16_100)])).toBe(1));
    test("after the gap", () => expect(reboot(whole, [loss(1, 2_600)])).toBe(1));
    test("while nobody hears how it goes, for a while", () => expect(reboot(whole.slice(0, 1), [loss(1, 15_900)], "kill-9", { status: undefined, signal: "SIGKILL" })).toBe(0));
    test("that was killed before it heard that the gap began", () => {
      const before = [{ ...step("step-end", 1_000), title: "Check that the proxy has saved its routes" }];
      expect(reboot(before, [loss(1, 1_500)], "kill-9", { status: undefined, signal: "SIGKILL" })).toBe(0);
      expect(reboot(before, [loss(1, 1_500)])).toBe(1);
      expect(reboot([], [loss(1, 1_500)], "kill-9", { status: undefined, signal: "SIGKILL" })).toBe(1);
    });
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
    ["Every host serves what it served before: r1x1.", ["r1x1", "r1x1"], 0], ["Every host serves what it served before: r1x1.", ["r1x1", "r1x2"], 1], ["Nothing was changed.", ["r1x2", "r1x1"], 1], ["Nothing was changed on the hosts.", ["r1x2", "r1x1"], 1],
    ["Nothing was changed on any host.", ["r1x1", "r1x1"], 0], ["No host serves this service, as before.", ["r1x1", "r1x1"], 2],
    ["Version r1x2 serves on every host; only the clean-up after it failed.", ["r1x2", "r1x2"], 0], ["Version r1x2 serves on every host.", ["r1x1", "r1x2"], 1],
    ["Taken back on 10.0.0.1, 10.0.0.2: Switch app-web back", ["r1x1", "r1x2"], 1], ["Taken back on 10.0.0.1: Switch app-web back", ["r1x1", "r1x2"], 0],
    ["What the parts of the command before it did stays: the same command goes on from there.", ["r1x1", "r1x2"], 0], ["Could not take back \"Start app-web-r1x2\" on 10.0.0.1: it is gone", ["r1x1", "r1x2"], 0],
    ["This run stopped where it was and took nothing back: without the lock another run may be at work by now.", ["r1x1", "r1x2"], 0],
    ["All is well.", ["r1x1", "r1x2"], 1],
  ])("%s, while they serve %p", (state, after, wrong) => {
    expect(problems(seen("reset", { run: failed({ state: [state] }), after }))).toHaveLength(wrong);
  });

  test.each([
    ["Taken back on 10.0.0.1, 10.0.0.2: Remove app-web-r1x2", ["h2 has it"]], ["Taken back on 10.0.0.1: Remove app-web-r1x2", []],
    ["Taken back on 10.0.0.1, 10.0.0.2: Rename app-web-r1x2_replaced_1 back to app-web-r1x2", ["h1 has none"]],
    ["Taken back on 10.0.0.2: Remove app-store if it was made and could not start", []],
    ["Each accessory runs in its old container or in its new one, unless its replacement is what failed: `capstan accessory details` tells.", ["h1 has no running app-store"]],
  ])("%s, compared with the containers", (line, wrong) => {
    const there = [{ containers: ["app-web-r1x1", "app-store"], running: ["app-web-r1x1"] }, left("r1x1", "app-web-r1x2")];
    expect(problems(seen("reset", { ...takenBack, run: failed({ state: [line] }), left: there }))).toEqual(wrong.map((what) => `said "${line}", and ${what}`));
  });
  test("a container that was removed, where the old one has its name again", () => {
    const there = [left("r1x1", "app-web-r1x2"), left("r1x1", "app-web-r1x2")];
    const back = "Taken back on 10.0.0.1: Rename app-web-r1x2_replaced_1 back to app-web-r1x2";
    const gone = "Taken back on 10.0.0.1, 10.0.0.2: Remove app-web-r1x2";
    expect(problems(seen("reset", { ...takenBack, run: failed({ state: [gone, back] }), left: there }))).toEqual([`said "${gone}", and h2 has it`]);
  });
  test("the accessory whose replacement failed is the one that the error names", () => {
    const run = failed({ host: hosts[0], state: ["Each accessory runs in its old container or in its new one, unless its replacement is what failed: `capstan accessory details` tells."] });
    expect(problems(seen("reset", { ...takenBack, run, left: [{ containers: [], running: [] }, left("r1x1")] }))).toEqual([]);
  });

  test("a host that serves nothing afterwards", () => expect(problems(seen("reset", { run: failed({ state: ["What the parts of the command before it did stays."] }), after: ["failed", "r1x1"] }))).toEqual(["h1 serves nothing afterwards"]));
  test("an end with 0 that brought nothing", () => expect(problems(seen("sigint", { after: ["r1x2", "r1x1"] }))).toEqual(["ended with 0, and h2 serves r1x1, not r1x2"]));
});

describe("two at once", () => {
  test.each([[0, 7, 0], [7, 0, 0], [0, 0, 0], [7, 7, 1], [0, 5, 1]])("%i and %i", (first, second, wrong) => {
    const run = first === 0 ? ran() : failed({ state: ["What the parts of the command before it did stays."] }, first);
    expect(problems(seen("two-deploys", { run, rival: second === 0 ? ran() : failed({}, second), after: first === 0 ? ["r1x2", "r1x2"] : ["r1x1", "r1x1"] }))).toHaveLength(wrong);
  });

  test("Kamal takes a lock that is held", () => {
    const taken = { type: "lock", state: "taken" };
    expect(problems(seen("kamal-lock", { lockTakenByKamal: true, run: ran({ events: [taken] }) }))).toEqual(["Kamal could take the lock while it was held"]);
    expect(problems(seen("kamal-lock", { lockTakenByKamal: true, kamalLockGone: true }))).toEqual(["the lock that somebody took the Kamal way was taken from them"]);
    expect(problems(seen("kamal-lock", { lockTakenByKamal: true, run: ran({ events: [taken, { type: "lock", state: "released" }] }) }))).toEqual([]);
  });
});

describe("what is left", () => {
  test.each([
    [{ lock: "held" as const }, "the lock was left for 30 s"],
    [{ lock: "silent" as const }, "the lock was left for 30 s"],
    [{ strays: ["file capstan-ssh-x"] }, "left here: file capstan-ssh-x"],
    [{ converge: ran({ hung: true }) }, "the next deploy did not end"],
    [{ converge: failed({ details: ["a", "b", "c"] }) }, "the next deploy ended with 5: Cannot run it b / c"],
    [{ converged: [sight(), sight({ serves: "r1x1" })] }, "after the next deploy h2 serves r1x1, not r1x3"],
    [{ converged: [sight({ running: ["app-web-r1x2", "app-web-r1x3"] }), sight()] }, "after the next deploy h1 runs app-web-r1x2, app-web-r1x3"],
    [{ converged: [sight({ containers: ["app-web-r1x3", "app-web-r1x3_replaced_1"] }), sight()] }, "after the next deploy h1 has app-web-r1x3_replaced_1"],
    [{ converged: [sight({ containers: ["app-web-r1x1", "app-web-r1x2", "app-web-r1x3", "app-web-r1x4"] }), sight()] }, "after the next deploy h1 keeps 4 containers"],
    [{ usual: ["network kamal", "running app-store"], converged: [sight(), sight({ things: ["running app-store"] })] }, "after the next deploy h1 has no running app-store"],
    [{ converged: [sight({ things: ["network kamal", "volume H"] }), sight()] }, "after the next deploy h1 has volume H"],
  ])("%p", (more, problem) => expect(problems(seen("reset", more))).toEqual([problem]));

  test.each([["silent", "reboot", 1, true], ["silent", "reboot", 2, false], ["silent", "kill-9", 1, false], ["silent", "dockerd", 1, false], ["held", "reboot", 1, false], ["free", "kill-9", 1, true]] as const)("a lock that is %s after %s of host %i", (lock: LockState, fault, host, isOver) => {
    expect(isLockOver(lock, fault, host)).toBe(isOver);
    expect(problems(seen(fault, { lock, struckHost: host, ...(fault === "kill-9" ? { run: ran({ status: 137 }), after: ["r1x1", "r1x1"] } : {}) })).includes("the lock was left for 30 s")).toBe(!isOver);
  });

  describe("a host without its accessory", () => {
    const step = (type: string, host = hosts[0]) => ({ type, phase: `Reboot accessories on ${host}`, title: "Start app-store", host, ok: true });
    const cut = { type: "error", failure: "connect", message: `${hosts[0]} went away while it was doing: Start app-store`, host: hosts[0], hint: "Boot it again.", state: [] };
    const without = (fault: Fault, more: Parameters<typeof seen>[1] = {}): readonly string[] =>
      problems(seen(fault, { usual: ["network kamal", "running app-store"], converged: [sight(), sight({ things: ["network kamal", "running app-store"] })], operation: "accessory-reboot", target: "r1x1", after: ["r1x1", "r1x1"], run: ran({ status: 4, events: [step("step-start"), cut] }), ...more }));
    const missing = ["after the next deploy h1 has no running app-store"];
    test("whose Docker died while it was replaced, as the error says", () => expect([without("reboot"), without("dockerd")]).toEqual([[], []]));
    test("whose host was rebooted after it was replaced", () => expect(without("reboot", { run: ran({ status: 4, events: [step("step-start"), step("step-end"), cut] }) })).toEqual(missing));
    test("while that of the other host was replaced", () => expect(without("reboot", { run: ran({ status: 4, events: [step("step-start", hosts[1]), cut] }) })).toEqual(missing));
    test("after the other host was rebooted", () => expect(without("reboot", { struckHost: 2 })).toEqual(missing));
    test("that the error does not name", () => expect(without("dockerd", { run: ran({ status: 4, events: [step("step-start"), { ...cut, message: "Something went away" }] }) })).toEqual(missing));
    test("of a run that ended well", () => expect(without("reboot", { run: ran({ events: [step("step-start")] }) })).toEqual(missing));
    test.each(["reboot", "dockerd"] as const)("after %s in a deploy", (fault) => expect(without(fault, { operation: "deploy", target: "r1x2", after: ["r1x2", "r1x2"], run: ran() })).toEqual(missing));
    test("that is new, in a setup that failed", () => expect(without("reset", { operation: "setup", fresh: 1, run: failed({ state: [] , failure: "connect" }) })).toEqual([]));
    test("that is new, in a setup that went through", () => expect(without("reset", { operation: "setup", fresh: 1, target: "r1x1", run: ran() })).toEqual(missing));
    test("or without its proxy, never", () => {
      expect(problems(seen("reboot", { ...takenBack, usual: ["network kamal", "running kamal-proxy"], operation: "setup", fresh: 1 }))).toEqual(["after the next deploy h1 has no running kamal-proxy", "after the next deploy h2 has no running kamal-proxy"]);
    });
  });
});
