import { envOn } from "../config/host-env.ts";
import { Command, quote } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { DeployError } from "../ground/errors.ts";
import { envFilePath, latestTag } from "../ground/names.ts";
import { appHosts } from "../plan/hosts.ts";
import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import { appendAudit, auditLine } from "../remote/audit.ts";
import { execInContainer, runOneOff } from "../remote/container.ts";
import { envFile } from "../remote/envfile.ts";
import { createNetwork } from "../remote/network.ts";
import { login } from "../remote/registry.ts";
import { uploadCommand } from "../remote/upload.ts";
import { batchScript } from "./batch.ts";
import { eachHost, type Errand, type HostOutput } from "./each-host.ts";
import { places, serving } from "./looks.ts";
import { connectAll, joined } from "./observe.ts";
import type { Task } from "./task.ts";

/** How `app exec` runs a command. */
export interface ExecOptions {
  /** In the container that serves, instead of a new one. */
  readonly reuse: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Leave the new container running. */
  readonly detach: boolean;
}

/** The user's words as one command: a single one is shell text as it stands, several are words as they stand. */
export function commandOf(words: readonly string[]): Command {
  const [first = ""] = words;
  if (first.trim() === "") throw new DeployError("usage", "Name the command to run", { hint: "For example: `capstan app exec bin/check`." });
  return new Command(words.length === 1 ? first : words.map(quote).join(" "));
}

/** What an `app exec` does: what it prepares on each host, then the command itself. */
export interface ExecPlan {
  readonly prepare: readonly Errand[];
  readonly errands: readonly Errand[];
}

/** Plans a command in a new container of every role in scope. @param seed hex digits that names are derived from; @param recordedAt ISO 8601, UTC */
export function planExec(task: Task, words: readonly string[], options: ExecOptions, seed: string, recordedAt: string): ExecPlan {
  const { settings, performer } = task;
  const command = commandOf(words);
  const version = task.version ?? latestTag(settings);
  const all = places(task);
  const signIn = login(settings.registry);
  const record = (role: string): Command => appendAudit(settings, auditLine({ recordedAt, performer, destination: settings.destination, role, text: `Executed cmd '${command.text}' on app version ${version}` }));
  return {
    prepare: all.flatMap(({ role, host }) => [...(signIn === undefined ? [] : [signIn]), createNetwork(), uploadCommand(envFilePath(settings, role.name), "0600").stdin(envFile({ name: role.name, env: envOn(role, host) })), record(role.name)].map((one) => ({ host, role: role.name, command: one }))),
    errands: all.map(({ role, host }) => ({ host, role: role.name, command: runOneOff({ settings, role, host, version, hex: derivedHex(seed, `exec ${host} ${role.name}`, 6), command, env: options.env, detach: options.detach }) })),
  };
}

/** Plans a command in the container that serves, for every role in scope. @throws DeployError (missing) when one is not running */
export async function planExecInServing(world: World, task: Task, words: readonly string[], options: ExecOptions): Promise<ExecPlan> {
  const command = commandOf(words);
  const found = await serving(world, task);
  const problems = [...new Set(found.flatMap(({ problem }) => problem ?? []))];
  if (problems.length > 0) throw joined("look at", appHosts(task).length, problems);
  const none = found.filter((one) => one.container === undefined);
  if (none.length > 0) throw new DeployError("missing", `Nothing is running of ${none.map(({ role, host }) => `${role} on ${host}`).join(", ")}`, { hint: "Leave --reuse out to run the command in a new container." });
  return { prepare: [], errands: found.map(({ host, role, container }) => ({ host, role, command: execInContainer(container?.name ?? "", command, { env: options.env }) })) };
}

/** `app exec`: carries a plan out and gives what the command printed on each host. */
export async function appExec(world: World, task: Task, plan: ExecPlan, onLine?: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  if (plan.prepare.length > 0) {
    const { settings } = task;
    await settings.secrets.load();
    const hosts = [...new Set(plan.prepare.map(({ host }) => host))];
    await connectAll(world, settings, hosts);
    const results = await settle(hosts, hosts.length, (host) => prepare(world, host, plan.prepare.filter((errand) => errand.host === host)));
    const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
    if (failed.length > 0) throw joined("prepare", hosts.length, failed);
  }
  return eachHost(world, "App Host", plan.errands, onLine);
}

/** Registry login, network, env files and audit lines of one host: one round trip. */
async function prepare(world: World, host: string, errands: readonly Errand[]): Promise<void> {
  const mark = world.randomHex(8);
  const exit = await world.transport.run(host, batchScript(errands.map(({ command }) => ({ command, optional: false })), mark), { timeoutMs: 120_000, signal: world.signal });
  if (!exit.stdout.includes(`${mark} ${errands.length - 1} 0`)) throw new DeployError("command", `Cannot prepare ${host} for the command`, { host, details: exit.stderr.replaceAll(/\x1e[^\x1e]*\x1e/g, "").split("\n").filter(Boolean).slice(-10) });
}
