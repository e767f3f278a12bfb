import { DeployError } from "../ground/errors.ts";
import { containerName } from "../ground/names.ts";
import type { HostStep, Plan } from "../ground/step.ts";
import { startContainer } from "../remote/container.ts";
import { stopRunning } from "../remote/current.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { auditStep } from "./audit.ts";
import { waitStep } from "./boot.ts";
import { containerOfVersion, containersOfRole, currentContainer, isOfVersion, isUp, plainVersion, routeOf } from "./current.ts";
import { assetSteps, errorPagePhases } from "./files.ts";
import { appHosts, factsOf, lanes, requireDocker, rolesOn, withoutUndo } from "./hosts.ts";
import { forgetStep } from "./made-with.ts";
import type { Order } from "./order.ts";
import { stopMs, stopStep } from "./stop.ts";

/**
 * `app start`: starts the containers of a version, waits until they are ready and sends the traffic to them.
 * @param version undefined: on each host what ran last there
 * @throws DeployError (missing) that names the hosts without such a container
 */
export function planAppStart(order: Order, facts: FleetFacts, version: string | undefined): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const places = hosts.flatMap((host) => rolesOn(order, host).map((role) => {
    const fact = factsOf(facts, host);
    const own = containersOfRole(role, fact.containers);
    const current = currentContainer(order.settings, role, own, fact.proxy);
    const wanted = version === undefined ? (current ?? own.find((one) => one.version === plainVersion(one.version))) : containerOfVersion(order.settings, role, version, own, fact.releases);
    return { host, role, wanted, current };
  }));
  const missing = places.filter((place) => place.wanted === undefined && facts.has(place.host));
  if (missing.length > 0) {
    throw new DeployError("missing", `There is no container to start of ${missing.map(({ role, host }) => `${role.name} on ${host}`).join(", ")}`, {
      state: ["Nothing was changed."], hint: version === undefined ? "Deploy first." : `Look at \`capstan app containers\`, or bring it back with \`capstan rollback ${version}\`.`,
    });
  }
  const on = (host: string) => places.filter((place) => place.host === host);
  const versionOf = ({ wanted }: (typeof places)[number]): string => (wanted === undefined ? order.version : plainVersion(wanted.version));
  const steps = (host: string): HostStep[] => on(host).flatMap((place): HostStep[] => {
    const { role, wanted } = place;
    const name = wanted?.name ?? containerName(order.settings, role.name, version ?? order.version);
    return [
      auditStep(order, role.name, `Started app version ${versionOf(place)}`),
      // Those of an older version may be gone by now: docker would mount an empty folder in their place.
      ...(versionOf(place) === "" ? [] : assetSteps({ ...order, version: versionOf(place) }, place)),
      { kind: "run", role: role.name, title: `Start ${name}`, command: startContainer(name), repeatable: true },
      waitStep(order, role, name),
      ...(role.proxy === undefined ? [] : [forgetStep(order, role)]),
      ...(role.proxy === undefined ? [] : driverFor(role.proxy.kind).switch(order.settings, role, { container: name, ...(versionOf(place) === "" ? {} : { version: versionOf(place) }) }, { from: undefined, route: routeOf(order.settings, role, factsOf(facts, host).proxy) }).map(withoutUndo)),
    ];
  });
  const proxied = (host: string) => on(host).filter(({ role }) => role.proxy !== undefined).map(versionOf).filter((one) => one !== "");
  return { notes: [], phases: [...errorPagePhases(order, hosts, proxied), { title: "Start app", lanes: lanes(hosts, steps) }] };
}

/**
 * `app stop`: takes the route away, then stops everything of each role that runs.
 * @param version only containers of this one; the route goes with the one that it leads to. Undefined: all
 */
export function planAppStop(order: Order, facts: FleetFacts, version: string | undefined): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const steps = (host: string): HostStep[] => rolesOn(order, host).flatMap((role): HostStep[] => {
    const { containers, proxy, releases } = factsOf(facts, host);
    const running = containersOfRole(role, containers).filter((one) => isUp(one) && (version === undefined || isOfVersion(one, version, releases)));
    const stays = version !== undefined && facts.has(host) && !running.some((one) => one === currentContainer(order.settings, role, containers, proxy));
    const isRouted = routeOf(order.settings, role, proxy) !== undefined && !stays;
    if (facts.has(host) && running.length === 0 && !isRouted) return [];
    const unknown: HostStep = version === undefined
      ? { kind: "run", role: role.name, title: "Stop the container that serves", command: stopRunning(order.settings, role), timeoutMs: stopMs(role) }
      : stopStep(role, containerName(order.settings, role.name, version));
    return [
      auditStep(order, role.name, "Stopped app"),
      ...(role.proxy === undefined || stays ? [] : [driverFor(role.proxy.kind).unroute(order.settings, role)]),
      ...(facts.has(host) ? running.map(({ name }) => stopStep(role, name)) : [unknown]),
    ];
  });
  const phases = [{ title: "Stop app", lanes: lanes(hosts, steps) }];
  return { notes: phases[0]?.lanes.every((lane) => lane.steps.length === 0) ? ["Nothing of the app is running."] : [], phases };
}
