import type { HostStep, Plan } from "../ground/step.ts";
import type { Container, FleetFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { canaryContainer, containersOfRole, currentContainer, isUp, routeOf } from "./current.ts";
import { appHosts, factsOf, lanes, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";
import { stopStep } from "./stop.ts";

/** A container that runs and does not serve. */
export interface Stale {
  readonly host: string;
  readonly role: string;
  readonly container: Container;
}

/** Containers that run though another version serves. A canary is none. */
export function staleContainers(order: Pick<Order, "settings" | "scope">, facts: FleetFacts): readonly Stale[] {
  return order.scope.roles.flatMap((role) => role.hosts.flatMap((host): Stale[] => {
    const { containers, proxy } = factsOf(facts, host);
    const current = currentContainer(order.settings, role, containers, proxy);
    const route = routeOf(order.settings, role, proxy);
    const canary = route === undefined ? undefined : canaryContainer(containers, route);
    return containersOfRole(role, containers).filter((one) => isUp(one) && one.id !== current?.id && one.id !== canary?.id).map((container) => ({ host, role: role.name, container }));
  }));
}

/** `app stale-containers --stop`. */
export function planStopStale(order: Order, facts: FleetFacts): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const stale = staleContainers(order, facts);
  const steps = (host: string): HostStep[] => rolesOn(order, host).flatMap((role) => stale.filter((one) => one.host === host && one.role === role.name).flatMap(({ container }): HostStep[] => [
    auditStep(order, role.name, `Stopped stale version ${container.version}`),
    stopStep(role, container.name),
  ]));
  return { notes: facts.size === 0 ? ["Only the hosts know which containers are stale."] : stale.length === 0 ? ["There are no stale containers."] : [], phases: [{ title: "Stop stale containers", lanes: lanes(hosts, steps) }] };
}
