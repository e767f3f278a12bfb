import type { Accessory } from "../config/settings.ts";
import type { Command } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { DeployError } from "../ground/errors.ts";
import { accessoryEnvPath, accessoryExecName } from "../ground/names.ts";
import type { HostStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { chosenAccessories, directorySteps, everyAccessory, fileSteps } from "../plan/accessory.ts";
import type { LocalContent } from "../plan/order.ts";
import { runAccessoryOneOff } from "../remote/accessory.ts";
import { endOneOff, execInContainer, interactiveFlags, type Interactive } from "../remote/container.ts";
import { envUploads } from "../remote/envfile.ts";
import { createNetwork } from "../remote/network.ts";
import { login } from "../remote/registry.ts";
import { uploadCommand } from "../remote/upload.ts";
import { readContent } from "./content.ts";
import { commandOf, type ExecPlan } from "./exec.ts";
import type { Task } from "./task.ts";

/** How `accessory exec` runs a command. */
export interface AccessoryExecOptions {
  /** In the running container, instead of a new one. */
  readonly reuse: boolean;
  readonly interactive?: Interactive;
  /** The plan will be carried out: functions of the config that make files are called. */
  readonly calling: boolean;
}

/**
 * Plans a command in an accessory, on all its hosts; an interactive one on its first. A new container finds there what the accessory itself would.
 * @throws DeployError (usage) for a name that is none; (config) for a file that is missing
 */
export async function planAccessoryExec(world: World, task: Task, name: string, words: readonly string[], { reuse, interactive = "no", calling }: AccessoryExecOptions): Promise<ExecPlan> {
  const { settings } = task;
  if (name === everyAccessory) throw new DeployError("usage", "Name one accessory to run a command in", { hint: `The accessories are: ${settings.accessories.map((one) => one.name).join(", ")}.` });
  const command = commandOf(words);
  const chosen = chosenAccessories(task, name).map((accessory) => (interactive === "no" ? accessory : { ...accessory, hosts: accessory.hosts.slice(0, 1) }));
  const places = chosen.flatMap((accessory) => accessory.hosts.map((host) => ({ accessory, host })));
  if (reuse) return { prepare: [], errands: places.map(({ accessory, host }) => ({ host, subject: name, command: execInContainer(accessory.service, command, { interactive }) })) };
  if (calling) await settings.secrets.load();
  const content = await readContent(world, settings, { accessories: chosen, errorPages: false }, calling);
  const seed = world.randomHex(16);
  return {
    prepare: places.flatMap(({ accessory, host }) => preparing(task, content, accessory, host).map((one) => ({ host, subject: name, command: one }))),
    errands: places.map(({ accessory, host }) => {
      const hex = derivedHex(seed, `exec ${host} ${name}`, 6);
      return { host, subject: name, command: runAccessoryOneOff(settings, accessory, command, hex, interactiveFlags(interactive)), leftover: endOneOff(accessoryExecName(accessory.service, hex)) };
    }),
  };
}

/** Registry login, network, folders, files and environment. */
function preparing({ settings }: Task, content: LocalContent, accessory: Accessory, host: string): readonly Command[] {
  const signIn = login(accessory.registry);
  return [
    ...(signIn === undefined ? [] : [signIn]),
    createNetwork(),
    ...[...directorySteps(accessory), ...fileSteps({ content }, accessory, host), ...envUploads({ ...accessory, path: accessoryEnvPath(settings, accessory.name) })].flatMap(commandsOf),
  ];
}

function commandsOf(step: HostStep): readonly Command[] {
  if (step.kind === "upload") return [uploadCommand(step.path, step.mode, step.encoding).stdin(step.content)];
  return step.kind === "run" ? [step.command] : [];
}
