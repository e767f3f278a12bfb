import { describe, expect, test } from "bun:test";
import { selectScope } from "../../lib/config/scope.ts";
import { fleetState } from "../../lib/plan/fleet.ts";
import { goodReleases } from "../../lib/plan/releases.ts";
import { planRollback, previousRelease, rollbackVersion, versionsOnHosts, versionToBoot } from "../../lib/plan/rollback.ts";
import type { Container, FleetFacts, HostFacts } from "../../lib/remote/facts.ts";
import type { Release } from "../../lib/remote/releases.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

const shop = settingsOf({ roles: [roleOf("web")] });
const scope = selectScope(shop, {});
const web = (version: string, id: string, state?: string): Container => containerOf(shop, "web", version, id, state);
const on = (...containers: Parameters<typeof hostOf>): FleetFacts => fleetOf({ "10.0.0.1": hostOf(...containers) });

const three = on([web("3", "a3"), web("2", "a2", "exited"), web("1", "a1", "exited")]);

/** Releases of a log, one a day: `2` of some hosts, `2!` of all, `2 web` of one role of this host. */
const log = (...versions: readonly string[]): readonly Release[] => versions.flatMap((text, i) => {
  const [version = "", ...roles] = text.replace("!", "").split(" ");
  return text === "-" ? [] : [{ version, at: `2030-01-0${i + 1}T00:00:00Z`, ...(text.endsWith("!") ? { whole: true as const } : {}), ...(roles.length === 0 ? {} : { roles }) }];
});

describe("goodReleases()", () => {
  test.each<[string, readonly (readonly string[])[], readonly string[]]>([
    ["those that every host has", [["1", "2", "3"], ["1", "2", "3"]], ["1", "2", "3"]],
    ["none that only some hosts have: they were chosen, or the run stopped before the others", [["1", "2", "3"], ["1", "2"]], ["1", "2"]],
    ["one that says it was for all, though a host was lost before it wrote it down", [["1", "2!", "3"], ["1", "-", "3"]], ["1", "2", "3"]],
    ["those of before a host was there", [["1", "2", "3"], ["-", "-", "3"]], ["1", "2", "3"]],
    ["those of the others, where a host has no record", [["1", "2"], []], ["1", "2"]],
    ["without what a return to an earlier one left behind", [["1!", "2!", "3!", "2!"]], ["1", "2"]],
    ["with what came after the return", [["1!", "2!", "1!", "3!"]], ["1", "3"]],
    ["a version once that was deployed again", [["1!", "2!", "2!"]], ["1", "2"]],
    ["all of them though hosts of the run got there one after the other", [["1", "2", "-"], ["1", "-", "2"]], ["1", "2"]],
    ["none of a return that only some hosts made", [["1", "2", "1"], ["1", "2", "-"]], ["1", "2"]],
  ])("are %s", (_title, logs, expected) => {
    const facts = new Map<string, HostFacts>(logs.map((versions, i) => [`h${i}`, hostOf([], { releases: log(...versions) })]));
    expect(goodReleases(facts, [{ name: "web", hosts: [...facts.keys()] }]).map(({ version }) => version)).toEqual([...expected]);
  });

  test.each<[string, readonly (readonly string[])[], readonly string[], readonly string[]]>([
    ["not one that some roles of a host got", [["1!", "2 jobs", "3!"]], ["web", "jobs"], ["1", "3"]],
    ["one that its roles got one after the other", [["1!", "2 jobs", "2 web"]], ["web", "jobs"], ["1", "2"]],
    ["all that the role had, where it alone counts", [["1!", "2 jobs", "3!"]], ["jobs"], ["1", "2", "3"]],
    ["none of another role", [["1!", "2 jobs", "3!"]], ["web"], ["1", "3"]],
    ["what was good before a return of some roles", [["1!", "2!", "1 jobs"]], ["web", "jobs"], ["1", "2"]],
    ["one that a host with one role got whole", [["1!", "2 web jobs"], ["1!", "2"]], ["web", "jobs"], ["1", "2"]],
  ])("are, role by role, %s", (_title, logs, roles, expected) => {
    const facts = new Map<string, HostFacts>(logs.map((versions, i) => [`h${i}`, hostOf([], { releases: log(...versions) })]));
    expect(goodReleases(facts, roles.map((name) => ({ name, hosts: [...facts.keys()] }))).map(({ version }) => version)).toEqual([...expected]);
  });

  test("go by the order of the log where the clock of who deployed was wrong", () => {
    const facts = on([], { releases: [{ version: "1", at: "2030-01-09T00:00:00Z" }, { version: "2", at: "2030-01-01T00:00:00Z" }, { version: "3", at: "no time" }] });
    expect(goodReleases(facts, shop.roles)).toEqual([{ version: "1", at: "2030-01-09T00:00:00Z" }, { version: "2", at: "2030-01-01T00:00:00Z" }, { version: "3", at: "no time" }]);
  });
});

