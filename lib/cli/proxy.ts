import { DeployError } from "../ground/errors.ts";
import { changes } from "../run/changes.ts";
import { proxyDetails, proxyLogs } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/proxy.ts";
import { logOptions } from "./log-options.ts";
import { confirm } from "./prompt.ts";
import { carryChange, lineWriter, logStatus, printOutputs, withDeployer } from "./session.ts";

export const boot = (context: CommandContextOf<typeof definitions.boot>): Promise<void> => carryChange(context, changes.proxyBoot());
export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.proxy("start"));
export const stop = (context: CommandContextOf<typeof definitions.stop>): Promise<void> => carryChange(context, changes.proxy("stop"));
export const restart = (context: CommandContextOf<typeof definitions.restart>): Promise<void> => carryChange(context, changes.proxy("restart"));
export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, changes.proxy(context.args.force ? "remove-forced" : "remove"));

export async function reboot(context: CommandContextOf<typeof definitions.reboot>): Promise<void> {
  const { args, options, io } = context;
  if (!args.confirmed && !options.dryRun) {
    if (!io.interactive) throw new DeployError("usage", "Rebooting the proxy interrupts traffic on each host for about a second", { hint: "Add -y to do it without a question." });
    if (!(await confirm("Each host takes no requests while its proxy is replaced. Go on?", context.pause))) throw new DeployError("cancelled", "Not confirmed", { state: ["Nothing was changed."] });
  }
  await carryChange(context, changes.proxyReboot());
}

export const details = (context: CommandContextOf<typeof definitions.details>): Promise<number> =>
  withDeployer(context, async (deployer) => printOutputs(context, "Proxy", await proxyDetails(deployer.world, await deployer.task("proxy", "details"))));

export async function logs(context: CommandContextOf<typeof definitions.logs>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const outputs = await proxyLogs(deployer.world, await deployer.task("proxy", "logs"), logOptions(context.args), lineWriter(context));
    return logStatus(context, outputs);
  });
}
