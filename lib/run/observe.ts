import type { Settings } from "../config/settings.ts";
import { DeployError, isDeployError } from "../ground/errors.ts";
import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import { factQueries, toFacts, type FleetFacts } from "../remote/facts.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { ask } from "./ask.ts";

/**
 * Asks every host what is there: one round trip a host, side by side.
 * @throws ConnectError of the one host that cannot be reached, or a DeployError that names all of them
 */
export async function observe(world: World, settings: Settings, hosts: readonly string[]): Promise<FleetFacts> {
  const queries = factQueries(settings, driverFor(settings));
  const results = await settle(hosts, settings.ssh.maxConcurrentStarts, async (host) => toFacts(await ask(world, host, queries)));
  const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failed.length > 0) throw joined("look at", hosts.length, failed);
  return new Map(results.flatMap((result) => (result.ok ? [[result.item, result.value] as const] : [])));
}

/** Opens the connection to every host. @throws as {@link observe} */
export async function connectAll(world: World, settings: Settings, hosts: readonly string[]): Promise<void> {
  const results = await settle(hosts, Math.max(1, hosts.length), (host) => world.transport.connect(host, world.signal));
  const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failed.length > 0) throw joined("reach", hosts.length, failed);
}

/** One error for all hosts: a lone one stays itself, a bug stays a bug. */
export function joined(doing: string, of: number, errors: readonly unknown[]): unknown {
  const [first] = errors;
  const bug = errors.find((error) => !isDeployError(error));
  if (errors.length === 1 || bug !== undefined) return bug ?? first;
  const known = errors.filter(isDeployError);
  const cancelled = known.find((error) => error.failure === "cancelled");
  if (cancelled !== undefined) return cancelled;
  const hosts = known.flatMap((error) => error.host ?? []);
  const failure = known.every((error) => error.failure === known[0]?.failure) ? (known[0]?.failure ?? "fleet") : "fleet";
  return new DeployError(failure, `Cannot ${doing} ${known.length} of ${of} hosts: ${hosts.join(", ")}`, { state: ["Nothing was changed."], hint: known[0]?.hint, cause: new AggregateError(known) });
}