const fleet = settingsOf({ roles: [roleOf("web", { hosts: ["h1", "h2"] }), roleOf("jobs", { hosts: ["h3"], proxy: undefined })] });
const onFleet = selectScope(fleet, {});
/** A host that serves the first version; more of them run beside it, newest first. `!` at the end: it is stopped. */
function serving(routed: string, versions: readonly string[], releases: readonly Release[]): HostFacts {
  const containers = versions.map((text) => containerOf(fleet, "web", text.replace("!", ""), `a${text}`.replace(/[^0-9a-f]/g, ""), text.endsWith("!") ? "exited" : "running"));
  return hostOf(containers, { proxy: proxyOf(["shop-web", `a${routed}`.replace(/[^0-9a-f]/g, "")]), releases });
}
const working = (versions: readonly string[], releases: readonly Release[]): HostFacts => hostOf(versions.map((text) => containerOf(fleet, "jobs", text.replace("!", ""), `c${text.replace("!", "")}`, text.endsWith("!") ? "exited" : "running")), { releases });
/** A host on which MRSK left a version, which is older than those of ours. */
const overMrsk = (host: HostFacts, role: string, version: string): HostFacts => ({ ...host, containers: [...host.containers, { ...containerOf(fleet, role, version, "d1", "exited"), networks: ["bridge"] }] });
const abc = log("1!", "2!");
const abc3 = log("1!", "2!", "3!");

