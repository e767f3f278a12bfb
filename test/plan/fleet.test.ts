import { describe, expect, test } from "bun:test";
import { selectScope } from "../../lib/config/scope.ts";
import { fleetState } from "../../lib/plan/fleet.ts";
import { tellFleet, type LockNews } from "../../lib/plan/print-fleet.ts";
import { previousRelease } from "../../lib/plan/rollback.ts";
import type { Container, HostFacts, ProxyFacts } from "../../lib/remote/facts.ts";
import { containerOf, fleetOf, hostOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf, traefikOf } from "../support/settings.ts";

const shop = settingsOf({ roles: [roleOf("web", { hosts: ["h1", "h2"] }), roleOf("jobs", { hosts: ["h3"], proxy: undefined })] });
const good = [{ version: "1", at: "2030-01-01T00:00:00Z", whole: true as const }, { version: "2", at: "2030-01-02T00:00:00Z", whole: true as const }];
const web = (version: string, state?: string): Container => containerOf(shop, "web", version, `a${version.replace(/[^0-9a-f]/g, "")}`, state);
const jobs = (version: string, state?: string): Container => containerOf(shop, "jobs", version, `c${version}`, state);
const routed = (version: string, ...containers: readonly Container[]): HostFacts => hostOf(containers, { proxy: proxyOf(["shop-web", `a${version}`]), releases: good });
const works = (...containers: readonly Container[]): HostFacts => hostOf(containers, { releases: good });
const route = (more: Partial<ProxyFacts["routes"][number]>): ProxyFacts => ({ ...proxyOf(), routes: [{ name: "shop-web", targets: ["a20000000000:80"], mode: "live", ...more }] });

interface Look {
  readonly hosts: Readonly<Record<string, HostFacts>>;
  readonly unseen?: Readonly<Record<string, string>>;
  readonly lock?: LockNews;
  readonly destination?: string;
}

/** A fleet as it is told, a line each. */
function told({ hosts, unseen = {}, lock, destination }: Look, settings = shop): string[] {
  const of = { ...settings, destination };
  const scope = selectScope(settings, {});
  const facts = fleetOf(hosts);
  const { ok, headline, rows, advice } = tellFleet(of, { state: fleetState(settings, scope, facts), unseen: new Map(Object.entries(unseen)), lock, back: previousRelease(settings, scope, facts) });
  return [`${ok ? "ok" : "no"}: ${headline}`, ...rows.map((row) => row.join(" | ")), ...advice.map(({ command, effect }) => `$ ${command}: ${effect}`)];
}

const well = { h1: routed("2", web("2"), web("1", "exited")), h2: routed("2", web("2"), web("2_replaced_00aa", "running")), h3: works(jobs("2"), jobs("1", "exited")) };
const finish = "$ capstan deploy: finishes it: all hosts get the version you deploy, what is left over is tidied up";
const finishItself = "$ capstan rollback 3: finishes it with 3 itself, which is not built again";
const undo = (version: string, why: string): string => `$ capstan rollback: undoes it: back to ${version} on every host, which ${why}`;
const goOn = (version: string, from: string): string[] => [
  `$ capstan rollback: finishes it: ${version} on every host, which is on its way back already: a rollback from ${from} was not finished (put in place 2030-01-0${version}T00:00:00Z)`,
  `$ capstan rollback ${from}: undoes it: ${from} on every host`,
  "$ capstan deploy: ends it too: all hosts get the version you deploy, what is left over is tidied up",
];
const last = "is the last release that all hosts served; 3 was not finished (put in place 2030-01-02T00:00:00Z)";

