import { test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planAccessoryAction, planAccessoryBoot, planAccessoryReboot, planAccessoryRemove } from "../../lib/plan/accessory.ts";
import { planDeploy } from "../../lib/plan/deploy.ts";
import { planHealthcheck } from "../../lib/plan/healthcheck.ts";
import { fileKey, type LocalContent } from "../../lib/plan/order.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { planPrune } from "../../lib/plan/prune.ts";
import { planAppRemove, planRemove } from "../../lib/plan/remove.ts";
import { planStopStale } from "../../lib/plan/stale.ts";
import { planUpgrade } from "../../lib/plan/upgrade.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf, accessoryFactsOf } from "../support/facts.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf } from "../support/settings.ts";
import { expectGolden } from "./golden.ts";

const own = { owner: undefined, options: undefined };
const cache = accessoryOf("cache", { publish: "6379:6379", env: { clear: { MODE: "x" }, secret: { REDIS_PW: new Secret("REDIS_PW", "r1") } }, directories: [{ hostPath: "shop-cache/data", remote: "/data", mode: undefined, ...own }], options: { memory: "256m" } });
const db = accessoryOf("db", {
  image: "mysql:8", volumes: ["extra:/extra"],
  files: [
    { source: { path: "/app/config/my.cnf" }, hostPath: "shop-db/etc/mysql/my.cnf", remote: "/etc/mysql/my.cnf", mode: "755", owner: undefined, options: "ro" },
    { source: { path: "/app/k.pem" }, hostPath: "shop-db/etc/k.pem", remote: "/etc/k.pem", mode: "0600", owner: "999:999", options: undefined },
  ],
  directories: [{ hostPath: "/var/db", remote: "/var/lib/mysql", mode: undefined, ...own }, { hostPath: "shop-db/my logs", remote: "/var/log/mysql", mode: "0750", owner: "999:999", options: "z" }],
});
/** On the hosts of a role, behind the proxy there, answering every name. */
const search = accessoryOf("search", { image: "meili:1", hosts: ["10.0.0.1", "10.0.0.2"], proxy: { ...defaultProxy, pathPrefixes: ["/search"], appPort: 7700 } });
const box = accessoryOf("box", { service: "toolbox", image: "reg.other/acme/box:1", registry: { server: "reg.other", username: "u", password: new Secret("P", "p") }, network: "back", cmd: "sleep 99", labels: { app: "x" }, options: { restart: "no", init: true } });

const content: LocalContent = { files: new Map([[fileKey("db", "10.0.0.9", "/etc/mysql/my.cnf"), { content: "W215c3FsZF0=", encoding: "base64" }], [fileKey("db", "10.0.0.9", "/etc/k.pem"), { content: "a2V5", encoding: "base64" }]]), errorPages: new Map() };
const pages: LocalContent = { files: new Map(), errorPages: new Map([["502.html", { content: "PGgxPg==", encoding: "base64" }], ["404.html", { content: "PGgxPg==", encoding: "base64" }]]) };

const shop = settingsOf({ accessories: [cache, db, box] });
const searching = settingsOf({ accessories: [search] });
const sharing = settingsOf({ accessories: [cache, accessoryOf("queue"), search] });
const withFiles = settingsOf({ errorPagesPath: "/app/pages", roles: [roleOf("web", { assets: { path: "/srv/assets", options: undefined } })] });
const there = fleetOf({
  "10.0.0.1": hostOf([containerOf(sharing, "web", "2", "a2"), containerOf(sharing, "web", "1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a2"], ["shop-search", "a9"]), accessories: [accessoryFactsOf(search)] }),
  "10.0.0.2": hostOf([containerOf(sharing, "jobs", "2", "b2")], { proxy: proxyOf(["blog-web", "f0"]), accessories: [accessoryFactsOf(search, "exited")] }),
  "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(cache)] }),
});
/** A host where MRSK runs the app: its containers are not in our network. */
const ofMrsk = (id: string) => hostOf([{ ...containerOf(withFiles, "web", "77", id), networks: ["bridge"] }]);

const plans: readonly (readonly [name: string, plan: Plan])[] = [
  ["accessory-boot", planAccessoryBoot(orderOf(shop, "", { content }), fleetOf({ "10.0.0.9": hostOf([], { network: false, accessories: [accessoryFactsOf(cache, "exited")] }) }), "all")],
  ["accessory-boot-behind-proxy", planAccessoryBoot(orderOf(searching, ""), fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf() }), "10.0.0.2": hostOf([]) }), "search")],
  ["accessory-reboot", planAccessoryReboot(orderOf(shop, ""), fleetOf({ "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(cache)] }) }), "cache", false)],
  ["accessory-reboot-rolling", planAccessoryReboot(orderOf(searching, ""), fleetOf({ "10.0.0.1": hostOf([], { proxy: proxyOf(), accessories: [accessoryFactsOf(search)] }), "10.0.0.2": hostOf([], { proxy: proxyOf() }) }), "search", true)],
  ["accessory-restart", planAccessoryAction(orderOf(shop, ""), fleetOf({ "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(cache)] }) }), "cache", "restart")],
  ["accessory-remove", planAccessoryRemove(orderOf(sharing, ""), there, "all", ["container", "image", "directory"])],
  ["app-remove-beside-accessories", planAppRemove(orderOf(sharing, "", { filter: { hosts: ["10.0.0.1"] } }), there)],
  ["remove", planRemove(orderOf(sharing, ""), there)],
  ["stop-stale", planStopStale(orderOf(settingsOf(), ""), fleetOf({
    "10.0.0.1": hostOf([containerOf(settingsOf(), "web", "77", "a7"), containerOf(settingsOf(), "web", "75", "a5"), containerOf(settingsOf(), "web", "74_replaced_0011223344556677", "a4"), containerOf(settingsOf(), "web", "73", "a3", "exited")]),
  }))],
  ["prune", planPrune(orderOf(settingsOf({ retainContainers: 3 }), ""), new Map(), "all", undefined)],
  ["healthcheck", planHealthcheck(orderOf(settingsOf({ destination: "qa" }), "77"), fleetOf({ "10.0.0.1": hostOf([], { images: ["acme/shop:77"] }) }))],
  ["deploy-with-assets-and-error-pages", planDeploy(orderOf(withFiles, "2", { content: pages }), fleetOf({ "10.0.0.1": hostOf([containerOf(withFiles, "web", "1_replaced_00112233445566aa", "a1")], { proxy: proxyOf(["shop-web", "a1"]), images: ["acme/shop:2"] }) }), { proxy: false, prune: false, pull: "missing" })],
  ["upgrade-rolling", planUpgrade(orderOf(settingsOf({ ...withFiles, accessories: [cache], roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })] }), "77", { content: pages }), fleetOf({ "10.0.0.1": ofMrsk("a1"), "10.0.0.2": ofMrsk("b1"), "10.0.0.9": hostOf([], { accessories: [{ ...accessoryFactsOf(cache), networks: ["bridge"] }] }) }), true, true)],
];

test.each(plans)("printPlan() shows %s as in its file", (name, plan) => expectGolden(name, printPlan(plan)));
