import type { HostStep, Phase, Plan } from "../ground/step.ts";
import { DeployError } from "../ground/errors.ts";
import { rolePrefix } from "../ground/names.ts";
import { createNetwork } from "../remote/network.ts";
import { driverOn } from "../remote/proxy/drivers.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { factsOf, hookPhase, lanes, proxyHosts, requireDocker } from "./hosts.ts";
import type { Order } from "./order.ts";

/** Makes sure that a host has the shared network and, where it has proxied roles, a running proxy. */
export function proxyBootSteps(order: Order, host: string, proxied: boolean): readonly HostStep[] {
  return [{ kind: "run", title: "Make sure that the network is there", command: createNetwork() }, ...(proxied ? driverOn(order.settings, host).boot(order.settings) : [])];
}

/** In what the proxies that run differ from what the config asks for, and what of the config has no meaning for them. */
export function proxyNotes(order: Order, facts: FleetFacts, hosts: readonly string[]): readonly string[] {
  const found = hosts.filter((host) => proxyHosts(order).includes(host)).flatMap((host) => {
    const proxy = factsOf(facts, host).proxy;
    return proxy === undefined ? [] : driverOn(order.settings, host).differences(order.settings, proxy).map((text) => ({ host, text }));
  });
  const ignored = [...new Set(order.scope.roles.flatMap(({ proxy }) => (proxy?.kind === "traefik" ? proxy.ignored : [])))];
  const texts = [...new Set(found.map(({ text }) => text))];
  return [
    ...(ignored.length === 0 ? [] : [`Ignored, since it is for Traefik's docker provider: ${ignored.join(", ")}.`]),
    ...texts.map((text) => `${text} (on ${found.filter((one) => one.text === text).map(({ host }) => host).join(", ")}). It is left as it is: \`capstan proxy reboot\` replaces it.`),
  ];
}

/** `proxy boot`. */
export function planProxyBoot(order: Order, facts: FleetFacts): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  return { notes: proxyNotes(order, facts, hosts), phases: [{ title: "Boot proxy", lanes: lanes(hosts, (host) => [...proxyBootSteps(order, host, true), auditStep(order, undefined, "Booted proxy")]) }] };
}

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
        { title: `Reboot proxy${suffix}`, lanes: lanes([host], () => [...driverOn(order.settings, host).reboot(order.settings), auditStep(order, undefined, "Rebooted proxy")]) },
        ...hookPhase(order, "postProxyReboot", [host], suffix),
      ];
    }),
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
  if (action === "remove") refuseWhenShared(order, facts, hosts);
  const steps = (host: string): readonly HostStep[] => {
    const driver = driverOn(order.settings, host);
    return { start: driver.start(order.settings), stop: driver.stop(), restart: [...driver.stop(), ...driver.start(order.settings)], remove: driver.remove(), "remove-forced": driver.remove() }[action];
  };
  const [title, done] = ({ start: ["Start proxy", "Started proxy"], stop: ["Stop proxy", "Stopped proxy"], restart: ["Restart proxy", "Restarted proxy"], remove: ["Remove proxy", "Removed proxy"], "remove-forced": ["Remove proxy", "Removed proxy"] } as const)[action];
  const present = hosts.filter((host) => action === "start" || factsOf(facts, host).proxy !== undefined);
  return {
    notes: present.length === 0 ? ["There is no proxy on any host."] : [],
    phases: [{ title, lanes: lanes(present, (host) => [...steps(host), auditStep(order, undefined, done)]) }],
  };
}

function refuseWhenShared(order: Order, facts: FleetFacts, hosts: readonly string[]): void {
  const own = order.settings.roles.map((role) => rolePrefix(order.settings, role.name));
  const others = hosts.flatMap((host) => (factsOf(facts, host).proxy?.routes ?? []).filter((route) => !own.includes(route.name)).map((route) => `${route.name} on ${host}`));
  if (others.length === 0) return;
  throw new DeployError("usage", `Other services use the proxy: ${others.join(", ")}`, { state: ["Nothing was changed."], hint: "Add --force to remove it all the same: they lose their traffic." });
}
