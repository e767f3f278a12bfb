import type { HostFacts } from "../remote/facts.ts";
import { everyAccessory } from "../plan/accessory.ts";
import { exitStatus } from "../ground/errors.ts";
import { tellFleet } from "../plan/print-fleet.ts";
import { printable } from "../report/printable.ts";
import { table } from "../report/table.ts";
import type { Errand } from "../run/each-host.ts";
import { accessoryDetailsOf, appDetails, audit as auditLog, glance, proxyDetails } from "../run/looks.ts";
import type { Task } from "../run/task.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";
import type { Deployer } from "./deployer.ts";
import { askHosts, type AnyContext, withDeployer } from "./session.ts";

export async function details(context: CommandContextOf<typeof definitions.details>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("details");
    const unseen = context.options.dryRun ? new Map<string, string>() : await tellAtFirst(context, deployer, task);
    const reachable = (errands: readonly Errand[]): readonly Errand[] => errands.filter(({ host }) => !unseen.has(host));
    const proxy = await askHosts(context, deployer, reachable(proxyDetails(task)), { subject: "Proxy" });
    const app = task.scope.roles.length === 0 ? 0 : await askHosts(context, deployer, reachable(appDetails(task)), { subject: "App" });
    const accessoryErrands = reachable(accessoryDetailsOf(task, everyAccessory));
    const accessories = accessoryErrands.length === 0 ? 0 : await askHosts(context, deployer, accessoryErrands, { subject: "Accessory" });
    return unseen.size > 0 ? exitStatus.connect : ([proxy, app, accessories].find((status) => status !== 0) ?? 0);
  });
}

/** Tells whether all is well, and what is not. @returns why hosts could not be looked at */
async function tellAtFirst(context: AnyContext, { world, settings }: Deployer, task: Task): Promise<ReadonlyMap<string, string>> {
  const seen = await glance(world, task);
  if (task.scope.roles.length === 0 && seen.unseen.size === 0) return seen.unseen;
  const { ok, headline, rows, advice } = tellFleet(settings, seen);
  const { bold, green, red } = context.style;
  const lines = table(rows.map(([host, role, text]) => ["", printable(host), role, printable(text)]));
  const next = table(advice.map(({ command, effect }, i) => [i === 0 ? "Next:" : "", bold(command), printable(effect)]));
  const { state: { places, versions, unfinished, pending, returning }, unseen, lock, back } = seen;
  context.print([bold((ok ? green : red)(printable(headline))), ...lines, ...next].join("\n"), {
    type: "fleet", ok, headline, versions, unfinished, pending, returning: returning?.version ?? null, places, unreachable: [...unseen].map(([host, why]) => ({ host, why })), lock: lock ?? null, rollback: back ?? null, next: advice,
  });
  return unseen;
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
