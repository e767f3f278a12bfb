import type { HostFacts } from "../remote/facts.ts";
import { everyAccessory } from "../plan/accessory.ts";
import { accessoryDetailsOf, appDetails, audit as auditLog, proxyDetails, serving } from "../run/looks.ts";
import type { Task } from "../run/task.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";
import type { Deployer } from "./deployer.ts";
import { askHosts, type AnyContext, withDeployer } from "./session.ts";

export async function details(context: CommandContextOf<typeof definitions.details>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("details");
    const proxy = await askHosts(context, deployer, proxyDetails(task), { subject: "Proxy" });
    const app = task.scope.roles.length === 0 ? 0 : await askHosts(context, deployer, appDetails(task), { subject: "App" });
    const accessoryErrands = accessoryDetailsOf(task, everyAccessory);
    const accessories = accessoryErrands.length === 0 ? 0 : await askHosts(context, deployer, accessoryErrands, { subject: "Accessory" });
    if (!context.options.dryRun && task.scope.roles.length > 0) await tellDifferences(context, deployer, task);
    return [proxy, app, accessories].find((status) => status !== 0) ?? 0;
  });
}

async function tellDifferences(context: AnyContext, { world }: Deployer, task: Task): Promise<void> {
  const versions = [...new Set((await serving(world, task)).filter(({ problem }) => problem === undefined).map(({ version }) => version ?? "nothing"))];
  if (versions.length > 1) context.print(`Hosts differ: ${versions.join(", ")}. \`capstan deploy\` brings all of them to one version.`, { type: "note", text: `Hosts differ: ${versions.join(", ")}` });
}

export async function observe(context: CommandContextOf<typeof definitions.observe>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const facts = await deployer.observe();
    const text = [...facts].map(([host, fact]) => describe(host, fact)).join("\n");
    context.print(text, { type: "facts", hosts: Object.fromEntries(facts) });
  });
}

function describe(host: string, { docker, proxy, containers, images }: HostFacts): string {
  return [
    `${host}: Docker ${docker ?? "is missing"}, proxy ${proxy === undefined ? "is missing" : `${proxy.image}${proxy.running ? "" : " (stopped)"}`}`,
    ...(proxy?.routes ?? []).map((route) => `  route ${route.name} -> ${route.targets.join(", ")}${route.mode === "live" ? "" : ` (${route.mode})`}`),
    ...containers.map((container) => `  ${container.id.slice(0, 12)}  ${container.name}  ${container.status}`),
    ...images.map((image) => `  image ${image}`),
  ].join("\n");
}

export const audit = (context: CommandContextOf<typeof definitions.audit>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, auditLog(await deployer.task("audit")), { subject: "App" }));
