import { changes } from "../run/changes.ts";
import { commandOf } from "../run/exec.ts";
import { serverExec } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/server.ts";
import { refuseJson, runSession } from "./interactive.ts";
import { carryChange, printOutputs, printPlanTo, withDeployer } from "./session.ts";

export const bootstrap = (context: CommandContextOf<typeof definitions.bootstrap>): Promise<void> => carryChange(context, changes.bootstrap());

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const { args, options: { dryRun } } = context;
  if (args.interactive) refuseJson(context);
  const command = commandOf(context.rest);
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("server", "exec");
    const { hosts, primaryHost } = task.scope;
    if (dryRun) {
      printPlanTo(context, { notes: [], phases: [{ title: "Run the command", lanes: (args.interactive ? [primaryHost] : hosts).map((host) => ({ host, steps: [{ kind: "run", title: "Run the command", command }] })) }] });
      return 0;
    }
    if (args.interactive) return await runSession(context, deployer.world, { host: primaryHost, command });
    return printOutputs(context, "App", await serverExec(deployer.world, task, command), args.raw);
  });
}
