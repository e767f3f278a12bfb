import { describe, expect, test } from "bun:test";
import type { Accessory } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planAccessoryRemove } from "../../lib/plan/accessory.ts";
import { planRemove } from "../../lib/plan/remove.ts";
import { accessoryFactsOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { defaultProxy, roleOf, settingsOf } from "../support/settings.ts";

const redis: Accessory = {
  name: "redis", service: "shop-redis", image: "redis:8", registry: { server: undefined, username: undefined, password: undefined }, hosts: ["10.0.0.9"], cmd: undefined, publish: undefined, labels: {}, options: {},
  env: { clear: {}, secret: {} }, files: [], directories: [{ hostPath: "/srv/redis", remote: "/data", mode: undefined, owner: undefined, options: undefined }, { hostPath: "shop-redis/log", remote: "/log", mode: undefined, owner: undefined, options: undefined }],
  volumes: ["redis-data:/more", "/srv/more:/most"], network: "kamal", logging: { driver: undefined, options: {} }, proxy: undefined,
};
const shop = settingsOf({ roles: [roleOf("web", { volumes: ["media:/media", "redis-data:/peek"] })], accessories: [redis] });
const facts = fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.9": hostOf([], { accessories: [{ id: "r1", service: "shop-redis", state: "running", status: "Up 2 hours", image: "redis:7" }] }) });
const titles = (plan: Plan, host: string): readonly string[] => plan.phases.flatMap(({ lanes }) => lanes.filter((lane) => lane.host === host).flatMap(({ steps }) => steps.map(({ title }) => title)));

test("remove takes the volumes that the config names, on hosts of accessories only the service's folders too, and says what stays", () => {
  const plan = planRemove(orderOf(shop, ""), facts);
  expect(titles(plan, "10.0.0.1").slice(-5)).toEqual([`Record "Removed everything"`, "Remove the volume media", "Remove the volume redis-data", "Remove the network", "Remove the files of the service"]);
  expect(titles(plan, "10.0.0.9").slice(-6)).toEqual([`Record "Removed everything"`, "Remove the volume redis-data", "Remove the network", "Remove the folders of the app", "Remove the files of the service", "Remove the folder shop-redis"]);
  expect(plan.notes).toEqual(["Left as it is: /srv/redis. Folders with an absolute path are removed by nobody but you."]);
});

test("accessory remove takes volumes without a name only, and only as a whole", () => {
  const commands = (plan: Plan): string => JSON.stringify(plan.phases);
  expect(commands(planAccessoryRemove(orderOf(shop, ""), facts, "redis", ["container", "image", "directory"]))).toContain("docker volume rm --force");
  expect(commands(planAccessoryRemove(orderOf(shop, ""), new Map(), "redis", ["container"]))).not.toContain("docker volume rm");
  expect(commands(planAccessoryRemove(orderOf(shop, ""), facts, "redis", ["container", "image", "directory"]))).not.toContain("redis-data");
});

test.each<[string, ReturnType<typeof planRemove>]>([
  ["remove", planRemove(orderOf(shop, ""), facts)], ["accessory remove", planAccessoryRemove(orderOf(shop, ""), facts, "redis", ["container", "image", "directory"])],
])("%s removes the folder of an accessory last: it may belong to another user", (_name, plan) => {
  const steps = titles(plan, "10.0.0.9");
  expect(steps.filter((title) => title.startsWith("Remove the folder shop-redis"))).toEqual(["Remove the folder shop-redis"]);
  expect(steps.at(-1)).toBe("Remove the folder shop-redis");
});

describe("remove -r on a host that other roles of the service share", () => {
  const here = { hosts: ["10.0.0.1"] };
  const crowded = settingsOf({
    roles: [roleOf("web", { ...here, volumes: ["media:/media"] }), roleOf("jobs", { hosts: ["10.0.0.1", "10.0.0.2"], proxy: defaultProxy, volumes: ["media:/media", "redis-data:/peek", "spool:/spool"] })],
    accessories: [{ ...redis, ...here, proxy: defaultProxy }],
  });
  const host = hostOf([], { proxy: proxyOf(["shop-web", "a1"], ["shop-jobs", "b1"]), accessories: [accessoryFactsOf(redis)] });
  const plan = (roles: readonly string[]): Plan => planRemove(orderOf(crowded, "", { filter: { roles } }), fleetOf({ "10.0.0.1": host, "10.0.0.2": host }));

  test("leaves proxy, accessories, their volumes, network and audit log, and says so", () => {
    expect(titles(plan(["jobs"]), "10.0.0.1")).toEqual([
      "Take the route shop-jobs away", "Remove the containers of jobs", "Remove the containers of jobs that MRSK left", "Remove what `app exec` left of jobs", `Record "Removed all containers"`, "Remove the volume spool",
    ]);
    expect(plan(["jobs"]).notes).toEqual(["Only jobs goes from 10.0.0.1: what web, redis may need stays, such as proxy, accessories and images."]);
  });
  test("takes all of a host where no other role is", () => expect(titles(plan(["jobs"]), "10.0.0.2")).toEqual(expect.arrayContaining(["Remove the proxy", "Remove the network", "Remove the files of the service", "Remove the volume media", "Remove the volume redis-data"])));
  test("takes all where every role is named", () => {
    expect(titles(plan(["jobs", "web"]), "10.0.0.1")).toEqual(expect.arrayContaining(["Remove the proxy", "Stop shop-redis", "Remove the volume redis-data", "Remove the files of the service"]));
    expect(plan(["jobs", "web"]).notes).toEqual(["Left as it is: /srv/redis. Folders with an absolute path are removed by nobody but you."]);
  });
});
