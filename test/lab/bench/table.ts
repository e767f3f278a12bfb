import { anchor, anchorMore, barsOf, tripsOf } from "./bars.ts";
import type { Kind } from "./fleet.ts";
import type { Case } from "./plan.ts";
import { rowOf, rowsOf, type Measured, type Row } from "./rows.ts";
import { latencies } from "./stand-in/docker.ts";

/** Where and how a benchmark was run. */
export interface Circumstances {
  readonly command: string;
  /** It measured less than the whole benchmark does. */
  readonly slice: boolean;
  readonly date: string;
  readonly machine: string;
  readonly tookMs: number;
  /** Processes that wanted to run in the minute before the start: what else the machine did. */
  readonly load: number;
  readonly runs: number;
  readonly program: "binary" | "source";
  /** Calls of `docker` on a host in one deploy. */
  readonly dockerCalls: Readonly<Partial<Record<Kind, number>>>;
}

type Table = readonly (readonly string[])[];

const seconds = (ms: number): string => (ms / 1000).toFixed(2);
const kinds = ["real", "stand-in"] as const;

/** Deploys, a row for each number of hosts and delay. */
export function deployTable(measured: readonly Measured[]): Table {
  const rows = rowsOf(measured);
  return [
    ["hosts", "delay ms", "wall s", "from - to", "CPU s", "peak MB", "connections", "channels", "failed"],
    ...measured.filter(({ of }) => of.work === "deploy").map(({ of, samples, failures }) => {
      const row = rowOf(rows, "deploy", of.kind, of.hosts, of.delayMs);
      const tried = `${failures.length} of ${samples.length + failures.length}`;
      return [`${of.hosts} ${of.kind}`, String(of.delayMs), ...(row === undefined ? ["", "", "", "", "", ""] : [seconds(row.wallMs), `${seconds(row.fastestMs)} - ${seconds(row.slowestMs)}`, seconds(row.cpuMs), row.peakMb.toFixed(0), String(row.connections), String(row.channels)]), tried];
    }),
  ];
}

/** What docker itself takes, what capstan adds, and how often it waits for the line. */
export function floorTable(rows: readonly Row[]): Table {
  const counts = kinds.flatMap((kind) => [...new Set(rows.filter(({ of }) => of.kind === kind).map(({ of }) => of.hosts))].map((hosts) => ({ kind, hosts })));
  return [
    ["hosts", "deploy s", "its docker commands bare s", "capstan adds s", "the least of them s", "above the least s", "round trips"],
    ...counts.map(({ kind, hosts }) => {
      const [deploy, floor, least] = (["deploy", "floor", "least"] as const).map((work) => rowOf(rows, work, kind, hosts, 0)?.wallMs);
      const above = (ms: number | undefined): string => (deploy === undefined || ms === undefined ? "" : seconds(deploy - ms));
      const plain = (ms: number | undefined): string => (ms === undefined ? "" : seconds(ms));
      return [`${hosts} ${kind}`, plain(deploy), plain(floor), above(floor), plain(least), above(least), tripsOf(rows, kind, hosts)?.toFixed(1) ?? ""];
    }),
  ];
}

/** The other commands on one real host, beside what was measured of Kamal elsewhere. */
export function besideTable(rows: readonly Row[]): Table {
  const elsewhere = ({ work, delayMs }: Case): number | undefined => {
    const row = anchor.find(({ hosts, rtt }) => hosts === 1 && rtt === 2 * delayMs);
    return { rollback: row?.rollback, details: row?.details, "lock status": row?.lockStatus, deploy: row?.deploy, floor: undefined, least: undefined }[work];
  };
  return [
    ["command", "delay ms", "wall s", "CPU s", "channels", "Kamal 2.12 elsewhere s"],
    ...rows.filter(({ of }) => of.kind === "real" && of.hosts === 1 && of.work !== "floor" && of.work !== "least")
      .map(({ of, wallMs, cpuMs, channels }) => [of.work, String(of.delayMs), seconds(wallMs), seconds(cpuMs), String(channels), elsewhere(of)?.toFixed(2) ?? ""]),
  ];
}

/** The bars: what is wanted, what came of it. */
export const barTable = (measured: readonly Measured[], rows: readonly Row[]): Table => [
  ["bar", "wanted", "measured", ""],
  ...barsOf(measured, rows).map(({ title, wanted, got, ok }) => [title, wanted, got, ok === undefined ? "not measured" : ok ? "pass" : "**FAIL**"]),
];

const anchorTable: Table = [
  ["hosts", "round trip ms", "deploy s", "CPU s", "rollback s", "details s", "lock status s", "remote commands a host"],
  ...anchor.map(({ hosts, rtt, deploy, cpu, rollback, details, lockStatus, commands }) => [...[hosts, rtt, deploy, cpu, rollback, details].map(String), lockStatus?.toString() ?? "", String(commands)]),
];

