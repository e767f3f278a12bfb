import type { Accessory } from "../config/settings.ts";
import { sh } from "../ground/command.ts";
import { network, runDirectory, serviceWithDestination } from "../ground/names.ts";
import type { HostStep, Phase, Plan, RunStep } from "../ground/step.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { everyAccessory, planAccessoryReboot } from "./accessory.ts";
import { bootSteps, placeOf, startedTarget, type Place } from "./boot.ts";
import { containersOfRole, isOutside, isUp } from "./current.ts";
import { retireSteps } from "./deploy.ts";
import { errorPagePhases } from "./files.ts";
import { appHosts, factsOf, lanes, proxyHosts, requireDocker, rolesOn } from "./hosts.ts";
import { refuseOldTraefik, removeOldTraefik, stopOldTraefik } from "./old-traefik.ts";
import type { Order } from "./order.ts";
import { proxyBootSteps } from "./proxy.ts";
import { pullPhases } from "./pull.ts";

/** Locks of MRSK and Kamal 1 on the primary host; Kamal's of our name is ours too. */
function refuseOldLock({ settings }: Order): RunStep {
  const locks = ["mrsk_lock", `mrsk_lock-${settings.service}`, `${runDirectory}/locks/${serviceWithDestination(settings)}`];
  return {
    kind: "run", title: "Make sure that nobody deploys with MRSK or Kamal 1", repeatable: true,
    command: sh`for dir in ${locks}; do
[ -d "$dir" ] || continue
echo "The lock $dir is held:" >&2
base64 -d "$dir/details" >&2 2> /dev/null
exit 1
done`,
    hint: "Wait for that deploy. When there is none, a failed one left the lock: remove its folder on the host.",
  };
}

/** What serves on the host, or served last, is from Kamal 1 or MRSK. True where nobody looked. */
function isOld(order: Order, facts: FleetFacts, host: string): boolean {
  if (!facts.has(host)) return true;
  return rolesOn(order, host).some((role) => {
    const own = containersOfRole(role, factsOf(facts, host).containers);
    const up = own.filter(isUp);
    return (up.length > 0 ? up : own.slice(0, 1)).some((container) => isOutside(container, network));
  });
}

/** The accessories that are from Kamal 1 or MRSK, with the hosts where they are. */
function oldAccessories({ scope }: Order, facts: FleetFacts): readonly Accessory[] {
  return scope.accessories.flatMap((accessory) => {
    const hosts = accessory.hosts.filter((host) => !facts.has(host) || factsOf(facts, host).accessories.some((one) => one.service === accessory.service && isOutside(one, accessory.network)));
    return hosts.length === 0 ? [] : [{ ...accessory, hosts }];
  });
}

/**
 * `upgrade`: from Kamal 1 or MRSK. The app starts in the new network and gets healthy beside what serves; then the proxies change places.
 * Hosts and accessories without anything of those are left as they are, so that an upgrade that stopped half way can be run again.
 * @param accessories bring them into the network too
 * @param force take the old Traefik's place also where other services need it
 */
export function planUpgrade(order: Order, facts: FleetFacts, rolling: boolean, accessories: boolean, force = false): Plan {
  const all = appHosts(order);
  requireDocker(facts, all);
  const hosts = all.filter((host) => isOld(order, facts, host));
  const proxied = hosts.filter((host) => proxyHosts(order).includes(host));
  const left = all.filter((host) => !hosts.includes(host));
  const groups = rolling ? hosts.map((host) => [host]) : [hosts];
  const places = hosts.flatMap((host) => rolesOn(order, host).map((role): Place => placeOf(order, role, host, factsOf(facts, host))));
  const on = (host: string): readonly Place[] => places.filter((place) => place.host === host);
  const old = accessories ? oldAccessories(order, facts) : [];
  const rest = old.length === 0 ? [] : planAccessoryReboot({ ...order, scope: { ...order.scope, accessories: old } }, facts, everyAccessory, rolling).phases;
  return {
    notes: [
      ...(left.length === 0 ? [] : [`Left as it is: ${left.join(", ")}, where nothing of the app is from MRSK or Kamal 1.`]),
      ...(hosts.length === 0 ? [] : [`Each host refuses connections for a second or two while the proxies change places.${rolling && hosts.length > 1 ? " One host after the other: the rest go on serving." : ""}`]),
    ],
    phases: [
      ...(hosts.length + old.length === 0 ? [] : [{ title: "Look for a lock", lanes: [{ host: order.settings.primaryHost, steps: [refuseOldLock(order)] }] }]),
      ...(proxied.length === 0 ? [] : [{ title: "Look at the old proxies", lanes: lanes(proxied, () => refuseOldTraefik(order, force)) }]),
      ...errorPagePhases(order, hosts),
      ...(hosts.length === 0 ? [] : groups.flatMap((group) => groupPhases(order, group, on, groups.length > 1 ? ` on ${group.join(", ")}` : "", facts))),
      { title: "Retire old containers", committed: true, lanes: lanes(all, (host) => [...(hosts.includes(host) ? retireSteps(order, host, on(host)) : []), removeOldTraefik]) },
      ...rest,
    ],
    afterFailure: { takenBack: "Every host serves as before, through its old proxy.", committed: `Version ${order.version} serves behind the new proxy; what came after it failed.` },
  };
}

function groupPhases(order: Order, hosts: readonly string[], on: (host: string) => readonly Place[], suffix: string, facts: FleetFacts): readonly Phase[] {
  const proxied = hosts.filter((host) => proxyHosts(order).includes(host));
  const change = (host: string): readonly HostStep[] => [
    ...stopOldTraefik(order, host, factsOf(facts, host).proxy),
    ...proxyBootSteps(order, host, true),
    ...on(host).flatMap((place): readonly HostStep[] => (place.role.proxy === undefined ? [] : driverFor(place.role.proxy.kind).switch(order.settings, place.role, startedTarget(order, place), { from: undefined, route: undefined }))),
  ];
  return [
    ...pullPhases(order, facts, hosts, { when: "missing", suffix }),
    { title: `Prepare hosts${suffix}`, lanes: lanes(hosts, (host) => proxyBootSteps(order, host, false)) },
    { title: `Boot app${suffix}`, lanes: lanes(hosts, (host) => on(host).flatMap((place) => bootSteps(order, place))) },
    { title: `Change proxies${suffix}`, lanes: lanes(proxied, change) },
  ];
}
