import { arch } from "node:os";
import type { Path } from "../locate.ts";
import type { Problem } from "../problems.ts";
import { secretName } from "../secret-ref.ts";
import type { Conversion, Converted, Omission } from "./convert.ts";
import { at, type Entry, entryOf, isTemplate, type MapNode, type Node, type ScalarNode } from "./node.ts";

/** In MRSK it was `traefik:v2.9`: the last of version 2 takes the same rules and is still looked after. */
const mrskTraefik = "traefik:v2.11";

/** The last version of Kamal whose configs are taken as they are. */
const likeness = "2.12";

/** Compares versions by their numbers. */
const isAtMost = (version: string, most: string): boolean => /^\d+(\.\d+){0,2}$/.test(version) && Bun.semver.order(`${version}.0.0`.split(".").slice(0, 3).join("."), `${most}.999`) <= 0;

/**
 * What is more than another name: secrets where a name means one, and what MRSK says in other words.
 * @param root under our names already
 */
export function rewrite(root: MapNode, { flavour, base, secretsPath, traefikRoles, builders, leftovers }: Conversion, problems: Problem[], omissions: Omission[]): Converted {
  const refuse = (path: Path, text: string): void => void problems.push({ path, text });
  const leaveOut = (entry: Entry, path: string, why: string): void => void omissions.push({ at: entry.at, name: path, why });
  let config = withRegistry(root);
  config = change(config, "proxy", withCertificate);
  config = change(config, "accessories", (accessories) => each(accessories, (accessory) => change(listedRoles(withRegistry(accessory)), "proxy", withCertificate)));
  config = sshkitInSsh(change(config, "ssh", (ssh) => change(ssh, "keyData", (keys) => (keys.kind === "list" ? { ...keys, items: keys.items.map((key) => refersTo(key, key)) } : keys))));
  config = change(config, "servers", (servers) => each(servers, (role, name) => (role.kind === "map" ? mrskRole(change(role, "proxy", withCertificate), name, traefikRoles, flavour, refuse) : role)));
  if (flavour === "kamal") config = withoutTraefik(config, leftovers, base, refuse);
  if (flavour === "mrsk") {
    config = change(config, "healthcheck", (health) => (health.kind === "map" ? commandless(health, ["healthcheck"], refuse) : health));
    config = change(config, "builder", (builder) => (builder.kind === "map" ? mrskBuilder(builder, base ? undefined : builders, leaveOut) : builder));
    config = change(config, "traefik", (traefik) => (base ? withDefaults(volumeOption(traefik), { image: mrskTraefik }) : volumeOption(traefik)));
    if (base) config = mrskDefaults(config);
  }
  const minimum = entryOf(config, "minimumVersion");
  const least = textOf(minimum?.node);
  if (minimum !== undefined && least !== undefined && isAtMost(least, likeness)) {
    leaveOut(minimum, "minimum_version", `capstan does what Kamal ${likeness} does`);
    config = without(config, "minimumVersion");
  }
  if (base) config = withDefaults(config, { secretsPath });
  return {
    root: without(config, "hooksPath", "auditBroadcastCmd"), problems, omissions,
    hooksPath: textOf(at(config, "hooksPath")), auditBroadcast: textOf(at(config, "auditBroadcastCmd")),
  };
}

const textOf = (node: Node | undefined): string | undefined => (node?.kind === "scalar" && typeof node.value === "string" ? node.value : undefined);
const scalarAt = (place: number, value: ScalarNode["value"]): ScalarNode => ({ kind: "scalar", at: place, value });
const entryAt = (place: number, key: string, node: Node, above?: string): Entry => ({ key, written: key, at: place, node, ...(above === undefined ? {} : { comments: { above: [` ${above}`], behind: undefined } }) });

/** A map with one value replaced; others stay as they are. */
function change<T extends Node>(node: T, key: string, work: (inner: Node) => Node): T {
  if (node.kind !== "map" || entryOf(node, key) === undefined) return node;
  return { ...node, entries: node.entries.map((entry) => (entry.key === key ? { ...entry, node: work(entry.node) } : entry)) };
}

const each = (node: Node, work: (inner: Node, key: string) => Node): Node =>
  node.kind === "map" ? { ...node, entries: node.entries.map((entry) => ({ ...entry, node: work(entry.node, entry.key) })) } : node;

const without = <T extends MapNode>(node: T, ...keys: readonly string[]): T => ({ ...node, entries: node.entries.filter(({ key }) => !keys.includes(key)) });
const withEntries = <T extends MapNode>(node: T, ...entries: readonly Entry[]): T => ({ ...node, entries: [...node.entries, ...entries] });

/** A map with what it does not say itself. */
function withDefaults<T extends Node>(node: T, values: Readonly<Record<string, string>>): T {
  if (node.kind !== "map") return node;
  return withEntries(node, ...Object.entries(values).filter(([key]) => entryOf(node, key) === undefined).map(([key, value]) => entryAt(node.at, key, scalarAt(node.at, value)))) as T;
}

