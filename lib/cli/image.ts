import { buildxName } from "../build/kinds.ts";
import { builderDetails } from "../run/local.ts";
import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/image.ts";
import { carryChange, withDeployer } from "./session.ts";

export const push = (context: CommandContextOf<typeof definitions.push>): Promise<void> => carryChange(context, changes.buildPush({ noCache: !context.args.cache, output: context.args.output }));
export const pull = (context: CommandContextOf<typeof definitions.pull>): Promise<void> => carryChange(context, changes.buildPull());
export const deliver = (context: CommandContextOf<typeof definitions.deliver>): Promise<void> => carryChange(context, changes.buildDeliver({ noCache: !context.args.cache }));
export const dev = (context: CommandContextOf<typeof definitions.dev>): Promise<void> => carryChange(context, changes.buildDev({ noCache: !context.args.cache, output: context.args.output }));
export const create = (context: CommandContextOf<typeof definitions.create>): Promise<void> => carryChange(context, changes.buildCreate());
export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, changes.buildRemove());

export async function details(context: CommandContextOf<typeof definitions.details>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const { builder, outputs } = await builderDetails(deployer.world, await deployer.task("build", "details"));
    const name = buildxName(builder);
    const title = `Builder: ${builder.kind}${name === undefined ? "" : ` (${name})`}`;
    context.print([title, ...outputs.map((output) => output.trimEnd())].join("\n\n"), { type: "builder", kind: builder.kind, name: name ?? null, outputs: [...outputs] });
  });
}
