import { changes } from "../run/changes.ts";
import { commandOf } from "../run/exec.ts";
import { serverExec } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/server.ts";
import { askHosts, carryChange, withDeployer } from "./session.ts";

export const bootstrap = (context: CommandContextOf<typeof definitions.bootstrap>): Promise<void> => carryChange(context, changes.bootstrap());

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const command = commandOf(context.rest);
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("server", "exec");
    return askHosts(context, deployer, serverExec(task, command), { subject: "App", raw: context.args.raw });
  });
}
