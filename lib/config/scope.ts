import { DeployError } from "../ground/errors.ts";
import type { Accessory, Role, Settings } from "./settings.ts";

/** What `-h`, `-r` and `-p` narrow a run to. */
export interface Filter {
  /** Glob patterns. */
  readonly hosts?: readonly string[];
  /** Glob patterns. */
  readonly roles?: readonly string[];
  readonly primary?: boolean;
}

/** The hosts and roles a run works on. */
export interface Scope {
  /** Of roles and accessories, without duplicates, hosts of the primary role first, those of accessories last. */
  readonly hosts: readonly string[];
  /** Roles that have hosts left, their `hosts` narrowed. Primary role first. */
  readonly roles: readonly Role[];
  /** Accessories that have hosts left, their `hosts` narrowed. */
  readonly accessories: readonly Accessory[];
  /** True when the filter names roles. */
  readonly rolesNamed: boolean;
  /** First host of the first role in scope, else of the first accessory. */
  readonly primaryHost: string;
}

export type SelectScope = (settings: Settings, filter: Filter) => Scope;

/**
 * Narrows the settings to what a filter names. Patterns are globs; every one must match something.
 * The primary host is the first one that `-h` names, else the first of the primary role; the role that counts as primary in
 * this scope is the configured one where it is on that host, else the first role there. It comes first, and so do its hosts.
 * @throws DeployError (usage) for a pattern that matches nothing, or when patterns leave no host
 */
export const selectScope: SelectScope = (settings, { hosts: hostPatterns = [], roles: rolePatterns = [], primary = false }) => {
  const alphabetical = settings.roles.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const roleHosts = unique(alphabetical.flatMap(({ hosts }) => hosts));
  const allHosts = unique([...roleHosts, ...settings.accessories.flatMap(({ hosts }) => hosts)]);
  const namedRoles = matching("role", rolePatterns, settings.roles.map(({ name }) => name));
  const namedHosts = primary ? [settings.primaryHost] : matching("host", hostPatterns, allHosts);
  const roles = settings.roles
    .filter(({ name }) => namedRoles.includes(name))
    .map((role) => ({ ...role, hosts: role.hosts.filter((host) => namedHosts.includes(host)) }))
    .filter(({ hosts }) => hosts.length > 0);
  const left = unique(roles.flatMap(({ hosts }) => hosts));
  const accessories = settings.accessories
    .map((accessory) => ({ ...accessory, hosts: accessory.hosts.filter((host) => namedHosts.includes(host) && (rolePatterns.length === 0 || left.includes(host))) }))
    .filter(({ hosts }) => hosts.length > 0);
  const first = (hostPatterns.length > 0 ? namedHosts.find((host) => left.includes(host)) : undefined) ?? roles[0]?.hosts[0] ?? accessories[0]?.hosts[0];
  if (first === undefined) {
    throw new DeployError("usage", `Cannot work on ${described(hostPatterns, rolePatterns, primary)}: no host is left`, { hint: `The hosts are: ${[...settings.roles, ...settings.accessories].map(({ name, hosts }) => `${name} (${hosts.join(", ")})`).join(", ")}` });
  }
  const leader = roles.find((role) => role.hosts.includes(first));
  const ordered = [leader, ...roles.filter((role) => role !== leader)].filter((role) => role !== undefined);
  const [head, ...others] = ordered;
  const lead = head === undefined ? [] : [{ ...head, hosts: [first, ...head.hosts.filter((host) => host !== first)] }];
  const inLead = roleHosts.filter((host) => left.includes(host) && head?.hosts.includes(host));
  return { hosts: unique([...inLead, ...roleHosts.filter((host) => left.includes(host)), ...accessories.flatMap(({ hosts }) => hosts)]), roles: [...lead, ...others], accessories, rolesNamed: rolePatterns.length > 0, primaryHost: first };
};

/** The primary host alone, in the first of its roles: where a session runs. */
export function primaryOf({ roles: [role], primaryHost }: Scope): Scope {
  return { hosts: [primaryHost], roles: role === undefined ? [] : [{ ...role, hosts: [primaryHost] }], accessories: [], rolesNamed: false, primaryHost };
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** The names a list of patterns picks, pattern by pattern; all of them when there is no pattern. */
function matching(kind: "host" | "role", patterns: readonly string[], names: readonly string[]): readonly string[] {
  if (patterns.length === 0) return names;
  return unique(patterns.flatMap((pattern) => {
    const glob = new Bun.Glob(pattern);
    const matched = names.filter((name) => name === pattern || glob.match(name));
    if (matched.length === 0) throw new DeployError("usage", `Cannot find a ${kind} for "${pattern}"`, { hint: `The ${kind}s are: ${names.join(", ")}` });
    return matched;
  }));
}

function described(hosts: readonly string[], roles: readonly string[], primary: boolean): string {
  const words = [...(primary ? ["the primary host"] : hosts.map((host) => `host "${host}"`)), ...roles.map((role) => `role "${role}"`)];
  return words.length === 0 ? "this config" : words.join(" and ");
}
