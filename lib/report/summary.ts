import type { Event } from "../ground/event.ts";
import { byteText } from "../ground/image.ts";
import { elapsed } from "./elapsed.ts";
import { hostCount, listed } from "./names.ts";
import type { Style } from "./style.ts";
import { table } from "./table.ts";

type Summary = Extract<Event, { type: "summary" }>;

/** What a run ended with: version from → to, hosts, seconds, and the seconds of each phase. The first line is the headline. */
export function summaryLines(event: Summary, style: Style): string[] {
  const where = event.destination === undefined ? event.service : `${event.service} (${event.destination})`;
  const headline = `${event.command} of ${where} ${event.ok ? "done" : "failed"} in ${elapsed(event.durationMs)}`;
  const facts: string[][] = [];
  if (event.to !== undefined) facts.push([event.ok ? "version" : "version wanted", versions(event.from, event.to)]);
  if (event.hosts.length > 0) facts.push([hostCount(event.hosts.length), listed(event.hosts, 8)]);
  if (event.delivered !== undefined) facts.push(["image", transferText(event.delivered.sentBytes, event.delivered.thereBytes)]);
  if (event.unchanged !== undefined) facts.push(["unchanged", listed(event.unchanged.map(({ host, role }) => `${role} on ${host}`), 8)]);
  const phases = event.phases.map(({ phase, durationMs }) => [style.dim(phase), elapsed(durationMs)]);
  return [style.bold(event.ok ? style.green(headline) : style.red(headline)), ...table([...facts, ...phases]).map((line) => `  ${line}`)];
}

/** `2.1 MB sent, 498 MB were there`. */
export const transferText = (sentBytes: number, thereBytes: number): string => `${byteText(sentBytes)} sent${thereBytes === 0 ? "" : `, ${byteText(thereBytes)} were there`}`;

function versions(from: readonly string[], to: string): string {
  if (from.length === 0) return `${to} (the first)`;
  return from.every((version) => version === to) ? `${to} (again)` : `${from.join(", ")} → ${to}`;
}
