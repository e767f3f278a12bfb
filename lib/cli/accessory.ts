import { errandPlan } from "../run/each-host.ts";
import { planAccessoryExec } from "../run/accessory-exec.ts";
import { changes } from "../run/changes.ts";
import { appExec, prepareExec } from "../run/exec.ts";
import { joinedTo } from "../run/interactive.ts";
import { accessoryDetailsOf, accessoryLogs } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/accessory.ts";
import { refuseJson, runSession } from "./interactive.ts";
import { logOptions } from "./log-options.ts";
import { confirmed } from "./prompt.ts";
import { askHosts, carryChange, printOutputs, printPlanTo, showLogs, withDeployer } from "./session.ts";

export const boot = (context: CommandContextOf<typeof definitions.boot>): Promise<void> => carryChange(context, changes.accessoryBoot(context.args.name));
export const reboot = (context: CommandContextOf<typeof definitions.reboot>): Promise<void> => carryChange(context, changes.accessoryReboot(context.args.name, context.args.rolling));
export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.accessoryAction(context.args.name, "start"));
export const stop = (context: CommandContextOf<typeof definitions.stop>): Promise<void> => carryChange(context, changes.accessoryAction(context.args.name, "stop"));
export const restart = (context: CommandContextOf<typeof definitions.restart>): Promise<void> => carryChange(context, changes.accessoryAction(context.args.name, "restart"));
export const upload = (context: CommandContextOf<typeof definitions.upload>): Promise<void> => carryChange(context, changes.accessoryFiles(context.args.name, "files"));
export const directories = (context: CommandContextOf<typeof definitions.directories>): Promise<void> => carryChange(context, changes.accessoryFiles(context.args.name, "directories"));
export const pullImage = (context: CommandContextOf<typeof definitions.pullImage>): Promise<void> => carryChange(context, changes.accessoryFiles(context.args.name, "image"));
export const removeContainer = (context: CommandContextOf<typeof definitions.removeContainer>): Promise<void> => carryChange(context, changes.accessoryRemove(context.args.name, ["container"]));
export const removeImage = (context: CommandContextOf<typeof definitions.removeImage>): Promise<void> => carryChange(context, changes.accessoryRemove(context.args.name, ["image"]));
export const removeServiceDirectory = (context: CommandContextOf<typeof definitions.removeServiceDirectory>): Promise<void> => carryChange(context, changes.accessoryRemove(context.args.name, ["directory"]));

export async function remove(context: CommandContextOf<typeof definitions.remove>): Promise<void> {
  const { name } = context.args;
  await confirmed(context, context.args.confirmed, `This removes ${name === "all" ? "all accessories" : name} with everything in ${name === "all" ? "their folders" : "its folder"} on the hosts.`);
  await carryChange(context, changes.accessoryRemove(name, ["container", "image", "directory"]));
}

export async function upgrade(context: CommandContextOf<typeof definitions.upgrade>): Promise<void> {
  await confirmed(context, context.args.confirmed, "Each accessory does not answer while its container is replaced.");
  await carryChange(context, changes.accessoryReboot(context.args.name, context.args.rolling));
}

export const details = (context: CommandContextOf<typeof definitions.details>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, accessoryDetailsOf(await deployer.task("accessory", "details"), context.args.name), { subject: "Accessory" }));

export const logs = (context: CommandContextOf<typeof definitions.logs>): Promise<number> =>
  withDeployer(context, async (deployer) => showLogs(context, deployer, accessoryLogs(await deployer.task("accessory", "logs"), context.args.name, logOptions(context.args))));

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const { args, rest, options, io } = context;
  if (args.interactive) refuseJson(context);
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("accessory", "exec");
    const plan = await planAccessoryExec(deployer.world, task, args.name, rest, { reuse: args.reuse, interactive: args.interactive ? joinedTo(io.terminal) : "no", calling: !options.dryRun });
    if (options.dryRun) {
      printPlanTo(context, { notes: [], phases: [errandPlan("Prepare hosts", plan.prepare), errandPlan("Run the command", plan.errands)] });
      return 0;
    }
    const [errand] = plan.errands;
    if (!args.interactive || errand === undefined) return printOutputs(context, "Accessory", await appExec(deployer.world, task, plan), args.raw);
    await prepareExec(deployer.world, task, plan);
    return await runSession(context, deployer.world, errand);
  });
}
