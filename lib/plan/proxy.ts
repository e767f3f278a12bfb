import type { HostStep, Phase, Plan } from "../ground/step.ts";
import { DeployError } from "../ground/errors.ts";
import { rolePrefix } from "../ground/names.ts";
import { createNetwork } from "../remote/network.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { factsOf, hookPhase, lanes, proxyHosts, requireDocker } from "./hosts.ts";
import type { Order } from "./order.ts";

/** Makes sure that a host has the shared network and, where it has proxied roles, a running proxy. */
export function proxyBootSteps(order: Order, proxied: boolean): readonly HostStep[] {
  return [{ kind: "run", title: "Make sure that the network is there", command: createNetwork() }, ...(proxied ? driverFor(order.settings).boot(order.settings) : [])];
}

/** `proxy boot`. */
export function planProxyBoot(order: Order, facts: FleetFacts): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  return { notes: [], phases: [{ title: "Boot proxy", lanes: lanes(hosts, () => [...proxyBootSteps(order, true), auditStep(order, undefined, "Booted proxy")]) }] };
}

/** `proxy reboot`: all hosts at once, or one after the other. A host has no proxy between stop and start. */
export function planProxyReboot(order: Order, facts: FleetFacts, rolling: boolean): Plan {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  const driver = driverFor(order.settings);
  const groups = rolling ? hosts.map((host) => [host]) : [hosts];
  return {
    notes: ["Each host refuses connections between the stop and the start of its proxy, usually about a second. Routes are kept."],
    phases: groups.flatMap((group, i): Phase[] => {
      const suffix = groups.length === 1 ? "" : `, host ${i + 1} of ${groups.length}`;
      return [
        ...hookPhase(order, "preProxyReboot", group, suffix),
        { title: `Reboot proxy${suffix}`, lanes: lanes(group, () => [...driver.reboot(order.settings), auditStep(order, undefined, "Rebooted proxy")]) },
        ...hookPhase(order, "postProxyReboot", group, suffix),
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
  const driver = driverFor(order.settings);
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  if (action === "remove") refuseWhenShared(order, facts, hosts);
  const steps = { start: driver.start(), stop: driver.stop(), restart: [...driver.stop(), ...driver.start()], remove: driver.remove(), "remove-forced": driver.remove() }[action];
  const [title, done] = ({ start: ["Start proxy", "Started proxy"], stop: ["Stop proxy", "Stopped proxy"], restart: ["Restart proxy", "Restarted proxy"], remove: ["Remove proxy", "Removed proxy"], "remove-forced": ["Remove proxy", "Removed proxy"] } as const)[action];
  const present = hosts.filter((host) => action === "start" || factsOf(facts, host).proxy !== undefined);
  return {
    notes: present.length === 0 ? ["There is no proxy on any host."] : [],
    phases: [{ title, lanes: lanes(present, () => [...steps, auditStep(order, undefined, done)]) }],
  };
}

function refuseWhenShared(order: Order, facts: FleetFacts, hosts: readonly string[]): void {
  const own = order.settings.roles.map((role) => rolePrefix(order.settings, role.name));
  const others = hosts.flatMap((host) => (factsOf(facts, host).proxy?.routes ?? []).filter((route) => !own.includes(route.name)).map((route) => `${route.name} on ${host}`));
  if (others.length === 0) return;
  throw new DeployError("usage", `Other services use the proxy: ${others.join(", ")}`, { state: ["Nothing was changed."], hint: "Add --force to remove it all the same: they lose their traffic." });
}
