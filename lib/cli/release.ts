import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/release.ts";
import { carryChange } from "./session.ts";

const parts = ({ skipPush, cache }: { readonly skipPush: boolean; readonly cache: boolean }) => ({ skipPush, noCache: !cache });

export const setup = (context: CommandContextOf<typeof definitions.setup>): Promise<void> => carryChange(context, changes.setup(parts(context.args)));
export const deploy = (context: CommandContextOf<typeof definitions.deploy>): Promise<void> => carryChange(context, changes.deploy(parts(context.args)));
export const redeploy = (context: CommandContextOf<typeof definitions.redeploy>): Promise<void> => carryChange(context, changes.redeploy(parts(context.args)));
export const rollback = (context: CommandContextOf<typeof definitions.rollback>): Promise<void> => carryChange(context, changes.rollback(context.args.version ?? context.options.version));
