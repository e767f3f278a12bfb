import { changes } from "../run/changes.ts";
import { commandOf } from "../run/exec.ts";
import { serverExec } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/server.ts";
import { refuseJson, runSession } from "./interactive.ts";
import { askHosts, carryChange, printErrands, withDeployer } from "./session.ts";

export const bootstrap = (context: CommandContextOf<typeof definitions.bootstrap>): Promise<void> => carryChange(context, changes.bootstrap());

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const { args, options: { dryRun } } = context;
  if (args.interactive) refuseJson(context);
  const command = commandOf(context.rest);
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("server", "exec");
    const errand = { host: task.scope.primaryHost, command };
    if (!args.interactive) return askHosts(context, deployer, serverExec(task, command), { subject: "App", raw: args.raw });
    return dryRun ? printErrands(context, [errand], "Run the command") : await runSession(context, deployer.world, errand);
  });
}
