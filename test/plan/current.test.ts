import { describe, expect, test } from "bun:test";
import { currentContainer, plainVersion, servedVersion, versionsInPlace } from "../../lib/plan/current.ts";
import type { Container, ProxyFacts } from "../../lib/remote/facts.ts";
import type { Release } from "../../lib/remote/releases.ts";
import { containerOf, fleetOf, hostOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

const web = roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] });
const shop = settingsOf({ roles: [web] });
const newest = containerOf(shop, "web", "3", "a3");
const older = containerOf(shop, "web", "2", "a2");
const stopped = containerOf(shop, "web", "4", "a4", "exited");
const jobs = containerOf(shop, "jobs", "9", "c9");

describe("currentContainer()", () => {
  test.each<[string, readonly Container[], ProxyFacts | undefined, string | undefined]>([
    ["the newest one that runs when there is no proxy", [stopped, newest, older], undefined, "3"],
    ["the one with the route, though a newer one runs", [newest, older], proxyOf(["shop-web", "a2"]), "2"],
    ["the one with the route, though it is stopped", [stopped, older], proxyOf(["shop-web", "a4"]), "4"],
    ["the newest one when the route leads to a container that is gone", [newest, older], proxyOf(["shop-web", "dead"]), "3"],
    ["the newest one when only another service has a route", [newest, older], proxyOf(["shop-web-qa", "a2"]), "3"],
    ["one that docker is restarting", [{ ...newest, state: "restarting" }], undefined, "3"],
    ["none when all are stopped", [stopped], proxyOf(), undefined],
    ["none of another role", [jobs], undefined, undefined],
  ])("is %s", (_title, containers, proxy, version) => {
    expect(currentContainer(shop, web, containers, proxy)?.version).toBe(version);
  });

  test("knows a target by its long id too", () => {
    const proxy: ProxyFacts = { running: true, image: "", routes: [{ name: "shop-web", targets: [`${older.id}${"f".repeat(52)}:3000`], mode: "live" }] };
    expect(currentContainer(shop, web, [newest, older], proxy)).toBe(older);
  });

  test("looks for the route of the destination", () => {
    expect(currentContainer({ ...shop, destination: "qa" }, web, [newest, older], proxyOf(["shop-web", "a3"], ["shop-web-qa", "a2"]))).toBe(older);
  });
});

describe("versionsInPlace()", () => {
  test("names each version once, in the order of roles and hosts", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([older]), "10.0.0.2": hostOf([newest, older]) });
    expect(versionsInPlace(shop, [web], facts)).toEqual(["2", "3"]);
  });

  test("goes by the route where a newer container was left by an interrupted deploy", () => {
    const interrupted = hostOf([newest, older], { proxy: proxyOf(["shop-web", "a2"]) });
    expect(versionsInPlace(shop, [web], fleetOf({ "10.0.0.1": interrupted, "10.0.0.2": interrupted }))).toEqual(["2"]);
  });

  test("is empty where nothing runs or nothing is known", () => {
    expect(versionsInPlace(shop, [web], fleetOf({ "10.0.0.1": hostOf([stopped]) }))).toEqual([]);
  });

  test("leaves out the mark of a container that made place", () => {
    expect(versionsInPlace(shop, [web], fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "2_replaced_00112233445566aa", "a2")]) }))).toEqual(["2"]);
  });
});

test.each([["2", "2"], ["2_replaced_00112233445566aa", "2"], ["abc_uncommitted_0011", "abc_uncommitted_0011"], ["a_replaced_zz", "a_replaced_zz"]])("plainVersion() of %s is %s", (version, plain) => {
  expect(plainVersion(version)).toBe(plain);
});

describe("servedVersion()", () => {
  const [first, kept, ofJobs] = [{ version: "1", at: "" }, { version: "2", at: "", kept: { web: "1" } }, { version: "3", at: "", roles: ["jobs"] }];
  test.each<[string, readonly Release[], string]>([
    ["that of its name without a record", [], "1"],
    ["that of the release that left it in place", [first, kept], "2"],
    ["still that one when another role got a release since", [first, kept, ofJobs], "2"],
    ["that of the release of some roles that left it in place", [first, { ...kept, roles: ["web"] }, ofJobs], "2"],
    ["that of its name when its role got another release since", [first, kept, { version: "1", at: "", roles: ["web"] }, ofJobs], "1"],
    ["that of its name when all roles got another release since", [first, kept, { version: "1", at: "" }], "1"],
    ["that of its name when another role was left in place", [first, { ...kept, kept: { jobs: "1" } }], "1"],
  ])("is %s", (_title, releases, version) => expect(servedVersion({ role: "web", version: "1" }, releases)).toBe(version));
});
