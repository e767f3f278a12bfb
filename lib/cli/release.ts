import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/release.ts";
import { confirmed } from "./prompt.ts";
import { carryChange } from "./session.ts";

const parts = ({ skipPush, cache }: { readonly skipPush: boolean; readonly cache: boolean }) => ({ skipPush, noCache: !cache });

export const setup = (context: CommandContextOf<typeof definitions.setup>): Promise<void> => carryChange(context, changes.setup(parts(context.args)));
export const deploy = (context: CommandContextOf<typeof definitions.deploy>): Promise<void> => carryChange(context, changes.deploy({ ...parts(context.args), ifChanged: context.args.ifChanged }));
export const redeploy = (context: CommandContextOf<typeof definitions.redeploy>): Promise<void> => carryChange(context, changes.redeploy({ ...parts(context.args), ifChanged: context.args.ifChanged }));
export const rollback = (context: CommandContextOf<typeof definitions.rollback>): Promise<void> => carryChange(context, changes.rollback(context.args.version ?? context.options.version));

export async function remove(context: CommandContextOf<typeof definitions.remove>): Promise<void> {
  await confirmed(context, context.args.confirmed, "This removes the app, its accessories, their files and the volumes that the config names from all hosts: the data is gone.");
  await carryChange(context, changes.remove());
}

export async function upgrade(context: CommandContextOf<typeof definitions.upgrade>): Promise<void> {
  await confirmed(context, context.args.confirmed, "Each host refuses connections for a second or two while the proxies change places, and accessories are replaced.");
  await carryChange(context, changes.upgrade(context.args.rolling, true, context.args.force));
}
