import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/healthcheck.ts";
import { carryChange } from "./session.ts";

export const perform = (context: CommandContextOf<typeof definitions.perform>): Promise<void> => carryChange(context, changes.healthcheck());
