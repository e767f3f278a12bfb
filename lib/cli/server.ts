import { changes } from "../run/changes.ts";
import { commandOf } from "../run/exec.ts";
import { serverExec } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/server.ts";
import { carryChange, printOutputs, printPlanTo, withDeployer } from "./session.ts";

export const bootstrap = (context: CommandContextOf<typeof definitions.bootstrap>): Promise<void> => carryChange(context, changes.bootstrap());

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const command = commandOf(context.rest);
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("server", "exec");
    if (!context.options.dryRun) return printOutputs(context, "App", await serverExec(deployer.world, task, command), context.args.raw);
    printPlanTo(context, { notes: [], phases: [{ title: "Run the command", lanes: task.scope.hosts.map((host) => ({ host, steps: [{ kind: "run", title: "Run the command", command }] })) }] });
    return 0;
  });
}
