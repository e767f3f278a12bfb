import { isIP } from "node:net";
import manifest from "../../package.json" with { type: "json" };
import { aliasProblems } from "./aliases.ts";
import { builderProblems } from "./builder-checks.ts";
import type { Path } from "./locate.ts";
import { foundText, type Problem } from "./problems.ts";
import { accessoryProblems, proxiedAccessories, type ProxiedInput } from "./accessory-checks.ts";
import { isLocalRegistry, isWithoutApp, namesOf, type RoleInput, rolesOf } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";
import type { ProxyInput } from "./schema/proxy.ts";
import { traefikProblems } from "./traefik/checks.ts";

/** What a schema cannot see: keys that must fit each other. Every problem is found, none is thrown. @param commands names that aliases must not take */
export function crossProblems(config: ParsedConfig, { commands, destination }: { readonly commands: readonly string[]; readonly destination: string | undefined }, version: string = manifest.version): Problem[] {
  const roles = rolesOf(config);
  const accessories = Object.entries(config.accessories);
  const proxied = [...roles, ...proxiedAccessories(config, roles)];
  return [
    ...imageProblems(config),
    ...roleProblems(config, roles),
    ...labelProblems(config.labels, ["labels"]),
    ...roles.flatMap((role) => [...labelProblems(role.labels, [...role.path, "labels"]), ...optionProblems(role)]),
    ...accessories.flatMap(([name, { labels, options }]) => [...labelProblems(labels, ["accessories", name, "labels"]), ...optionProblems({ options, path: ["accessories", name] })]),
    ...accessoryProblems(config, roles, destination),
    ...proxySections(config).flatMap(({ proxy, path }) => proxyProblems(proxy, path)),
    ...proxied.flatMap(sslProblems),
    ...routeProblems(proxied),
    ...runProblems(proxied),
    ...traefikProblems(config, roles, proxied),
    ...aliasProblems(config.aliases, commands),
    ...builderProblems(config),
    ...(config.registry !== undefined && config.delivery.handOn !== false ? [{ path: ["delivery", "handOn"], text: `expected false, since hosts pull from the registry, found ${JSON.stringify(config.delivery.handOn)}` }] : []),
    ...(config.minimumVersion !== undefined && Bun.semver.order(version, full(config.minimumVersion)) < 0
      ? [{ path: ["minimumVersion"], text: `expected a capstan of at least ${config.minimumVersion}, found ${version}: upgrade capstan` }]
      : []),
  ];
}

/** `1.2` as `1.2.0`. */
const full = (version: string): string => {
  const [numbers = "", ...rest] = version.split("-");
  return [[...numbers.split("."), "0", "0"].slice(0, 3).join("."), ...rest].join("-");
};

function imageProblems(config: ParsedConfig): Problem[] {
  const { image, registry } = config;
  if (registry === undefined) return [];
  if (isLocalRegistry(registry.server)) return [];
  const missing = (["username", "password"] as const).filter((key) => registry[key] === undefined);
  if (missing.length > 0 && /^localhost(\/|$)/.test(registry.server ?? "")) return [{ path: ["registry", "server"], text: `expected a registry on this machine with its port, such as "localhost:5000", found ${JSON.stringify(registry.server)}` }];
  const doubled = registry.server !== undefined && image?.startsWith(`${registry.server}/`);
  return [
    ...(image === undefined && !isWithoutApp(config) ? [{ path: ["image"], text: `is missing: expected an image such as "acme/shop" (only a registry at localhost:PORT can do without)` }] : []),
    ...(doubled ? [{ path: ["image"], text: `expected an image without the registry, found ${JSON.stringify(image)}: it is added from registry.server` }] : []),
    ...missing.map((key) => ({ path: ["registry", key], text: `is missing: expected ${key === "username" ? "a user name" : `secret("NAME")`} (only a registry at localhost:PORT can do without)` })),
  ];
}

