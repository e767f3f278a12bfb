import type { Kind } from "./fleet.ts";
import type { BenchOptions } from "./options.ts";

/** What is timed. `floor` and `least` are docker commands without capstan. */
export type Work = "deploy" | "rollback" | "details" | "lock status" | "floor" | "least";

/** One thing that is timed, once in each round. */
export interface Case {
  readonly kind: Kind;
  readonly hosts: number;
  /** One way, in milliseconds. The docker commands are replayed on the hosts themselves: 0. */
  readonly delayMs: number;
  readonly work: Work;
}

export const keyOf = ({ kind, hosts, delayMs, work }: Case): string => `${work} ${kind} ${hosts} ${delayMs}`;

/** Commands that are measured on one real host beside the deploy. */
const beside = ["rollback", "details", "lock status"] as const;

/** All cases, in the order of the table. */
export function casesOf({ hosts, delays }: Pick<BenchOptions, "hosts" | "delays">): readonly Case[] {
  return (["real", "stand-in"] as const).flatMap((kind) => hosts[kind].flatMap((count) => [
    ...delays.map((delayMs): Case => ({ kind, hosts: count, delayMs, work: "deploy" })),
    ...(kind === "real" && count === 1 ? beside.flatMap((work) => delays.map((delayMs): Case => ({ kind, hosts: count, delayMs, work }))) : []),
    ...(["floor", "least"] as const).map((work): Case => ({ kind, hosts: count, delayMs: 0, work })),
  ]));
}

/** The cases of a round: each begins elsewhere, so that no case always follows the same one or has the same place. @param round from 0 */
export function roundOf(cases: readonly Case[], round: number): readonly Case[] {
  const order = round % 2 === 0 ? cases : cases.toReversed();
  // The golden section: turns of it never meet.
  const from = Math.floor(((round * 0.618) % 1) * cases.length);
  return [...order.slice(from), ...order.slice(0, from)];
}
