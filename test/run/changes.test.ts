import { expect, test } from "bun:test";
import { isSecret, Secret } from "../../lib/ground/secret.ts";
import type { RouteFile } from "../../lib/remote/proxy/traefik/file.ts";
import { planChange, type Change } from "../../lib/run/change.ts";
import { changes } from "../../lib/run/changes.ts";
import { accessoryFactsOf, containerOf, fleetOf, hostOf, proxyOf } from "../support/facts.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../support/settings.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const closed = (name: string): Secret => new Secret(name, () => undefined);
const env = { clear: {}, secret: { API_KEY: closed("API_KEY") } };
const registry = { server: undefined, username: "bot", password: closed("REGISTRY_PASSWORD") };
const tls = { certificate: closed("CERT"), privateKey: closed("KEY") };
const search = accessoryOf("search", { hosts: ["10.0.0.1"], registry, env, proxy: { ...defaultProxy, hosts: ["s.example"], tls } });
const builder = { ...settingsOf().builder, context: ".", secrets: { NPM_TOKEN: closed("NPM_TOKEN") } };

const kamal = settingsOf({ registry, builder, accessories: [search], roles: [roleOf("web", { env, proxy: { ...defaultProxy, hosts: ["a.example"], tls } }), roleOf("jobs", { env })] });
const plain = settingsOf({ registry, builder, accessories: [{ ...search, proxy: undefined }], roles: [roleOf("web", { env }), roleOf("jobs", { env })] });
const traefik = settingsOf({ registry, builder, accessories: [{ ...search, proxy: undefined }], traefik: traefikSettingsOf({ env }), roles: [roleOf("web", { env, proxy: traefikOf() })] });

const containers = [containerOf(kamal, "web", "1", "a1"), containerOf(kamal, "web", "0", "a0", "exited"), containerOf(kamal, "jobs", "1", "b1")];
const file: RouteFile = { name: "shop-web", mode: "live", main: { id: "a10000000000", port: "80" }, route: traefikOf().route };
const host = (canary: boolean) => hostOf(containers, {
  accessories: [accessoryFactsOf(search)], images: ["acme/shop:0", "acme/shop:1", "acme/shop:2"],
  proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "live", file, ...(canary ? { canary: { target: "a00000000000:80", percent: 5 } } : {}) }] },
});
const sides = { local: true, remote: true };

const rows = (settings: typeof kamal): Record<keyof typeof changes, readonly Change[]> => ({
  deploy: [changes.deploy({})], redeploy: [changes.redeploy({})], setup: [changes.setup({})], rollback: [changes.rollback("0")],
  buildPush: [changes.buildPush({})], buildPull: [changes.buildPull()], buildDeliver: [changes.buildDeliver({})], buildDev: [changes.buildDev({})], buildCreate: [changes.buildCreate()], buildRemove: [changes.buildRemove()],
  appBoot: [changes.appBoot()], appRemove: [changes.appRemove()], appPart: [changes.appPart("containers"), changes.appPart("images"), changes.appPart("directories")], appRemoveVersion: [changes.appRemoveVersion("0")],
  appStart: [changes.appStart()], appStop: [changes.appStop()], stopStale: [changes.stopStale()], prune: [changes.prune("all", undefined)], healthcheck: [changes.healthcheck()], remove: [changes.remove()], upgrade: [changes.upgrade(false, true, false)],
  accessoryBoot: [changes.accessoryBoot("all")], accessoryReboot: [changes.accessoryReboot("all", false)], accessoryAction: [changes.accessoryAction("all", "start"), changes.accessoryAction("all", "stop"), changes.accessoryAction("all", "restart")],
  accessoryRemove: [changes.accessoryRemove("all", ["container", "image", "directory"])], accessoryFiles: [changes.accessoryFiles("all", "files"), changes.accessoryFiles("all", "directories"), changes.accessoryFiles("all", "image")],
  maintenance: [changes.maintenance("soon")], live: [changes.live()],
  canaryStart: [changes.canaryStart("0", 5)], canarySet: [changes.canarySet(7)], canaryPromote: [changes.canaryPromote()], canaryAbort: [changes.canaryAbort()],
  proxyBoot: [changes.proxyBoot()], proxyReboot: [changes.proxyReboot()], proxy: [changes.proxy("start"), changes.proxy("stop"), changes.proxy("restart"), changes.proxy("remove")],
  proxyPart: [changes.proxyPart("container"), changes.proxyPart("image"), changes.proxyPart("directory")], bootConfig: [changes.bootConfig(undefined)],
  registrySetup: [changes.registrySetup(settings, sides)], registryRemove: [changes.registryRemove(settings, sides)], registryLogin: [changes.registryLogin(settings, sides)], registryLogout: [changes.registryLogout(settings, sides)], bootstrap: [changes.bootstrap()],
});

/** The secrets that carrying out a plan would open. */
function opened(value: unknown): readonly string[] {
  if (isSecret(value)) {
    try {
      value.reveal();
      return [];
    } catch {
      return [value.name];
    }
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(opened) : [];
}

test.each([["kamal-proxy with certificates of one's own", kamal], ["kamal-proxy without", plain], ["Traefik", traefik]] as const)("behind %s, a change that opens secrets loads them first", async (_title, settings) => {
  const found = await Promise.all(Object.entries(rows(settings)).flatMap(([name, list]) => list.map(async (change, i) => {
    const isCanary = /^canary(Set|Promote|Abort)$/.test(name);
    // Folders go only once nothing of the app runs.
    const on = name === "appPart" ? hostOf([]) : host(isCanary);
    const offline = { facts: fleetOf({ "10.0.0.1": on, "10.0.0.2": on }) };
    const secrets = typeof change.secrets === "function" ? change.secrets(settings) : change.secrets;
    const names = opened((await planChange(fakeWorld({}).world, taskOf(settings, { version: undefined, ...(change.version === "built" ? { version: "2" } : {}) }), change, offline)).phases);
    return secrets ? [] : names.map((secret) => `${name} ${i}: ${secret}`);
  })));
  expect(found.flat()).toEqual([]);
});

test("a start reads no secrets where no certificate is one's own", () => {
  const asks = [changes.appStart(), changes.accessoryAction("all", "start")].map(({ secrets }) => typeof secrets === "function" && [kamal, plain, traefik].map(secrets));
  expect(asks).toEqual([[true, false, false], [true, false, false]]);
  expect(changes.accessoryAction("all", "stop").secrets).toBe(false);
});
