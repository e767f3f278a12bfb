import { describe, expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planBootstrap } from "../../lib/plan/bootstrap.ts";
import { planCanaryPromote } from "../../lib/plan/canary.ts";
import { planDeploy, type DeployParts } from "../../lib/plan/deploy.ts";
import { planLines } from "../../lib/plan/print.ts";
import { planProxy } from "../../lib/plan/proxy.ts";
import { planAppStart } from "../../lib/plan/app.ts";
import { planRegistryLogin } from "../../lib/plan/registry.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

const whole: DeployParts = { proxy: true, prune: true, pull: "always" };
const shop = settingsOf();
const pair = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })] });
const bare = hostOf([], { docker: undefined });

const titles = (plan: Plan): string[] => plan.phases.map((phase) => phase.title);
const stepsOf = (plan: Plan, title: string, host: string): string[] => plan.phases.filter((phase) => phase.title === title).flatMap((phase) => phase.lanes.filter((lane) => lane.host === host).flatMap((lane) => lane.steps.map((step) => step.title)));

describe("planDeploy()", () => {
  test("is the same for the same arguments", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "1", "a1")]) });
    expect(planLines(planDeploy(orderOf(shop, "1"), facts, whole))).toEqual(planLines(planDeploy(orderOf(shop, "1"), facts, whole)));
  });

  test("stops the old container only after every host has switched", () => {
    expect(titles(planDeploy(orderOf(shop, "2"), fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "1", "a1")]) }), whole))).toEqual([
      "Pull image", "Prepare hosts", "Boot web", "Boot jobs", "Switch", "Retire old containers", "Prune",
    ]);
  });

  test("can take back every step that touches a container or a route before the old one is retired", () => {
    const plan = planDeploy(orderOf(shop, "1"), fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "1", "a1")]) }), whole);
    const uncommitted = plan.phases.filter((phase) => phase.committed !== true && /^(Boot|Switch)/.test(phase.title)).flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps));
    // A note of a container that does not serve says nothing.
    const fixed = uncommitted.filter((step) => step.kind === "run" && step.undo === undefined && step.audit === undefined && !step.title.startsWith("Note what "));
    expect(fixed).toEqual([]);
  });

  test("names every host without Docker, before anything else", () => {
    expect(() => planDeploy(orderOf(pair, "1"), fleetOf({ "10.0.0.1": bare, "10.0.0.2": bare }), whole)).toThrow(expect.objectContaining({
      failure: "missing", host: undefined, message: "Docker is missing or not running on 10.0.0.1, 10.0.0.2", state: ["Nothing was changed."],
      hint: "Run `capstan setup` (or `capstan server bootstrap`) to install Docker there, or start its daemon.",
    }));
    expect(() => planDeploy(orderOf(pair, "1"), fleetOf({ "10.0.0.1": bare, "10.0.0.2": hostOf([]) }), whole)).toThrow(expect.objectContaining({ host: "10.0.0.1" }));
  });

  test("says so when hosts differ", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([containerOf(pair, "web", "1", "a1")]), "10.0.0.2": hostOf([containerOf(pair, "web", "2", "b2")]) });
    const plan = planDeploy(orderOf(pair, "2"), facts, whole);
    expect(plan.notes).toEqual(["Hosts differ: versions 1, 2 are in place. This run brings all of them to 2."]);
    expect(plan.afterFailure?.takenBack).toBe("Every host serves what it served before: 1, 2.");
    expect(stepsOf(plan, "Retire old containers", "10.0.0.1")).toContain("Stop shop-web-1");
    expect(stepsOf(plan, "Retire old containers", "10.0.0.2").at(-1)).toMatch(/^Remove shop-web-2_replaced_[0-9a-f]{16}$/);
  });

  test("stops every container of the role that runs besides the new one, and none of another role", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "3", "a3"), containerOf(shop, "web", "2", "a2"), containerOf(shop, "cron", "2", "c2"), containerOf(shop, "web", "1", "a1", "exited")]) });
    expect(stepsOf(planDeploy(orderOf(shop, "4"), facts, whole), "Retire old containers", "10.0.0.1").filter((title) => title.startsWith("Stop"))).toEqual(["Stop shop-web-3", "Stop shop-web-2"]);
  });

  test("switches back to the container that had the route, not to the newest", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "3", "a3"), containerOf(shop, "web", "2", "a2")], { proxy: proxyOf(["shop-web", "a2"]) }) });
    const step = planDeploy(orderOf(shop, "4"), facts, whole).phases.find((phase) => phase.title === "Switch")?.lanes[0]?.steps[0];
    expect(step?.kind === "run" ? step.undo?.text : "").toContain("id=a20000000000");
  });

  test("takes back only what this very run started: another one may have taken the name", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "3", "a3")], { proxy: proxyOf(["shop-web", "a3"]) }) });
    const steps = planDeploy(orderOf(shop, "4"), facts, whole).phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps)).filter((step) => step.kind === "run");
    const start = steps.find((step) => step.title === "Start shop-web-4");
    const [hex = "none"] = /(?<=--hostname 10\.0\.0\.1-)[0-9a-f]{12}/.exec(start?.command.text ?? "") ?? [];
    expect([start, steps.find((step) => step.title.startsWith("Switch"))].map((step) => step?.undo?.text.includes(`case $hostname in *-${hex}) ;; *) id= ;; esac\n`))).toEqual([true, true]);
  });

  test("pulls only where the image is missing, when it may", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([], { images: ["acme/shop:1"] }), "10.0.0.2": hostOf([]) });
    const plan = planDeploy(orderOf(pair, "1"), facts, { proxy: false, prune: false, pull: "missing", pullHint: "Name another." });
    expect(stepsOf(plan, "Pull image", "10.0.0.1")).toEqual([]);
    expect(stepsOf(plan, "Pull image", "10.0.0.2")).toContain("Pull acme/shop:1");
    expect(plan.phases[0]?.lanes[1]?.steps.find((step) => step.title === "Pull acme/shop:1")?.hint).toBe("Name another.");
  });

  test("has no hook phases with -H", () => {
    const hooked = settingsOf({ hooks: { preDeploy: () => undefined, preAppBoot: () => undefined, postAppBoot: () => undefined } });
    expect(titles(planDeploy(orderOf(hooked, "1"), new Map(), whole)).filter((title) => title.startsWith("Hook"))).toEqual(["Hook preDeploy", "Hook preAppBoot", "Hook postAppBoot"]);
    expect(titles(planDeploy(orderOf(hooked, "1", { hooks: false }), new Map(), whole)).filter((title) => title.startsWith("Hook"))).toEqual([]);
  });

  test("works on what -h and -r leave", () => {
    const plan = planDeploy(orderOf(shop, "1", { filter: { roles: ["jobs"] } }), new Map(), whole);
    expect(titles(plan)).toEqual(["Pull image", "Prepare hosts", "Boot jobs", "Retire old containers", "Prune"]);
    expect(plan.phases.flatMap((phase) => phase.lanes.map((lane) => lane.host))).not.toContain("10.0.0.1");
  });

  const both = settingsOf({ roles: [roleOf("web"), roleOf("jobs", { hosts: ["10.0.0.1", "10.0.0.2"] })] });
  const records = (plan: Plan): string[][] => ["10.0.0.1", "10.0.0.2"].map((host) => stepsOf(plan, "Retire old containers", host).filter((title) => title.startsWith("Record ")));
  const [released, tagging] = [`Record "Released version 2 on all hosts"`, `Record "Tagging acme/shop:2 as the latest image"`];
  test.each<[string, Plan, readonly (readonly string[])[]]>([
    ["everywhere", planDeploy(orderOf(both, "2"), new Map(), whole), [[released, tagging], [released, tagging]]],
    ["with all that a host has", planDeploy(orderOf(both, "2", { filter: { hosts: ["10.0.0.1"] } }), new Map(), whole), [[tagging], []]],
    ["with a part of what a host has", planDeploy(orderOf(both, "2", { filter: { roles: ["jobs"] } }), new Map(), whole), [[`Record "Tagging acme/shop:2 as the latest image for jobs"`], [tagging]]],
    ["by promotion of the only canary there is of two", planCanaryPromote(orderOf(pair, "2"), fleetOf({
      "10.0.0.1": hostOf([containerOf(pair, "web", "2", "a2"), containerOf(pair, "web", "1", "a1")], { proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "live", canary: { target: "a20000000000:80", percent: 10 } }] } }),
      "10.0.0.2": hostOf([containerOf(pair, "web", "1", "b1")], { proxy: proxyOf(["shop-web", "b1"]) }),
    })), [[tagging], []]],
  ])("records a release %s", (_title, plan, expected) => expect(records(plan)).toEqual(expected.map((lines) => [...lines])));
});

