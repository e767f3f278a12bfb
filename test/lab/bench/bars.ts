import { roundTrips } from "./figures.ts";
import type { Kind } from "./fleet.ts";
import { rowOf, type Measured, type Row } from "./rows.ts";

/** Kamal 2.12, measured elsewhere: times in seconds, `rtt` in ms; blank where nothing was measured. */
export interface AnchorRow {
  readonly hosts: number;
  readonly rtt: number;
  readonly deploy: number;
  readonly cpu: number;
  readonly rollback: number;
  readonly details: number;
  readonly lockStatus?: number;
  readonly commands: number;
}

/** Medians of five on another machine of two cores, with a proxy of the same version and an image of the same size. */
export const anchor: readonly AnchorRow[] = [
  { hosts: 1, rtt: 0, deploy: 3.1, cpu: 0.65, rollback: 2.0, details: 0.59, lockStatus: 0.56, commands: 31 },
  { hosts: 1, rtt: 50, deploy: 8.7, cpu: 0.83, rollback: 5.8, details: 1.16, lockStatus: 1.13, commands: 31 },
  { hosts: 3, rtt: 0, deploy: 4.1, cpu: 1.05, rollback: 3.1, details: 0.59, lockStatus: 0.55, commands: 32 },
  { hosts: 3, rtt: 50, deploy: 10.1, cpu: 1.5, rollback: 5.8, details: 1.54, lockStatus: 1.47, commands: 32 },
  { hosts: 10, rtt: 0, deploy: 9.1, cpu: 2.0, rollback: 5.5, details: 0.8, lockStatus: 0.65, commands: 32 },
  { hosts: 10, rtt: 50, deploy: 14.3, cpu: 2.3, rollback: 7.9, details: 1.54, lockStatus: 1.45, commands: 32 },
  { hosts: 20, rtt: 0, deploy: 15.3, cpu: 3.2, rollback: 9.8, details: 1.08, commands: 32 },
];

/** Further figures of the same run: in seconds; with TCP_NODELAY on its sockets; its floor; on 20 stand-in hosts. */
export const anchorMore = { noDelay: 1.8, noDelayAt50: 5.8, least: 0.55, all: 1.05, roundTrips: 113, standIn20: 5.5, standIn20At50: 10.6, standIn20Cpu: 2.8, standIn20Mb: 51 } as const;

/** What is to be reached, and whether it was. */
export interface Bar {
  readonly title: string;
  readonly wanted: string;
  readonly got: string;
  /** Undefined: not measured in this run. */
  readonly ok: boolean | undefined;
}

interface Limit {
  readonly title: string;
  readonly most: number;
  /** Undefined: not measured. */
  readonly got: number | undefined;
  readonly unit: string;
  readonly digits?: number;
}

const [one] = anchor;
const shipped = one?.deploy ?? 0;

/** Slope of a deploy's wall time over the round trip. */
export const tripsOf = (rows: readonly Row[], kind: Kind, hosts: number): number | undefined =>
  roundTrips(rows.filter(({ of }) => of.work === "deploy" && of.kind === kind && of.hosts === hosts).map(({ of, wallMs }) => [of.delayMs, wallMs]));

/** How much longer a deploy takes for each further host, in ms. */
function perHost(rows: readonly Row[], from: number, to: number): number | undefined {
  const [few, many] = [from, to].map((hosts) => rowOf(rows, "deploy", "stand-in", hosts, 0)?.wallMs);
  return few === undefined || many === undefined ? undefined : (many - few) / (to - from);
}

/** All bars, measured or not. */
export function barsOf(measured: readonly Measured[], rows: readonly Row[]): readonly Bar[] {
  const single = rowOf(rows, "deploy", "real", 1, 0);
  const least = rowOf(rows, "least", "real", 1, 0);
  const seconds = (row: Row | undefined): number | undefined => (row === undefined ? undefined : row.wallMs / 1000);
  const deploys = rows.filter(({ of }) => of.work === "deploy");
  const twoHundred = measured.filter(({ of }) => of.kind === "stand-in" && of.hosts === 200 && of.work === "deploy");
  const [at1, at10] = [1, 10].map((hosts) => rowOf(rows, "deploy", "stand-in", hosts, 25)?.wallMs);
  const early = perHost(rows, 20, 100);
  const late = perHost(rows, 100, 200);
  const trips = (["real", "stand-in"] as const).flatMap((kind) => [1, 10].map((hosts): Limit => ({ title: `Round trips of a deploy, ${hosts} ${kind} host${hosts === 1 ? "" : "s"}`, most: 15, got: tripsOf(rows, kind, hosts), unit: "", digits: 1 })));
  const limits: readonly Limit[] = [
    { title: "Deploy, 1 host, no delay: 0.55 of Kamal's with TCP_NODELAY", most: 0.55 * anchorMore.noDelay, got: seconds(single), unit: " s" },
    { title: "Deploy, 1 host, no delay: 0.33 of Kamal's as shipped", most: 0.33 * shipped, got: seconds(single), unit: " s" },
    { title: "What it takes above the least docker work: a fifth of Kamal's", most: (shipped - anchorMore.least) / 5, got: single === undefined || least === undefined ? undefined : (single.wallMs - least.wallMs) / 1000, unit: " s" },
    ...trips,
    { title: "10 stand-in hosts against 1, at 25 ms one way", most: 1.3, got: at1 === undefined || at10 === undefined ? undefined : at10 / at1, unit: " times" },
    { title: "Exec channels of any host in any deploy", most: 6, got: deploys.length === 0 ? undefined : Math.max(...deploys.map(({ channels }) => channels)), unit: "", digits: 0 },
    { title: "Client CPU, 1 host: a third of Kamal's", most: (one?.cpu ?? 0) / 3, got: single === undefined ? undefined : single.cpuMs / 1000, unit: " s" },
    { title: "Client CPU, 20 stand-in hosts: a fifth of Kamal's", most: anchorMore.standIn20Cpu / 5, got: cpuSeconds(rowOf(rows, "deploy", "stand-in", 20, 0)), unit: " s" },
    { title: "200 stand-in hosts: deploys that fail", most: 0, got: twoHundred.length === 0 ? undefined : twoHundred.reduce((sum, { failures }) => sum + failures.length, 0), unit: "", digits: 0 },
    { title: "200 stand-in hosts: peak memory", most: 512, got: most(deploys.filter(({ of }) => of.kind === "stand-in" && of.hosts === 200).map(({ peakMb }) => peakMb)), unit: " MB", digits: 0 },
    { title: "Each further host from 20 to 200 stand-ins", most: 60, got: perHost(rows, 20, 200), unit: " ms", digits: 0 },
    { title: "A further host beyond 100 against one up to 100: linear, with a quarter for noise", most: 1.25, got: early === undefined || late === undefined ? undefined : late / early, unit: " times" },
  ];
  return limits.map(barOf);
}

const most = (values: readonly number[]): number | undefined => (values.length === 0 ? undefined : Math.max(...values));
const cpuSeconds = (row: Row | undefined): number | undefined => (row === undefined ? undefined : row.cpuMs / 1000);

function barOf({ title, most, got, unit, digits = 2 }: Limit): Bar {
  return { title, wanted: `at most ${most.toFixed(digits)}${unit}`, got: got === undefined ? "" : `${got.toFixed(digits)}${unit}`, ok: got === undefined ? undefined : got <= most };
}
