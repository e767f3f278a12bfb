import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";
import { DeployError } from "../ground/errors.ts";
import type { HostStep, Plan } from "../ground/step.ts";
import { removeReplaced } from "../remote/container.ts";
import type { Container, FleetFacts } from "../remote/facts.ts";
import type { Target } from "../remote/proxy/driver.ts";
import { auditStep } from "./audit.ts";
import { bootSteps, placeOf, startedTarget, switchSteps, type Place } from "./boot.ts";
import { canaryContainer, isOfVersion, isUp, plainVersion, routeOf } from "./current.ts";
import { releasedSteps, retireSteps } from "./deploy.ts";
import { errorPagePhases } from "./files.ts";
import { appHosts, factsOf, lanes, requireDocker, rolesOn, withoutUndo } from "./hosts.ts";
import { routeLanes, routesIn, type Routed } from "./maintenance.ts";
import { forgetStep } from "./made-with.ts";
import type { Order } from "./order.ts";
import { pullPhases } from "./pull.ts";
import { stopStep } from "./stop.ts";

/**
 * `canary start`: the version is started beside the one that serves and gets a share of the requests.
 * @throws DeployError (usage) when there is a canary already, or the version serves already
 */
export function planCanaryStart(order: Order, facts: FleetFacts, percent: number): Plan {
  const routes = routesIn(order, facts);
  const hosts = [...new Set(routes.map(({ host }) => host))];
  const going = routes.filter(({ route }) => route.canary !== undefined);
  if (going.length > 0) throw new DeployError("usage", `There is a canary already: ${named(going)}`, { state: ["Nothing was changed."], hint: "`capstan canary set --percent N` changes its share, `capstan canary abort` ends it, `capstan canary promote` gives it all requests." });
  const places = new Map(routes.map((routed) => [routed, placeOf(order, routed.role, routed.host, factsOf(facts, routed.host))]));
  const same = routes.filter((routed) => {
    const current = places.get(routed)?.current;
    return current !== undefined && isOfVersion(current, order.version, factsOf(facts, routed.host).releases);
  });
  if (same.length > 0) throw new DeployError("usage", `Version ${order.version} serves already: ${named(same)}`, { state: ["Nothing was changed."], hint: "Name another version." });
  const boot = (routed: Routed): readonly HostStep[] => bootSteps(order, must(places.get(routed)));
  const share = (routed: Routed): HostStep[] => [...shareSteps(order, routed, startedTarget(order, must(places.get(routed))), percent), auditStep(order, routed.role.name, `Started canary ${order.version} with ${percent} %`)];
  const tidy = (routed: Routed): HostStep[] => {
    const displaced = places.get(routed)?.displaced?.to;
    return displaced === undefined ? [] : [{ kind: "run", role: routed.role.name, title: `Remove ${displaced}`, command: removeReplaced(displaced) }];
  };
  return {
    notes: [...new Set(routes.map(({ driver }) => driver.canaryShare))],
    phases: [
      ...pullPhases(order, facts, hosts, { when: "missing" }),
      { title: "Boot canary", lanes: routeLanes(order, routes, boot) },
      { title: "Send its share", lanes: routeLanes(order, routes, share) },
      { title: "Tidy up", committed: true, lanes: routeLanes(order, routes, tidy) },
    ],
    afterFailure: { takenBack: "There is no canary: every host serves what it served before.", committed: `The canary ${order.version} has its share on every host.` },
  };
}

/** `canary set`. @throws DeployError (missing) when there is no canary */
export function planCanarySet(order: Order, facts: FleetFacts, percent: number): Plan {
  const routes = withCanary(order, facts);
  const steps = (routed: Routed): HostStep[] => [...shareSteps(order, routed, canaryTarget(routed), percent).map(withoutUndo), auditStep(order, routed.role.name, `Set canary to ${percent} %`)];
  return { notes: [...new Set(routes.map(({ driver }) => driver.canaryShare))], phases: [{ title: "Set the share of the canary", lanes: routeLanes(order, routes, steps) }] };
}

/** `canary abort`: the version before gets all requests again, the canary is drained and stopped. @throws DeployError (missing) when there is none */
export function planCanaryAbort(order: Order, facts: FleetFacts): Plan {
  const routes = withCanary(order, facts);
  const end = ({ driver, role, route }: Routed): HostStep[] => [...driver.endCanary(order.settings, role, route), auditStep(order, role.name, "Aborted canary")];
  const stop = ({ role, route, host }: Routed): HostStep[] => stopSteps(canaryContainer(factsOf(facts, host).containers, route), role);
  return { notes: [], phases: [{ title: "End the canary", lanes: routeLanes(order, routes, end) }, { title: "Stop the canary", committed: true, lanes: routeLanes(order, routes, stop) }] };
}

