import { median } from "./figures.ts";
import type { Kind } from "./fleet.ts";
import { keyOf, type Case, type Work } from "./plan.ts";

/** What one run came to. */
export interface Sample {
  readonly wallMs: number;
  /** Undefined for a replay. */
  readonly cpuMs?: number;
  readonly peakMb?: number;
  /** The most that any host saw. */
  readonly connections?: number;
  readonly channels?: number;
  /** The least that any host saw: where nothing had to be looked at twice. */
  readonly fewestChannels?: number;
}

/** A case and what its runs came to. */
export interface Measured {
  readonly of: Case;
  readonly samples: readonly Sample[];
  /** Why runs failed. */
  readonly failures: readonly string[];
}

/** Medians of a case's runs; of channels and connections the most, since one host too many is one too many. */
export interface Row {
  readonly of: Case;
  readonly runs: number;
  readonly failed: number;
  readonly wallMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly connections: number;
  readonly channels: number;
  readonly fewestChannels: number;
}

/** The medians of all cases that went through at least once. */
export function rowsOf(measured: readonly Measured[]): readonly Row[] {
  return measured.filter(({ samples }) => samples.length > 0).map(({ of, samples, failures }) => {
    const values = (pick: (sample: Sample) => number | undefined): readonly number[] => samples.map((sample) => pick(sample) ?? 0);
    const walls = values(({ wallMs }) => wallMs);
    return {
      of, runs: samples.length, failed: failures.length, wallMs: median(walls), fastestMs: Math.min(...walls), slowestMs: Math.max(...walls), cpuMs: median(values(({ cpuMs }) => cpuMs)),
      peakMb: Math.max(...values(({ peakMb }) => peakMb)), connections: Math.max(...values(({ connections }) => connections)), channels: Math.max(...values(({ channels }) => channels)),
      fewestChannels: Math.min(...values(({ fewestChannels }) => fewestChannels)),
    };
  });
}

/** The row of a case, if it was measured. */
export const rowOf = (rows: readonly Row[], work: Work, kind: Kind, hosts: number, delayMs: number): Row | undefined => rows.find(({ of }) => keyOf(of) === keyOf({ work, kind, hosts, delayMs }));