const refersTo = (node: Node, name: Node | undefined): Node => {
  const text = textOf(name);
  return text !== undefined && secretName.test(text) ? { ...node, kind: "scalar", value: { kind: "secret", name: text } } as ScalarNode : node;
};

/** A list of one name is a secret. */
const withRegistry = <T extends Node>(node: T): T => change(node, "registry", (registry) => ["username", "password"].reduce((inner, key) => change(inner, key, (value) => (value.kind === "list" && value.items.length === 1 ? refersTo(value, value.items[0]) : value)), registry));

/** What SSHKit is told is about SSH. */
function sshkitInSsh(config: MapNode): MapNode {
  const sshkit = entryOf(config, "sshkit");
  if (sshkit?.node.kind !== "map") return config;
  const { entries } = sshkit.node;
  const rest = without(config, "sshkit");
  if (entries.length === 0) return rest;
  if (entryOf(rest, "ssh") === undefined) return { ...config, entries: config.entries.map((entry) => (entry === sshkit ? { ...entry, key: "ssh" } : entry)) };
  return change(rest, "ssh", (ssh) => (ssh.kind === "map" ? withEntries(ssh, ...entries) : ssh));
}

/** A certificate is named by its secret. */
const withCertificate = (proxy: Node): Node => change(proxy, "ssl", (ssl) => ["certificatePem", "privateKeyPem"].reduce((inner, key) => change(inner, key, (value) => refersTo(value, value)), ssl));

/** MRSK's README has lists under `role`. */
const listedRoles = (accessory: Node): Node => (accessory.kind === "map" ? { ...accessory, entries: accessory.entries.map((entry) => (entry.key === "role" && entry.node.kind === "list" ? { ...entry, key: "roles" } : entry)) } : accessory);

/** Docker's flag is `--volume`; MRSK's README says `volumes`. */
const volumeOption = (traefik: Node): Node => change(traefik, "options", (options) => (options.kind === "map" ? { ...options, entries: options.entries.map((entry) => (entry.key === "volumes" ? { ...entry, key: "volume" } : entry)) } : options));

/**
 * To Kamal 2 labels of Traefik are labels like any other, left from before: roles stay where they are.
 * A list that goes over the primary role would lose what says so: it becomes a map, which is merged and does not replace.
 */
function withoutTraefik(config: MapNode, { primary, atRoot, roles, servers: own }: Conversion["leftovers"], base: boolean, refuse: Refuse): MapNode {
  const isConcerned = (name: string): boolean => roles.has(name) || (atRoot && name === primary);
  const plain = (role: Node, name: string): Node => {
    const map: MapNode = role.kind === "map" ? role : { kind: "map", at: role.at, entries: [entryAt(role.at, "hosts", role)] };
    const proxy = name === primary && entryOf(map, "proxy") === undefined ? [entryAt(role.at, "proxy", scalarAt(role.at, true))] : [];
    return withEntries(map, entryAt(role.at, "traefik", scalarAt(role.at, false), "Behind kamal-proxy: the labels of Traefik are labels like any other."), ...proxy);
  };
  const isInBase = (name: string): boolean => (isHosts(own) ? name === "web" : at(own, name) !== undefined);
  const over = (role: Node, name: string): Node => {
    if (role.kind === "map") return isInBase(name) ? role : plain(role, name);
    // A list takes away the role's own labels with the rest of it.
    if (!(atRoot && name === primary)) return role;
    const lost = at(own, name);
    if (lost?.kind === "map" && lost.entries.some(({ key }) => !["hosts", "proxy"].includes(key))) refuse(["servers", name], "expected a map with hosts beside the labels of Traefik that stayed: write {hosts: […]}, or take those labels away");
    return plain(role, name);
  };
  const converted = (role: Node, name: string): Node => (!isConcerned(name) ? role : base ? plain(role, name) : over(role, name));
  return change(config, "servers", (servers) => {
    if (!isHosts(servers)) return each(servers, converted);
    const role = converted(servers, "web");
    if (role === servers) return servers;
    if (!base && own?.kind === "map" && own.entries.some(({ key }) => key !== "web")) refuse(["servers"], "expected a map of roles beside the labels of Traefik that stayed: write {web: […]}, or take those labels away");
    return { kind: "map", at: servers.at, entries: [entryAt(servers.at, "web", role)] };
  });
}

/** A list, or what becomes one. */
const isHosts = (node: Node | undefined): boolean => node?.kind === "list" || (node?.kind === "scalar" && isTemplate(node.value));

type Refuse = (path: Path, text: string) => void;

