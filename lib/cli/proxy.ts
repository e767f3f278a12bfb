import { proxyHosts } from "../plan/hosts.ts";
import { changes } from "../run/changes.ts";
import { proxyDetails, proxyLogs } from "../run/looks.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/proxy.ts";
import { logOptions } from "./log-options.ts";
import { confirmed } from "./prompt.ts";
import { showBootConfig } from "../remote/proxy/boot-config.ts";
import { askHosts, carryChange, showLogs, withDeployer } from "./session.ts";

export const boot = (context: CommandContextOf<typeof definitions.boot>): Promise<void> => carryChange(context, changes.proxyBoot());
export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.proxy("start"));
export const stop = (context: CommandContextOf<typeof definitions.stop>): Promise<void> => carryChange(context, changes.proxy("stop"));
export const restart = (context: CommandContextOf<typeof definitions.restart>): Promise<void> => carryChange(context, changes.proxy("restart"));
export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, changes.proxy(context.args.force ? "remove-forced" : "remove"));

export async function reboot(context: CommandContextOf<typeof definitions.reboot>): Promise<void> {
  await confirmed(context, context.args.confirmed, "Each host takes no requests while its proxy is replaced, usually for about a second.");
  await carryChange(context, changes.proxyReboot());
}

export const details = (context: CommandContextOf<typeof definitions.details>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, proxyDetails(await deployer.task("proxy", "details")), { subject: "Proxy" }));

export const logs = (context: CommandContextOf<typeof definitions.logs>): Promise<number> =>
  withDeployer(context, async (deployer) => showLogs(context, deployer, proxyLogs(await deployer.task("proxy", "logs"), logOptions(context.args))));

export async function upgrade(context: CommandContextOf<typeof definitions.upgrade>): Promise<void> {
  await confirmed(context, context.args.confirmed, "Each host refuses connections for a second or two while the proxies change places.");
  await carryChange(context, changes.upgrade(context.args.rolling, false, context.args.force));
}

export const removeContainer = (context: CommandContextOf<typeof definitions.removeContainer>): Promise<void> => carryChange(context, changes.proxyPart("container"));
export const removeImage = (context: CommandContextOf<typeof definitions.removeImage>): Promise<void> => carryChange(context, changes.proxyPart("image"));
export const removeProxyDirectory = (context: CommandContextOf<typeof definitions.removeProxyDirectory>): Promise<void> => carryChange(context, changes.proxyPart("directory"));

export function bootConfigSet(context: CommandContextOf<typeof definitions.bootConfigSet>): Promise<void> {
  const { publishHostIp, dockerOptions, ...rest } = context.args;
  return carryChange(context, changes.bootConfig({ ...rest, publishHostIps: publishHostIp, dockerOptions: dockerOptions.flatMap((option) => option.split(/\s+/)).filter((option) => option !== "") }));
}
export const bootConfigReset = (context: CommandContextOf<typeof definitions.bootConfigReset>): Promise<void> => carryChange(context, changes.bootConfig(undefined));
export const bootConfigGet = (context: CommandContextOf<typeof definitions.bootConfigGet>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, proxyHosts(await deployer.task("proxy", "boot-config")).map((host) => ({ host, command: showBootConfig() })), { subject: "Proxy" }));
