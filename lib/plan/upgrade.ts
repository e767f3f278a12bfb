import { sh, type Command } from "../ground/command.ts";
import { proxyContainer, traefikContainer } from "../ground/names.ts";
import type { HostStep, Phase, Plan, RunStep } from "../ground/step.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { driverFor, driverOn } from "../remote/proxy/drivers.ts";
import { haveImage } from "../remote/proxy/run-flags.ts";
import { isOurTraefik } from "../remote/proxy/traefik/run.ts";
import { everyAccessory, planAccessoryReboot } from "./accessory.ts";
import { bootSteps, placeOf, type Place } from "./boot.ts";
import { retireSteps } from "./deploy.ts";
import { errorPagePhases } from "./files.ts";
import { appHosts, factsOf, lanes, proxyHosts, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";
import { proxyBootSteps } from "./proxy.ts";
import { pullPhase } from "./pull.ts";

/** Name of the old proxy until all is well. */
const before = `${traefikContainer}-before-upgrade`;
const exists = (name: string): Command => sh`docker container inspect ${name} > /dev/null 2>&1`;
/** There is a Traefik that is not ours. */
const isOld = sh`${exists(traefikContainer)} && ! ${isOurTraefik()}`;

/** The old Traefik gives its ports to the new proxy; on failure it gets them back. */
function stopOld(kind: "kamal-proxy" | "traefik"): RunStep {
  const newOne = kind === "traefik" ? traefikContainer : proxyContainer;
  return {
    kind: "run", title: "Stop the old Traefik",
    command: sh`! { ${isOld}; } || { docker container stop ${traefikContainer} && docker rename ${traefikContainer} ${before}; }`,
    undo: sh`${exists(before)} || exit 0
docker rm --force ${newOne} > /dev/null 2>&1
docker rename ${before} ${traefikContainer} && docker container start ${traefikContainer}`,
    undoTitle: "Start the old Traefik again",
  };
}

const removeOld: RunStep = {
  kind: "run", title: "Remove the old Traefik",
  command: sh`! ${exists(before)} || docker container rm ${before}
docker image prune --all --force --filter label=org.opencontainers.image.title=Traefik`,
};

/**
 * `upgrade`: from Kamal 1 or MRSK. The app starts in the new network and gets healthy beside what serves; then the proxies change places.
 * @param accessories bring them into the network too
 */
export function planUpgrade(order: Order, facts: FleetFacts, rolling: boolean, accessories: boolean): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const groups = rolling ? hosts.map((host) => [host]) : [hosts];
  const places = hosts.flatMap((host) => rolesOn(order, host).map((role): Place => placeOf(order, role, host, factsOf(facts, host))));
  const on = (host: string): readonly Place[] => places.filter((place) => place.host === host);
  const rest = accessories && order.scope.accessories.length > 0 ? planAccessoryReboot(order, facts, everyAccessory, rolling).phases : [];
  return {
    notes: [`Each host refuses connections for a second or two while the proxies change places.${rolling && hosts.length > 1 ? " One host after the other: the rest go on serving." : ""}`],
    phases: [
      ...errorPagePhases(order, hosts),
      ...groups.flatMap((group) => groupPhases(order, group, on, groups.length > 1 ? ` on ${group.join(", ")}` : "", facts)),
      { title: "Retire old containers", committed: true, lanes: lanes(hosts, (host) => [...retireSteps(order, host, on(host)), removeOld]) },
      ...rest,
    ],
    afterFailure: { takenBack: "Every host serves as before, through its old proxy.", committed: `Version ${order.version} serves behind the new proxy; what came after it failed.` },
  };
}

function groupPhases(order: Order, hosts: readonly string[], on: (host: string) => readonly Place[], suffix: string, facts: FleetFacts): readonly Phase[] {
  const proxied = hosts.filter((host) => proxyHosts(order).includes(host));
  const change = (host: string): readonly HostStep[] => {
    const { name } = driverOn(order.settings, host);
    return [
      ...(name === "kamal-proxy" ? [{ kind: "run" as const, title: "Have the proxy's image", command: haveImage(order.settings.proxyRun) }] : []),
      stopOld(name),
      ...proxyBootSteps(order, host, true),
      ...on(host).flatMap(({ role, name: container }): readonly HostStep[] => (role.proxy === undefined ? [] : driverFor(role.proxy.kind).switch(order.settings, role, { container, version: order.version }, { from: undefined, route: undefined }))),
    ];
  };
  return [
    pullPhase(order, facts, hosts, { when: "missing", title: `Pull image${suffix}` }),
    { title: `Prepare hosts${suffix}`, lanes: lanes(hosts, (host) => proxyBootSteps(order, host, false)) },
    { title: `Boot app${suffix}`, lanes: lanes(hosts, (host) => on(host).flatMap((place) => bootSteps(order, place))) },
    { title: `Change proxies${suffix}`, lanes: lanes(proxied, change) },
  ];
}
