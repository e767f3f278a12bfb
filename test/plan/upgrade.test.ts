import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Accessory, Settings } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planUpgrade } from "../../lib/plan/upgrade.ts";
import type { AccessoryFacts, Container, FleetFacts } from "../../lib/remote/facts.ts";
import { Home } from "../support/shell.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../support/settings.ts";

const cache: Accessory = {
  name: "cache", service: "shop-cache", image: "redis:7", registry: { server: undefined, username: undefined, password: undefined }, hosts: ["10.0.0.1", "10.0.0.2"], cmd: undefined, publish: undefined,
  labels: {}, options: {}, env: { clear: {}, secret: {} }, files: [], directories: [], volumes: [], network: "kamal", logging: { driver: undefined, options: {} }, proxy: undefined,
};
const shop = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })], accessories: [cache] });
const inside = (container: Container): Container => ({ ...container, networks: ["kamal"] });
const outside = (container: Container): Container => ({ ...container, networks: ["bridge"] });
const cacheIn = (...networks: string[]): { accessories: AccessoryFacts[] } => ({ accessories: [{ id: "cac", service: cache.service, state: "running", status: "Up", image: cache.image, networks }] });

const planOf = (facts: FleetFacts, settings: Settings = shop, rolling = false): Plan => planUpgrade(orderOf(settings, "1"), facts, rolling, true);
/** Hosts of each phase. */
const lanesOf = ({ phases }: Plan): [string, string][] => phases.map(({ title, lanes }) => [title, lanes.map(({ host }) => host ?? "").join(" ")]);

test("all hosts of MRSK are upgraded, the accessories after the app", () => {
  const old = fleetOf({ "10.0.0.1": hostOf([outside(containerOf(shop, "web", "1", "a"))], cacheIn("bridge")), "10.0.0.2": hostOf([outside(containerOf(shop, "web", "1", "b"))]) });
  expect(lanesOf(planOf(old))).toEqual([
    ["Look for a lock", "10.0.0.1"], ["Look at the old proxies", "10.0.0.1 10.0.0.2"], ["Pull image", "10.0.0.1 10.0.0.2"], ["Prepare hosts", "10.0.0.1 10.0.0.2"], ["Boot app", "10.0.0.1 10.0.0.2"], ["Change proxies", "10.0.0.1 10.0.0.2"],
    ["Retire old containers", "10.0.0.1 10.0.0.2"], ["Reboot accessories", "10.0.0.1"],
  ]);
  expect(lanesOf(planOf(old, shop, true)).map(([title]) => title).slice(2, 10)).toEqual(["Pull image", "Prepare hosts", "Boot app", "Change proxies"].flatMap((title) => `${title} on 10.0.0.1`).concat(["Pull image", "Prepare hosts", "Boot app", "Change proxies"].map((title) => `${title} on 10.0.0.2`)));
});

test("hosts and accessories without anything of MRSK are left as they are", () => {
  const half = fleetOf({
    "10.0.0.1": hostOf([inside(containerOf(shop, "web", "1", "a")), outside(containerOf(shop, "web", "0", "b", "exited"))], { proxy: proxyOf(["shop-web", "a"]), ...cacheIn("kamal") }),
    "10.0.0.2": hostOf([outside(containerOf(shop, "web", "1", "c", "exited"))], cacheIn("bridge")),
  });
  const plan = planOf(half);
  expect(plan.notes[0]).toBe("Left as it is: 10.0.0.1, where nothing of the app is from MRSK or Kamal 1.");
  expect(lanesOf(plan)).toEqual([
    ["Look for a lock", "10.0.0.1"], ["Look at the old proxies", "10.0.0.2"], ["Pull image", "10.0.0.2"], ["Prepare hosts", "10.0.0.2"], ["Boot app", "10.0.0.2"], ["Change proxies", "10.0.0.2"],
    ["Retire old containers", "10.0.0.1 10.0.0.2"], ["Reboot accessories", "10.0.0.2"],
  ]);
  expect(plan.phases[6]?.lanes[0]?.steps.map(({ title }) => title)).toEqual(["Remove the old Traefik"]);
});

test("nothing is left to do", () => {
  const done = fleetOf({ "10.0.0.1": hostOf([inside(containerOf(shop, "web", "1", "a"))], cacheIn("kamal")), "10.0.0.2": hostOf([]) });
  const plan = planOf(done);
  expect(plan.notes).toEqual(["Left as it is: 10.0.0.1, 10.0.0.2, where nothing of the app is from MRSK or Kamal 1."]);
  expect(lanesOf(plan)).toEqual([["Retire old containers", "10.0.0.1 10.0.0.2"]]);
});

