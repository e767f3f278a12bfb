import type { Settings } from "../config/settings.ts";
import { DeployError, isDeployError } from "../ground/errors.ts";
import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import { factQueries, toFacts, type FleetFacts, type HostFacts } from "../remote/facts.ts";
import { driverOn } from "../remote/proxy/drivers.ts";
import { ask } from "./ask.ts";

/** What was seen of a fleet, and why some hosts could not be looked at. */
export interface Sight {
  readonly facts: FleetFacts;
  readonly unseen: ReadonlyMap<string, DeployError>;
}

/** Asks every host what is there, one round trip a host, side by side; one that cannot be asked keeps none of the others from answering. */
export async function look(world: World, settings: Settings, hosts: readonly string[]): Promise<Sight> {
  const results = await settle(hosts, settings.ssh.maxConcurrentStarts, async (host) => toFacts(await ask(world, host, factQueries(settings, driverOn(settings, host), host))));
  const facts = new Map<string, HostFacts>();
  const unseen = new Map<string, DeployError>();
  for (const result of results) {
    if (result.ok) facts.set(result.item, result.value);
    else if (isDeployError(result.error) && result.error.failure !== "cancelled") unseen.set(result.item, result.error);
    else throw result.error;
  }
  return { facts, unseen };
}

/**
 * Asks every host what is there, for a run that needs to know all of them.
 * @throws ConnectError of the one host that cannot be reached, or a DeployError that names all of them
 */
export async function observe(world: World, settings: Settings, hosts: readonly string[]): Promise<FleetFacts> {
  const { facts, unseen } = await look(world, settings, hosts);
  if (unseen.size > 0) throw joined("look at", hosts.length, [...unseen.values()]);
  return facts;
}

/** Opens the connection to every host. @throws as {@link observe} */
export async function connectAll(world: World, settings: Settings, hosts: readonly string[]): Promise<void> {
  const results = await settle(hosts, Math.max(1, hosts.length), (host) => world.transport.connect(host, world.signal));
  const failed = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (failed.length > 0) throw joined("reach", hosts.length, failed);
}

/** A sentence that names more of them is not read. */
const mostNamed = 20;

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
  return new DeployError(failure, `Cannot ${doing} ${known.length} of ${of} hosts: ${hosts.length <= mostNamed ? hosts.join(", ") : `${hosts.slice(0, mostNamed - 1).join(", ")} and ${hosts.length - mostNamed + 1} more`}`, { state: ["Nothing was changed."], hint: known[0]?.hint, cause: new AggregateError(known) });
}
