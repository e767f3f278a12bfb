import { rolePrefix } from "../../ground/names.ts";
import type { Path } from "../locate.ts";
import { orList, type Problem } from "../problems.ts";
import type { ProxiedInput } from "../accessory-checks.ts";
import type { RoleInput } from "../roles.ts";
import type { ParsedConfig } from "../schema.ts";
import { texts } from "../schema/common.ts";
import type { HealthcheckInput, TraefikInput } from "../schema/traefik.ts";
import { traefikDefaults } from "../schema/traefik.ts";
import { entryPointsOf } from "./entry-points.ts";
import { majorOf, type TraefikMajor } from "./fields.ts";
import { isTraefikLabel, type LabelProblem } from "./labels.ts";
import { protocols, routeOf, sharedNames, type TraefikRoute } from "./route.ts";

/** What does not fit together about Traefik: with kamal-proxy, between its labels, between the routes of roles on one host. */
export function traefikProblems(config: ParsedConfig, roles: readonly RoleInput[], proxied: readonly ProxiedInput[]): Problem[] {
  const major = majorOf(config.traefik?.image ?? traefikDefaults.image);
  const routes = roles.filter((role) => role.traefik !== undefined).map((role) => ({ role, ...routeOf(texts({ ...config.labels, ...role.labels }), { service: config.service, prefix: rolePrefix({ service: config.service, destination: undefined }, role.name) }, major) }));
  const labelled = routes.flatMap(({ role, problems }) => problems.map((problem) => placed(config, role, problem)));
  return [
    ...roles.flatMap((role) => otherProxyProblems(role, proxied)),
    ...(config.traefik === undefined || routes.length > 0 ? [] : [{ path: ["traefik"], text: "expected a role behind it: every role says otherwise" }]),
    ...labelled.filter(({ path }, i) => labelled.findIndex((other) => other.path.join() === path.join()) === i),
    ...ownLabelProblems(config.traefik, major),
    ...(labelled.length > 0 ? [] : sharingProblems(routes)),
    ...entryPointProblems(config, routes),
    ...argProblems(config.traefik),
    ...healthProblems(config, roles),
  ];
}

/** At the label itself; at the first label of the set when the one that is wrong was not written. */
function placed(config: ParsedConfig, role: RoleInput, { label, text }: LabelProblem): Problem {
  const own = role.labels !== undefined && label in role.labels;
  return { path: own || !(label in config.labels) ? [...role.path, "labels", label] : ["labels", label], text };
}

/** A host has one proxy: two cannot have the same ports. */
function otherProxyProblems(role: RoleInput, proxied: readonly ProxiedInput[]): Problem[] {
  const { traefik } = role;
  if (traefik === undefined) return [];
  if (role.proxy !== undefined) return [{ path: traefik, text: `expected either Traefik or kamal-proxy for ${role.name}, found both: ${role.proxyPath.join(".")} chooses kamal-proxy` }];
  const others = proxied.filter((other) => other.proxy !== undefined);
  const shared = others.flatMap((other) => role.hosts.filter((host) => other.hosts.includes(host)).map((host) => ({ host, name: other.name })));
  return shared.slice(0, 1).map(({ host, name }) => ({ path: traefik, text: `expected one proxy on ${host}, found two: ${role.name} is behind Traefik and ${name} behind kamal-proxy` }));
}

function ownLabelProblems(traefik: TraefikInput | undefined, major: TraefikMajor): Problem[] {
  if (traefik?.labels === undefined || !Object.keys(traefik.labels).some(isTraefikLabel)) return [];
  return routeOf(texts(traefik.labels), { service: "traefik", prefix: "traefik", answers: false }, major).problems.map(({ label, text }) => ({ path: ["traefik", "labels", label], text }));
}

/** Traefik takes one file's word for a name, and answers by one of two routers with the same rule. */
function sharingProblems(routes: readonly { readonly role: RoleInput; readonly route: TraefikRoute | undefined }[]): Problem[] {
  return routes.flatMap(({ role, route }, i) => routes.slice(0, i).flatMap((other): Problem[] => {
    const hosts = role.hosts.filter((host) => other.role.hosts.includes(host));
    const [mine, theirs] = [route, other.route];
    if (hosts.length === 0 || mine === undefined || theirs === undefined) return [];
    const at: Path = role.traefik ?? role.path;
    const twice = sharedNames(mine, theirs);
    if (twice.length > 0) return [{ path: at, text: `expected labels of its own for each of ${other.role.name} and ${role.name}: on ${hosts.join(", ")} both say ${orList(twice)}` }];
    const same = Object.values(mine.http.routers).find((router) => Object.values(theirs.http.routers).some((one) => one["rule"] === router["rule"] && Bun.deepEquals(one["entryPoints"], router["entryPoints"])));
    return same === undefined ? [] : [{ path: at, text: `expected a rule of its own for ${role.name}: on ${hosts.join(", ")} it answers the same requests as ${other.role.name}, ${String(same["rule"])}` }];
  }));
}

/** Checked only where the config names entry points at all: another app may run the proxy. */
function entryPointProblems(config: ParsedConfig, routes: readonly { readonly role: RoleInput; readonly route: TraefikRoute | undefined }[]): Problem[] {
  const known = entryPointsOf(config.traefik?.args ?? {});
  if (known.length === 0) return [];
  return routes.flatMap(({ role, route }) => protocols.flatMap((protocol) => Object.entries(route?.[protocol].routers ?? {}).flatMap(([name, router]): Problem[] => {
    const wanted = (router["entryPoints"] ?? []) as readonly string[];
    const missing = wanted.filter((one) => !known.includes(one.toLowerCase()));
    const written = name === rolePrefix({ service: config.service, destination: undefined }, role.name) ? [config.service, name] : [name];
    const label = Object.keys({ ...config.labels, ...role.labels }).find((one) => written.some((own) => one.toLowerCase().startsWith(`traefik.${protocol}.routers.${own}.entrypoints`.toLowerCase())));
    return missing.length === 0 ? [] : [placed(config, role, { label: label ?? "", text: `expected an entry point of traefik.args (${known.join(", ")}), found ${missing.join(", ")}` })];
  })));
}

/** What capstan needs of Traefik: its API and the folder of files. */
function argProblems(traefik: TraefikInput | undefined): Problem[] {
  return Object.entries(traefik?.args ?? {}).flatMap(([name, value]): Problem[] => {
    const path: Path = ["traefik", "args", name];
    if (name.startsWith("-")) return [{ path, text: `expected the argument without dashes: ${name.replace(/^-+/, "")}` }];
    if (/^(api|api\.insecure)$/i.test(name) && String(value) === "false") return [{ path, text: "expected it to stay on: a switch is confirmed by Traefik's API, which can only be reached inside its container" }];
    if (/^providers\.file\.(directory|filename|watch)$/i.test(name)) return [{ path, text: "expected nothing here: capstan writes the files of the file provider. Routes of your own go into labels" }];
    return [];
  });
}

function healthProblems(config: ParsedConfig, roles: readonly RoleInput[]): Problem[] {
  const wrong = (healthcheck: HealthcheckInput | undefined, path: Path): Problem[] => (healthcheck === undefined ? [] : [{ path, text: "expected a role behind Traefik: behind kamal-proxy it is proxy.healthcheck, and its port is proxy.appPort" }]);
  return [
    ...(roles.some((role) => role.traefik !== undefined) ? [] : wrong(config.healthcheck, ["healthcheck"])),
    ...roles.flatMap((role) => (role.traefik === undefined ? wrong(role.healthcheck, [...role.path, "healthcheck"]) : [])),
  ];
}
