import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/prune.ts";
import { carryChange } from "./session.ts";

export const all = (context: CommandContextOf<typeof definitions.all>): Promise<void> => carryChange(context, changes.prune("all", context.args.retain));
export const containers = (context: CommandContextOf<typeof definitions.containers>): Promise<void> => carryChange(context, changes.prune("containers", context.args.retain));
export const images = (context: CommandContextOf<typeof definitions.images>): Promise<void> => carryChange(context, changes.prune("images", undefined));
