import { describe, expect, test } from "bun:test";
import { selectScope, type Filter } from "../../lib/config/scope.ts";
import { sh } from "../../lib/ground/command.ts";
import { accessoryDetailsOf, accessoryLogs, appContainers, appDetails, appImages, audit, findStale, places, planLogs, proxyDetails, proxyLogs, serverExec, serving, type Serving } from "../../lib/run/looks.ts";
import type { Errand } from "../../lib/run/each-host.ts";
import { containerOf } from "../support/facts.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf } from "../support/settings.ts";
import { containerLine, factsAnswer, taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const shop = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.3"] }), roleOf("jobs", { hosts: ["10.0.0.1"] })], accessories: [accessoryOf("cache", { hosts: ["10.0.0.9", "10.0.0.8"] }), accessoryOf("search", { hosts: ["10.0.0.9"], proxy: { ...defaultProxy, hosts: ["s.example"] } })] });
const task = (filter: Filter = {}) => taskOf(shop, { scope: selectScope(shop, filter) });
const lines = (errands: readonly Errand[]): string[] => errands.map(({ host, role, subject, command }) => `${host}${role === undefined ? "" : ` [${role}]`}${subject === undefined ? "" : ` (${subject})`} ${command.text}`);
const plain = { timestamps: false };

test("places() has each role on each of its hosts, and refuses filters that leave none", () => {
  expect(places(task()).map(({ host, role }) => `${role.name} ${host}`)).toEqual(["web 10.0.0.1", "web 10.0.0.3", "jobs 10.0.0.1"]);
  expect(() => places(task({ hosts: ["10.0.0.9"] }))).toThrow(expect.objectContaining({ failure: "usage", message: "There is no host of the app among those you chose" }));
});

test("what is asked of the app", () => {
  expect(lines(appDetails(task({ roles: ["jobs"] })))).toEqual(["10.0.0.1 [jobs] docker ps --filter label=service=shop --filter label=destination= --filter label=role=jobs"]);
  expect(lines(appContainers(task()))).toEqual(["10.0.0.1", "10.0.0.3"].map((host) => `${host} docker container ls --all --filter label=service=shop --filter label=destination=`));
  expect(lines(appImages(task({ hosts: ["10.0.0.3"] })))).toEqual(["10.0.0.3 docker image ls acme/shop"]);
});

test("what is asked of accessories, with their names", () => {
  expect(lines(accessoryDetailsOf(task(), "all"))).toEqual(["10.0.0.9 (cache) docker ps --filter label=service=shop-cache", "10.0.0.8 (cache) docker ps --filter label=service=shop-cache", "10.0.0.9 (search) docker ps --filter label=service=shop-search"]);
  expect(lines(accessoryLogs(task({ hosts: ["10.0.0.8"] }), "cache", { timestamps: true, lines: 20, grep: "a b" }))).toEqual(["10.0.0.8 (cache) docker logs shop-cache --tail 20 --timestamps 2>&1 | grep 'a b'"]);
  expect(() => accessoryDetailsOf(task(), "cach")).toThrow(expect.objectContaining({ hint: "Did you mean cache? The accessories are: cache, search." }));
  expect(() => accessoryLogs(task({ hosts: ["10.0.0.1"] }), "cache", plain)).toThrow("No host of cache is among those you chose");
});

test("what is asked of the proxy, on the hosts of proxied accessories too", () => {
  expect(proxyDetails(task()).map(({ host }) => host)).toEqual(["10.0.0.1", "10.0.0.3", "10.0.0.9"]);
  expect(lines(proxyLogs(task({ hosts: ["10.0.0.9"] }), { timestamps: false, lines: 5 }))).toEqual(["10.0.0.9 docker logs kamal-proxy --tail 5 2>&1"]);
  expect(() => proxyLogs(task({ hosts: ["10.0.0.8"] }), plain)).toThrow("There is no host of the proxy among those you chose");
});

test("what is asked of every host", () => {
  const all = ["10.0.0.1", "10.0.0.3", "10.0.0.9", "10.0.0.8"];
  expect(audit(task()).map(({ host }) => host)).toEqual(all);
  expect(audit(task())[0]?.command.text).toContain("tail -n 50 .kamal/shop-audit.log");
  expect(lines(serverExec(task(), sh`uptime`))).toEqual(all.map((host) => `${host} uptime`));
});

describe("planLogs()", () => {
  const found = (host: string, version: string | undefined, problem?: Serving["problem"]): Serving => ({ host, role: "web", container: version === undefined ? undefined : containerOf(shop, "web", version, "a1"), version, problem });
  test("F4: reads what serves where", () => expect(lines(planLogs(task(), { timestamps: true, lines: 100 }, undefined, [found("10.0.0.1", "2"), found("10.0.0.3", undefined)]).errands)).toEqual(["10.0.0.1 [web] docker logs --timestamps --tail 100 shop-web-2 2>&1"]));
  test("F4: reads the container that was named, on every host", () => expect(lines(planLogs(task(), plain, "abc", undefined).errands)).toEqual(["10.0.0.1 docker logs --tail 100 abc 2>&1", "10.0.0.3 docker logs --tail 100 abc 2>&1"]));
  test("F4: lets hosts find the newest one out where nobody looked", () => {
    const [first, ...more] = lines(planLogs(task({ roles: ["jobs"] }), plain, undefined, undefined).errands);
    expect(first).toStartWith("10.0.0.1 [jobs] sh -c 'docker ps --latest --quiet --filter label=service=shop ");
    expect(first).toEndWith(" | head -1 | xargs docker logs --tail 100 2>&1");
    expect(more).toEqual([]);
  });
  test("tells of hosts that could not be looked at, beside the rest", async () => {
    const { world } = fakeWorld({ answers: { "10.0.0.1": [[/docker version/, factsAnswer([containerLine("web", "2", "a2")])]], "10.0.0.3": [[/docker version/, 1]] } });
    const seen = await serving(world, task({ roles: ["web"] }));
    expect(seen.map(({ host, version }) => [host, version])).toEqual([["10.0.0.1", "2"], ["10.0.0.3", undefined]]);
    const plan = planLogs(task({ roles: ["web"] }), plain, undefined, seen);
    expect(plan.errands.map(({ host }) => host)).toEqual(["10.0.0.1"]);
    expect(plan.unseen).toMatchObject([{ title: "App Host", host: "10.0.0.3", role: "web", stdout: "", status: undefined }]);
    expect(() => planLogs(task({ roles: ["web"] }), plain, undefined, seen.filter(({ host }) => host === "10.0.0.3"))).toThrow(expect.objectContaining({ host: "10.0.0.3" }));
  });
  test("refuses where nothing runs", () => expect(() => planLogs(task(), plain, undefined, [found("10.0.0.1", undefined)])).toThrow(expect.objectContaining({ failure: "missing", message: "Nothing of shop is running on 10.0.0.1, 10.0.0.3" })));
});

describe("serving() and findStale()", () => {
  const answers = { "10.0.0.1": [[/docker version/, factsAnswer([containerLine("web", "2_replaced_0011223344556677", "a3"), containerLine("web", "1", "a2")])]], "10.0.0.3": [[/docker version/, factsAnswer()]] } as const;
  test("give versions without the mark of a container that made place", async () => {
    expect((await serving(fakeWorld({ answers }).world, task({ roles: ["web"] }))).map(({ host, version }) => [host, version])).toEqual([["10.0.0.1", "2"], ["10.0.0.3", undefined]]);
    expect((await findStale(fakeWorld({ answers }).world, task({ roles: ["web"] }))).map(({ host, container }) => [host, container.name])).toEqual([["10.0.0.1", "shop-web-1"]]);
  });
  test("serving() knows a container that a release left in place by the version of the release", async () => {
    const log = ["[2030-01-02T03:04:05Z] [ann@acme.example] Tagging acme/shop:2 as the latest image", "[2030-01-02T03:04:05Z] [ann@acme.example] [web] Kept version 1 as version 2"];
    const kept = { "10.0.0.1": [[/docker version/, factsAnswer([containerLine("web", "1", "a1")], log)]] } as const;
    expect((await serving(fakeWorld({ answers: kept }).world, task({ roles: ["web"], hosts: ["10.0.0.1"] }))).map(({ version, container }) => [version, container?.name])).toEqual([["2", "shop-web-1"]]);
  });
  test("findStale() needs to see every host", async () => await expect(findStale(fakeWorld({ answers: { ...answers, "10.0.0.3": [[/docker version/, 1]] } }).world, task())).rejects.toMatchObject({ host: "10.0.0.3" }));
});
