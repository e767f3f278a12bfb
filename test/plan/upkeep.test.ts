import { describe, expect, test } from "bun:test";
import type { Role } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planAppStart, planAppStop } from "../../lib/plan/app.ts";
import { planCanaryPromote, planCanaryStart } from "../../lib/plan/canary.ts";
import { errorPagePhases, oldFileSteps } from "../../lib/plan/files.ts";
import { planHealthcheck } from "../../lib/plan/healthcheck.ts";
import { planProxyPart } from "../../lib/plan/proxy.ts";
import type { LocalContent } from "../../lib/plan/order.ts";
import { planPrune } from "../../lib/plan/prune.ts";
import { planAppPart, planAppRemove, planRemove, planRemoveVersion } from "../../lib/plan/remove.ts";
import { planStopStale, staleContainers } from "../../lib/plan/stale.ts";
import { stopStep } from "../../lib/plan/stop.ts";
import { planUpgrade } from "../../lib/plan/upgrade.ts";
import { accessoryFactsOf, containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf, traefikOf } from "../support/settings.ts";

const shop = settingsOf();
const web = (version: string, id: string, state?: string) => containerOf(shop, "web", version, id, state);
const steps = (plan: Plan) => plan.phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps.map((step) => ({ ...step, host: lane.host }))));
const commands = (plan: Plan): string[] => steps(plan).flatMap((step) => (step.kind === "run" ? [step.command.text] : []));
const titles = (plan: Plan): string[] => steps(plan).map(({ title }) => title);
const phases = (plan: Plan): string[] => plan.phases.map(({ title }) => title);
const pages: LocalContent = { files: new Map(), errorPages: new Map([["502.html", { content: "PGgxPg==", encoding: "base64" }]]) };
const bare = fleetOf({ "10.0.0.1": hostOf([], { docker: undefined }), "10.0.0.2": hostOf([], { docker: undefined }) });

test.each<[string, () => Plan]>([
  ["planStopStale", () => planStopStale(orderOf(shop, ""), bare)], ["planPrune", () => planPrune(orderOf(shop, ""), bare, "all", undefined)], ["planAppRemove", () => planAppRemove(orderOf(shop, ""), bare)],
  ["planAppPart", () => planAppPart(orderOf(shop, ""), bare, "images")], ["planRemoveVersion", () => planRemoveVersion(orderOf(shop, "1"), bare)], ["planRemove", () => planRemove(orderOf(shop, ""), bare)], ["planUpgrade", () => planUpgrade(orderOf(shop, "1"), bare, false, false)],
])("%s() names every host without Docker", (_name, plan) => expect(plan).toThrow("Docker is missing or not running on 10.0.0.1, 10.0.0.2"));

