import { envOn } from "../config/host-env.ts";
import type { Role } from "../config/settings.ts";
import { Command, quote } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { DeployError } from "../ground/errors.ts";
import { containerName, envFilePath, execName, latestTag } from "../ground/names.ts";
import { appHosts } from "../plan/hosts.ts";
import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import { containerOfVersion, containersOfRole, currentContainer, isUp } from "../plan/current.ts";
import { appendAudit, auditLine } from "../remote/audit.ts";
import { endOneOff, execInContainer, runOneOff, type Interactive } from "../remote/container.ts";
import { envUploads } from "../remote/envfile.ts";
import { createNetwork } from "../remote/network.ts";
import { login } from "../remote/registry.ts";
import { uploadCommand } from "../remote/upload.ts";
import { sendBatch } from "./send.ts";
import type { Offline } from "./change.ts";
import { eachHost, type Errand, type HostOutput } from "./each-host.ts";
import { places } from "./looks.ts";
import type { SessionErrand } from "./interactive.ts";
import { connectAll, joined, look, type Sight } from "./observe.ts";
import type { Task } from "./task.ts";

/** How `app exec` runs a command. */
export interface ExecOptions {
  /** In the container that serves, instead of a new one. */
  readonly reuse: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Leave the new container running. */
  readonly detach: boolean;
  /** How the user's standard input is joined to the command. */
  readonly interactive: Interactive;
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
  readonly errands: readonly SessionErrand[];
}

/**
 * Plans a command in a new container of every role in scope.
 * @param seed hex digits that names are derived from; @param recordedAt ISO 8601, UTC; @param calling the plan will be carried out: secrets are read
 */
export async function planExec(task: Task, words: readonly string[], options: ExecOptions, { seed, recordedAt, calling }: { readonly seed: string; readonly recordedAt: string; readonly calling: boolean }): Promise<ExecPlan> {
  const { settings, performer } = task;
  const command = commandOf(words);
  if (calling) await settings.secrets.load();
  const version = task.version ?? latestTag(settings);
  const all = places(task);
  const signIn = login(settings.registry);
  const record = (role: string): Command => appendAudit(settings, auditLine({ recordedAt, performer, destination: settings.destination, role, text: `Executed cmd '${command.text}' on app version ${version}` }));
  return {
    prepare: all.flatMap(({ role, host }) => [...(signIn === undefined ? [] : [signIn]), createNetwork(), ...envUploads({ name: role.name, env: envOn(role, host), path: envFilePath(settings, role.name) }).map(({ path, mode, content }) => uploadCommand(path, mode).stdin(content)), record(role.name)].map((one) => ({ host, role: role.name, command: one }))),
    errands: all.map(({ role, host }) => {
      const hex = derivedHex(seed, `exec ${host} ${role.name}`, 6);
      return { host, role: role.name, command: runOneOff({ settings, role, host, version, hex, command, env: options.env, detach: options.detach, interactive: options.interactive }), leftover: endOneOff(execName(settings, role.name, version, hex)) };
    }),
  };
}

/**
 * Plans a command in a running container of every role in scope: the one that serves, or the one of the task's version.
 * @param offline facts to plan from; a host that they do not tell of is taken to run the task's version. Undefined: the hosts are asked
 * @throws DeployError (missing) when one is not running; (usage) when nothing tells which it is
 */
export async function planExecInServing(world: World, task: Task, words: readonly string[], options: ExecOptions, offline?: Offline): Promise<ExecPlan> {
  const { settings, version } = task;
  const command = commandOf(words);
  const sight = offline === undefined ? await look(world, settings, appHosts(task)) : { facts: offline.facts, unseen: new Map<string, DeployError>() };
  if (sight.unseen.size > 0) throw joined("look at", appHosts(task).length, [...sight.unseen.values()]);
  const found = places(task).map(({ role, host }) => ({ host, role, name: runningName(task, role, host, sight) }));
  const none = found.filter(({ name }) => name === undefined).map(({ host, role }) => `${role.name}${version === undefined ? "" : ` at version ${version}`} on ${host}`);
  if (none.length > 0) throw new DeployError("missing", `Nothing is running of ${none.join(", ")}`, { hint: "Leave --reuse out to run the command in a new container." });
  return { prepare: [], errands: found.map(({ host, role, name }) => ({ host, role: role.name, command: execInContainer(name ?? "", command, { env: options.env, interactive: options.interactive }) })) };
}

/** Name of the container of a role to run commands in; undefined when none runs. */
function runningName({ settings, version }: Task, role: Role, host: string, { facts }: Sight): string | undefined {
  const fact = facts.get(host);
  if (fact === undefined) return version === undefined ? unknownContainer(host) : containerName(settings, role.name, version);
  if (version === undefined) return currentContainer(settings, role, fact.containers, fact.proxy)?.name;
  return containerOfVersion(settings, role, version, containersOfRole(role, fact.containers).filter(isUp), fact.releases)?.name;
}

function unknownContainer(host: string): never {
  throw new DeployError("usage", `Cannot tell which container serves on ${host} without asking it`, { hint: "Add --version, leave out --offline, or give what `capstan observe --json` printed as --facts." });
}

/** `app exec`: carries a plan out and gives what the command printed on each host. */
export async function appExec(world: World, task: Task, plan: ExecPlan, onLine?: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  await prepareExec(world, task, plan);
  return eachHost(world, "App Host", plan.errands, onLine);
}

/** Makes the hosts ready for the commands of a plan, or does nothing where they need nothing. @throws DeployError that names the hosts that could not be made ready */
export async function prepareExec(world: World, { settings }: Task, plan: ExecPlan): Promise<void> {
  if (plan.prepare.length === 0) return;
  await settings.secrets.load();
  const hosts = [...new Set(plan.prepare.map(({ host }) => host))];
  await connectAll(world, settings, hosts);
  const results = await settle(hosts, hosts.length, (host) => prepare(world, host, plan.prepare.filter((errand) => errand.host === host)));
  const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failed.length > 0) throw joined("prepare", hosts.length, failed);
}

/** Registry login, network, env files and audit lines of one host: one round trip. */
async function prepare(world: World, host: string, errands: readonly Errand[]): Promise<void> {
  const mark = world.randomHex(8);
  const { exit } = await sendBatch(world, host, errands.map(({ command }) => ({ command, optional: false })), { mark, timeoutMs: 120_000, signal: world.signal });
  if (!exit.stdout.includes(`${mark} ${errands.length - 1} 0`)) throw new DeployError("command", `Cannot prepare ${host} for the command`, { host, details: exit.stderr.replaceAll(/\x1e[^\x1e]*\x1e/g, "").split("\n").filter(Boolean).slice(-10) });
}
