import { changes } from "../run/changes.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/registry.ts";
import { carryChange } from "./session.ts";

const sides = ({ skipLocal, skipRemote }: { readonly skipLocal: boolean; readonly skipRemote: boolean }) => ({ local: !skipLocal, remote: !skipRemote });

export const login = (context: CommandContextOf<typeof definitions.login>): Promise<void> => carryChange(context, (settings) => changes.registryLogin(settings, sides(context.args)));
export const logout = (context: CommandContextOf<typeof definitions.logout>): Promise<void> => carryChange(context, (settings) => changes.registryLogout(settings, sides(context.args)));
export const setup = (context: CommandContextOf<typeof definitions.setup>): Promise<void> => carryChange(context, (settings) => changes.registrySetup(settings, sides(context.args)));
export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, (settings) => changes.registryRemove(settings, sides(context.args)));
