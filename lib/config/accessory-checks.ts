import { accessoryHosts, accessoryService, placements } from "./accessories.ts";
import type { Problem } from "./problems.ts";
import { isLocalRegistry, type RoleInput } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";

/** An accessory behind the proxy, as far as it is like a role there. */
export type ProxiedInput = Pick<RoleInput, "name" | "hosts" | "proxy" | "proxyPath">;

/** The accessories that are behind the proxy. */
export const proxiedAccessories = (config: ParsedConfig, roles: readonly RoleInput[]): readonly ProxiedInput[] =>
  Object.entries(config.accessories).flatMap(([name, input]) => (input.proxy === undefined ? [] : [{ name, hosts: accessoryHosts(input, roles), proxy: input.proxy, proxyPath: ["accessories", name, "proxy"] }]));

/** What a schema cannot see of accessories: where they run, what they are called. */
export function accessoryProblems(config: ParsedConfig, roles: readonly RoleInput[]): Problem[] {
  const names = Object.keys(config.accessories);
  return names.flatMap((name) => [...placementProblems(config, roles, name), ...registryProblems(config, name), ...serviceProblems(config, roles, name, names)]);
}

function placementProblems(config: ParsedConfig, roles: readonly RoleInput[], name: string): Problem[] {
  const input = config.accessories[name];
  if (input === undefined) return [];
  const path = ["accessories", name];
  const given = placements.filter((key) => input[key] !== undefined);
  if (given.length !== 1) return [{ path, text: `expected one of ${placements.join(", ")}, found ${given.length === 0 ? "none" : given.join(" and ")}` }];
  const known = roles.map((role) => role.name);
  const wrongRoles = [...(input.role === undefined ? [] : [{ role: input.role, path: [...path, "role"] }]), ...(input.roles ?? []).map((role, i) => ({ role, path: [...path, "roles", i] }))].filter(({ role }) => !known.includes(role));
  if (wrongRoles.length > 0) return wrongRoles.map(({ role, path }) => ({ path, text: `expected one of the roles (${known.map((each) => JSON.stringify(each)).join(", ") || "there are none"}), found ${JSON.stringify(role)}` }));
  if (accessoryHosts(input, roles).length > 0) return [];
  const key = given[0] ?? "host";
  return [{ path: [...path, key], text: key.startsWith("tag") ? `expected a tag that a host in servers has, found ${JSON.stringify(input[key])}` : "expected at least one host" }];
}

function registryProblems(config: ParsedConfig, name: string): Problem[] {
  const registry = config.accessories[name]?.registry;
  if (registry === undefined || isLocalRegistry(registry.server)) return [];
  return (["username", "password"] as const).filter((key) => registry[key] === undefined).map((key) => ({ path: ["accessories", name, "registry", key], text: `is missing: expected ${key === "username" ? "a user name" : `secret("NAME")`}` }));
}

const proxyContainers = ["kamal-proxy", "traefik"];

/** Two containers of one name cannot be on one host. */
function serviceProblems(config: ParsedConfig, roles: readonly RoleInput[], name: string, names: readonly string[]): Problem[] {
  const input = config.accessories[name];
  if (input === undefined) return [];
  const service = accessoryService(config, name, input);
  const path = ["accessories", name, ...(input.service === undefined ? [] : ["service"])];
  const rivals = names.slice(0, names.indexOf(name)).filter((other) => {
    const rival = config.accessories[other];
    return rival !== undefined && accessoryService(config, other, rival) === service && accessoryHosts(rival, roles).some((host) => accessoryHosts(input, roles).includes(host));
  });
  return [
    ...(proxyContainers.includes(service) ? [{ path, text: `expected another name than that of the proxy's container, ${service}` }] : []),
    ...rivals.map((other) => ({ path, text: `expected another service than ${other} on the same host: both containers would be called ${service}` })),
  ];
}
