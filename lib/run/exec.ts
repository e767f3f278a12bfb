import { Command, quote } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { DeployError } from "../ground/errors.ts";
import { latestTag } from "../ground/names.ts";
import type { World } from "../ground/world.ts";
import { appendAudit, auditLine } from "../remote/audit.ts";
import { execInContainer, runOneOff } from "../remote/container.ts";
import { envFilePath } from "../ground/names.ts";
import { envFile } from "../remote/envfile.ts";
import { createNetwork } from "../remote/network.ts";
import { login } from "../remote/registry.ts";
import { uploadCommand } from "../remote/upload.ts";
import { batchScript } from "./batch.ts";
import { eachHost, type Errand, type HostOutput } from "./each-host.ts";
import { serving } from "./looks.ts";
import { connectAll } from "./observe.ts";
import { timestamp } from "./stamp.ts";
import type { Task } from "./task.ts";
import { settle } from "../ground/settle.ts";
import { joined } from "./observe.ts";

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

/**
 * `app exec`: a command in every role on every host of the scope.
 * @throws DeployError (missing) when it is to reuse a container and none runs
 */
export async function appExec(world: World, task: Task, words: readonly string[], options: ExecOptions, onLine?: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  const command = commandOf(words);
  const errands = options.reuse ? await inServing(world, task, command, options) : await inNew(world, task, command, options);
  return eachHost(world, task, "App Host", errands, onLine);
}

async function inServing(world: World, task: Task, command: Command, options: ExecOptions): Promise<readonly Errand[]> {
  const found = await serving(world, task);
  const none = found.filter((one) => one.container === undefined);
  if (none.length > 0) throw new DeployError("missing", `Nothing is running of ${none.map(({ role, host }) => `${role} on ${host}`).join(", ")}`, { hint: "Leave --reuse out to run the command in a new container." });
  return found.map(({ host, role, container }) => ({ host, role, command: execInContainer(container?.name ?? "", command, { env: options.env }) }));
}

async function inNew(world: World, task: Task, command: Command, options: ExecOptions): Promise<readonly Errand[]> {
  const { settings, scope } = task;
  const version = task.version ?? latestTag(settings);
  const seed = world.randomHex(16);
  await settings.secrets.load();
  const places = scope.roles.flatMap((role) => role.hosts.map((host) => ({ role, host })));
  await connectAll(world, settings, [...new Set(places.map(({ host }) => host))]);
  const results = await settle(places, Math.max(1, places.length), ({ role, host }) => prepare(world, task, host, role.name, `Executed cmd '${command.text}' on app version ${version}`));
  const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failed.length > 0) throw joined("prepare", places.length, failed);
  return places.map(({ role, host }) => ({ host, role: role.name, command: runOneOff({ settings, role, host, version, hex: derivedHex(seed, `exec ${host} ${role.name}`, 6), command, env: options.env, detach: options.detach }) }));
}

/** Registry login, network, env file and audit line: one round trip. */
async function prepare(world: World, task: Task, host: string, roleName: string, text: string): Promise<void> {
  const { settings, performer } = task;
  const role = settings.roles.find((one) => one.name === roleName);
  if (role === undefined) return;
  const signIn = login(settings.registry);
  const line = auditLine({ recordedAt: timestamp(world), performer, destination: settings.destination, role: roleName, text });
  const commands = [...(signIn === undefined ? [] : [signIn]), createNetwork(), uploadCommand(envFilePath(settings, roleName), "0600").stdin(envFile(role)), appendAudit(settings, line)];
  const mark = world.randomHex(8);
  const exit = await world.transport.run(host, batchScript(commands.map((one) => ({ command: one, optional: false })), mark), { timeoutMs: 120_000, signal: world.signal });
  if (!exit.stdout.includes(`${mark} ${commands.length - 1} 0`)) throw new DeployError("command", `Cannot prepare ${host} for the command`, { host, details: exit.stderr.replaceAll(/\x1e[^\x1e]*\x1e/g, "").split("\n").filter(Boolean).slice(-10) });
}
