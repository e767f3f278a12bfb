import { expect, test } from "bun:test";
import type { Accessory, Settings } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planUpgrade } from "../../lib/plan/upgrade.ts";
import type { AccessoryFacts, Container, FleetFacts } from "../../lib/remote/facts.ts";
import { Home } from "../support/shell.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

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
    ["Look for a lock", "10.0.0.1"], ["Pull image", "10.0.0.1 10.0.0.2"], ["Prepare hosts", "10.0.0.1 10.0.0.2"], ["Boot app", "10.0.0.1 10.0.0.2"], ["Change proxies", "10.0.0.1 10.0.0.2"],
    ["Retire old containers", "10.0.0.1 10.0.0.2"], ["Reboot accessories", "10.0.0.1"],
  ]);
  expect(lanesOf(planOf(old, shop, true)).map(([title]) => title).slice(1, 9)).toEqual(["Pull image", "Prepare hosts", "Boot app", "Change proxies"].flatMap((title) => `${title} on 10.0.0.1`).concat(["Pull image", "Prepare hosts", "Boot app", "Change proxies"].map((title) => `${title} on 10.0.0.2`)));
});

test("hosts and accessories without anything of MRSK are left as they are", () => {
  const half = fleetOf({
    "10.0.0.1": hostOf([inside(containerOf(shop, "web", "1", "a")), outside(containerOf(shop, "web", "0", "b", "exited"))], { proxy: proxyOf(["shop-web", "a"]), ...cacheIn("kamal") }),
    "10.0.0.2": hostOf([outside(containerOf(shop, "web", "1", "c", "exited"))], cacheIn("bridge")),
  });
  const plan = planOf(half);
  expect(plan.notes[0]).toBe("Left as it is: 10.0.0.1, where nothing of the app is from MRSK or Kamal 1.");
  expect(lanesOf(plan)).toEqual([
    ["Look for a lock", "10.0.0.1"], ["Pull image", "10.0.0.2"], ["Prepare hosts", "10.0.0.2"], ["Boot app", "10.0.0.2"], ["Change proxies", "10.0.0.2"],
    ["Retire old containers", "10.0.0.1 10.0.0.2"], ["Reboot accessories", "10.0.0.2"],
  ]);
  expect(plan.phases[5]?.lanes[0]?.steps.map(({ title }) => title)).toEqual(["Remove the old Traefik"]);
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