/**
 * `canary promote`: the canary gets all requests, the version before is drained and stopped. Roles behind no proxy go to
 * the version too.
 * @throws DeployError (missing) when there is no canary
 */
export function planCanaryPromote(order: Order, facts: FleetFacts): Plan {
  const routes = withCanary(order, facts);
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const promoted = routes.map((routed) => ({ routed, place: promotedPlace(order, routed, facts) }));
  const others = hosts.flatMap((host) => rolesOn(order, host).filter((role) => role.proxy === undefined).map((role) => placeOf(order, role, host, factsOf(facts, host))));
  const places: readonly Place[] = [...promoted.map(({ place }) => place), ...others];
  const booting = hosts.filter((host) => others.some((place) => place.host === host));
  return {
    notes: [],
    phases: [
      ...pullPhases(order, facts, booting, { when: "missing" }),
      ...errorPagePhases(order, hosts),
      { title: "Boot", lanes: lanes(booting, (host) => others.filter((place) => place.host === host).flatMap((place) => bootSteps(order, place))) },
      { title: "Switch", lanes: routeLanes(order, routes, (routed) => promoted.filter((one) => one.routed === routed).flatMap(({ place }) => [forgetStep(order, place.role), ...switchSteps(order, place, { container: place.name, version: order.version })])) },
      { title: "Retire old containers", committed: true, lanes: lanes(hosts.filter((host) => places.some((place) => place.host === host)), (host) => [...releasedSteps(order, places), ...retireSteps(order, host, places.filter((place) => place.host === host))]) },
    ].filter(({ lanes: own }) => own.length > 0),
    afterFailure: { takenBack: "The canary has its share as before.", committed: `Version ${order.version} serves on every host; only the clean-up after it failed.` },
  };
}

/**
 * The version of the canary on the hosts.
 * @throws DeployError (missing) when there is none, (usage) when hosts have different ones
 */
export function canaryVersion(settings: Settings, scope: Scope, facts: FleetFacts): string {
  const versions = new Set(scope.roles.flatMap((role) => role.hosts.flatMap((host) => {
    const fact = facts.get(host);
    const route = routeOf(settings, role, fact?.proxy);
    const container = route === undefined ? undefined : canaryContainer(fact?.containers ?? [], route);
    return container === undefined ? [] : [plainVersion(container.version)];
  })));
  const [version, ...more] = versions;
  if (version === undefined) throw noCanary();
  if (more.length > 0) throw new DeployError("usage", `The hosts have different canaries: ${[...versions].join(", ")}`, { state: ["Nothing was changed."], hint: "Narrow the run down with --hosts, or end them: `capstan canary abort`." });
  return version;
}

const noCanary = (): DeployError => new DeployError("missing", "There is no canary", { state: ["Nothing was changed."], hint: "Start one: `capstan canary start VERSION --percent 10`." });

function withCanary(order: Order, facts: FleetFacts): readonly Routed[] {
  const routes = routesIn(order, facts).filter(({ route }) => route.canary !== undefined);
  if (routes.length === 0) throw noCanary();
  return routes;
}

const named = (routes: readonly Routed[]): string => routes.map(({ role, host }) => `${role.name} on ${host}`).join(", ");

function canaryTarget({ route }: Routed): Target {
  const [id = "", port = ""] = (route.canary?.target ?? "").split(":");
  return { id, port: Number(port) };
}

const shareSteps = (order: Order, { driver, role, route }: Routed, canary: Target, percent: number): readonly HostStep[] => driver.canary(order.settings, role, route, canary, percent);

/** The canary's container takes the place of the one that serves; all others of the role go. */
function promotedPlace(order: Order, { role, host, route }: Routed, facts: FleetFacts): Place {
  const place = placeOf(order, role, host, factsOf(facts, host));
  const canary = must(canaryContainer(factsOf(facts, host).containers, route));
  const up = factsOf(facts, host).containers.filter((container) => container.role === role.name && isUp(container));
  return { ...place, name: canary.name, displaced: undefined, others: up.filter((container) => container.id !== canary.id) };
}

function stopSteps(container: Container | undefined, role: Routed["role"]): HostStep[] {
  return container === undefined ? [] : [stopStep(role, container.name)];
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw noCanary();
  return value;
}
