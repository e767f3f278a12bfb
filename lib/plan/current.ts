import type { Role, Settings } from "../config/settings.ts";
import { containerName, rolePrefix } from "../ground/names.ts";
import type { Release } from "../remote/releases.ts";
import type { Container, HostFacts, ProxyFacts, Route } from "../remote/facts.ts";

/** Containers of one role, newest first. */
export const containersOfRole = (role: Role, containers: readonly Container[]): readonly Container[] => containers.filter((container) => container.role === role.name);

/** Not in the network that the app is to be in: Kamal 1 and MRSK had none. What nobody looked at may be. */
export const isOutside = ({ networks }: Pick<Container, "networks">, ours: string): boolean => networks !== undefined && !networks.includes(ours);

export const isUp = (container: Container): boolean => container.state === "running" || container.state === "restarting";

/** Nothing to go back to: it made place for another container of its version, or it never started. */
export const isLeft = ({ version, state }: Container): boolean => version !== plainVersion(version) || state === "created" || state === "dead";

/**
 * The container of a role that serves: the one the proxy sends traffic to, else the newest one that runs.
 * The proxy's word counts first: after an interrupted deploy the newest is not the serving one.
 */
export function currentContainer(settings: Settings, role: Role, containers: readonly Container[], proxy: ProxyFacts | undefined): Container | undefined {
  const own = containersOfRole(role, containers);
  return routedContainer(settings, role, own, proxy) ?? own.find(isUp);
}

/** What the proxy says of a role. */
export const routeOf = (settings: Settings, role: Role, proxy: ProxyFacts | undefined): Route | undefined => proxy?.routes.find((one) => one.name === rolePrefix(settings, role.name));

/** The container that gets the canary's share of a route. */
export function canaryContainer(containers: readonly Container[], { canary }: Route): Container | undefined {
  const id = canary?.target.split(":")[0] ?? "";
  return id === "" ? undefined : containers.find((container) => container.id.startsWith(id) || id.startsWith(container.id));
}

/** The container that the proxy sends the role's traffic to, when it is one of `containers`. */
export function routedContainer(settings: Settings, role: Role, containers: readonly Container[], proxy: ProxyFacts | undefined): Container | undefined {
  const ids = routeOf(settings, role, proxy)?.targets.map((target) => target.split(":")[0] ?? "") ?? [];
  return containers.find((container) => ids.some((id) => id !== "" && (container.id.startsWith(id) || id.startsWith(container.id))));
}

/** The port that the proxy sends the role's traffic to. */
export function routedPort(settings: Settings, role: Role, proxy: ProxyFacts | undefined): number | undefined {
  const target = routeOf(settings, role, proxy)?.targets[0];
  const port = Number(target?.split(":")[1]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

/** Every version that serves somewhere: more than one when hosts differ. */
export function versionsInPlace(settings: Settings, roles: readonly Role[], facts: ReadonlyMap<string, HostFacts>): readonly string[] {
  const versions = roles.flatMap((role) => role.hosts.flatMap((host) => {
    const fact = facts.get(host);
    const current = fact === undefined ? undefined : currentContainer(settings, role, fact.containers, fact.proxy);
    return current === undefined ? [] : [servedVersion(current, fact?.releases)];
  }));
  return [...new Set(versions)];
}

/** The version a container serves: that of its name, unless the last release of its role left it in place as one of its own. */
export function servedVersion({ role, version }: Pick<Container, "role" | "version">, releases: readonly Release[] = []): string {
  const last = releases.findLast(({ roles }) => roles?.includes(role) !== false);
  return last?.kept?.[role] === plainVersion(version) ? last.version : plainVersion(version);
}

/** True for the version that a container serves, and for the one in its name, where it was left in place as a later one. */
export const isOfVersion = (container: Pick<Container, "role" | "version">, version: string, releases: readonly Release[] | undefined): boolean =>
  plainVersion(container.version) === version || servedVersion(container, releases) === version;

/** The container of a role that a version is meant by: the one with its name, else the one that was left in place as it. @param own those of the role */
export function containerOfVersion(settings: Settings, role: Pick<Role, "name">, version: string, own: readonly Container[], releases: readonly Release[] | undefined): Container | undefined {
  const name = containerName(settings, role.name, version);
  return own.find((one) => one.name === name) ?? own.find((one) => one.version === plainVersion(one.version) && servedVersion(one, releases) === version);
}

/** The version without the mark of a container that made place for another one. */
export const plainVersion = (version: string): string => version.replace(/_replaced_[0-9a-f]+$/, "");