describe("staleContainers()", () => {
  const stale = (...of: Parameters<typeof hostOf>): string[] => staleContainers(orderOf(shop, ""), fleetOf({ "10.0.0.1": hostOf(...of) })).map(({ host, role, container }) => `${container.version} of ${role} on ${host}`);
  test("A12: all that run besides the current one", () => expect(stale([web("77", "a7"), web("75", "a5"), web("74_replaced_0011223344556677", "a4"), web("73", "a3", "exited")])).toEqual(["75 of web on 10.0.0.1", "74_replaced_0011223344556677 of web on 10.0.0.1"]));
  test("the current one is the one with the route", () => expect(stale([web("77", "a7"), web("75", "a5")], { proxy: proxyOf(["shop-web", "a5"]) })).toEqual(["77 of web on 10.0.0.1"]));
  test("a canary is none", () => expect(stale([web("77", "a7"), web("75", "a5")], { proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a50000000000:80"], mode: "live", canary: { target: "a70000000000:80", percent: 5 } }] } })).toEqual([]));
  test("one that docker is restarting is one", () => expect(stale([web("77", "a7"), web("75", "a5", "restarting")])).toEqual(["75 of web on 10.0.0.1"]));
  test("none of a role without a container, or out of scope", () => {
    expect(stale([])).toEqual([]);
    expect(staleContainers(orderOf(shop, "", { filter: { roles: ["jobs"] } }), fleetOf({ "10.0.0.1": hostOf([web("77", "a7"), web("75", "a5")]) }))).toEqual([]);
  });
});

test("planStopStale() takes the role's own time to stop, and says when there is nothing to stop", () => {
  const slow = settingsOf({ roles: [roleOf("web", { stopTimeoutSeconds: 45 })] });
  const plan = planStopStale(orderOf(slow, ""), fleetOf({ "10.0.0.1": hostOf([web("77", "a7"), web("75", "a5")]) }));
  expect(commands(plan).at(-1)).toBe("docker container ls --all --filter 'name=^shop-web-75$' --quiet | xargs docker stop -t 45");
  expect(steps(plan).at(-1)).toMatchObject({ timeoutMs: 105_000 });
  expect(planStopStale(orderOf(slow, ""), fleetOf({ "10.0.0.1": hostOf([web("77", "a7")]) })).notes).toEqual(["There are no stale containers."]);
});

test.each<[what: string, role: Partial<Role>, timeoutMs: number]>([
  ["stopTimeout", { stopTimeoutSeconds: 45, options: { "stop-timeout": 900 } }, 105_000],
  ["a time that only the container knows", {}, 600_000],
  ["its option stop-timeout", { options: { "stop-timeout": 900 } }, 960_000],
  ["an option that gives it all the time there is", { options: { "stop-timeout": -1 } }, 600_000],
])("stopStep() waits as long as docker may for %s", (_what, role, timeoutMs) => expect(stopStep(roleOf("web", role), "shop-web-75")).toMatchObject({ timeoutMs, repeatable: true }));

describe("planPrune()", () => {
  const plan = (what: "all" | "containers" | "images", retain?: number): Plan => planPrune(orderOf(shop, "", { filter: { roles: ["web"] } }), new Map(), what, retain);
  test("does what is asked for", () => {
    expect(titles(plan("containers"))).toEqual(["Remove old containers of web", `Record "Pruned containers"`]);
    expect(titles(plan("images"))).toEqual(["Remove images without a tag", "Remove images that no container uses", `Record "Pruned images"`]);
    expect(titles(plan("all"))).toEqual([...titles(plan("containers")), ...titles(plan("images"))]);
  });
  test("K1: keeps as many as asked for, at least one", () => {
    expect(commands(plan("containers", 10))[0]).toContain("tail -n +11 ");
    expect(commands(plan("containers", 1))[0]).toContain("tail -n +2 ");
    expect(() => plan("all", 0)).toThrow(expect.objectContaining({ failure: "usage", message: "Cannot keep 0 containers: at least one is kept for rollback" }));
  });
});

describe("planHealthcheck()", () => {
  const host = fleetOf({ "10.0.0.1": hostOf([], { images: ["acme/shop:77"] }) });
  test("M4: runs the version with the role's env, volumes, options and command, without its labels, route and name", () => {
    const role = roleOf("web", { env: { clear: { MODE: "a b" }, secret: {} }, hostEnv: { "10.0.0.1": { clear: { MODE: "eu" }, secret: {} } }, volumes: ["media:/media"], options: { restart: "always", memory: "1g" }, labels: { team: "core" }, cmd: "bin/serve" });
    expect(commands(planHealthcheck(orderOf(settingsOf({ roles: [role] }), "77"), host))[2]).toBe("docker run --detach --name healthcheck-shop-77 --network kamal --label service=healthcheck-shop --env KAMAL_CONTAINER_NAME=healthcheck-shop --env KAMAL_VERSION=77 --env KAMAL_HOST=10.0.0.1 --env MODE=eu --env-file .kamal/apps/shop/env/roles/web.env --volume media:/media --memory 1g acme/shop:77 bin/serve");
  });
  test("M4: always removes it: at the end, and to undo its start", () => {
    const plan = planHealthcheck(orderOf(shop, "77"), host);
    const gone = "docker rm --force --volumes healthcheck-shop-77 || ! docker container inspect healthcheck-shop-77 > /dev/null 2>&1";
    expect(commands(plan).at(-1)).toBe(gone);
    expect(steps(plan).flatMap((step) => (step.kind === "run" && step.undo !== undefined ? [step.undo.text] : []))).toEqual([gone]);
  });
  test("works on the first host of the first role in scope alone", () => {
    const pair = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.3"] }), roleOf("jobs", { hosts: ["10.0.0.2"] })] });
    expect([...new Set(steps(planHealthcheck(orderOf(pair, "77"), host)).map((step) => step.host))]).toEqual(["10.0.0.1"]);
    expect([...new Set(steps(planHealthcheck(orderOf(pair, "77", { filter: { roles: ["jobs"] } }), host)).map((step) => step.host))]).toEqual(["10.0.0.2"]);
  });
  test("refuses without a role", () => expect(() => planHealthcheck({ ...orderOf(shop, "77"), scope: { ...orderOf(shop, "77").scope, hosts: ["10.0.0.9"], roles: [], accessories: [], primaryHost: "10.0.0.9" } }, host)).toThrow("There is no role to check"));
});

describe("planAppRemove()", () => {
  const both = settingsOf({ roles: [roleOf("web"), roleOf("jobs", { hosts: ["10.0.0.1"] })] });
  const ends = (filter: object): string[] => titles(planAppRemove(orderOf(both, "", { filter }), new Map())).filter((title) => /images|folders/.test(title));
  test("takes images and folders only where all roles of the host go", () => {
    expect(ends({})).toEqual(["Remove the images of the app", "Remove the folders of the app"]);
    expect(ends({ roles: ["web"] })).toEqual([]);
  });
  test("takes the folders whole where no accessory has its place", () => {
    const folders = (accessories: ReturnType<typeof accessoryOf>[]): string | undefined => commands(planAppPart(orderOf(settingsOf({ roles: [roleOf("web")], accessories }), ""), new Map(), "directories"))[0];
    expect(folders([])).toBe("rm -rf .kamal/apps/shop .kamal/proxy/apps-config/shop");
    expect(folders([accessoryOf("cache")])).toBe("rm -rf .kamal/apps/shop .kamal/proxy/apps-config/shop");
    expect(folders([accessoryOf("cache", { hosts: ["10.0.0.1"] })])).toStartWith("rm -rf .kamal/apps/shop/env/roles ");
  });
  test("leaves the folders where another role of the host stays, and says so", () => {
    const plan = planAppPart(orderOf(both, "", { filter: { roles: ["jobs"] } }), fleetOf({ "10.0.0.1": hostOf([web("77", "a7")]) }), "directories");
    expect([titles(plan), plan.notes]).toEqual([[], ["Left as they are on 10.0.0.1: the folders of the app, which web may need."]]);
  });
  test("refuses to remove the folders while a container runs that has them mounted", () => {
    const plan = (state: string): Plan => planAppPart(orderOf(shop, "", { filter: { roles: ["web"] } }), fleetOf({ "10.0.0.1": hostOf([web("77", "a7", state)]) }), "directories");
    expect(() => plan("running")).toThrow(expect.objectContaining({ failure: "usage", message: "Cannot remove the folders of the app: it is running: shop-web-77 on 10.0.0.1", state: ["Nothing was changed."] }));
    expect(titles(plan("exited"))).toEqual(["Remove the folders of the app", `Record "Removed directories"`]);
  });
  test.each([
    ["containers", "docker ps --all --quiet --filter status=created --filter status=exited --filter status=dead --filter label=service=shop --filter label=destination= --filter label=role=web | while read container_id; do docker rm --volumes $container_id || exit; done", `Record "Removed containers"`],
    ["images", "docker image prune --all --force --filter label=service=shop", `Record "Removed images"`],
  ] as const)("has its %s as a command of its own", (part, command, record) => {
    const plan = planAppPart(orderOf(shop, "", { filter: { roles: ["web"] } }), new Map(), part);
    expect([commands(plan)[0], titles(plan).at(-1)]).toEqual([command, record]);
  });
});

test("planRemoveVersion() refuses while the version runs, and removes its containers otherwise", () => {
  expect(() => planRemoveVersion(orderOf(shop, "75"), fleetOf({ "10.0.0.1": hostOf([web("75", "a5")]) }))).toThrow(expect.objectContaining({ failure: "usage", message: "Cannot remove version 75: it is running: shop-web-75 on 10.0.0.1" }));
  expect(commands(planRemoveVersion(orderOf(shop, "75", { filter: { roles: ["web"] } }), fleetOf({ "10.0.0.1": hostOf([web("75", "a5", "exited")]) }))).at(-1)).toBe("docker container ls --all --filter 'name=^shop-web-75$' --quiet | while read container_id; do docker rm --volumes $container_id || exit; done");
  const shared = settingsOf({ roles: [roleOf("web"), roleOf("jobs", { hosts: ["10.0.0.1"] })] });
  expect(titles(planRemoveVersion(orderOf(shared, "75", { filter: { roles: ["jobs"] } }), fleetOf({ "10.0.0.1": hostOf([web("75", "a5")]) })))).toEqual([`Record "Removed container with version 75"`, "Remove shop-jobs-75"]);
});

test("planProxyPart() takes the proxy's folder only where no other service has a route or a place", () => {
  const host = (...routes: readonly (readonly [string, string])[]) => fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf(...routes) }) });
  expect(() => planProxyPart(orderOf(shop, ""), host(["shop-web", "a1"], ["blog-web", "b1"]), "directory")).toThrow(expect.objectContaining({ failure: "usage", message: "Other services use the proxy: blog-web on 10.0.0.1", hint: "Their routes and certificates are in its folder. Remove those services first." }));
  expect(commands(planProxyPart(orderOf(shop, ""), host(["shop-web", "a1"]), "directory"))).toEqual([
    "if ls .kamal/apps 2> /dev/null | grep -v -x -q shop; then echo 'Left as it is: other services have a place on this host.'; else\nrm -rf .kamal/proxy\nfi",
  ]);
  expect(commands(planProxyPart(orderOf(shop, ""), host(["blog-web", "b1"]), "image"))).toHaveLength(1);
});

