import { DeployError } from "../ground/errors.ts";
import { accessoryEnvPath } from "../ground/names.ts";
import { chosenAccessories, everyAccessory } from "../plan/accessory.ts";
import { runAccessoryOneOff } from "../remote/accessory.ts";
import { execInContainer, interactiveFlags, type Interactive } from "../remote/container.ts";
import { envFile } from "../remote/envfile.ts";
import { login } from "../remote/registry.ts";
import { uploadCommand } from "../remote/upload.ts";
import { commandOf, type ExecPlan } from "./exec.ts";
import type { Task } from "./task.ts";

/** How `accessory exec` runs a command. */
export interface AccessoryExecOptions {
  /** In the running container, instead of a new one. */
  readonly reuse: boolean;
  readonly interactive?: Interactive;
}

/**
 * Plans a command in an accessory, on all its hosts; an interactive one on its first.
 * @throws DeployError (usage) for a name that is none
 */
export function planAccessoryExec(task: Task, name: string, words: readonly string[], { reuse, interactive = "no" }: AccessoryExecOptions): ExecPlan {
  if (name === everyAccessory) throw new DeployError("usage", "Name one accessory to run a command in", { hint: `The accessories are: ${task.settings.accessories.map((one) => one.name).join(", ")}.` });
  const command = commandOf(words);
  const places = chosenAccessories(task, name).flatMap((accessory) => (interactive === "no" ? accessory.hosts : accessory.hosts.slice(0, 1)).map((host) => ({ accessory, host })));
  return {
    prepare: reuse ? [] : places.flatMap(({ accessory, host }) => {
      const signIn = login(accessory.registry);
      return [...(signIn === undefined ? [] : [signIn]), uploadCommand(accessoryEnvPath(task.settings, name), "0600").stdin(envFile(accessory))].map((one) => ({ host, subject: name, command: one }));
    }),
    errands: places.map(({ accessory, host }) => ({
      host, subject: name,
      command: reuse ? execInContainer(accessory.service, command, { interactive }) : runAccessoryOneOff(task.settings, accessory, command, interactiveFlags(interactive)),
    })),
  };
}
