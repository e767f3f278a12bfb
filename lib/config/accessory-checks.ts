import { rolePrefix } from "../ground/names.ts";
import { accessoryHosts, accessoryService, placements } from "./accessories.ts";
import { foundText, orList, type Problem } from "./problems.ts";
import { readPublish, sharesPort } from "./publish.ts";
import { isLocalRegistry, type RoleInput } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";

/** An accessory behind the proxy, as far as it is like a role there. */
export type ProxiedInput = Pick<RoleInput, "name" | "hosts" | "proxy" | "proxyPath">;

/** The accessories that are behind the proxy. */
export const proxiedAccessories = (config: ParsedConfig, roles: readonly RoleInput[]): readonly ProxiedInput[] =>
  Object.entries(config.accessories).flatMap(([name, input]) => (input.proxy === undefined ? [] : [{ name, hosts: accessoryHosts(input, roles), proxy: input.proxy, proxyPath: ["accessories", name, "proxy"] }]));

/** What a schema cannot see of accessories: where they run, what they are called. */
export function accessoryProblems(config: ParsedConfig, roles: readonly RoleInput[], destination: string | undefined): Problem[] {
  const names = Object.keys(config.accessories);
  return names.flatMap((name) => [
    ...placementProblems(config, roles, name), ...registryProblems(config, name), ...serviceProblems(config, roles, name, names),
    ...portProblems(config, roles, name, names), ...ownRouteProblems(config, roles, name, destination),
  ]);
}

/** Accessories before this one in the config that share a host with it, and those hosts. */
function neighbours(config: ParsedConfig, roles: readonly RoleInput[], name: string, names: readonly string[]) {
  const mine = config.accessories[name];
  return names.slice(0, names.indexOf(name)).flatMap((other) => {
    const input = config.accessories[other];
    if (input === undefined || mine === undefined) return [];
    const hosts = accessoryHosts(input, roles).filter((host) => accessoryHosts(mine, roles).includes(host));
    return hosts.length === 0 ? [] : [{ other, input, hosts }];
  });
}

function portProblems(config: ParsedConfig, roles: readonly RoleInput[], name: string, names: readonly string[]): Problem[] {
  const published = (port: string | number | undefined) => readPublish(String(port));
  const mine = published(config.accessories[name]?.port);
  if (mine === undefined) return [];
  const rivals = neighbours(config, roles, name, names).filter(({ input }) => {
    const theirs = published(input.port);
    return theirs !== undefined && sharesPort(mine, theirs);
  });
  return rivals.slice(0, 1).map(({ other, hosts }) => ({ path: ["accessories", name, "port"], text: `expected another port of the host than ${other} has: both run on ${hosts.join(", ")}` }));
}

/** A role and an accessory must not have one route, or one folder of certificates, at the proxy of a host. */
function ownRouteProblems(config: ParsedConfig, roles: readonly RoleInput[], name: string, destination: string | undefined): Problem[] {
  const input = config.accessories[name];
  if (input?.proxy === undefined) return [];
  const own = { service: accessoryService(config, name, input), hosts: accessoryHosts(input, roles), hasCertificate: typeof input.proxy.ssl === "object" };
  const rivals = roles.filter((role) => role.proxy !== undefined && role.hosts.some((host) => own.hosts.includes(host)));
  return [
    ...rivals.filter((role) => rolePrefix({ service: config.service, destination }, role.name) === own.service)
      .map((role) => ({ path: ["accessories", name, ...(input.service === undefined ? [] : ["service"])], text: `expected another service than ${own.service}: the role ${role.name} has that name at the proxy of the same host` })),
    ...rivals.filter((role) => own.hasCertificate && role.name === name && typeof role.proxy?.ssl === "object")
      .map(() => ({ path: ["accessories", name, "proxy", "ssl"], text: `expected an accessory of another name: the certificate of the role ${name} has the same place on the host` })),
  ];
}

function placementProblems(config: ParsedConfig, roles: readonly RoleInput[], name: string): Problem[] {
  const input = config.accessories[name];
  if (input === undefined) return [];
  const path = ["accessories", name];
  const given = placements.filter((key) => input[key] !== undefined);
  const [first = "host"] = given;
  if (given.length === 0) return [{ path: [...path, first], text: `is missing: expected one of ${orList(placements)}` }];
  if (given.length > 1) return [{ path: [...path, given.at(-1) ?? first], text: `expected only one of ${orList(placements)}, found ${given.join(" and ")}` }];
  const known = roles.map((role) => role.name);
  const wrongRoles = [...(input.role === undefined ? [] : [{ role: input.role, path: [...path, "role"] }]), ...(input.roles ?? []).map((role, i) => ({ role, path: [...path, "roles", i] }))].filter(({ role }) => !known.includes(role));
  if (wrongRoles.length > 0) return wrongRoles.map(({ role, path }) => ({ path, text: `expected one of the roles (${known.map((each) => JSON.stringify(each)).join(", ") || "there are none"}), found ${JSON.stringify(role)}` }));
  if (accessoryHosts(input, roles).length > 0) return [];
  const at = [...path, first];
  return [{ path: at, text: first.startsWith("tag") ? `expected a tag that a host in servers has, found ${foundText(input[first], at)}` : "expected at least one host" }];
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
  const rivals = neighbours(config, roles, name, names).filter((one) => accessoryService(config, one.other, one.input) === service);
  return [
    ...(proxyContainers.includes(service) ? [{ path, text: `expected another name than that of the proxy's container, ${service}` }] : []),
    ...(service === config.service ? [{ path, text: `expected another name than that of the app: its containers and images have the label service=${service}` }] : []),
    ...rivals.map(({ other }) => ({ path, text: `expected another service than ${other} on the same host: both containers would be called ${service}` })),
  ];
}