describe("planRemove()", () => {
  test("leaves the proxy where another service has a route, and says so", () => {
    const plan = planRemove(orderOf(shop, ""), fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf(["shop-web", "a1"], ["blog-web", "b1"]) }), "10.0.0.2": hostOf([]) }));
    expect(plan.notes).toEqual(["The proxy stays on 10.0.0.1: other services use it."]);
    expect(titles(plan)).not.toContain("Remove the proxy");
  });
  test("takes routes of its own accessories for its own", () => {
    const search = accessoryOf("search", { hosts: ["10.0.0.1"], proxy: { ...defaultProxy, hosts: ["s.example"] } });
    expect(planRemove(orderOf(settingsOf({ accessories: [search] }), ""), fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf(["shop-web", "a1"], ["shop-search", "c1"]), accessories: [accessoryFactsOf(search)] }) })).notes).toEqual([]);
  });
  test("logs out of each registry once", () => {
    const other = { server: "reg.other", username: "u", password: undefined };
    const plan = planRemove(orderOf(settingsOf({ roles: [roleOf("web")], accessories: ["a", "b", "c"].map((name, i) => accessoryOf(name, { hosts: ["10.0.0.1"], ...(i < 2 ? { registry: other } : {}) })) }), ""), new Map());
    expect(commands(plan).filter((text) => text.startsWith("docker logout"))).toEqual(["docker logout", "docker logout reg.other"]);
  });
});

