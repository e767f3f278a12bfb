import type { TraefikMajor } from "./fields.ts";
import { readLabels, type LabelProblem, type Value, type Values } from "./labels.ts";

/** The protocols Traefik routes. */
export const protocols = ["http", "tcp", "udp"] as const;
export type Protocol = (typeof protocols)[number];

/** Routers, services and middlewares of one protocol by name. A service's servers are what stands under `loadBalancer.server`. */
export interface RouteObjects {
  readonly routers: Readonly<Record<string, Values>>;
  readonly services: Readonly<Record<string, Values>>;
  readonly middlewares: Readonly<Record<string, Values>>;
}

/** How Traefik routes to one role, without the container it routes to. Plain data: it is kept in the file on the host. */
export interface TraefikRoute extends Readonly<Record<Protocol, RouteObjects>> {
  readonly tls: Values;
}

/** Who a route is for. */
export interface RouteOwner {
  readonly service: string;
  /** `service-role[-destination]`: name of the role's own router and service. */
  readonly prefix: string;
  /** False: only what labels name, as for Traefik's own; default: a router and a service of its own too. */
  readonly answers?: false;
}

/** Lower than any rule's length: every router with a rule of the user's goes first. */
const defaultRouter = { rule: "PathPrefix(`/`)", priority: 2 } as const;

/**
 * The route that labels ask for. A router or service named after the service is the role's own; a role without a router
 * of its own answers everything; a router without a service gets the only one.
 * @returns undefined as route when `traefik.enable` is false
 */
export function routeOf(labels: Readonly<Record<string, string>>, owner: RouteOwner, major: TraefikMajor): { readonly route: TraefikRoute | undefined; readonly problems: readonly LabelProblem[] } {
  const { enabled, sections, problems } = readLabels(labels, major);
  const found: LabelProblem[] = [...problems];
  const blame = (path: string, text: string): void => {
    const label = Object.keys(labels).find((one) => one.toLowerCase().startsWith(`traefik.${path}.`.toLowerCase())) ?? `traefik.${path}`;
    // What follows from a label that is wrong already is not told again.
    if (found.every((problem) => problem.label !== label)) found.push({ label, text });
  };
  const http = completeHttp(owned(objectsIn(sections, "http"), owner, "http"), owner, major, blame);
  const tcp = completeStreams("tcp", objectsIn(sections, "tcp"), owner, blame);
  const udp = completeStreams("udp", objectsIn(sections, "udp"), owner, blame);
  return { route: enabled ? { http, tcp, udp, tls: mapAt(sections, "tls") } : undefined, problems: found };
}

type Blame = (path: string, text: string) => void;
type Named = Readonly<Record<string, Values>>;

const isValues = (value: Value | undefined): value is Values => typeof value === "object" && !Array.isArray(value);
const mapAt = (values: Values, name: string): Values => {
  const value = values[name];
  return isValues(value) ? value : {};
};
const objectsIn = (sections: Values, protocol: Protocol): RouteObjects => {
  const section = mapAt(sections, protocol);
  return { routers: mapAt(section, "routers") as Named, services: mapAt(section, "services") as Named, middlewares: mapAt(section, "middlewares") as Named };
};

/** Gives the router and the service that are named after the service the name of the role's own, and mends what refers to them. */
function owned(objects: RouteObjects, owner: RouteOwner, protocol: Protocol): RouteObjects {
  const own = (named: Named): Named => {
    const { [owner.service]: short, [owner.prefix]: full, ...others } = named;
    return short === undefined && full === undefined ? others : { [owner.prefix]: { ...short, ...full }, ...others };
  };
  const { routers, services, middlewares } = { routers: own(objects.routers), services: own(objects.services), middlewares: objects.middlewares };
  const local = (reference: string, names: Named): string => {
    const [name = "", provider] = reference.split("@");
    if (provider !== undefined && provider !== "docker" && provider !== "file") return reference;
    if (names === services && name === owner.service && !(name in names)) return owner.prefix;
    return name in names ? name : reference;
  };
  return {
    routers: mapValues(routers, (router) => ({
      ...router,
      ...(typeof router["service"] === "string" ? { service: local(router["service"], services) } : {}),
      ...(Array.isArray(router["middlewares"]) ? { middlewares: (router["middlewares"] as readonly string[]).map((one) => local(one, middlewares)) } : {}),
    })),
    services,
    middlewares: protocol === "http" ? mapValues(middlewares, (middleware) => localMiddleware(middleware, (name) => local(name, middlewares), (name) => local(name, services))) : middlewares,
  };
}

/** A chain names middlewares, an error page names a service. */
function localMiddleware(middleware: Values, toMiddleware: (name: string) => string, toService: (name: string) => string): Values {
  const chain = mapAt(middleware, "chain");
  const errors = mapAt(middleware, "errors");
  return {
    ...middleware,
    ...(Array.isArray(chain["middlewares"]) ? { chain: { ...chain, middlewares: (chain["middlewares"] as readonly string[]).map(toMiddleware) } } : {}),
    ...(typeof errors["service"] === "string" ? { errors: { ...errors, service: toService(errors["service"]) } } : {}),
  };
}

