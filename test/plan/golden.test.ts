import { test } from "bun:test";
import type { Settings } from "../../lib/config/settings.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planAppStart, planAppStop } from "../../lib/plan/app.ts";
import { planCanaryAbort, planCanaryPromote, planCanaryStart } from "../../lib/plan/canary.ts";
import { planDeploy, type DeployParts } from "../../lib/plan/deploy.ts";
import { planLive, planMaintenance } from "../../lib/plan/maintenance.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { planProxyReboot } from "../../lib/plan/proxy.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { traefikArgs } from "../../lib/remote/proxy/traefik/run.ts";
import { roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../support/settings.ts";
import { expectGolden } from "./golden.ts";

const whole: DeployParts = { proxy: true, prune: true, pull: "always" };
const hook = (): void => undefined;

const shop = settingsOf();
const webOnly = settingsOf({ roles: [roleOf("web")] });
const pair = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })] });
const qa = settingsOf({ destination: "qa", roles: [roleOf("web")] });
const rolling = settingsOf({
  roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2", "10.0.0.3"] }), roleOf("jobs", { hosts: ["10.0.0.2"], cmd: "bin/work" })],
  boot: { limit: 2, waitSeconds: 2, parallelRoles: false }, hooks: { preDeploy: hook, preAppBoot: hook, postAppBoot: hook },
});

/** Version 1 serves on 10.0.0.1, nothing else is there. */
const oneServes = (settings: Settings) => fleetOf({ "10.0.0.1": hostOf([containerOf(settings, "web", "1", "a1")], { proxy: proxyOf(["shop-web", "a1"]) }) });

const behindTraefik = settingsOf({ roles: [roleOf("web", { proxy: traefikOf({ "traefik.http.routers.shop.rule": "Host(`shop.example`)" }) })], traefik: traefikSettingsOf() });
const withCanary = fleetOf({
  "10.0.0.1": hostOf([containerOf(shop, "web", "2", "a2"), containerOf(shop, "web", "1", "a1")], { proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "live", canary: { target: "a20000000000:80", percent: 10 } }] } }),
  "10.0.0.2": hostOf([containerOf(shop, "jobs", "1", "b1")]),
});

const plans: readonly (readonly [name: string, plan: Plan])[] = [
  ["first-deploy", planDeploy(orderOf(shop, "1"), fleetOf({ "10.0.0.1": hostOf([], { network: false }), "10.0.0.2": hostOf([], { network: false }) }), whole)],
  ["second-deploy", planDeploy(orderOf(pair, "2"), fleetOf({
    "10.0.0.1": hostOf([containerOf(pair, "web", "1", "a1")], { proxy: proxyOf(["shop-web", "a1"]) }),
    "10.0.0.2": hostOf([containerOf(pair, "web", "1", "b1")], { proxy: proxyOf(["shop-web", "b1"]) }),
  }), whole)],
  ["same-version-again", planDeploy(orderOf(webOnly, "1"), oneServes(webOnly), whole)],
  ["jobs-without-proxy", planDeploy(orderOf(shop, "2", { filter: { roles: ["jobs"] } }), fleetOf({ "10.0.0.2": hostOf([containerOf(shop, "jobs", "1", "c1")]) }), whole)],
  ["rolling-boot", planDeploy(orderOf(rolling, "2"), fleetOf({
    "10.0.0.1": hostOf([containerOf(rolling, "web", "1", "a1")], { proxy: proxyOf(["shop-web", "a1"]) }),
    "10.0.0.2": hostOf([containerOf(rolling, "web", "1", "b1"), containerOf(rolling, "jobs", "1", "b2")], { proxy: proxyOf(["shop-web", "b1"]) }),
    "10.0.0.3": hostOf([]),
  }), { proxy: false, prune: false, pull: "always" })],
  ["destination", planDeploy(orderOf(qa, "2"), fleetOf({ "10.0.0.1": hostOf([containerOf(qa, "web", "1", "a1")], { proxy: proxyOf(["shop-web-qa", "a1"], ["shop-web", "f0"]) }) }), whole)],
  ["rollback", planDeploy(orderOf(webOnly, "1"), fleetOf({
    "10.0.0.1": hostOf([containerOf(webOnly, "web", "2", "a2"), containerOf(webOnly, "web", "1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a2"]), images: ["acme/shop:2", "acme/shop:1"] }),
  }), { proxy: false, prune: false, pull: "missing" })],
  ["after-an-interrupted-deploy", planDeploy(orderOf(webOnly, "2"), fleetOf({
    "10.0.0.1": hostOf([
      containerOf(webOnly, "web", "2", "a3"),
      containerOf(webOnly, "web", "2_replaced_00112233445566aa", "a2"),
      containerOf(webOnly, "web", "1", "a1"),
    ], { proxy: proxyOf(["shop-web", "a1"]) }),
  }), whole)],
  ["proxy-reboot-rolling", planProxyReboot(orderOf({ ...pair, hooks: { preProxyReboot: hook, postProxyReboot: hook } }, ""), fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.2": hostOf([]) }))],
  ["traefik-second-deploy", planDeploy(orderOf(behindTraefik, "2"), fleetOf({ "10.0.0.1": hostOf([containerOf(behindTraefik, "web", "1", "a1")], { proxy: { ...proxyOf(["shop-web", "a1"]), image: "traefik:v3.7.9", args: traefikArgs({ args: {} }) } }) }), { proxy: false, prune: false, pull: "missing" })],
  ["canary-start", planCanaryStart(orderOf(shop, "2"), oneServes(shop), 10)],
  ["canary-promote", planCanaryPromote(orderOf(shop, "2"), withCanary)],
  ["canary-abort", planCanaryAbort(orderOf(shop, ""), withCanary)],
  ["maintenance", planMaintenance(orderOf(shop, ""), oneServes(shop), "Back at 10:30, it's promised")],
  ["app-stop", planAppStop(orderOf(shop, ""), fleetOf({
    "10.0.0.1": hostOf([containerOf(shop, "web", "2", "a2"), containerOf(shop, "web", "1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a2"]) }),
    "10.0.0.2": hostOf([containerOf(shop, "jobs", "2", "b2")]),
  }), undefined)],
  ["app-stop-of-nobody-knows-what", planAppStop(orderOf(shop, ""), fleetOf({}), undefined)],
  ["app-stop-of-a-version", planAppStop(orderOf(shop, "1"), fleetOf({ "10.0.0.1": hostOf([containerOf(shop, "web", "2", "a2"), containerOf(shop, "web", "1", "a1")], { proxy: proxyOf(["shop-web", "a2"]) }) }), "1")],
  ["maintenance-offline", planMaintenance(orderOf(shop, ""), fleetOf({}), "Back soon", 5)],
  ["live-offline", planLive(orderOf(shop, ""), fleetOf({}))],
  ["app-start", planAppStart(orderOf(shop, ""), fleetOf({
    "10.0.0.1": hostOf([containerOf(shop, "web", "2", "a2", "exited"), containerOf(shop, "web", "1", "a1", "exited")], { proxy: proxyOf() }),
    "10.0.0.2": hostOf([containerOf(shop, "jobs", "2", "b2", "exited")]),
  }), undefined)],
  ["nothing-to-stop", planAppStop(orderOf(webOnly, ""), fleetOf({ "10.0.0.1": hostOf([containerOf(webOnly, "web", "1", "a1", "exited")]) }), undefined)],
];

test.each(plans)("printPlan() shows %s as in its file", (name, plan) => expectGolden(name, printPlan(plan)));
