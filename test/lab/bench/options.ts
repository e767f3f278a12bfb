import { parseArgs } from "node:util";
import type { Kind } from "./fleet.ts";

/** What the command line of the benchmark says. */
export interface BenchOptions {
  /** How many hosts, by what they are; none: not measured. */
  readonly hosts: Readonly<Record<Kind, readonly number[]>>;
  /** One way, in milliseconds, ascending. */
  readonly delays: readonly number[];
  /** Of each case. */
  readonly runs: number;
  /** Writes the page of the documentation and its chart. */
  readonly write: boolean;
  /** Runs the source with Bun instead of a binary compiled from it. */
  readonly source: boolean;
}

/** The usual numbers of hosts. */
export const usualHosts: Readonly<Record<Kind, readonly number[]>> = { real: [1, 3, 10, 20], "stand-in": [1, 10, 20, 50, 100, 200] };
const most: Readonly<Record<Kind, number>> = { real: 40, "stand-in": 200 };

/** Reads the command line. @throws Error that says what is wrong with it */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], strict: true, options: {
    hosts: { type: "string" }, delays: { type: "string" }, runs: { type: "string" }, only: { type: "string" }, write: { type: "boolean" }, source: { type: "boolean" },
  } });
  const { only } = values;
  if (only !== undefined && only !== "real" && only !== "stand-in") throw new Error(`--only is real or stand-in, not ${only}`);
  const named = values.hosts === undefined ? undefined : numbers("hosts", values.hosts, 1);
  const of = (kind: Kind): readonly number[] => (only !== undefined && only !== kind ? [] : (named?.filter((count) => count <= most[kind]) ?? usualHosts[kind]));
  const hosts = { real: of("real"), "stand-in": of("stand-in") };
  if (hosts.real.length + hosts["stand-in"].length === 0) throw new Error(`There are at most ${most.real} real hosts and ${most["stand-in"]} stand-ins`);
  const delays = numbers("delays", values.delays ?? usualDelays.join(","), 0);
  if (delays.length > 8) throw new Error("At most eight delays can be had at once");
  const [runs = 0] = numbers("runs", values.runs ?? String(usualRuns), 1);
  return { hosts, delays, runs, write: values.write ?? false, source: values.source ?? false };
}

const usualDelays = [0, 25, 75];
const usualRuns = 5;

/** Whether less is measured than without options. */
export const isSlice = ({ hosts, delays, runs }: BenchOptions): boolean =>
  runs < usualRuns || !usualDelays.every((delay) => delays.includes(delay)) || (["real", "stand-in"] as const).some((kind) => !usualHosts[kind].every((count) => hosts[kind].includes(count)));

function numbers(name: string, text: string, least: number): readonly number[] {
  const found = text.split(",").map(Number);
  if (text === "" || !found.every((value) => Number.isSafeInteger(value) && value >= least)) throw new Error(`--${name} is a list of whole numbers of at least ${least}, not ${JSON.stringify(text)}`);
  return [...new Set(found)].sort((a, b) => a - b);
}
