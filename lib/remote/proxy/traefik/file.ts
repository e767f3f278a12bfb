import { z } from "zod";
import { protocols, type Protocol, type RouteObjects, type TraefikRoute } from "../../../config/traefik/route.ts";
import type { Value, Values } from "../../../config/traefik/labels.ts";

/** One container that requests go to. Both may be {@link placeholder}s, which the host fills in. */
export interface Backend {
  readonly id: string;
  readonly port: string;
}

/** All that the file of one role on one host says. It is kept in the file itself, so that the host alone tells it. */
export interface RouteFile {
  /** `service-role[-destination]`. */
  readonly name: string;
  readonly mode: "live" | "maintenance";
  readonly main: Backend;
  readonly canary?: Backend & { readonly percent: number };
  readonly route: TraefikRoute;
}

/** What the host knows and the planner does not. */
export const placeholder = {
  /** Id of the container that is switched to. */
  id: "@@id@@",
  /** The lowest port it exposes. */
  port: "@@port@@",
  /** Id of the container with the maintenance page. */
  page: "@@page@@",
  /** A value nobody else knows. */
  token: "@@token@@",
  /** Twelve hex digits of the file's own sum: names the marker. */
  revision: "@@revision@@",
} as const;

/** Where the container with the maintenance page listens. */
export const pagePort = 8080;
/** Connections to the app that are not in use are closed after that: what is open later is in use. */
const idleTimeout = "1s";

/** Name of the object that shows by its presence in Traefik's API that exactly this file is in force. */
export const markerOf = (name: string): string => `${name}--${placeholder.revision}`;

/** The text of the file: what it is in comments, then the configuration as JSON, which is YAML too. */
export function fileText(file: RouteFile): string {
  return [
    "# Written by capstan. Changes are lost with the next deploy: labels in the config of the app say what stands here.",
    `# revision ${placeholder.revision}`,
    `# targets ${[file.main, ...(file.canary === undefined ? [] : [file.canary])].map(({ id, port }) => `${id}:${port}`).join(" ")}`,
    `# capstan ${untemplated(JSON.stringify(file))}`,
    untemplated(JSON.stringify(configOf(file), null, 2)),
    "",
  ].join("\n");
}

/**
 * The text of the file that is tried before: the same with other names, reached only with a header nobody else knows.
 * @param headerMatcher `Header`, or `Headers` where rules are written as for Traefik 2
 */
export function stagedText(file: RouteFile, headerMatcher: HeaderMatcher): string {
  const config = configOf({ ...stagedFile(file), mode: "live" }, headerMatcher);
  return [`# Being tried by a deploy of ${file.name}.`, `# revision ${placeholder.revision}`, untemplated(JSON.stringify(config, null, 2)), ""].join("\n");
}

export const probeHeader = "X-Deploy-Probe";
/** Name of the staged file's own router, which answers whatever the rules of the others are. */
export const probeRouter = (name: string): string => `${nextName(name, name)}-probe`;

/** A name in the staged file. */
export const nextName = (prefix: string, name: string): string => (name.startsWith(prefix) ? `${name}--next` : `${prefix}--${name}--next`);

/** Traefik reads its files as Go templates first. JSON may say a brace by its number. */
const untemplated = (json: string): string => json.replaceAll("{{", "{\\u007b");

type HeaderMatcher = (router: Values) => "Header" | "Headers";

