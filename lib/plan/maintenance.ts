import type { Role } from "../config/settings.ts";
import { DeployError } from "../ground/errors.ts";
import { rolePrefix } from "../ground/names.ts";
import type { HostStep, Plan } from "../ground/step.ts";
import type { FleetFacts, Route } from "../remote/facts.ts";
import type { ProxyDriver } from "../remote/proxy/driver.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { auditStep } from "./audit.ts";
import { routeOf } from "./current.ts";
import { factsOf, lanes, proxyHosts, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";

/** A role that the proxy of a host routes to. */
export interface Routed {
  readonly host: string;
  readonly role: Role;
  readonly route: Route;
  readonly driver: ProxyDriver;
}

/**
 * Every route of the roles in scope.
 * @param assumed how routes stand on hosts that nothing is known of; undefined: they are left out
 * @throws DeployError (missing) that names the hosts where a role has none
 */
export function routesIn(order: Order, facts: FleetFacts, assumed?: Route["mode"]): readonly Routed[] {
  const hosts = proxyHosts(order);
  requireDocker(facts, hosts);
  const places = hosts.flatMap((host) => rolesOn(order, host).flatMap((role) => (role.proxy === undefined ? [] : [{ host, role, driver: driverFor(role.proxy.kind), route: routeOf(order.settings, role, factsOf(facts, host).proxy) }])));
  const missing = places.filter(({ route, host }) => route === undefined && facts.has(host));
  if (missing.length > 0) {
    throw new DeployError("missing", `The proxy has no route to ${missing.map(({ role, host }) => `${role.name} on ${host}`).join(", ")}`, { state: ["Nothing was changed."], hint: "Deploy first. `capstan proxy details` lists the routes." });
  }
  return places.flatMap(({ route: known, ...place }) => {
    const route = known ?? (assumed === undefined ? undefined : { name: rolePrefix(order.settings, place.role.name), targets: [], mode: assumed });
    return route === undefined ? [] : [{ ...place, route }];
  });
}

/** A lane for each host with steps for each of its routes. */
export const routeLanes = (order: Order, routes: readonly Routed[], steps: (routed: Routed) => readonly HostStep[]) => lanes(proxyHosts(order).filter((host) => routes.some((one) => one.host === host)), (host) => routes.filter((one) => one.host === host).flatMap(steps));

/**
 * `app maintenance`: 503 and a page with a message for every request, while the containers go on running.
 * @param drainSeconds how long requests in flight may take; undefined: as the config says
 */
export function planMaintenance(order: Order, facts: FleetFacts, message: string, drainSeconds?: number): Plan {
  const settings = drainSeconds === undefined ? order.settings : { ...order.settings, drainTimeoutSeconds: drainSeconds };
  const steps = ({ driver, role, route }: Routed): HostStep[] => [auditStep(order, role.name, "Put into maintenance"), ...driver.maintain(settings, role, route, message)];
  return { notes: [], phases: [{ title: "Begin maintenance", lanes: routeLanes(order, routesIn(order, facts, "live"), steps) }] };
}

/** `app live`: ends the maintenance. */
export function planLive(order: Order, facts: FleetFacts): Plan {
  const routes = routesIn(order, facts, "maintenance").filter(({ route }) => route.mode !== "live");
  const steps = ({ driver, role, route }: Routed): HostStep[] => [auditStep(order, role.name, "Put live"), ...driver.live(order.settings, role, route)];
  return { notes: routes.length === 0 ? ["Nothing is in maintenance."] : [], phases: [{ title: "End maintenance", lanes: routeLanes(order, routes, steps) }] };
}