test("where nobody looked everything is planned", () => expect(lanesOf(planOf(new Map())).map(([title]) => title)).toContain("Change proxies"));

test.each([["mrsk_lock", true], ["mrsk_lock-shop", true], [".kamal/locks/shop", true], ["mrsk_lock-other", false]])("a lock in %s: refused is %p", async (folder, isRefused) => {
  const step = planOf(new Map()).phases[0]?.lanes[0]?.steps[0];
  if (step?.kind !== "run") throw new Error("no step");
  using home = new Home();
  await home.run(`mkdir -p ${folder} && echo ${Buffer.from("Locked by: bo").toString("base64")} > ${folder}/details`);
  expect(await home.run(step.command.text)).toEqual({ status: isRefused ? 1 : 0, stdout: "", stderr: isRefused ? `The lock ${folder} is held:\nLocked by: bo` : "" });
});

/** The step of that title on the first host. */
function stepOf(plan: Plan, title: string) {
  const step = plan.phases.flatMap(({ lanes }) => lanes[0]?.steps ?? []).find((one) => one.title === title);
  if (step?.kind !== "run") throw new Error(`no step ${title}`);
  return step;
}

/**
 * A host with containers: a file each, with the word "up" while it runs, and "old" where it is a Traefik that is not ours. Commands of Docker that change something are kept.
 * @param inspected what the look at the labels prints
 */
function hostWith(containers: Readonly<Record<string, string>>, { inspected = "", fails = "none" }: { readonly inspected?: string; readonly fails?: string } = {}): Home {
  const home = new Home();
  home.program("docker", `
case "$*" in ${fails}*) exit 1 ;; esac
case "$1 $2 $3" in
"container inspect --format") case "$*" in *Destination*) grep -q old "is-$5" || echo /etc/traefik/dynamic ;; *) cat inspected ;; esac ;;
"container inspect "*) [ -f "is-$3" ] ;;
"ps --quiet "*) echo a ;;
"container ls "*) grep -l runs is-* || true ;;
"rename "*) echo "$*" >> ran; [ ! -f "is-$3" ] && mv "is-$2" "is-$3" ;;
*) echo "$*" >> ran ;;
esac`);
  for (const [name, text] of Object.entries(containers)) writeFileSync(join(home.path, `is-${name}`), text);
  writeFileSync(join(home.path, "inspected"), inspected);
  return home;
}
const ran = async (home: Home): Promise<string[]> => (await home.run("cat ran 2> /dev/null")).stdout.split("\n").filter(Boolean);

describe("a Traefik that other services use", () => {
  const title = "Make sure that no other service needs the old Traefik";
  const qa = settingsOf({ destination: "qa", accessories: [cache] });
  test.each<[string, Settings, string, string]>([
    ["the app's own containers", shop, "xx|shop||shop-web-1\n", ""],
    ["its own accessories", shop, "x|shop-cache||shop-cache\n", ""],
    ["what Traefik has no labels for", shop, "|blog||blog-web-1\n", ""],
    ["Traefik itself", shop, "x|||traefik\n", ""],
    ["another service", shop, "xx|shop||shop-web-1\nx|blog||blog-web-1\n", "blog-web-1"],
    ["what is no service", shop, "x|||grafana\n|blog||b\nx|a b||c\n", "grafana c"],
    ["another destination", shop, "x|shop|qa|shop-web-qa-1\n", "shop-web-qa-1"],
    ["the app without a destination", qa, "x|shop||shop-web-1\nx|shop|qa|shop-web-qa-1\n", "shop-web-1"],
  ])("is looked for, and finds %s", async (_title, settings, inspected, others) => {
    using home = hostWith({ traefik: "old" }, { inspected });
    const facts = new Map();
    expect(await home.run(stepOf(planOf(facts, settings), title).command.text)).toEqual({ status: others === "" ? 0 : 1, stdout: "", stderr: others === "" ? "" : `Other services are behind the old Traefik: ${others}\n` });
  });

  test.each(["", "new"])("is no matter where it is not the old one: %p", async (text) => {
    using home = hostWith(text === "" ? {} : { traefik: text }, { inspected: "x|blog||blog-web-1\n" });
    expect((await home.run(stepOf(planOf(new Map()), title).command.text)).status).toBe(0);
  });

  test("is a matter before anything is changed anywhere, but not with --force", () => {
    expect(planOf(new Map(), shop, true).phases.slice(0, 3).map((phase) => phase.title)).toEqual(["Look for a lock", "Look at the old proxies", "Pull image on 10.0.0.1"]);
    const forced = planUpgrade(orderOf(shop, "1"), new Map(), false, true, true);
    expect(forced.phases[1]?.lanes.map(({ host, steps }) => [host, steps.map((step) => step.title)])).toEqual([["10.0.0.1", ["Make sure that the old Traefik can make place"]], ["10.0.0.2", ["Make sure that the old Traefik can make place"]]]);
  });
});

