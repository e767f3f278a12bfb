import { buildxName, detailsPrograms } from "../build/kinds.ts";
import { builderHere, builderOutputs } from "../run/local.ts";
import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/image.ts";
import { carryChange, printPlanTo, withDeployer } from "./session.ts";

export const push = (context: CommandContextOf<typeof definitions.push>): Promise<void> => carryChange(context, changes.buildPush({ noCache: !context.args.cache, output: context.args.output }));
export const pull = (context: CommandContextOf<typeof definitions.pull>): Promise<void> => carryChange(context, changes.buildPull());
export const deliver = (context: CommandContextOf<typeof definitions.deliver>): Promise<void> => carryChange(context, changes.buildDeliver({ noCache: !context.args.cache }));
export const dev = (context: CommandContextOf<typeof definitions.dev>): Promise<void> => carryChange(context, changes.buildDev({ noCache: !context.args.cache, output: context.args.output }));
export const create = (context: CommandContextOf<typeof definitions.create>): Promise<void> => carryChange(context, changes.buildCreate());
export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, changes.buildRemove());

export async function details(context: CommandContextOf<typeof definitions.details>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const builder = await builderHere(deployer.world, await deployer.task("build", "details"));
    const title = "Show the builder";
    if (context.options.dryRun) return printPlanTo(context, { notes: [], phases: [{ title, lanes: [{ host: undefined, steps: detailsPrograms(builder).map((program) => ({ kind: "local", title, program })) }] }] });
    const outputs = await builderOutputs(deployer.world, builder);
    const name = buildxName(builder);
    const head = `Builder: ${builder.kind}${name === undefined ? "" : ` (${name})`}`;
    context.print([head, ...outputs.map((output) => output.trimEnd()).filter((output) => output !== "")].join("\n\n"), { type: "builder", kind: builder.kind, name: name ?? null, outputs: [...outputs] });
  });
}