/** A role behind no Traefik is asked by Docker itself. */
function mrskRole(role: MapNode, name: string, traefikRoles: ReadonlySet<string>, flavour: Conversion["flavour"], refuse: Refuse): MapNode {
  const entry = entryOf(role, "healthcheck");
  if (flavour !== "mrsk" || entry?.node.kind !== "map") return role;
  if (traefikRoles.has(name)) return change(role, "healthcheck", (health) => (health.kind === "map" ? commandless(health, ["servers", name, "healthcheck"], refuse) : health));
  const health = entry.node;
  const value = (key: string, otherwise: string): string => {
    const node = at(health, key);
    return node?.kind === "scalar" && !isTemplate(node.value) ? String(node.value) : otherwise;
  };
  const command = value("cmd", `curl -f http://localhost:${value("port", "3000")}${value("path", "/up")} || exit 1`);
  const flags = [entryAt(entry.at, "health-cmd", scalarAt(entry.at, command)), entryAt(entry.at, "health-interval", scalarAt(entry.at, value("interval", "1s")))];
  const rest = without(role, "healthcheck");
  if (entryOf(rest, "options") === undefined) return withEntries(rest, entryAt(entry.at, "options", { kind: "map", at: entry.at, entries: flags }));
  return change(rest, "options", (options) => (options.kind === "map" ? withEntries(options, ...flags) : options));
}

/** A container behind Traefik is asked over HTTP: a command that does just that says where. */
function commandless(health: MapNode, path: Path, refuse: Refuse): MapNode {
  const entry = entryOf(health, "cmd");
  if (entry === undefined) return health;
  const [, port = "80", asked = "/"] = /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::(\d+))?(\/[^\s"'|;&]*)?/.exec(textOf(entry.node) ?? "") ?? [];
  if (!/\bhttps?:\/\//.test(textOf(entry.node) ?? "")) {
    refuse([...path, "cmd"], "expected a path instead: a container behind Traefik is asked over HTTP, so give path and port of what answers 2xx once it is ready");
    return { ...health, entries: health.entries.map((one) => (one === entry ? { ...one, unknown: true } : one)) };
  }
  const found = [entryAt(entry.at, "path", scalarAt(entry.at, asked)), entryAt(entry.at, "port", scalarAt(entry.at, Number(port)))];
  return withEntries(without(health, "cmd"), ...found.filter(({ key }) => entryOf(health, key) === undefined));
}

/** Source: os.arch() of Node.js. */
const dockerArch = (): string => (arch() === "x64" ? "amd64" : arch());

/**
 * MRSK's builder: a machine for each architecture, or the one it runs on.
 * @param below the builders it goes over
 */
function mrskBuilder(builder: MapNode, below: Conversion["builders"] | undefined, leaveOut: (entry: Entry, path: string, why: string) => void): MapNode {
  const [local, remote, multiarch] = ["local", "remote", "multiarch"].map((key) => entryOf(builder, key));
  let result = without(builder, "multiarch");
  const sides = [local, remote].filter((entry) => entry?.node.kind === "map");
  if (sides.length > 0) {
    result = without(result, "local", "remote");
    const archs = sides.flatMap((entry) => at(entry?.node, "arch") ?? []);
    const [only] = archs;
    if (only !== undefined && entryOf(result, "arch") === undefined) result = withEntries(result, entryAt(only.at, "arch", archs.length === 1 ? only : { kind: "list", at: only.at, items: archs }));
    const host = at(remote?.node, "host");
    if (remote !== undefined && host !== undefined) result = withEntries(result, { ...remote, node: host });
    const hasLocal = local !== undefined || below?.local === true;
    // What goes over a config with a remote builder alone has to say that this machine builds again.
    if (hasLocal ? below?.local === false && below.remote : host !== undefined) result = withEntries(result, entryAt(builder.at, "local", scalarAt(builder.at, hasLocal)));
    const socket = entryOf(local?.node, "host");
    if (socket !== undefined) leaveOut(socket, "builder.local.host", "docker's current context is the local builder: choose another with DOCKER_HOST");
  } else if (multiarch?.node.kind === "scalar" && entryOf(result, "arch") === undefined) {
    const native = multiarch.node.value === false;
    result = withEntries(result, entryAt(multiarch.at, "arch", native ? scalarAt(multiarch.at, dockerArch()) : bothArchs(multiarch.at), native ? "The architecture of this machine, as `multiarch: false` says." : undefined));
    if (native && entryOf(result, "driver") === undefined) result = withEntries(result, entryAt(multiarch.at, "driver", scalarAt(multiarch.at, "docker")));
  }
  return result;
}

const bothArchs = (place: number): Node => ({ kind: "list", at: place, items: [scalarAt(place, "amd64"), scalarAt(place, "arm64")] });

/** Traefik in front, and images for two architectures. */
function mrskDefaults(config: MapNode): MapNode {
  const proxy = entryOf(config, "proxy") !== undefined || entryOf(config, "traefik") !== undefined;
  const result = proxy ? config : withEntries(config, entryAt(config.at, "traefik", withDefaults({ kind: "map", at: config.at, entries: [] }, { image: mrskTraefik })));
  if (at(result, "builder", "arch") !== undefined) return result;
  const archs = entryAt(config.at, "arch", bothArchs(config.at), "MRSK builds for both unless it is told otherwise.");
  if (entryOf(result, "builder") === undefined) return withEntries(result, entryAt(config.at, "builder", { kind: "map", at: config.at, entries: [archs] }));
  return change(result, "builder", (builder) => (builder.kind === "map" ? withEntries(builder, archs) : builder));
}
