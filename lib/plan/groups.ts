import type { BootSettings } from "../config/settings.ts";

/**
 * Splits hosts for a rolling boot. `limit` is a number or a share of all hosts, rounded down, at least one; without it
 * all hosts are one group.
 * @param allHosts how many hosts the run works on, of which a share is taken
 */
export function bootGroups(hosts: readonly string[], limit: BootSettings["limit"], allHosts: number): readonly (readonly string[])[] {
  if (hosts.length === 0) return [];
  const size = limit === undefined ? hosts.length : typeof limit === "number" ? Math.max(1, limit) : Math.max(1, Math.floor((allHosts * Number.parseFloat(limit)) / 100));
  return Array.from({ length: Math.ceil(hosts.length / size) }, (_, i) => hosts.slice(i * size, (i + 1) * size));
}