const mapValues = (named: Named, change: (values: Values) => Values): Named => Object.fromEntries(Object.entries(named).map(([name, values]) => [name, change(values)]));

function completeHttp(objects: RouteObjects, owner: RouteOwner, major: TraefikMajor, blame: Blame): RouteObjects {
  const services: Named = Object.keys(objects.services).length === 0 && owner.answers !== false ? { [owner.prefix]: {} } : objects.services;
  const { [owner.prefix]: own = {}, ...others } = objects.routers;
  const routers: Named = owner.answers === false ? objects.routers : { [owner.prefix]: own["rule"] === undefined ? { ...defaultRouter, ...own } : own, ...others };
  for (const [name, router] of Object.entries(routers)) {
    if (router["rule"] === undefined) blame(`http.routers.${name}`, `expected traefik.http.routers.${name}.rule too: a router other than ${owner.service} has none by itself`);
    else ruleProblems(String(router["rule"]), major, router["ruleSyntax"] === "v2").forEach((text) => blame(`http.routers.${routerAsWritten(name, owner)}.rule`, text));
  }
  return { ...objects, services, routers: withService("http", routers, services, owner, blame) };
}

/** TCP and UDP: only what labels name. */
function completeStreams(protocol: "tcp" | "udp", objects: RouteObjects, owner: RouteOwner, blame: Blame): RouteObjects {
  const named = Object.keys(objects.services).length > 0 || Object.keys(objects.routers).length === 0;
  const services: Named = named ? objects.services : { [owner.prefix]: {} };
  for (const [name, router] of Object.entries(objects.routers)) {
    if (protocol === "tcp" && router["rule"] === undefined) blame(`tcp.routers.${name}`, `expected traefik.tcp.routers.${name}.rule too, such as HostSNI(\`*\`)`);
  }
  return { ...objects, services, routers: withService(protocol, objects.routers, services, owner, blame) };
}

const routerAsWritten = (name: string, owner: RouteOwner): string => (name === owner.prefix ? owner.service : name);

/** A router without a service gets the role's own, or the only one. */
function withService(protocol: Protocol, routers: Named, services: Named, owner: RouteOwner, blame: Blame): Named {
  const names = Object.keys(services);
  const fallback = names.length === 1 ? names[0] : names.find((name) => name === owner.prefix);
  return Object.fromEntries(Object.entries(routers).map(([name, router]) => {
    if (router["service"] !== undefined) return [name, router];
    if (fallback === undefined) blame(`${protocol}.routers.${routerAsWritten(name, owner)}`, `expected traefik.${protocol}.routers.${routerAsWritten(name, owner)}.service: ${names.length === 0 ? "such as api@internal" : `one of ${names.join(", ")}`}`);
    return [name, { ...router, service: fallback ?? owner.prefix }];
  }));
}

/** Rules as Traefik 2 had them that Traefik 3 refuses. Source: Traefik's guide for the way from v2 to v3. */
function ruleProblems(rule: string, major: TraefikMajor, asBefore: boolean): string[] {
  if (major === 2 || asBefore) return [];
  const several = /\b(Host|HostRegexp|Path|PathPrefix|PathRegexp|Method|ClientIP)\(\s*(`[^`]*`|"[^"]*")\s*,\s*(`[^`]*`|"[^"]*")/.exec(rule);
  const renamed = /\b(Headers|HostHeader|HeadersRegexp)\(/.exec(rule)?.[1];
  const placeholder = /\b(HostRegexp|Path|PathPrefix|Headers?Regexp)\(`[^`]*(\{\w+:[^}]*\})/.exec(rule);
  const now: Readonly<Record<string, string>> = { Headers: "Header", HeadersRegexp: "HeaderRegexp", HostHeader: "Host" };
  return [
    ...(several === null ? [] : [`expected one value for each matcher of Traefik 3: ${several[1]}(${several[2]}) || ${several[1]}(${several[3]})`]),
    ...(renamed === undefined ? [] : [`expected ${now[renamed]}(…): Traefik 3 has no ${renamed}`]),
    ...(placeholder === null ? [] : [`expected a regular expression as Go has it instead of ${placeholder[2]}: Traefik 3 has no such placeholders, and matches paths with PathRegexp`]),
  ];
}

/** The names that two routes on one host cannot both have, as `http.routers.shop`. Equal middlewares do no harm. */
export function sharedNames(one: TraefikRoute, other: TraefikRoute): readonly string[] {
  return protocols.flatMap((protocol) => (["routers", "services", "middlewares"] as const).flatMap((kind) =>
    Object.keys(one[protocol][kind])
      .filter((name) => name in other[protocol][kind] && (kind !== "middlewares" || !Bun.deepEquals(one[protocol][kind][name], other[protocol][kind][name])))
      .map((name) => `${protocol}.${kind}.${name}`)));
}

/** The port that a label gives to the service of the role's own router; undefined: none does. */
export function labelledPort(route: TraefikRoute, prefix: string): number | undefined {
  const { routers, services } = route.http;
  const service = services[String(routers[prefix]?.["service"])] ?? Object.values(services)[0] ?? {};
  const port = Number(mapAt(mapAt(service, "loadBalancer"), "server")["port"]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}