describe("previousRelease()", () => {
  const at = (day: number): string => `(put in place 2030-01-0${day}T00:00:00Z)`;
  test.each<[string, Readonly<Record<string, HostFacts>>, string | undefined, string | undefined]>([
    ["after a whole deploy: the one before", { h1: serving("2", ["2", "1!"], abc), h2: serving("2", ["2", "1!"], abc), h3: working(["2", "1!"], abc) }, "1", `is the release before 2 that all hosts served ${at(1)}`],
    ["also where a container is gone, or a host is new", { h1: serving("2", ["2"], abc), h2: serving("2", ["2"], []), h3: working(["2"], abc) }, "1", `is the release before 2 that all hosts served ${at(1)}`],
    ["after a rollback: not back to what was left", { h1: serving("1", ["1", "2!"], log("1!", "2!", "1!")), h2: serving("1", ["1", "2!"], abc), h3: working(["1", "2!"], abc) }, undefined, undefined],
    ["interrupted while booting: the last whole one, which serves", { h1: serving("2", ["3", "2"], abc), h2: serving("2", ["2"], abc), h3: working(["2"], abc) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["interrupted while booting jobs", { h1: serving("2", ["3", "2"], abc), h2: serving("2", ["3", "2"], abc), h3: working(["3", "2"], abc) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["interrupted between two switches", { h1: serving("3", ["3", "2"], abc), h2: serving("2", ["3", "2"], abc), h3: working(["3", "2"], abc) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["interrupted after the last switch, before anything was recorded", { h1: serving("3", ["3", "2"], abc), h2: serving("3", ["3", "2"], abc), h3: working(["3", "2"], abc) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["interrupted when one host was done with all: it was whole, so the one before", { h1: serving("3", ["3", "2!"], log("1!", "2!", "3!")), h2: serving("3", ["3", "2"], abc), h3: working(["3", "2"], abc) }, "2", `is the release before 3 that all hosts served ${at(2)}`],
    ["interrupted twice: what the first of the two left tells of nothing", { h1: serving("3", ["3", "2!"], log("1!", "2!", "3!")), h2: serving("3", ["3", "2b", "2"], abc), h3: working(["3", "2"], abc) }, "2", `is the release before 3 that all hosts served ${at(2)}`],
    ["on some hosts only, because they were chosen", { h1: serving("3", ["3", "2!"], log("1!", "2!", "3")), h2: serving("2", ["2"], abc), h3: working(["2"], abc) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["a rollback interrupted between two switches: it goes on", { h1: serving("1", ["1", "2"], abc), h2: serving("2", ["1", "2"], abc), h3: working(["1", "2"], abc) }, "1", `is on its way back already: a rollback from 2 was not finished ${at(1)}`],
    ["a rollback interrupted after the last switch: it is finished, not carried further", { h1: serving("2", ["2", "3"], log("1!", "2!", "3!")), h2: serving("2", ["2", "3"], log("1!", "2!", "3!")), h3: working(["2"], log("1!", "2!", "3!")) }, "2", `is on its way back already: a rollback from 3 was not finished ${at(2)}`],
    ["a rollback interrupted before the first switch", { h1: serving("2", ["1", "2"], abc), h2: serving("2", ["2"], abc), h3: working(["2"], abc) }, "1", `is on its way back already: a rollback from 2 was not finished ${at(1)}`],
    ["a rollback to an older one interrupted before the first switch: no third one", { h1: serving("3", ["1", "3", "2!"], abc3), h2: serving("3", ["1", "3", "2!"], abc3), h3: working(["3"], abc3) }, "1", `is on its way back already: a rollback from 3 was not finished ${at(1)}`],
    ["the same, with what a deploy before it left: neither is gone to", { h1: serving("3", ["1", "4", "3"], abc3), h2: serving("3", ["3"], abc3), h3: working(["3"], abc3) }, "3", `is the last release that all hosts served; 4 was not finished ${at(3)}`],
    ["a rollback interrupted once it was recorded: not further back", { h1: serving("2", ["2", "3!"], log("1!", "2!", "3!", "2!")), h2: serving("2", ["2", "3"], abc3), h3: working(["2"], abc3) }, "2", `is on its way back already: a rollback from 3 was not finished ${at(4)}`],
    ["a deploy of some roles only: the last release of all", { h1: serving("2", ["2"], abc), h2: serving("2", ["2"], abc), h3: working(["3", "2!"], log("1!", "2!", "3")) }, "2", `is the last release that all hosts served; 3 was not finished ${at(2)}`],
    ["the same version a second time, interrupted", { h1: serving("2", ["2_replaced_00aa", "2"], abc), h2: serving("2", ["2"], abc), h3: working(["2"], abc) }, "2", `is the last release that all hosts served; its own second deploy was not finished ${at(2)}`],
    ["what made place long ago and is stopped tells of nothing", { h1: serving("2", ["2", "2_replaced_00aa!"], abc), h2: serving("2", ["2"], abc), h3: working(["2"], abc) }, "1", `is the release before 2 that all hosts served ${at(1)}`],
    ["everything is gone: the last whole one", { h1: hostOf([], { releases: abc }), h2: hostOf([], { releases: abc }), h3: hostOf([], { releases: abc }) }, "2", `is the last release that all hosts served ${at(2)}`],
    ["no record, and one newer container runs without requests", { h1: serving("2", ["3", "2"], []), h2: serving("2", ["2"], []), h3: working(["2"], []) }, "2", "serves on every host, and a newer version was not finished"],
    ["no record, and hosts differ: the older one", { h1: serving("3", ["3", "2"], []), h2: serving("2", ["3", "2"], []), h3: working(["2"], []) }, "2", "is the older one of the versions that serve"],
    ["no record, all well: the newest earlier container", { h1: serving("3", ["3", "2!", "1!"], []), h2: serving("3", ["3"], []), h3: working(["3"], []) }, "2", "is the newest earlier one on the hosts, which have no record of releases"],
    ["the first release on record, over what MRSK left: that", { h1: overMrsk(serving("2", ["2"], log("2!")), "web", "1"), h2: overMrsk(serving("2", ["2"], log("2!")), "web", "1"), h3: overMrsk(working(["2"], log("2!")), "jobs", "1") }, "1", "is the newest one on the hosts from before the first release on record"],
    ["the first release on record, and an older one that never was a release", { h1: serving("2", ["2", "1!"], log("2!")), h2: serving("2", ["2", "1!"], log("2!")), h3: working(["2", "1!"], log("2!")) }, undefined, undefined],
    ["the first release on record, and a newer one that never was a release", { h1: serving("2", ["3!", "2"], log("2!")), h2: serving("2", ["2"], log("2!")), h3: working(["2"], log("2!")) }, undefined, undefined],
    ["a first deploy, interrupted", { h1: hostOf([containerOf(fleet, "web", "1", "a1")], { proxy: proxyOf(), releases: [] }), h2: hostOf([]), h3: hostOf([]) }, undefined, undefined],
  ])("%s", (_title, hosts, version, why) => {
    const choice = previousRelease(fleet, onFleet, fleetOf(hosts));
    expect(choice).toEqual(version === undefined || why === undefined ? undefined : { version, why });
  });
});

describe("rollbackVersion()", () => {
  test("is the one that is named, wherever it is", () => {
    expect(rollbackVersion(shop, scope, three, "77")).toBe("77");
  });

  test("is the one before the one in place", () => {
    expect(rollbackVersion(shop, scope, three, undefined)).toBe("2");
  });

  test("refuses with a hint when there is no earlier version", () => {
    expect(() => rollbackVersion(shop, scope, on([web("3", "a3")]), undefined)).toThrow(expect.objectContaining({
      failure: "missing", message: "There is no earlier version to roll back to", state: ["Nothing was changed."], hint: "Name one: `capstan rollback VERSION`. Its image is pulled when no container of it is left.",
    }));
  });

  test("says so when no host was asked", () => {
    expect(() => rollbackVersion(shop, scope, new Map(), undefined)).toThrow(expect.objectContaining({
      failure: "usage", message: "Cannot know the version to roll back to: only the hosts know it, and none was asked", state: ["Nothing was changed."],
      hint: "Name one: `capstan rollback VERSION`, or give what `capstan observe --json > facts.json` wrote: `--facts facts.json`.",
    }));
    expect(rollbackVersion(shop, scope, new Map(), "77")).toBe("77");
  });

  test("names what was left, but never goes there by itself", () => {
    expect(() => rollbackVersion(shop, scope, on([web("1", "a1"), web("2", "a2", "exited")], { proxy: proxyOf(["shop-web", "a1"]), releases: log("1!", "2!", "1!") }), undefined)).toThrow(expect.objectContaining({
      failure: "missing", hint: "Name one: `capstan rollback VERSION`. On the hosts are 2. Its image is pulled when no container of it is left.",
    }));
  });
});

describe("planRollback()", () => {
  const facts = fleetOf({ h1: serving("2", ["2", "1!"], abc), h2: { ...serving("2", ["2"], abc), images: ["acme/shop:1"] }, h3: working(["2"], abc) });

  test("says which version it goes to, and why", () => {
    expect(planRollback(orderOf(fleet, "1"), facts, undefined).notes).toEqual(["Rolling back to 1: it is the release before 2 that all hosts served (put in place 2030-01-01T00:00:00Z)."]);
    expect(planRollback(orderOf(fleet, "1"), facts, "1").notes).toEqual([]);
  });

  test("pulls first, where the image is gone, and names host and image when that fails", () => {
    const [pull] = planRollback(orderOf(fleet, "1"), facts, undefined).phases;
    expect(pull?.lanes.map(({ host, steps }) => [host, steps.map(({ title }) => title).filter((title) => title.startsWith("Pull "))])).toEqual([["h1", ["Pull acme/shop:1"]], ["h2", []], ["h3", ["Pull acme/shop:1"]]]);
    expect(pull?.lanes[0]?.steps.find(({ title }) => title === "Pull acme/shop:1")?.hint).toBe("acme/shop:1 is not on h1, h3 and could not be pulled. No other earlier version is left on the hosts: deploy one.");
  });
});

test("planRollback() speaks of pulling only where there is a registry", () => {
  const own = { ...fleet, withoutRegistry: true };
  const facts = fleetOf({ h1: serving("2", ["2", "0!"], abc), h2: { ...serving("2", ["2"], abc), images: ["acme/shop:1"] }, h3: working(["2"], abc) });
  const [deliver] = planRollback(orderOf(own, "1"), facts, "1").phases;
  expect(deliver?.lanes[0]?.steps[0]?.hint).toBe("acme/shop:1 is not on h1, h3, and the Docker of this machine does not give it. Name one that is still on the hosts: 0.");
});

test("versionsOnHosts() names a version once, without the mark of a container that made place", () => {
  expect(versionsOnHosts(shop, scope, on([web("3", "a3"), web("2_replaced_0011223344556677", "a9", "exited"), web("2", "a2", "exited")]))).toEqual(["2"]);
});

test("versionToBoot() is the version in place, else the one that ran last", () => {
  expect(versionToBoot(shop, scope, three)).toBe("3");
  expect(versionToBoot(shop, scope, on([web("2", "a2", "exited"), web("1", "a1", "exited")]))).toBe("2");
  expect(versionToBoot(shop, scope, new Map())).toBe("latest");
  expect(versionToBoot({ ...shop, destination: "qa" }, scope, new Map())).toBe("latest-qa");
  expect(() => versionToBoot(shop, scope, on([]))).toThrow(expect.objectContaining({ failure: "missing", message: "Nothing of this service is on the hosts" }));
});

describe("where a container was left in place as a later version", () => {
  const both = settingsOf({ roles: [roleOf("web"), roleOf("jobs", { hosts: ["10.0.0.1"], proxy: undefined })] });
  const onWeb = selectScope(both, { roles: ["web"] });
  const releases = log("0!", "1!", "2!", "3 jobs").map((release) => (release.version === "2" ? { ...release, kept: { web: "1" } } : release));
  const host = (record: readonly Release[]): FleetFacts => on([containerOf(both, "jobs", "3", "c3"), web("1", "a1"), web("0", "a0", "exited")], { proxy: proxyOf(["shop-web", "a1"]), releases: record });
  const facts = host(releases);

  test("a rollback goes back one release, though another role has got one since", () => {
    expect(rollbackVersion(both, onWeb, facts, undefined)).toBe("1");
    expect(fleetState(both, onWeb, facts)).toMatchObject({ versions: ["2"], unfinished: false, pending: [] });
  });

  test("versionsOnHosts() does not name the container that serves", () => expect([releases, releases.slice(0, 3)].map((record) => versionsOnHosts(both, onWeb, host(record)))).toEqual([["0"], ["0"]]));
  test("versionToBoot() knows it as the later version when it is stopped", () => expect(versionToBoot(both, onWeb, on([web("1", "a1", "exited")], { releases }))).toBe("2"));
});