describe("planUpgrade()", () => {
  const ofMrsk = (role: string) => hostOf([{ ...containerOf(shop, role, "76", "a6"), networks: ["bridge"] }], { images: ["acme/shop:77"] });
  const facts = fleetOf({ "10.0.0.1": ofMrsk("web"), "10.0.0.2": ofMrsk("jobs"), "10.0.0.9": hostOf([], { accessories: [{ ...accessoryFactsOf(accessoryOf("cache")), networks: ["bridge"] }] }) });
  const withCache = settingsOf({ accessories: [accessoryOf("cache")] });
  test("goes host after host when asked, retires only once all have changed, then comes to the accessories", () => {
    expect(phases(planUpgrade(orderOf(shop, "77"), facts, false, true))).toEqual(["Look for a lock", "Look at the old proxies", "Pull image", "Prepare hosts", "Boot app", "Change proxies", "Retire old containers"]);
    expect(phases(planUpgrade(orderOf(withCache, "77"), facts, true, true))).toEqual([
      "Look for a lock", "Look at the old proxies", ...["10.0.0.1", "10.0.0.2"].flatMap((host) => ["Pull image", "Prepare hosts", "Boot app", "Change proxies"].map((title) => `${title} on ${host}`)), "Retire old containers", "Reboot accessories",
    ]);
    expect(phases(planUpgrade(orderOf(withCache, "77"), facts, false, false))).not.toContain("Reboot accessories");
  });
  test("goes back only before the first is retired", () => {
    const plan = planUpgrade(orderOf(shop, "77"), facts, false, false);
    expect(plan.phases.filter(({ committed }) => committed === true).map(({ title }) => title)).toEqual(["Retire old containers"]);
  });
});

