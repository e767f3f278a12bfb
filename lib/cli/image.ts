import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/image.ts";
import { carryChange } from "./session.ts";

export const push = (context: CommandContextOf<typeof definitions.push>): Promise<void> => carryChange(context, changes.buildPush(!context.args.cache));
export const pull = (context: CommandContextOf<typeof definitions.pull>): Promise<void> => carryChange(context, changes.buildPull());
export const deliver = (context: CommandContextOf<typeof definitions.deliver>): Promise<void> => carryChange(context, changes.buildDeliver(!context.args.cache));