describe("tellFleet()", () => {
  test.each<[string, Look, readonly string[]]>([
    ["all is well in one line", { hosts: { ...well, h2: routed("2", web("2"), web("1", "exited"), web("9", "exited")) } }, ["ok: All is well: version 2 serves on all 3 hosts."]],
    ["interrupted while booting", { hosts: { h1: routed("2", web("3"), web("2")), h2: routed("2", web("3", "created"), web("2")), h3: works(jobs("2")) } }, [
      "no: Version 2 serves on all 3 hosts. A deploy of 3 was begun and not finished.",
      "h1 | web | 2 serves",
      "h1 | web | left over: shop-web-3 is running and gets no requests",
      "h2 | web | 2 serves",
      "h2 | web | left over: shop-web-3 was never started",
      "h3 | jobs | 2 runs",
      finish, finishItself, undo("2", last),
    ]],
    ["interrupted between two switches", { hosts: { h1: routed("3", web("3"), web("2")), h2: routed("2", web("3", "exited"), web("2")), h3: works(jobs("3"), jobs("2")) } }, [
      "no: Hosts differ: 3 on h1, h3; 2 on h2. A deploy of 3 was begun and not finished.",
      "h1 | web | 3 serves",
      "h1 | web | left over: shop-web-2 is running and gets no requests",
      "h2 | web | 2 serves",
      "h2 | web | left over: shop-web-3 is stopped",
      "h3 | jobs | 3 runs",
      "h3 | jobs | left over: shop-jobs-2 is running too",
      finish, finishItself, undo("2", last),
    ]],
    ["a rollback interrupted before the first switch", { hosts: { h1: routed("2", web("1"), web("2")), h2: routed("2", web("2"), web("1", "exited")), h3: works(jobs("2")) } }, [
      "no: Version 2 serves on all 3 hosts. A rollback to 1 was begun and not finished.",
      "h1 | web | 2 serves", "h1 | web | left over: shop-web-1 is running and gets no requests", "h2 | web | 2 serves", "h3 | jobs | 2 runs",
      ...goOn("1", "2"),
    ]],
    ["the same version again, interrupted", { hosts: well, destination: "qa" }, [
      "no: Version 2 serves on all 3 hosts. A deploy was begun and not finished.",
      "h1 | web | 2 serves", "h2 | web | 2 serves", "h2 | web | left over: shop-web-2_replaced_00aa is running and gets no requests", "h3 | jobs | 2 runs",
      finish.replace("deploy:", "deploy -d qa:"),
      undo("2", "is the last release that all hosts served; its own second deploy was not finished (put in place 2030-01-02T00:00:00Z)").replace("rollback:", "rollback -d qa:"),
    ]],
    ["something stopped that made place is all", { hosts: { ...well, h2: routed("2", web("2"), web("2_replaced_00aa", "exited")) } }, [
      "no: Version 2 serves on all 3 hosts.",
      "h1 | web | 2 serves", "h2 | web | 2 serves", "h2 | web | left over: shop-web-2_replaced_00aa is stopped", "h3 | jobs | 2 runs",
      "$ capstan deploy: tidies up what is left over",
    ]],
    ["a host that cannot be looked at", { hosts: { h1: routed("2", web("2")), h3: works(jobs("2")) }, unseen: { h2: "Cannot connect to h2:22: it did not answer within 30 s" } }, [
      "no: Version 2 serves on h1, h3. 1 host could not be looked at.",
      "h1 | web | 2 serves", "h3 | jobs | 2 runs", "h2 |  | could not be looked at: Cannot connect to h2:22: it did not answer within 30 s",
      "$ ssh h2: finds out why h2 cannot be reached; everything else needs all hosts, or -h with the others",
    ]],
    ["no host that can be looked at", { hosts: {}, unseen: { h1: "a", h2: "b", h3: "c" } }, [
      "no: Nothing is known: 3 hosts could not be looked at.",
      "h1 |  | could not be looked at: a", "h2 |  | could not be looked at: b", "h3 |  | could not be looked at: c",
      "$ ssh h1: finds out why h1, h2, h3 cannot be reached; everything else needs all hosts, or -h with the others",
    ]],
    ["a proxy that is gone, and one that is stopped", { hosts: { h1: hostOf([web("2")], { releases: good }), h2: { ...routed("2", web("2")), proxy: { ...proxyOf(["shop-web", "a2"]), running: false } }, h3: works(jobs("2")) } }, [
      "no: Version 2 serves, but not on h1, h2.",
      "h1 | web | there is no proxy: 2 runs and gets no requests", "h2 | web | the proxy is stopped: 2 gets no requests", "h3 | jobs | 2 runs",
      "$ capstan deploy: brings every host to one version again, proxy and routes included", "$ capstan proxy boot: starts the proxy alone", "$ capstan proxy start: starts the proxy with the routes it had",
    ]],
    ["no route, a route to nowhere, Docker missing", { hosts: { h1: hostOf([web("2")], { proxy: proxyOf(), releases: good }), h2: routed("dead", web("2")), h3: { ...hostOf([]), docker: undefined } } }, [
      "no: Nothing of shop serves.",
      "h1 | web | the proxy has no route to it: 2 gets no requests (shop-web-2)", "h2 | web | the proxy sends its requests to a container that is gone: 2 runs and gets none", "h3 | jobs | Docker is missing or not running",
      "$ capstan server bootstrap: installs Docker where it is missing; else start its daemon",
      "$ capstan deploy: brings every host to one version again, proxy and routes included",
    ]],
    ["stopped by hand", { hosts: { h1: hostOf([web("2", "exited")], { proxy: proxyOf(), releases: good }), h2: hostOf([web("2", "exited")], { proxy: proxyOf(), releases: good }), h3: works(jobs("2", "exited")) } }, [
      "no: Nothing of shop serves.",
      "h1 | web | everything is stopped", "h2 | web | everything is stopped", "h3 | jobs | everything is stopped",
      "$ capstan app start: starts what ran last", "$ capstan deploy: puts a new version in place",
    ]],
    ["nothing there", { hosts: { h1: hostOf([]), h2: hostOf([]), h3: hostOf([]) } }, ["no: Nothing of shop serves.", "h1 | web | nothing of it is there", "h2 | web | nothing of it is there", "h3 | jobs | nothing of it is there", "$ capstan setup: makes the hosts ready and deploys"]],
    ["a host that was never set up", { hosts: { h1: routed("2", web("2")), h2: hostOf([]), h3: works(jobs("2")) } }, [
      "no: Version 2 serves, but not on h2.", "h1 | web | 2 serves", "h2 | web | nothing of it is there", "h3 | jobs | 2 runs",
      "$ capstan deploy: brings every host to one version again, proxy and routes included",
    ]],
    ["maintenance, and a canary", { hosts: { h1: { ...routed("2", web("2")), proxy: route({ mode: "maintenance" }) }, h2: { ...routed("2", web("3"), web("2")), proxy: route({ canary: { target: "a30000000000:80", percent: 10 } }) }, h3: works(jobs("2")) } }, [
      "no: Version 2 serves on all 3 hosts. In maintenance: web on h1. With a canary: web on h2.",
      "h1 | web | 2 serves, in maintenance", "h2 | web | 2 serves; canary 3 gets 10 %", "h3 | jobs | 2 runs",
      "$ capstan app live: ends the maintenance", "$ capstan canary promote: gives the canary all requests", "$ capstan canary abort: ends the canary",
    ]],
    ["a run at work", { hosts: { h1: routed("3", web("3"), web("2")), h2: routed("2", web("3"), web("2")), h3: works(jobs("2")) }, lock: { host: "h1", kind: "alive", text: "Ann, version 3" } }, [
      "no: Hosts differ: 3 on h1; 2 on h2, h3. A run is at work.",
      "h1 | web | 3 serves", "h1 | web | left over: shop-web-2 is running and gets no requests", "h2 | web | 2 serves", "h2 | web | left over: shop-web-3 is running and gets no requests", "h3 | jobs | 2 runs", "h1 |  | the deploy lock is held: Ann, version 3",
      "$ capstan lock status: shows what the run at work is doing: wait for its end",
    ]],
    ["a lock that somebody left", { hosts: { ...well, h2: routed("2", web("2")) }, lock: { host: "h1", kind: "manual", text: "Kim, version 2" } }, [
      "no: Version 2 serves on all 3 hosts.",
      "h1 | web | 2 serves", "h2 | web | 2 serves", "h3 | jobs | 2 runs", "h1 |  | the deploy lock is held: Kim, version 2",
      "$ capstan lock release: once you are sure that nobody is at work: the lock is in the way of all others",
    ]],
  ])("%s", (_title, look, lines) => expect(told(look)).toEqual([...lines]));

  test("one host, two roles, of different versions", () => {
    const one = settingsOf({ roles: [roleOf("web", { hosts: ["h1"], proxy: traefikOf({}) }), roleOf("jobs", { hosts: ["h1"], proxy: undefined })] });
    expect(told({ hosts: { h1: routed("2", web("2"), jobs("1")) } }, one)).toEqual([
      "no: Hosts differ: 2 on h1 (web); 1 on h1 (jobs). A rollback to 1 was begun and not finished.",
      "h1 | web | 2 serves", "h1 | jobs | 1 runs",
      ...goOn("1", "2"),
    ]);
    expect(told({ hosts: { h1: routed("2", web("2"), jobs("2")) } }, one)).toEqual(["ok: All is well: version 2 serves on h1."]);
  });
});
