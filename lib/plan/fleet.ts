import type { Scope } from "../config/scope.ts";
import type { Role, Settings } from "../config/settings.ts";
import type { Container, FleetFacts, HostFacts, Route } from "../remote/facts.ts";
import { canaryContainer, containersOfRole, isLeft, isUp, plainVersion, routedContainer, routeOf, servedVersion } from "./current.ts";
import { goodReleases, type GoodRelease } from "./releases.ts";

/** What is amiss with a role on a host. */
export type Trouble = "no docker" | "no proxy" | "proxy stopped" | "no route" | "route leads nowhere" | "stopped" | "nothing there";

/** A container that a finished run would not have left. */
export interface Leftover {
  readonly name: string;
  readonly version: string;
  /** As docker says: `running`, `exited`, `created`. */
  readonly state: string;
  /** Made later than what serves: of the run that was interrupted, not of one before it. */
  readonly newer: boolean;
}

/** One role on one host. */
export interface PlaceState {
  readonly host: string;
  readonly role: string;
  /** Behind the proxy. */
  readonly proxied: boolean;
  /** Name and version of what gets the requests; where there is no route or no proxy, of the newest that runs. */
  readonly container: string | undefined;
  readonly version: string | undefined;
  readonly mode: Route["mode"] | undefined;
  readonly canary: { readonly version: string | undefined; readonly percent: number } | undefined;
  readonly trouble: Trouble | undefined;
  readonly left: readonly Leftover[];
}

/** A fleet, and what is unfinished about it. */
export interface FleetState {
  readonly places: readonly PlaceState[];
  /** Versions that serve, in the order of the hosts: more than one when hosts differ. */
  readonly versions: readonly string[];
  /** The releases that were good everywhere, oldest first. */
  readonly good: readonly GoodRelease[];
  /** A run was interrupted: hosts differ, or containers of it are there. */
  readonly unfinished: boolean;
  /** The versions that were on their way last: they were never good everywhere. */
  readonly pending: readonly string[];
  /** The good release that a run was going back to and did not reach, and where it came from. */
  readonly returning: (GoodRelease & { readonly from: string }) | undefined;
}

/** What the facts come to. Hosts that were not looked at are left out. */
export function fleetState(settings: Settings, { roles }: Pick<Scope, "roles">, facts: FleetFacts): FleetState {
  const good = goodReleases(facts, roles);
  const seen = roles.flatMap((role) => role.hosts.flatMap((host) => {
    const fact = facts.get(host);
    return fact === undefined ? [] : [{ own: containersOfRole(role, fact.containers), place: placeState(settings, role, host, fact) }];
  }));
  const places = seen.map(({ place }) => place);
  const versions = unique(places.flatMap((place) => (place.version !== undefined && isInPlace(place) ? [place.version] : [])));
  const begun = unique(places.flatMap(({ version, left }) => [...(version === undefined ? [] : [version]), ...left.filter((one) => one.newer && isTelling(one)).map((one) => one.version)]));
  const unfinished = begun.length > 1 || places.some(({ left }) => left.some(isTelling));
  // Where no release is recorded, what serves alone counts as good.
  const known = good.length === 0 && versions.length === 1 ? versions : good.map(({ version }) => version);
  const pending = unfinished ? begun.filter((version) => !known.includes(version)) : [];
  const returning = unfinished && pending.length === 0 ? returnIn(good, begun, places) : undefined;
  return { places: seen.map(({ own, place }) => ({ ...place, left: [...place.left, ...stoppedOf(own, place, pending)] })), versions, good, unfinished, pending, returning };
}

/** @param begun what serves, and what a run made since that does not serve yet */
function returnIn(good: readonly GoodRelease[], begun: readonly string[], places: readonly PlaceState[]): FleetState["returning"] {
  const last = good.at(-1);
  if (last === undefined) return undefined;
  const to = good.findLast(({ version }) => version !== last.version && begun.includes(version));
  if (to !== undefined) return { ...to, from: last.version };
  // The return was recorded, and what it came from was not stopped everywhere.
  const from = last.gaveWay?.findLast((version) => places.some(({ left }) => left.some((one) => one.version === version && isTelling(one))));
  return from === undefined || begun.length !== 1 || begun[0] !== last.version ? undefined : { ...last, from };
}

function placeState(settings: Settings, role: Role, host: string, { docker, proxy, containers, releases }: HostFacts): PlaceState {
  const own = containersOfRole(role, containers);
  const up = own.filter(isUp);
  const route = role.proxy === undefined ? undefined : routeOf(settings, role, proxy);
  const routed = route === undefined ? undefined : routedContainer(settings, role, own, proxy);
  const serving = routed ?? up[0];
  const canary = route?.canary === undefined ? undefined : canaryContainer(own, route);
  const trouble = (): Trouble | undefined => {
    if (docker === undefined) return "no docker";
    if (own.length === 0) return "nothing there";
    if (role.proxy !== undefined && proxy === undefined) return "no proxy";
    if (role.proxy !== undefined && proxy?.running === false) return "proxy stopped";
    if (up.length === 0) return "stopped";
    if (role.proxy !== undefined && route === undefined) return "no route";
    if (role.proxy !== undefined && routed === undefined) return "route leads nowhere";
    return serving !== undefined && isUp(serving) ? undefined : "stopped";
  };
  return {
    host, role: role.name, proxied: role.proxy !== undefined,
    container: serving?.name, version: serving === undefined ? undefined : servedVersion(serving, releases),
    mode: route?.mode,
    canary: route?.canary === undefined ? undefined : { version: canary === undefined ? undefined : plainVersion(canary.version), percent: route.canary.percent },
    trouble: trouble(),
    left: own.filter((one) => one.id !== serving?.id && one.id !== canary?.id && (isUp(one) || one.state === "paused" || isLeft(one))).map((one) => leftover(own, one, serving)),
  };
}

/** It gets the requests of its place, or would as soon as its proxy runs. */
export const isInPlace = ({ trouble }: Pick<PlaceState, "trouble">): boolean => trouble !== "no route" && trouble !== "route leads nowhere";

/** @param own all of the role, newest first */
function leftover(own: readonly Container[], one: Container, serving: Pick<Container, "name"> | undefined): Leftover {
  const age = own.findIndex(({ name }) => name === serving?.name);
  return { name: one.name, version: plainVersion(one.version), state: one.state, newer: age === -1 || own.indexOf(one) < age };
}

/** Tells of a run that was interrupted. Kamal leaves stopped containers that made place after every deploy of the same version. */
const isTelling = ({ state }: Leftover): boolean => state !== "exited";

/** Stopped containers of versions that are on their way: what a reboot, or somebody's hand, made of them. */
function stoppedOf(own: readonly Container[], place: PlaceState, pending: readonly string[]): readonly Leftover[] {
  const told = [place.container, ...place.left.map(({ name }) => name)];
  return own.filter((one) => one.state === "exited" && !told.includes(one.name) && pending.includes(plainVersion(one.version))).map((one) => leftover(own, one, place.container === undefined ? undefined : { name: place.container }));
}

const unique = <T>(items: readonly T[]): readonly T[] => [...new Set(items)];
