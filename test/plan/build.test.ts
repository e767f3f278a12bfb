import { describe, expect, test } from "bun:test";
import type { LocalFacts } from "../../lib/build/facts.ts";
import type { Settings } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planBuildCreate, planBuildDev, planBuildPull, planBuildPush, planBuildRemove } from "../../lib/plan/build.ts";
import { planDeploy } from "../../lib/plan/deploy.ts";
import { planLines, printPlan } from "../../lib/plan/print.ts";
import { planLocalRegistry, planRegistryLogin, planRegistryLogout } from "../../lib/plan/registry.ts";
import { changes } from "../../lib/run/changes.ts";
import { localRegistry, machine, withBuilder } from "../support/build.ts";
import { fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { settingsOf } from "../support/settings.ts";
import { expectGolden } from "./golden.ts";

const hook = (): void => undefined;
const push = (settings: Settings, more: Partial<LocalFacts> = {}): Plan => planBuildPush(orderOf(settings, "77"), { ...machine, cloneExists: true, ...more });

const remote = { arch: ["amd64", "arm64"], remote: "ssh://root@b.example:2222" };
const pack = { builder: "heroku/builder:24", buildpacks: ["heroku/ruby"] };
const local = settingsOf(localRegistry);
const bare = { registry: { server: undefined, username: undefined, password: undefined }, withoutRegistry: true } as const;
const bothHosts = fleetOf({ "10.0.0.1": hostOf([], { network: false }), "10.0.0.2": hostOf([], { images: ["localhost:5001/shop:77"] }) });

const plans: readonly (readonly [name: string, plan: Plan])[] = [
  ["build-push", push(settingsOf({ hooks: { preBuild: hook } }))],
  ["build-push-hybrid-first-time", push(withBuilder({ ...remote, context: "." }, { hooks: { preBuild: hook } }), { builder: "missing" })],
  ["build-push-remote-to-local-registry", push(withBuilder({ ...remote, local: false, context: "." }, localRegistry), { builder: "missing" })],
  ["build-push-pack", push(withBuilder({ pack, target: "prod", context: "." }))],
  ["build-dev", planBuildDev(orderOf(settingsOf(), "77"), { ...machine, loose: { changed: ["app.ts"], untracked: [".env", "notes.txt"] } })],
  ["build-create-remote", planBuildCreate(orderOf(withBuilder({ ...remote, local: false }), ""), { ...machine, builder: "missing" })],
  ["build-remove-hybrid", planBuildRemove(orderOf(withBuilder(remote), ""), machine)],
  ["build-pull-from-local-registry", planBuildPull(orderOf(local, "77"), bothHosts)],
  ["build-push-without-registry", push(settingsOf(bare))],
  ["build-pull-without-registry", planBuildPull(orderOf(settingsOf(bare), "77"), bothHosts)],
  ["build-push-without-registry-for-two-architectures", push(withBuilder({ arch: ["amd64", "arm64"] }, bare))],
  ["deploy-from-local-registry", planDeploy(orderOf(local, "77"), bothHosts, { proxy: false, prune: false, pull: "missing" })],
];
test.each(plans)("printPlan() shows %s as in its file", (name, plan) => expectGolden(name, printPlan(plan)));

test("hosts hand an image on where there are more of them than get it from here", () => {
  const stepsOf = (handOn: number): unknown[] => planBuildPull(orderOf(settingsOf({ ...bare, handOn }), "77"), bothHosts).phases.flatMap(({ lanes }) => lanes.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "deliver" ? [step.handOn] : []))));
  expect(stepsOf(1)).toEqual(Array.from({ length: 2 }, () => ({ width: 1, of: { service: "shop", destination: undefined } })));
  expect(stepsOf(2)).toEqual([undefined, undefined]);
  expect(printPlan(planBuildPull(orderOf(settingsOf({ ...bare, handOn: 1 }), "77"), bothHosts))).toContain(" < the layers that it does not have, to one host from here and handed on\n");
});

const titles = ({ phases }: Plan): string[] => phases.map(({ title }) => title);
const commands = ({ phases }: Plan): string[] => phases.flatMap(({ lanes }) => lanes.flatMap(({ steps }) => steps.flatMap((step) => (step.kind === "local" ? [step.program.argv.join(" ")] : step.kind === "run" ? [step.command.text] : []))));

