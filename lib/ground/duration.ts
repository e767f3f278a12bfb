/** A time span as a user writes it: `"90s"`, `"2m"`, `"1h"`. */
export type Duration = `${number}s` | `${number}m` | `${number}h`;

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Whole seconds of a text such as `90s`, `2m` or `1h`; undefined when it is not one. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([smh])$/.exec(text) ?? [];
  return count === undefined || unit === undefined ? undefined : Number(count) * (unitSeconds[unit] ?? 1);
}
