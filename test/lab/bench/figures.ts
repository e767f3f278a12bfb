/** The middle one; between the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Round trips on the critical path: how much longer the run takes at the largest delay than at the smallest, over how much longer a round trip takes. Undefined with one delay. @param points one-way delay and wall time, both in ms */
export function roundTrips(points: readonly (readonly [delayMs: number, wallMs: number])[]): number | undefined {
  const sorted = points.toSorted(([a], [b]) => a - b);
  const [first, last] = [sorted[0], sorted.at(-1)];
  return first === undefined || last === undefined || first[0] === last[0] ? undefined : (last[1] - first[1]) / (2 * (last[0] - first[0]));
}

/** How many connections were made and exec channels opened, by sshd's log at VERBOSE. */
export function countSessions(log: string): { readonly connections: number; readonly channels: number } {
  return { connections: log.match(/^Accepted \S+ for /gm)?.length ?? 0, channels: log.match(/^Starting session: /gm)?.length ?? 0 };
}