describe("the old Traefik makes place", () => {
  const behindTraefik = settingsOf({ roles: [roleOf("web", { proxy: traefikOf() })], traefik: traefikSettingsOf() });
  const leftover = "traefik-before-upgrade";
  const mrsk = (proxy?: ReturnType<typeof proxyOf>) => fleetOf({ "10.0.0.1": hostOf([outside(containerOf(shop, "web", "1", "a"))], { proxy }) });
  const back = ["rename traefik-before-upgrade traefik", "container start traefik"];

  test.each<[string, Record<string, string>, number]>([["a name that is free", { traefik: "old" }, 0], ["one that is left over, and an old Traefik", { traefik: "old", [leftover]: "" }, 1], ["one of an upgrade that stopped half way", { [leftover]: "" }, 0], ["one beside ours", { traefik: "new", [leftover]: "" }, 0]])("unless its name is taken: %s", async (_title, containers, status) => {
    using home = hostWith(containers);
    expect(await home.run(stepOf(planOf(new Map()), "Make sure that the old Traefik can make place").command.text)).toEqual({ status, stdout: "", stderr: status === 0 ? "" : "A container traefik-before-upgrade is there already.\n" });
  });

  test.each<[string, Settings, string]>([["kamal-proxy", shop, "basecamp/kamal-proxy"], ["Traefik", behindTraefik, "image=traefik:"]])("once the image of %s is there", (_title, settings, image) => {
    const steps = planOf(new Map(), settings).phases.find(({ title }) => title === "Change proxies")?.lanes[0]?.steps ?? [];
    expect(steps.slice(0, 2).map(({ title }) => title)).toEqual(["Have the proxy's image", "Stop the old Traefik"]);
    expect(stepOf(planOf(new Map(), settings), "Have the proxy's image").command.text).toContain(image);
  });

  test.each<[string, Parameters<typeof hostWith>, readonly string[], readonly string[]]>([
    ["stopped", [{ traefik: "old" }], ["rename traefik traefik-before-upgrade", "container stop traefik-before-upgrade"], ["rm --force kamal-proxy", ...back]],
    ["renamed and not stopped", [{ traefik: "old" }, { fails: "'container stop traefik'" }], ["rename traefik traefik-before-upgrade"], ["rm --force kamal-proxy", ...back]],
    ["left as it is since its name was taken", [{ traefik: "old", [leftover]: "" }], ["rename traefik traefik-before-upgrade"], []],
    ["gone before", [{}], [], []],
  ])("and comes back when it was %s", async (_title, [containers, more], done, undone) => {
    using home = hostWith(containers, more);
    const stop = stepOf(planOf(mrsk()), "Stop the old Traefik");
    await home.run(stop.command.text);
    expect(await ran(home)).toEqual([...done]);
    expect((await home.run(`rm -f ran; ${stop.undo}`)).status).toBe(0);
    expect(await ran(home)).toEqual([...undone]);
  });

  test.each<[string, Record<string, string>, number]>([
    ["it was renamed and stopped", { [leftover]: "old" }, 0], ["it was renamed and runs still", { [leftover]: "old, runs" }, 1], ["it was not begun", { traefik: "old, runs" }, 1],
  ])("which a lost connection leaves unknown: %s", async (_title, containers, status) => {
    using home = hostWith(containers);
    expect((await home.run(stepOf(planOf(mrsk()), "Stop the old Traefik").doneIf?.text ?? "exit 99")).status).toBe(status);
  });

  test.each<[string, ReturnType<typeof proxyOf> | undefined, Settings, readonly string[]]>([
    ["new", undefined, shop, ["rm --force kamal-proxy"]],
    ["one that ran beside it", proxyOf(), shop, []],
    ["one that was stopped", { ...proxyOf(), running: false }, shop, ["container stop kamal-proxy"]],
    ["ours of the same name", proxyOf(), behindTraefik, ["rm --force traefik"]],
  ])("and takes its ports back from the new proxy: %s", async (_title, proxy, settings, done) => {
    using home = hostWith({ [leftover]: "old" });
    expect((await home.run(stepOf(planOf(mrsk(proxy), settings), "Stop the old Traefik").undo?.text ?? "")).status).toBe(0);
    expect(await ran(home)).toEqual([...done, ...back]);
  });
});