/** @param staging only for requests with the header; undefined: for everybody */
function configOf(file: RouteFile, staging?: HeaderMatcher): Values {
  const { http, tcp, udp, tls } = file.route;
  const own = Object.keys(http.services);
  const inMaintenance = file.mode === "maintenance";
  const page = `${file.name}-maintenance`;
  const marker = { [markerOf(file.name)]: { headers: { customRequestHeaders: { "X-Capstan-Route": file.name } } } };
  const withPage = (router: Values): Values => (inMaintenance && own.includes(String(router["service"])) ? { ...router, middlewares: [page, ...((router["middlewares"] ?? []) as readonly string[])] } : router);
  const probe: Values = staging === undefined || own.length === 0 ? {} : { [`${file.name}-probe`]: probeOf(file, staging) };
  return trimmed({
    http: {
      routers: { ...mapOf(http.routers, (router) => (staging === undefined ? withPage(router) : onlyForProbe(router, staging))), ...probe },
      services: { ...servicesOf(file, "http"), ...(inMaintenance ? { [page]: { loadBalancer: { servers: [{ url: `http://${placeholder.page}:${pagePort}` }] } } } : {}) },
      middlewares: { ...marker, ...http.middlewares, ...(inMaintenance ? { [page]: { errors: { status: ["503"], service: page, query: "/" } } } : {}) },
      serversTransports: { [file.name]: { forwardingTimeouts: { idleConnTimeout: idleTimeout } } },
    },
    tcp: { routers: staging === undefined ? tcp.routers : mapOf(tcp.routers, (router) => ({ ...router, rule: `(${String(router["rule"])}) && ClientIP(\`255.255.255.255\`)` })), services: servicesOf(file, "tcp"), middlewares: tcp.middlewares },
    // A router of UDP has no rule that could keep traffic away from it.
    udp: { routers: staging === undefined ? udp.routers : {}, services: servicesOf(file, "udp") },
    tls: staging === undefined ? tls : {},
  });
}

/** Reachable with the header only, and then before the live router. */
function onlyForProbe(router: Values, headerMatcher: HeaderMatcher): Values {
  const { rule, priority, ...rest } = router;
  return { ...rest, rule: `(${String(rule)}) && ${headerMatcher(router)}(\`${probeHeader}\`, \`${placeholder.token}\`)`, ...(typeof priority === "number" ? { priority: priority + 1 } : {}) };
}

/** Goes to the container that is new, whatever share of the requests it will get. */
function probeOf({ name, canary, route: { http } }: RouteFile, headerMatcher: HeaderMatcher): Values {
  const own = http.routers[name] ?? Object.values(http.routers)[0] ?? {};
  const { entryPoints, ruleSyntax } = own;
  const services = Object.keys(http.services);
  const service = services.find((one) => one === own["service"]) ?? services[0] ?? name;
  return {
    ...(entryPoints === undefined ? {} : { entryPoints }), ...(ruleSyntax === undefined ? {} : { ruleSyntax }),
    rule: `${headerMatcher(own)}(\`${probeHeader}\`, \`${placeholder.token}\`)`, priority: 1_000_000, service: canary === undefined ? service : `${service}-canary`,
  };
}

function servicesOf(file: RouteFile, protocol: Protocol): Values {
  const services = Object.entries(file.route[protocol].services);
  return Object.fromEntries(services.flatMap(([name, service]): [string, Values][] => {
    const to = (backend: Backend): Values => ({ loadBalancer: balancerOf(protocol, service, backend, file.name) });
    if (file.mode === "maintenance") return [[name, { loadBalancer: { servers: [] } }]];
    if (file.canary === undefined) return [[name, to(file.main)]];
    const [main, canary] = [`${name}-main`, `${name}-canary`];
    const weighted = {
      services: [{ name: main, weight: 100 - file.canary.percent }, { name: canary, weight: file.canary.percent }],
      ...(protocol === "http" ? { sticky: { cookie: { name: `${name}-canary`, httpOnly: true } } } : {}),
    };
    return [[name, { weighted }], [main, to(file.main)], [canary, to(file.canary)]];
  }));
}

/** A service as a file has it: what labels say under `server` becomes the one server. */
function balancerOf(protocol: Protocol, service: Values, backend: Backend, transport: string): Values {
  const { server, ...fields } = (service["loadBalancer"] ?? {}) as Values;
  const { port, scheme, url, ...more } = (server ?? {}) as Values;
  const address = `${backend.id}:${port ?? backend.port}`;
  if (protocol !== "http") return { ...fields, servers: [{ address, ...more }] };
  const own = scheme === "https" ? {} : { serversTransport: transport };
  return { ...own, ...fields, servers: [{ url: url ?? `${scheme ?? "http"}://${address}`, ...more }] };
}

