import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/canary.ts";
import { carryChange } from "./session.ts";

export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.canaryStart(context.args.version, context.args.percent));
export const set = (context: CommandContextOf<typeof definitions.set>): Promise<void> => carryChange(context, changes.canarySet(context.args.percent ?? 0));
export const promote = (context: CommandContextOf<typeof definitions.promote>): Promise<void> => carryChange(context, changes.canaryPromote());
export const abort = (context: CommandContextOf<typeof definitions.abort>): Promise<void> => carryChange(context, changes.canaryAbort());