function roleProblems(config: ParsedConfig, roles: readonly RoleInput[]): Problem[] {
  if (isWithoutApp(config)) return [];
  const { primaryRole, allowEmptyRoles, servers } = config;
  if (servers === undefined) return [{ path: ["servers"], text: "is missing: expected a list or a map" }];
  const names = roles.map(({ name }) => JSON.stringify(name)).join(", ");
  const missing = roles.some(({ primary }) => primary) ? [] : [{ path: ["primaryRole"], text: `expected one of the roles (${names || "there are none"}), found ${JSON.stringify(primaryRole)}` }];
  const empty = roles.filter(({ hosts, primary }) => hosts.length === 0 && (primary || !allowEmptyRoles));
  return [
    ...missing,
    ...empty.map(({ path, name, primary }) => ({
      path: Array.isArray(servers) || Array.isArray(servers[name as keyof typeof servers]) ? path : [...path, "hosts"],
      text: primary ? "expected at least one host: it is the primary role" : "expected at least one host (or allowEmptyRoles)",
    })),
  ];
}

const reserved = ["service", "role", "destination"];

function labelProblems(labels: Readonly<Record<string, unknown>> | undefined, path: Path): Problem[] {
  return Object.keys(labels ?? {}).filter((label) => reserved.includes(label)).map((label) => ({ path: [...path, label], text: "expected another name: service, role and destination are labels of capstan itself" }));
}

function optionProblems({ options, path }: Pick<RoleInput, "options" | "path">): Problem[] {
  const restart = options?.["restart"];
  if (restart === undefined || (typeof restart === "string" && /^(no|always|unless-stopped|on-failure(:\d+)?)$/.test(restart))) return [];
  const hint = restart === false ? `: write "no" to disable restarts` : "";
  const at: Path = [...path, "options", "restart"];
  return [{ path: at, text: `expected "no", "always", "unless-stopped", "on-failure" or "on-failure:N", found ${foundText(restart, at)}${hint}` }];
}

interface ProxySection { readonly proxy: ProxyInput; readonly path: Path }

/** The proxies as written, before merging, so that a problem of the root is told once. */
function proxySections(config: ParsedConfig): ProxySection[] {
  const roles = Array.isArray(config.servers) ? [] : Object.entries(config.servers ?? {});
  return [
    ...(config.proxy === undefined ? [] : [{ proxy: config.proxy, path: ["proxy"] }]),
    ...Object.entries(config.accessories).flatMap(([name, { proxy }]) => (proxy === undefined ? [] : [{ proxy, path: ["accessories", name, "proxy"] }])),
    ...roles.flatMap(([name, role]: readonly [string, unknown]): ProxySection[] => {
      const proxy = typeof role === "object" && role !== null && "proxy" in role && typeof role.proxy === "object" ? (role.proxy as ProxyInput | undefined) : undefined;
      return proxy === undefined ? [] : [{ proxy, path: ["servers", name, "proxy"] }];
    }),
  ];
}

const bodyLimits = [["requests", "maxRequestBody"], ["responses", "maxResponseBody"]] as const;

function proxyProblems(proxy: ProxyInput, path: Path): Problem[] {
  const { run, buffering } = proxy;
  const at = (...rest: Path): Path => [...path, ...rest];
  const notAPath = namesOf(proxy.pathPrefix, proxy.pathPrefixes).filter((prefix) => !prefix.startsWith("/"));
  const notAName = namesOf(proxy.host, proxy.hosts).filter((name) => !/^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(name));
  const unmeasured = bodyLimits.filter(([how, limit]) => buffering?.[how] === false && (buffering[limit] ?? 0) > 0);
  const unpublished = (["httpPort", "httpsPort", "bindIps"] as const).filter((key) => run?.publish === false && run[key] !== undefined);
  return [
    ...(proxy.host !== undefined && proxy.hosts !== undefined ? [{ path: at("hosts"), text: "expected either host or hosts, found both" }] : []),
    ...(proxy.pathPrefix !== undefined && proxy.pathPrefixes !== undefined ? [{ path: at("pathPrefixes"), text: "expected either pathPrefix or pathPrefixes, found both" }] : []),
    ...notAPath.map((prefix) => ({ path: at(proxy.pathPrefixes === undefined ? "pathPrefix" : "pathPrefixes"), text: `expected paths that begin with "/", found ${JSON.stringify(prefix)}` })),
    ...notAName.map((name) => ({ path: at(proxy.hosts === undefined ? "host" : "hosts"), text: `expected a host name without scheme and port, found ${JSON.stringify(name)}` })),
    ...unmeasured.map(([how, limit]) => ({ path: at("buffering", limit), text: `expected no limit while buffering.${how} is false: only what is buffered can be measured` })),
    ...unpublished.map((key) => ({ path: at("run", key), text: "expected nothing while publish is false: no port is published" })),
    ...(run?.bindIps ?? []).flatMap((ip, i) => (isIP(ip) === 0 ? [{ path: at("run", "bindIps", i), text: `expected an IP address, found ${JSON.stringify(ip)}` }] : [])),
  ];
}

