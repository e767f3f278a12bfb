import type { Role } from "../config/settings.ts";
import type { FleetFacts } from "../remote/facts.ts";
import type { Release } from "../remote/releases.ts";

/** A version that all hosts served. */
export interface GoodRelease {
  readonly version: string;
  /** ISO 8601, UTC, by the clock of who deployed it. */
  readonly at: string;
  /** Versions that were good until a run went back to this one. */
  readonly gaveWay?: readonly string[];
}

interface Entry extends Release {
  readonly host: string;
  readonly time: number;
}

/**
 * The releases that were put in place on all hosts, oldest first, the one that was put in place last at the end. A
 * return to an earlier one ends what came after it: those are no good to return to.
 * @param roles the roles that count, on all their hosts; a host that has no record, or was not there yet, objects to none
 */
export function goodReleases(facts: FleetFacts, roles: readonly Pick<Role, "name" | "hosts">[]): readonly GoodRelease[] {
  const logs = [...new Set(roles.flatMap(({ hosts }) => hosts))].map((host) => entriesOf(host, facts.get(host)?.releases ?? []));
  const runs: Entry[][] = [];
  for (const entry of logs.flat().toSorted((a, b) => a.time - b.time)) {
    const last = runs.at(-1);
    if (last?.[0]?.version === entry.version) last.push(entry);
    else runs.push([entry]);
  }
  const good: GoodRelease[] = [];
  for (const run of runs) {
    const [first] = run;
    if (first === undefined || !isComplete(run, logs, roles)) continue;
    const before = good.findIndex(({ version }) => version === first.version);
    const gaveWay = before === -1 ? [] : good.splice(before).slice(1).map(({ version }) => version);
    good.push({ version: first.version, at: first.at, ...(gaveWay.length === 0 ? {} : { gaveWay }) });
  }
  return good;
}

/** The log's own order counts more than the clocks of those who wrote it. */
function entriesOf(host: string, releases: readonly Release[]): readonly Entry[] {
  let time = 0;
  return releases.map((release) => {
    const at = Date.parse(release.at);
    time = Math.max(time, Number.isNaN(at) ? 0 : at);
    return { ...release, host, time };
  });
}

function isComplete(run: readonly Entry[], logs: readonly (readonly Entry[])[], roles: readonly Pick<Role, "name" | "hosts">[]): boolean {
  if (run.some(({ whole }) => whole === true)) return true;
  const time = Math.max(...run.map((entry) => entry.time));
  return logs.every(([first]) => first === undefined || first.time > time || roles.every(({ name, hosts }) => !hosts.includes(first.host) || run.some((entry) => entry.host === first.host && entry.roles?.includes(name) !== false)));
}