/** The addresses of a backend that the API shows when the file is in force. */
export function addressesOf(file: RouteFile): readonly { readonly protocol: Protocol; readonly service: string; readonly address: string }[] {
  if (file.mode === "maintenance") return [];
  const config = configOf(file);
  return protocols.flatMap((protocol) => Object.entries((config[protocol] as Values | undefined)?.["services"] ?? {}).flatMap(([service, value]) => {
    const servers = (((value as Values)["loadBalancer"] as Values | undefined)?.["servers"] ?? []) as readonly Values[];
    return servers.map(({ url, address }) => ({ protocol, service, address: protocol === "http" ? `"url":${JSON.stringify(url)}` : `"address":${JSON.stringify(address)}` }));
  }));
}

/** The same route under the names of the staged file. */
export function stagedFile(file: RouteFile): RouteFile {
  const next = (name: string): string => nextName(file.name, name);
  const staged = (objects: RouteObjects): RouteObjects => {
    const service = (name: string): string => (name in objects.services ? next(name) : name);
    const middleware = (name: string): string => (name in objects.middlewares ? next(name) : name);
    const renamed = (values: Values): Values => {
      const { chain, errors } = values as { readonly chain?: Values; readonly errors?: Values };
      return {
        ...values,
        ...(Array.isArray(chain?.["middlewares"]) ? { chain: { middlewares: (chain["middlewares"] as readonly string[]).map(middleware) } } : {}),
        ...(typeof errors?.["service"] === "string" ? { errors: { ...errors, service: service(errors["service"]) } } : {}),
      };
    };
    return {
      routers: keyed(objects.routers, next, (router) => ({
        ...router, service: service(String(router["service"])),
        ...(Array.isArray(router["middlewares"]) ? { middlewares: (router["middlewares"] as readonly string[]).map(middleware) } : {}),
      })),
      services: keyed(objects.services, next, (one) => one),
      middlewares: keyed(objects.middlewares, next, renamed),
    };
  };
  const { http, tcp, udp, tls } = file.route;
  return { ...file, name: next(file.name), route: { http: staged(http), tcp: staged(tcp), udp: staged(udp), tls } };
}

type Named = Readonly<Record<string, Values>>;
const mapOf = (named: Named, change: (values: Values) => Values): Values => keyed(named, (name) => name, change);
const keyed = (named: Named, rename: (name: string) => string, change: (values: Values) => Values): Record<string, Values> => Object.fromEntries(Object.entries(named).map(([name, values]) => [rename(name), change(values)]));

/** Without sections that have nothing in them: an empty one is an error to Traefik 2. */
function trimmed(sections: Values): Values {
  const filled = (value: Value): boolean => typeof value !== "object" || Object.keys(value).length > 0;
  const inner = Object.entries(sections).map(([name, section]): [string, Value] => [name, Object.fromEntries(Object.entries(section as Values).filter(([, value]) => filled(value)))]);
  return Object.fromEntries(inner.filter(([, section]) => filled(section)));
}

/** Keys that JavaScript has a meaning for are no names of objects. */
const Name = z.string().regex(/^(?!__proto__$)[^\p{Cc}]*$/u);
const SavedValue: z.ZodType<Value> = z.lazy(() => z.union([z.string(), z.number(), z.boolean(), z.array(SavedValue), SavedValues]));
const SavedValues: z.ZodType<Values> = z.lazy(() => z.record(Name, SavedValue));
const SavedNamed = z.record(Name, SavedValues);
const SavedObjects = z.object({ routers: SavedNamed, services: SavedNamed, middlewares: SavedNamed });
const SavedBackend = z.object({ id: z.string().regex(/^[\w.@-]*$/), port: z.string().regex(/^[\w@]*$/) });
/** What a {@link RouteFile} is when it is read. */
export const SavedFile = z.object({
  name: z.string().regex(/^[\w.-]+$/), mode: z.enum(["live", "maintenance"]), main: SavedBackend, canary: SavedBackend.extend({ percent: z.number().min(0).max(100) }).exactOptional(),
  route: z.object({ http: SavedObjects, tcp: SavedObjects, udp: SavedObjects, tls: SavedValues }),
});

/** Reads the line of {@link fileText} that holds the whole. @returns undefined when it is not one */
export function parseFileLine(line: string): RouteFile | undefined {
  const json = /^# capstan (\{.*\})$/.exec(line.trim())?.[1];
  if (json === undefined) return undefined;
  try {
    return SavedFile.parse(JSON.parse(json));
  } catch (cause) {
    throw new Error("Cannot read what a file of Traefik's routes says of itself", { cause });
  }
}
