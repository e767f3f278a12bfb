import type { z } from "zod";
import type { Path } from "./locate.ts";
import { overlay } from "./merge.ts";
import type { ParsedConfig } from "./schema.ts";
import type { hostOrTagged } from "./schema/common.ts";
import type { ProxyInput } from "./schema/proxy.ts";
import type { RoleMap } from "./schema/servers.ts";
import { isTraefikLabel } from "./traefik/labels.ts";

/** A role as the config says, its proxy merged with that of the root. */
export interface RoleInput extends Omit<z.output<typeof RoleMap>, "hosts" | "proxy" | "traefik"> {
  readonly name: string;
  readonly primary: boolean;
  /** Without duplicates, as written. */
  readonly hosts: readonly string[];
  /** Tags by host, for hosts that have some. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
  /** Undefined: not behind kamal-proxy. */
  readonly proxy: ProxyInput | undefined;
  /** What makes it a role behind Traefik: a key of the config. Undefined: it is not. */
  readonly traefik: Path | undefined;
  /** Where the role stands in the config. */
  readonly path: Path;
  /** Where its proxy is written: at the role, else at the root. */
  readonly proxyPath: Path;
}

/** True for a config of accessories alone. */
export const isWithoutApp = ({ servers, accessories }: ParsedConfig): boolean => (servers === undefined || (isList(servers) && servers.length === 0)) && Object.keys(accessories).length > 0;

/** The roles, primary first, then alphabetical. */
export function rolesOf(config: ParsedConfig): readonly RoleInput[] {
  if (isWithoutApp(config)) return [];
  const { servers = [] } = config;
  const roles = isList(servers) ? [roleOf(config, "web", servers, ["servers"])] : Object.entries(servers).map(([name, role]) => roleOf(config, name, role, ["servers", name]));
  return roles.sort((a, b) => Number(b.primary) - Number(a.primary) || (a.name < b.name ? -1 : 1));
}

type HostItem = z.output<typeof hostOrTagged>;
const isList = (value: unknown): value is readonly HostItem[] => Array.isArray(value);

function roleOf(config: ParsedConfig, name: string, written: readonly HostItem[] | z.output<typeof RoleMap>, path: Path): RoleInput {
  const primary = name === config.primaryRole;
  const { hosts, proxy: ownProxy, traefik: ownTraefik, ...rest }: z.output<typeof RoleMap> = isList(written) ? { hosts: [...written] } : written;
  const traefik = traefikOf(config, { proxy: ownProxy, traefik: ownTraefik, labels: rest.labels }, primary, path);
  const own = typeof ownProxy === "object" ? ownProxy : undefined;
  const chosen = ownProxy === true || own !== undefined;
  const behind = chosen || (ownProxy !== false && ownTraefik !== false && primary && (traefik === undefined || config.proxy !== undefined) && ownTraefik !== true);
  // Both sides were parsed by the same schema, and merging maps of one strict schema gives another such map.
  const proxy = behind ? (overlay(config.proxy ?? {}, own, "proxy") as ProxyInput) : undefined;
  const { names, tags } = hostsAndTags(hosts);
  return { ...rest, name, primary, hosts: names, tags, proxy, traefik, path, proxyPath: own === undefined ? ["proxy"] : [...path, "proxy"] };
}

/** What puts a role behind Traefik: its own word, its own labels, or for the primary role those of the root. */
function traefikOf(config: ParsedConfig, own: Pick<z.output<typeof RoleMap>, "proxy" | "traefik" | "labels">, primary: boolean, path: Path): Path | undefined {
  const labelOf = (labels: Readonly<Record<string, unknown>> | undefined): string | undefined => Object.keys(labels ?? {}).find(isTraefikLabel);
  const [ownLabel, rootLabel] = [labelOf(own.labels), labelOf(config.labels)];
  if (own.traefik === false) return undefined;
  if (own.traefik === true) return [...path, "traefik"];
  if (ownLabel !== undefined) return [...path, "labels", ownLabel];
  if (!primary || own.proxy !== undefined) return undefined;
  if (config.traefik !== undefined) return ["traefik"];
  return rootLabel === undefined ? undefined : ["labels", rootLabel];
}

function hostsAndTags(items: readonly HostItem[]): { readonly names: readonly string[]; readonly tags: RoleInput["tags"] } {
  const pairs = items.flatMap((item): (readonly [string, readonly string[]])[] => (typeof item === "string" ? [[item, []]] : Object.entries(item).map(([host, tags]) => [host, typeof tags === "string" ? [tags] : tags])));
  return { names: [...new Set(pairs.map(([host]) => host))], tags: Object.fromEntries(pairs.filter(([, tags]) => tags.length > 0)) };
}

/** A list, or a text with commas: `"a, b"`. */
export function namesOf(commas: string | undefined, list: readonly string[] | undefined): readonly string[] {
  return list ?? (commas ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** Registries on this machine, reached by all hosts through a tunnel: no credentials, no image name needed. */
export const isLocalRegistry = (server: string | undefined): boolean => server?.startsWith("localhost:") === true;