test("planAppStart() brings the assets of the version back before its container starts, beside those of the one that serves", () => {
  const withAssets = settingsOf({ roles: [roleOf("web", { assets: { path: "/srv/assets", options: undefined } })] });
  const facts = fleetOf({ "10.0.0.1": hostOf([web("2", "a2"), web("1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a2"]) }) });
  const plan = planAppStart(orderOf(withAssets, "1"), facts, "1");
  expect(titles(plan).slice(0, 4)).toEqual([`Record "Started app version 1"`, "Copy assets of web out of the image", "Share assets of web with the version before", "Start shop-web-1"]);
  expect(commands(plan)[1]).toContain("docker container create --name ");
  expect(commands(plan)[1]).toContain(" acme/shop:1 ");
  expect(commands(plan)[2]).toStartWith("mkdir -p .kamal/apps/shop/assets/volumes/web-1 && cp -r .kamal/apps/shop/assets/extracted/web-1/. .kamal/apps/shop/assets/volumes/web-1 ");
  expect(commands(plan)[2]).toContain(".kamal/apps/shop/assets/volumes/web-2");
  expect(titles(planAppStart(orderOf(withAssets, ""), new Map(), undefined))[1]).toBe("Start shop-web");
});

test.each<[what: string, plan: Plan]>([
  ["app start", planAppStart(orderOf(shop, ""), fleetOf({ "10.0.0.1": hostOf([web("2", "a2", "exited")]), "10.0.0.2": hostOf([containerOf(shop, "jobs", "2", "c2", "exited")]) }), undefined)],
  ["upgrade", planUpgrade(orderOf(shop, "2"), new Map(), false, false)],
])("%s can be gone on with after a lost connection, whatever step was at work", (_what, plan) => {
  const stuck = plan.phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps)).filter((step) => step.kind === "run" && step.repeatable !== true && step.doneIf === undefined);
  expect([...new Set(stuck.map(({ title }) => title))]).toEqual([]);
});

describe("error pages", () => {
  const folder = ".kamal/proxy/apps-config/shop/error_pages";
  const paged = settingsOf({ errorPagesPath: "/app/pages" });
  const uploads = (plan: Plan): string[] => steps(plan).flatMap((step) => (step.kind === "upload" && step.path.includes("error_pages") ? [`${step.host}: ${step.path}`] : []));
  const shown = (plan: Plan): string[] => [...new Set(commands(plan).flatMap((text) => /--error-pages=\S+/.exec(text)?.[0] ?? []))];
  const canary = fleetOf({ "10.0.0.1": hostOf([web("2", "a2"), web("1", "a1")], { proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "live", canary: { target: "a20000000000:80", percent: 10 } }] } }), "10.0.0.2": hostOf([]) });

  test.each<[string, Plan, string]>([
    ["upgrade", planUpgrade(orderOf(paged, "2", { content: pages }), new Map(), false, false), "2"],
    ["the promotion of a canary", planCanaryPromote(orderOf(paged, "2", { content: pages }), canary), "2"],
    ["the start of what ran last", planAppStart(orderOf(paged, "", { content: pages }), fleetOf({ "10.0.0.1": hostOf([web("3", "a3", "exited"), web("2", "a2", "exited")]), "10.0.0.2": hostOf([containerOf(shop, "jobs", "3", "c3", "exited")]) }), undefined), "3"],
    ["the start of an older version", planAppStart(orderOf(paged, "1", { content: pages }), fleetOf({ "10.0.0.1": hostOf([web("2", "a2", "exited"), web("1", "a1", "exited")]), "10.0.0.2": hostOf([containerOf(shop, "jobs", "1", "c1", "exited")]) }), "1"), "1"],
  ])("are there before %s switches: the proxy refuses a folder that is missing", (_title, plan, version) => {
    expect(uploads(plan)).toEqual([`10.0.0.1: ${folder}/${version}/502.html`]);
    expect(shown(plan)).toEqual([`--error-pages=/home/kamal-proxy/.apps-config/shop/error_pages/${version}`]);
    expect(titles(plan).indexOf("Write error page 502.html")).toBeLessThan(titles(plan).findIndex((title) => title.startsWith("Switch shop-web to ")));
  });

  test("the promotion of a canary goes back from it by name: an earlier run started it", () => {
    const [step] = steps(planCanaryPromote(orderOf(paged, "2", { content: pages }), canary)).filter(({ title }) => title === "Switch shop-web to shop-web-2");
    expect(step?.kind === "run" ? step.undo?.text.split("\n")[0] : "").toBe("id=$(docker container ls --all --filter 'name=^shop-web-2$' --quiet)");
  });

  test("go only to hosts where kamal-proxy answers for a role, and nowhere without pages", () => {
    const hosts = (settings: typeof shop, content = pages): (string | undefined)[] => errorPagePhases(orderOf(settings, "2", { content }), ["10.0.0.1", "10.0.0.2"]).flatMap((phase) => phase.lanes.map(({ host }) => host));
    expect(hosts(paged)).toEqual(["10.0.0.1"]);
    expect(hosts(paged, { files: new Map(), errorPages: new Map() })).toEqual([]);
    expect(hosts(settingsOf({ roles: [roleOf("web", { proxy: traefikOf() })] }))).toEqual([]);
  });

  test("of older versions go with the switch, in the folder of the destination", () => {
    const old = (destination: string | undefined, content = pages): string[] => oldFileSteps(orderOf(settingsOf({ destination, errorPagesPath: "/app/pages" }), "2", { content }), "10.0.0.1", []).flatMap((step) => (step.kind === "run" ? [step.command.text] : []));
    expect(old("qa")).toEqual(["find .kamal/proxy/apps-config/shop-qa/error_pages -mindepth 1 -maxdepth 1 ! -name 2 -exec rm -rf '{}' +"]);
    expect(old(undefined, { files: new Map(), errorPages: new Map() })).toEqual([]);
  });
});

