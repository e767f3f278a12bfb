import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startLab, type Lab } from "../lab.ts";
import { capstan } from "../project.ts";
import { run } from "../shell.ts";
import { countSessions } from "./figures.ts";
import { RealFleet, type Fleet, type Kind } from "./fleet.ts";
import { Group } from "./group.ts";
import { measure } from "./measure.ts";
import { standInNumber, startLine } from "./network.ts";
import type { BenchOptions } from "./options.ts";
import { casesOf, keyOf, roundOf, type Case } from "./plan.ts";
import type { Measured, Sample } from "./rows.ts";
import { StandInFleet } from "./stand-in/fleet.ts";

/** What a benchmark came to. */
export interface Outcome {
  readonly measured: readonly Measured[];
  /** Calls of `docker` on a host in one deploy. */
  readonly dockerCalls: Readonly<Partial<Record<Kind, number>>>;
  /** What was run: `binary` or `source`. */
  readonly program: "binary" | "source";
}

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Stands the lab up, and times every case in every round. */
export async function runBench(options: BenchOptions, say: (text: string) => void): Promise<Outcome> {
  const { hosts, delays } = options;
  const most = { real: Math.max(0, ...hosts.real), "stand-in": Math.max(0, ...hosts["stand-in"]) };
  const cases = casesOf(options);
  await using lab = await startLab({ hosts: most.real, proxies: most.real > 0 ? ["kamal-proxy"] : [], say });
  await using stack = new AsyncDisposableStack();
  const { program, argv } = options.source ? { program: "source" as const, argv: capstan } : await compiled(lab, say);
  const fleets = new Map<Kind, Fleet>();
  if (most.real > 0) fleets.set("real", await RealFleet.of(lab, delays));
  if (most["stand-in"] > 0) fleets.set("stand-in", await StandInFleet.start(lab, most["stand-in"], delays));
  for (const delay of delays.filter((ms) => ms > 0)) {
    for (const kind of fleets.keys()) stack.use(await startLine(lab, kind, delay, kind === "real" ? lab.hosts.map(({ number }) => String(number)) : [`${standInNumber}x${most["stand-in"]}`]));
  }
  const groups = new Map<string, Group>();
  for (const [kind, fleet] of fleets) {
    for (const count of hosts[kind]) {
      const group = new Group(lab, fleet, count);
      await group.prepare(delays, argv);
      groups.set(`${kind} ${count}`, group);
      say(`${count} ${kind} host${count === 1 ? "" : "s"}: ready, ${group.recorded.calls.length} calls of docker a deploy`);
    }
  }
  const found = new Map(cases.map((of) => [keyOf(of), { of, samples: [] as Sample[], failures: [] as string[] }]));
  for (let round = 0; round < options.runs; round++) {
    for (const of of roundOf(cases, round)) {
      const group = groups.get(`${of.kind} ${of.hosts}`);
      const entry = found.get(keyOf(of));
      if (group === undefined || entry === undefined) continue;
      try {
        const sample = await take(group, of, argv);
        entry.samples.push(sample);
        say(`[${round + 1}/${options.runs}] ${of.work}, ${of.hosts} ${of.kind}, ${of.delayMs} ms: ${(sample.wallMs / 1000).toFixed(2)} s`);
      } catch (error) {
        entry.failures.push(error instanceof Error ? error.message : String(error));
        say(`[${round + 1}/${options.runs}] ${of.work}, ${of.hosts} ${of.kind}, ${of.delayMs} ms: FAILED: ${entry.failures.at(-1)}`);
        await group.look();
      }
    }
    for (const group of groups.values()) await group.tidy();
  }
  const calls = (kind: Kind): number | undefined => groups.get(`${kind} ${hosts[kind][0]}`)?.recorded.calls.length;
  return { measured: [...found.values()], program, dockerCalls: Object.fromEntries([...fleets.keys()].map((kind) => [kind, calls(kind) ?? 0])) };
}

/** @throws Error when the run fails, or did not switch */
async function take(group: Group, { work, delayMs }: Case, argv: readonly string[]): Promise<Sample> {
  if (work === "floor" || work === "least") return { wallMs: await group.replay(work === "floor") };
  const version = work === "deploy" ? await group.release() : group.before;
  const words = { deploy: ["deploy", "--skip-push", "--version", version], rollback: ["rollback", version], details: ["details"], "lock status": ["lock", "status"] }[work];
  const project = group.project(delayMs);
  const before = await logs(group);
  const { status, stdout, stderr, ...cost } = await measure([...argv, ...words], { cwd: project.folder, env: { ...process.env, ...project.env, VERSION: version } });
  if (status !== 0) throw new Error(`capstan ${words.join(" ")} ended with status ${status}: ${(stderr || stdout).trim().split("\n").slice(-12).join("\n")}`);
  if (work === "deploy" || work === "rollback") await group.switched(version);
  const sessions = (await logs(group)).map((log, i) => countSessions(log.slice(before[i]?.length ?? 0)));
  const channels = sessions.map((session) => session.channels);
  return { ...cost, connections: Math.max(...sessions.map(({ connections }) => connections)), channels: Math.max(...channels), fewestChannels: Math.min(...channels) };
}

const logs = ({ fleet, hosts }: Group): Promise<readonly string[]> => Promise.all(Array.from({ length: hosts }, (_, index) => fleet.sshdLog(index)));

/** The binary as users have it, from this very tree: one that lies about may be of another. */
async function compiled(lab: Lab, say: (text: string) => void): Promise<{ readonly program: "binary" | "source"; readonly argv: readonly string[] }> {
  const { scripts } = JSON.parse(await readFile(`${root}/package.json`, "utf8")) as { readonly scripts: { readonly build: string } };
  const words = (scripts.build.split("&& bun ")[1] ?? "").replace("dist/capstan", `${lab.folder}/capstan`).split(" ");
  const built = await run([process.execPath, ...words], { cwd: root });
  if (built.status === 0) return { program: "binary", argv: [`${lab.folder}/capstan`] };
  say(`The binary cannot be built, so the source is run: ${built.stderr.trim().split("\n").at(-1)}`);
  return { program: "source", argv: capstan };
}