/** Tables for a terminal. */
export function tableText(measured: readonly Measured[]): string {
  const rows = rowsOf(measured);
  return [deployTable(measured), floorTable(rows), besideTable(rows), barTable(measured, rows)].filter(({ length }) => length > 1).map(aligned).join("\n\n");
}

function aligned(table: Table): string {
  const plain = table.map((row) => row.map((text) => text.replaceAll("**", "")));
  const widths = plain[0]?.map((_, column) => Math.max(...plain.map((row) => row[column]?.length ?? 0))) ?? [];
  return plain.map((row) => row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join("  ").trimEnd()).join("\n");
}

function markdown([head = [], ...rows]: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** Runs that failed, with the first line of why. */
export const failureLines = (measured: readonly Measured[]): readonly string[] =>
  measured.flatMap(({ of, failures }) => failures.map((text) => `${of.work}, ${of.hosts} ${of.kind}, ${of.delayMs} ms: ${text.split("\n")[0] ?? ""}`));

/** The page of the documentation. */
export function page(measured: readonly Measured[], circumstances: Circumstances): string {
  const { command, slice, date, machine, tookMs, load, runs, program, dockerCalls } = circumstances;
  const rows = rowsOf(measured);
  const failed = failureLines(measured);
  return `# Speed

Generated by the benchmark. Do not edit: run \`${command}\`.

\`capstan deploy --skip-push\` of a new version, whose image is in the registry, to hosts that serve the version before: real ones, each with its own address, sshd, Docker and kamal-proxy, and stand-ins, whose Docker
only remembers and takes a fixed time. Packets to the hosts are held back on their way in both directions, so that the kernels at both ends see the delay.

- command: \`${command}\`${slice ? "\n- a slice: fewer cases or runs than the whole benchmark, `bun run bench --write`, has" : ""}
- date: ${date}
- machine: ${machine}; the hosts are on it as well; its load before the start was ${load.toFixed(1)}
- took: ${Math.max(1, Math.round(tookMs / 60_000))} minutes
- program: ${program === "binary" ? "the binary, compiled from this tree at the start" : "the source, run with Bun"}
- medians of ${runs} run${runs === 1 ? "" : "s"} of each case, one of each case in turn, beginning elsewhere each time
- calls of \`docker\` on a host in one deploy: ${Object.entries(dockerCalls).map(([kind, calls]) => `${calls} (${kind})`).join(", ")}

![Wall time of a deploy by number of hosts and delay](speed.svg)

## Deploys

${markdown(deployTable(measured))}

The delay is one way: a round trip takes twice as long. CPU is that of capstan and all it starts, user and system; peak is the most memory that capstan itself had in any run. Connections and exec channels are counted in
sshd's logs: of the host that saw most, in the run that made most.

## What docker takes

${markdown(floorTable(rows))}

The calls of \`docker\` of one deploy are recorded on a host, with what the queries ask; then exactly these are replayed for another new version, one after the other, on all hosts at once, without capstan and without SSH.
The least are four of them: pull, run, the switch of the proxy, stop. Round trips on the critical path are how much longer a deploy takes at the largest delay than at the smallest, over how much longer a round trip takes.
${besideTable(rows).length > 1 ? `
## One host

${markdown(besideTable(rows))}
` : ""}
## Bars

${markdown(barTable(measured, rows))}

Those that name Kamal use the figures below, from another machine: take them as a yardstick, not as a comparison of one run. What is delivered without a registry is measured by tests of its own.

## Measured elsewhere: Kamal 2.12

Not of this run. Kamal 2.12 (Ruby 3.3) with kamal-proxy 0.9.2 in the same kind of lab on another machine with two cores: medians of five, a round trip of 50 ms added on a TUN pair, \`kamal deploy -P\`.

${markdown(anchorTable)}

With TCP_NODELAY on its sockets it took ${anchorMore.noDelay} s at 1 host without delay, ${anchorMore.noDelayAt50} s at a round trip of 50 ms. Its commands replayed bare took ${anchorMore.all} s, the least of them ${anchorMore.least} s; its slope was about ${anchorMore.roundTrips} round trips.
On 20 hosts with a stand-in for Docker it took ${anchorMore.standIn20} s without delay, ${anchorMore.standIn20At50} s at 50 ms, at least ${anchorMore.standIn20Cpu} s of CPU and ${anchorMore.standIn20Mb} MB.

## Failed runs

${failed.length === 0 ? "None." : failed.map((line) => `- ${line}`).join("\n")}

## The stand-ins

All stand-in hosts are addresses of one network, each with a real sshd, a home and processes of its own; their shell and what it runs are real. Their \`docker\` asks one process that keeps images, containers and routes of each host
and answers after a fixed time: ${Object.entries(latencies).map(([verb, ms]) => `${verb === "other" ? "everything else" : `\`${verb}\``} ${ms} ms`).join(", ")}. A version that was not really switched to fails the run. Of the application one server answers for all.
`;
}