describe("planBuildPush()", () => {
  test("reaches the remote builder only before it is created", () => {
    expect(titles(push(withBuilder(remote), { builder: "missing" }))).toEqual(["Prepare the build", "Reach the remote builder", "Build and push image"]);
    expect(titles(push(withBuilder(remote)))).toEqual(["Prepare the build", "Build and push image"]);
    expect(titles(push(withBuilder({ ...remote, remote: "tcp://b.example:2376" }), { builder: "missing" }))).toEqual(["Prepare the build", "Build and push image"]);
  });

  test("opens the way from the remote builder to a local registry, and none where nobody needs it", () => {
    const tunnels = (plan: Plan) => plan.phases.flatMap((phase) => phase.tunnels ?? []);
    expect(tunnels(push(withBuilder(remote, localRegistry)))).toEqual([{ host: "root@b.example:2222", port: 5001 }]);
    expect(tunnels(push(local))).toEqual([]);
    expect(tunnels(push(withBuilder(remote)))).toEqual([]);
    expect(tunnels(planBuildPull(orderOf(settingsOf(), "77"), bothHosts))).toEqual([]);
  });

  test("has the clone for itself while it builds from it, be it for another destination", () => {
    const claims = (settings: Settings, more: Partial<LocalFacts> = {}) => push(settings, more).phases.flatMap((phase) => (phase.claims === undefined ? [] : [[phase.title, phase.claims]]));
    expect(claims(settingsOf())).toEqual([["Build and push image", expect.stringMatching(/^\/cache\/clones\/shop-[0-9a-f]{13}\.claim$/)]]);
    expect(claims(settingsOf({ destination: "staging" }))).toEqual(claims(settingsOf()));
    expect(claims(withBuilder({ context: "." }))).toEqual([]);
    expect(claims(settingsOf(), { git: undefined })).toEqual([]);
  });

  test.each<[string, Settings, string]>([
    ["stay out of a clone", settingsOf(), "Not in the build, because they are not committed:"],
    ["are in a build of the working tree", withBuilder({ context: "." }), "In the build, although they are not committed:"],
  ])("says which changes %s", (_title, settings, text) => {
    const dirty = Array.from({ length: 12 }, (_, i) => `f${i}`);
    expect(push(settings, { git: { root: "/src/shop", prefix: "", head: "0", dirty } }).notes).toEqual([`${text} f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 2 more`]);
    expect(push(settings).notes).toEqual([]);
  });
});

describe("planBuildCreate() and planBuildRemove()", () => {
  const create = (settings: Settings, more: Partial<LocalFacts> = {}): Plan => planBuildCreate(orderOf(settings, ""), { ...machine, ...more });

  test("leave alone what is there, or cannot be made", () => {
    expect(create(settingsOf())).toEqual({ notes: ["Builder kamal-local-docker-container is there already."], phases: [] });
    expect(create(withBuilder({ driver: "docker" })).notes).toEqual(["The driver docker is Docker's own builder: there is nothing to make."]);
    expect(create(withBuilder({ pack })).notes).toEqual(["Buildpacks need no builder to be made."]);
    expect(planBuildRemove(orderOf(withBuilder({ driver: "docker" }), ""), machine).notes).toEqual(["There is no builder to remove: Docker's own or pack is used."]);
  });

  test("plan without a look as if nothing was there to clean", () => expect(commands(create(settingsOf(), { builder: "unknown" }))).toEqual(["docker buildx create --name kamal-local-docker-container --driver=docker-container"]));
  test("of what is gone already removes what is left", () => expect(planBuildRemove(orderOf(settingsOf(), ""), { ...machine, builder: "missing" }).phases[0]?.lanes[0]?.steps[0]).toMatchObject({ title: "Remove what is left of builder kamal-local-docker-container", optional: true }));
  test("need docker", () => {
    expect(() => create(settingsOf(), { docker: undefined })).toThrow("Docker is not installed here");
    expect(() => planBuildRemove(orderOf(settingsOf(), ""), { ...machine, docker: undefined })).toThrow("Docker is not installed here");
  });
});

describe("a registry on this machine", () => {
  const sides = { local: true, remote: true };

  test("is started or run, and stopped and removed", () => {
    expect(commands(planLocalRegistry("setup", local.registry, sides))).toEqual(["docker start kamal-docker-registry", "docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3"]);
    expect(commands(planLocalRegistry("remove", local.registry, sides))).toEqual(["docker stop kamal-docker-registry", "docker rm --force --volumes kamal-docker-registry"]);
    expect(planLocalRegistry("setup", local.registry, { local: false, remote: true })).toEqual({ notes: ["The registry is on this machine: there is nothing to do on hosts."], phases: [] });
  });

  test("has nobody to log in or out", () => {
    expect(() => planRegistryLogin(orderOf(local, ""), sides)).toThrow("Cannot log in to a registry on this machine: it asks for no credentials");
    expect(() => planRegistryLogout(orderOf(local, ""), sides)).toThrow("Cannot log out of a registry on this machine: nobody is logged in to it");
  });
});

test("a host that cannot pull is told what may be the matter with that kind of registry", () => {
  const hint = (settings: Settings): string | undefined => {
    const step = planBuildPull(orderOf(settings, "77"), bothHosts).phases[0]?.lanes[0]?.steps.find(({ title }) => title.startsWith("Pull "));
    return step?.kind === "run" ? step.hint : undefined;
  };
  expect(hint(local)).toBe("Check that the image was pushed: `capstan build push`, and that the registry of this machine runs: `capstan registry setup`.");
  expect(hint(settingsOf())).toBe("Check that the image was pushed: `capstan build push`, and the registry's credentials.");
});