test("planBootstrap() installs Docker only where it is missing", () => {
  const plan = planBootstrap(orderOf(pair, ""), fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.2": bare }));
  expect(plan.phases[0]?.lanes.map((lane) => lane.host)).toEqual(["10.0.0.2"]);
  expect(planBootstrap(orderOf(pair, ""), new Map()).phases[0]?.lanes.map((lane) => lane.host)).toEqual(["10.0.0.1", "10.0.0.2"]);
  expect(planBootstrap(orderOf(pair, ""), fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.2": hostOf([]) })).notes).toEqual(["Docker runs on every host."]);
});

test("planProxy() refuses to remove a proxy that other services use, unless forced", () => {
  const facts = fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf(["shop-web", "a1"], ["blog-web", "b1"]) }) });
  expect(() => planProxy(orderOf(shop, ""), facts, "remove")).toThrow(expect.objectContaining({ failure: "usage", message: "Other services use the proxy: blog-web on 10.0.0.1" }));
  expect(planProxy(orderOf(shop, ""), facts, "remove-forced").phases[0]?.title).toBe("Remove proxy");
  expect(planProxy(orderOf(shop, ""), fleetOf({ "10.0.0.1": hostOf([]) }), "stop").notes).toEqual(["There is no proxy on any host."]);
  for (const action of ["stop", "restart", "remove"] as const) expect(planProxy(orderOf(shop, ""), new Map(), action).phases[0]?.lanes.map((lane) => lane.host)).toEqual(["10.0.0.1"]);
});

test("planAppStart() names every role and host without a container to start", () => {
  expect(() => planAppStart(orderOf(shop, ""), fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.2": hostOf([]) }), undefined)).toThrow(expect.objectContaining({
    failure: "missing", message: "There is no container to start of web on 10.0.0.1, jobs on 10.0.0.2", hint: "Deploy first.",
  }));
});

test("planRegistryLogin() refuses without credentials and keeps the password out of the text", () => {
  const plan = planRegistryLogin(orderOf(shop, ""), { local: false, remote: true });
  expect(plan.phases[0]?.lanes[0]?.steps[0]).toMatchObject({ kind: "run", command: { text: sh`docker login --username ${"bot"} --password-stdin`.text } });
  const none = settingsOf({ registry: { server: "reg.example", username: undefined, password: undefined } });
  expect(() => planRegistryLogin(orderOf(none, ""), { local: true, remote: true })).toThrow(expect.objectContaining({ failure: "config" }));
});
