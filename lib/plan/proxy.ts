import type { HostStep, Phase, Plan } from "../ground/step.ts";
import { DeployError } from "../ground/errors.ts";
import { sh } from "../ground/command.ts";
import { proxyDirectory, rolePrefix, traefikDirectory } from "../ground/names.ts";
import { createNetwork } from "../remote/network.ts";
import { login } from "../remote/registry.ts";
import { unlessOthers } from "../remote/remove.ts";
import { resetBootConfig, storeBootConfig, type BootConfig } from "../remote/proxy/boot-config.ts";
import { driverOn, settingsOn } from "../remote/proxy/drivers.ts";
import type { FleetFacts, HostFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { factsOf, hookPhase, lanes, loginMs, proxyHosts, quickMs, requireDocker } from "./hosts.ts";
import type { Order } from "./order.ts";

/** Makes sure that a host has the shared network and, where it has proxied roles, a running proxy. @param seen what the host has: what it needs no more is left out */
export function proxyBootSteps(order: Order, host: string, proxied: boolean, seen?: HostFacts): readonly HostStep[] {
  const network: HostStep = { kind: "run", title: "Make sure that the network is there", command: createNetwork(), repeatable: true, timeoutMs: quickMs };
  return [...(seen?.network === true ? [] : [network]), ...(proxied ? driverOn(order.settings, host).boot(settingsOn(order.settings, host), seen?.proxy) : [])];
}

/** In what the proxies that run differ from what the config asks for, and what of the config has no meaning for them. */
export function proxyNotes(order: Order, facts: FleetFacts, hosts: readonly string[]): readonly string[] {
  const found = hosts.filter((host) => proxyHosts(order).includes(host)).flatMap((host) => {
    const proxy = factsOf(facts, host).proxy;
    return proxy === undefined ? [] : driverOn(order.settings, host).differences(settingsOn(order.settings, host), proxy).map((text) => ({ host, text }));
  });
  const ignored = [...new Set(order.scope.roles.flatMap(({ proxy }) => (proxy?.kind === "traefik" ? proxy.ignored : [])))];
  const texts = [...new Set(found.map(({ text }) => text))];
  return [
    ...(ignored.length === 0 ? [] : [`Ignored, since it is for Traefik's docker provider: ${ignored.join(", ")}.`]),
    ...texts.map((text) => `${text} (on ${found.filter((one) => one.text === text).map(({ host }) => host).join(", ")}). It is left as it is: \`capstan proxy reboot\` replaces it.`),
  ];
}

/** The proxy's image may come from the registry of the app. */
const loginSteps = ({ settings }: Order, host: string): readonly HostStep[] => {
  const command = driverOn(settings, host).name === "kamal-proxy" ? login(settings.registry) : undefined;
  return command === undefined ? [] : [{ kind: "run", title: "Log in to the registry", command, repeatable: true, timeoutMs: loginMs, onCancel: "abandon", hint: "Check registry.username and registry.password, and that the host reaches the registry." }];
};

/** `proxy boot`. */
export function planProxyBoot(order: Order, facts: FleetFacts): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  return { notes: proxyNotes(order, facts, hosts), phases: [{ title: "Boot proxy", lanes: lanes(hosts, (host) => [...loginSteps(order, host), ...proxyBootSteps(order, host, true), auditStep(order, undefined, "Booted proxy")]) }] };
}

const afterReboot = "Each proxy runs in its old container or in its new one, with its routes, unless its replacement is what failed: `capstan proxy details` tells.";

/**
 * `proxy reboot`, which an upgrade of its image is too: host after host, each only when the one before routes again.
 * A host has no proxy between stop and start.
 */
export function planProxyReboot(order: Order, facts: FleetFacts): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  return {
    notes: [`Each host refuses connections between the stop and the start of its proxy, usually about a second.${hosts.length > 1 ? " One host after the other: the rest go on serving." : " There is no other host to serve meanwhile."} Routes are kept.`],
    phases: hosts.flatMap((host, i): Phase[] => {
      const suffix = hosts.length === 1 ? "" : `, host ${i + 1} of ${hosts.length}`;
      return [
        ...hookPhase(order, "preProxyReboot", [host], suffix),
        { title: `Reboot proxy${suffix}`, lanes: lanes([host], () => [...loginSteps(order, host), ...driverOn(order.settings, host).reboot(settingsOn(order.settings, host)), auditStep(order, undefined, "Rebooted proxy")]) },
        ...hookPhase(order, "postProxyReboot", [host], suffix),
      ];
    }),
    afterFailure: { takenBack: afterReboot, committed: afterReboot },
  };
}