test("registry login and logout keep to their sides", () => {
  const order = orderOf(settingsOf({ registry: { ...settingsOf().registry, server: "reg.example" } }), "");
  expect(titles(planRegistryLogin(order, { local: true, remote: false }))).toEqual(["Log in here"]);
  expect(titles(planRegistryLogin(order, { local: false, remote: true }))).toEqual(["Log in on hosts"]);
  expect(commands(planRegistryLogout(order, { local: true, remote: true }))).toEqual(["docker logout reg.example", "docker logout reg.example", "docker logout reg.example"]);
});

describe("without a registry", () => {
  const shop = settingsOf(bare);
  const has = (...versions: string[]) => hostOf([], { images: versions.map((version) => `acme/shop:${version}`) });

  test("a deploy collects the image and delivers it before anything else happens", () => {
    expect(titles(planDeploy(orderOf(shop, "77"), fleetOf({ "10.0.0.1": has("77"), "10.0.0.2": has() }), { proxy: false, prune: false, pull: "always" })).slice(0, 2)).toEqual(["Deliver image", "Boot web"]);
  });

  test("a rollback delivers to the hosts that do not have the image, and collects nothing where all have it", () => {
    const rollback = (images: readonly [string, string]): Plan => planDeploy(orderOf(shop, "76"), fleetOf({ "10.0.0.1": has(images[0]), "10.0.0.2": has(images[1]) }), { proxy: false, prune: false, pull: "missing", pullHint: "Deploy one." });
    expect(titles(rollback(["76", "76"])).slice(0, 1)).toEqual(["Boot web"]);
    const partly = rollback(["76", "77"]);
    expect(partly.phases.slice(0, 1).map(({ title, lanes }) => [title, lanes.map(({ host }) => host)])).toEqual([["Deliver image", [undefined, "10.0.0.2"]]]);
    expect(partly.phases[0]?.lanes[0]?.steps).toEqual([{ kind: "collect", title: "Collect the layers of acme/shop:76", image: "acme/shop:76", hint: "Deploy one." }]);
  });

  test.each<[images: readonly [string, string], isSpare: boolean]>([[["77", "77"], true], [["77", "76"], false]])("with --skip-push and hosts that have %p this machine may do without it: %p", (images, isSpare) => {
    const found = planDeploy(orderOf(shop, "77"), fleetOf({ "10.0.0.1": has(images[0]), "10.0.0.2": has(images[1]) }), { proxy: false, prune: false, pull: "ifHere" });
    const steps = found.phases[0]?.lanes.flatMap((lane) => lane.steps).filter(({ kind }) => kind === "collect" || kind === "deliver") ?? [];
    expect(steps.map((step) => [step.kind, "isSpare" in step])).toEqual([["collect", isSpare], ["deliver", isSpare], ["deliver", isSpare]]);
  });

  test("a container is never started from an image of that name at Docker Hub", () => {
    const runs = commands(planDeploy(orderOf(shop, "77"), bothHosts, { proxy: false, prune: false, pull: "always" })).filter((command) => command.startsWith("docker run"));
    expect(runs.map((command) => command.includes(" --pull never "))).toEqual([true, true]);
    expect(commands(planDeploy(orderOf(settingsOf(), "77"), bothHosts, { proxy: false, prune: false, pull: "always" })).join("\n")).not.toContain("--pull");
  });

  test.each<[string, Settings, boolean]>([
    ["attestations of how it was made", withBuilder({ provenance: "mode=max" }, bare), true],
    ["a bill of materials", withBuilder({ sbom: true }, bare), true],
    ["no attestations", withBuilder({ provenance: "false", sbom: false }, bare), false],
  ])("an image with %s goes by way of a file where Docker could not keep it", (_, settings, file) => {
    expect(commands(push(settings)).filter((command) => command.includes("--output=type=oci,dest=/cache/builds/shop-77.tar")).length).toBe(file ? 1 : 0);
  });

  test("another output is what was asked for, and nothing is kept", () => {
    expect(titles(planBuildPush(orderOf(shop, "77"), { ...machine, cloneExists: true }, { output: "oci,dest=shop.tar" }))).toEqual(["Prepare the build", "Build image"]);
  });

  test("buildpacks and a docker without buildx push nothing", () => {
    for (const plan of [push(withBuilder({ pack, context: "." }, bare)), push(settingsOf(bare), { buildx: undefined })]) {
      expect(commands(plan).filter((command) => command.includes("docker push"))).toEqual([]);
      expect(titles(plan).at(-1)).toBe("Keep image");
    }
  });

  test("as data it tells the image, and that it reads from its standard input", () => {
    const lines = planLines(planBuildPull(orderOf(shop, "77"), fleetOf({ "10.0.0.1": has() })));
    expect(lines.map(({ kind, image, stdin }) => [kind, image, stdin]).slice(0, 2)).toEqual([["collect", "acme/shop:77", false], ["deliver", "acme/shop:77", true]]);
  });

  test.each(["registryLogin", "registryLogout", "registrySetup", "registryRemove"] as const)("%s has nothing to do, and asks no host", async (name) => {
    const [stage] = changes[name](shop, { local: true, remote: true }).stages;
    if (stage?.sees !== "nothing") throw new Error("it looks at something");
    expect(stage.plan(orderOf(shop, "")).notes).toEqual(["The config names no registry: hosts get images through their SSH connections, and there is nothing to do."]);
  });
});
