import type { z } from "zod";
import type { Path } from "./locate.ts";
import { overlay } from "./merge.ts";
import type { ParsedConfig } from "./schema.ts";
import type { ProxyInput } from "./schema/proxy.ts";
import type { RoleMap } from "./schema/servers.ts";

/** A role as the config says, its proxy merged with that of the root. */
export interface RoleInput extends Omit<z.output<typeof RoleMap>, "hosts" | "proxy"> {
  readonly name: string;
  readonly primary: boolean;
  /** Without duplicates, as written. */
  readonly hosts: readonly string[];
  /** Undefined: not behind the proxy. */
  readonly proxy: ProxyInput | undefined;
  /** Where the role stands in the config. */
  readonly path: Path;
  /** Where its proxy is written: at the role, else at the root. */
  readonly proxyPath: Path;
}

/** The roles, primary first, then alphabetical. */
export function rolesOf(config: ParsedConfig): readonly RoleInput[] {
  const roles = isList(config.servers) ? [roleOf(config, "web", config.servers, ["servers"])] : Object.entries(config.servers).map(([name, role]) => roleOf(config, name, role, ["servers", name]));
  return roles.sort((a, b) => Number(b.primary) - Number(a.primary) || (a.name < b.name ? -1 : 1));
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value);

function roleOf(config: ParsedConfig, name: string, written: readonly string[] | z.output<typeof RoleMap>, path: Path): RoleInput {
  const primary = name === config.primaryRole;
  if (isList(written)) return { name, primary, hosts: unique(written), proxy: primary ? (config.proxy ?? {}) : undefined, path, proxyPath: ["proxy"] };
  const proxied = typeof written.proxy === "object" || (written.proxy ?? primary);
  const own = typeof written.proxy === "object" ? written.proxy : undefined;
  // Both sides were parsed by the same schema, and merging maps of one strict schema gives another such map.
  const proxy = proxied ? (overlay(config.proxy ?? {}, own, "proxy") as ProxyInput) : undefined;
  return { ...written, name, primary, hosts: unique(written.hosts), proxy, path, proxyPath: own === undefined ? ["proxy"] : [...path, "proxy"] };
}

const unique = (hosts: readonly string[]): string[] => [...new Set(hosts)];

/** A list, or a text with commas: `"a, b"`. */
export function namesOf(commas: string | undefined, list: readonly string[] | undefined): readonly string[] {
  return list ?? (commas ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** Registries on this machine, reached by all hosts through a tunnel: no credentials, no image name needed. */
export const isLocalRegistry = (server: string | undefined): boolean => server?.startsWith("localhost:") === true;