export type ProxyAction = "start" | "stop" | "restart" | "remove" | "remove-forced";

/**
 * `proxy start | stop | restart | remove`.
 * @throws DeployError (usage) when it is to be removed and other services use it
 */
export function planProxy(order: Order, facts: FleetFacts, action: ProxyAction): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  if (action === "remove") refuseWhenShared(order, facts, hosts, "Add --force to remove it all the same: they lose their traffic.");
  const steps = (host: string): readonly HostStep[] => {
    const driver = driverOn(order.settings, host);
    return { start: driver.start(order.settings), stop: driver.stop(), restart: [...driver.stop(), ...driver.start(order.settings)], remove: driver.remove(), "remove-forced": driver.remove() }[action];
  };
  const [title, done] = ({ start: ["Start proxy", "Started proxy"], stop: ["Stop proxy", "Stopped proxy"], restart: ["Restart proxy", "Restarted proxy"], remove: ["Remove proxy", "Removed proxy"], "remove-forced": ["Remove proxy", "Removed proxy"] } as const)[action];
  const present = hosts.filter((host) => action === "start" || !facts.has(host) || factsOf(facts, host).proxy !== undefined);
  return {
    notes: present.length === 0 ? ["There is no proxy on any host."] : [],
    phases: [{ title, lanes: lanes(present, (host) => [...steps(host), auditStep(order, undefined, done)]) }],
  };
}

/** Routes of other services at the proxy of a host. */
export function foreignRoutes({ settings }: Order, { proxy }: HostFacts): readonly string[] {
  const own = [...settings.roles.map((role) => rolePrefix(settings, role.name)), ...settings.accessories.map(({ service }) => service)];
  return (proxy?.routes ?? []).map(({ name }) => name).filter((name) => !own.includes(name));
}

function refuseWhenShared(order: Order, facts: FleetFacts, hosts: readonly string[], hint: string): void {
  const others = hosts.flatMap((host) => foreignRoutes(order, factsOf(facts, host)).map((route) => `${route} on ${host}`));
  if (others.length === 0) return;
  throw new DeployError("usage", `Other services use the proxy: ${others.join(", ")}`, { state: ["Nothing was changed."], hint });
}

/** Stores on each host how kamal-proxy is run, or takes that away again. */
export function planBootConfig(order: Order, facts: FleetFacts, config: BootConfig | undefined): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  return {
    notes: ["Deprecated: say it in proxy.run of the config. It counts from the next `capstan proxy reboot` on, and only while the config has no proxy.run."],
    phases: [{ title: "Store how the proxy is run", lanes: lanes(hosts, () => (config === undefined ? resetBootConfig() : storeBootConfig(config))) }],
  };
}

/** The single steps of `proxy remove`. */
export type ProxyPart = "container" | "image" | "directory";

/**
 * One step of `proxy remove`.
 * @throws DeployError (usage) when the folder is to be removed and other services use the proxy: it has their certificates
 */
export function planProxyPart(order: Order, facts: FleetFacts, part: ProxyPart): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  if (part === "directory") refuseWhenShared(order, facts, hosts, "Their routes and certificates are in its folder. Remove those services first.");
  const steps = (host: string): readonly HostStep[] => {
    const traefik = driverOn(order.settings, host).name === "traefik";
    const label = `label=org.opencontainers.image.title=${traefik ? "Traefik" : "kamal-proxy"}`;
    return [{ kind: "run", ...{
      container: { title: "Remove the proxy's stopped container", command: sh`docker container prune --force --filter ${label}` },
      image: { title: "Remove the proxy's image", command: sh`docker image prune --all --force --filter ${label}` },
      directory: { title: "Remove the proxy's folder", command: unlessOthers(order.settings, sh`rm -rf ${traefik ? traefikDirectory : proxyDirectory}`) },
    }[part] }];
  };
  return { notes: [], phases: [{ title: "Remove proxy", lanes: lanes(hosts, steps) }] };
}