function sslProblems({ proxy, proxyPath, hosts, name }: ProxiedInput): Problem[] {
  if (proxy?.ssl !== true) return [];
  const path: Path = [...proxyPath, "ssl"];
  return [
    ...(namesOf(proxy.host, proxy.hosts).length === 0 ? [{ path, text: "expected proxy.host too: a certificate is for a name" }] : []),
    ...(hosts.length > 1 ? [{ path, text: `expected ${proxyPath[0] === "accessories" ? "an accessory" : "a role"} on one host, but ${name} has ${hosts.length}: each would ask for the certificate and only one would get the answer. Give a certificate of your own, or end TLS before the hosts` }] : []),
  ];
}

/** Two roles must not claim the same requests on one host; nor one name for two automatic certificates anywhere. */
function routeProblems(roles: readonly ProxiedInput[]): Problem[] {
  const proxied = roles.filter(({ proxy }) => proxy !== undefined);
  return proxied.flatMap((role, i) => proxied.slice(0, i).flatMap((other): Problem[] => {
    const names = (of: ProxiedInput): readonly string[] => namesOf(of.proxy?.host, of.proxy?.hosts);
    const common = names(role).filter((name) => names(other).includes(name));
    if (role.proxy?.ssl === true && other.proxy?.ssl === true && common.length > 0) {
      return [{ path: role.proxyPath, text: `expected a host of its own for ${role.name}: ${common.join(", ")} belongs to ${other.name}, and only one of them can get the certificate` }];
    }
    const shared = role.hosts.filter((host) => other.hosts.includes(host));
    const everyName = names(role).length === 0 && names(other).length === 0;
    if (shared.length === 0 || (common.length === 0 && !everyName) || !samePaths(role, other)) return [];
    return [{ path: role.proxyPath, text: `expected other names or paths than ${other.name} for ${role.name}: on ${shared.join(", ")} both answer ${everyName ? "every name" : common.join(", ")}` }];
  }));
}

function samePaths(a: ProxiedInput, b: ProxiedInput): boolean {
  const [of, other] = [a, b].map(({ proxy }) => new Set(namesOf(proxy?.pathPrefix, proxy?.pathPrefixes).map((path) => path.replace(/\/+$/, ""))));
  const paths = (set: Set<string> | undefined): string[] => (set === undefined || set.size === 0 ? [""] : [...set]);
  return paths(of).some((path) => paths(other).includes(path));
}

/** A host has one proxy. That of the root is not one of accessories: those that say nothing follow. */
function runProblems(proxied: readonly ProxiedInput[]): Problem[] {
  const saying = proxied.filter(({ proxy, proxyPath }) => proxy !== undefined && (proxyPath[0] !== "accessories" || proxy.run !== undefined));
  return saying.flatMap((role, i) => {
    const rival = saying.slice(0, i).find(({ proxy, hosts }) => !Bun.deepEquals(proxy?.run, role.proxy?.run) && hosts.some((host) => role.hosts.includes(host)));
    return rival === undefined ? [] : [{ path: [...role.proxyPath, "run"], text: `expected the same as for ${rival.name}: there is one proxy on ${role.hosts.filter((host) => rival.hosts.includes(host)).join(", ")}. Write run at the root` }];
  });
}