test("planPrune() counts what MRSK left among ours, where there is any", () => {
  const facts = fleetOf({ "10.0.0.1": hostOf([{ ...containerOf(shop, "web", "76", "a6"), networks: ["bridge"] }]), "10.0.0.2": hostOf([{ ...containerOf(shop, "jobs", "76", "b6"), networks: ["kamal"] }]) });
  const plan = planPrune(orderOf(shop, ""), facts, "containers", undefined);
  expect(plan.phases.flatMap(({ lanes }) => lanes.map(({ host, steps }) => [host, steps.map(({ title }) => title)]))).toEqual([
    ["10.0.0.1", ["Remove old containers of web", "Remove old containers of web that MRSK left", `Record "Pruned containers"`]],
    ["10.0.0.2", ["Remove old containers of jobs", `Record "Pruned containers"`]],
  ]);
});

describe("a container that a release left in place is meant by its version and by that of the release", () => {
  const host = (state: string) => fleetOf({ "10.0.0.1": hostOf([web("1", "a1", state), web("0", "a0", "exited")], { proxy: proxyOf(["shop-web", "a1"]), releases: [{ version: "2", at: "", kept: { web: "1" } }] }) });
  const order = (version: string) => orderOf(shop, version, { filter: { roles: ["web"] } });

  test.each(["1", "2"])("as %s", (version) => {
    expect(titles(planAppStop(order(version), host("running"), version))).toEqual([`Record "Stopped app"`, "Take the route shop-web away", "Stop shop-web-1"]);
    expect(titles(planAppStart(order(version), host("exited"), version))).toContain("Start shop-web-1");
    expect(() => planRemoveVersion(order(version), host("running"))).toThrow(`Cannot remove version ${version}: it is running: shop-web-1 on 10.0.0.1`);
    expect(() => planCanaryStart(order(version), host("running"), 10)).toThrow(`Version ${version} serves already`);
  });

  test("not as another one", () => {
    expect(planAppStop(order("3"), host("running"), "3").notes).toEqual(["Nothing of the app is running."]);
    expect(() => planAppStart(order("3"), host("exited"), "3")).toThrow("There is no container to start of web on 10.0.0.1");
  });

  test("a container with the name of the version comes first", () => {
    const facts = fleetOf({ "10.0.0.1": hostOf([web("1", "a1", "exited"), web("2", "a2", "exited")], { releases: [{ version: "2", at: "", kept: { web: "1" } }] }) });
    expect(titles(planAppStart(order("2"), facts, "2"))).toContain("Start shop-web-2");
  });
});
