import { settle } from "../ground/settle.ts";
import type { World } from "../ground/world.ts";
import type { Order } from "../plan/order.ts";
import type { Kept } from "../plan/order.ts";
import { comparisons } from "../plan/unchanged.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { joined } from "./observe.ts";
import { askTwice } from "./reconnect.ts";

const askMs = 60_000;

/**
 * Asks the hosts where a switch would change nothing. Changes nothing itself.
 * @throws ConnectError of the one host that is lost, or a DeployError that names all of them
 */
export async function findUnchanged(world: World, order: Order, facts: FleetFacts): Promise<readonly Kept[]> {
  const results = await settle(comparisons(order, facts), order.settings.ssh.maxConcurrentStarts, async ({ kept, command, isSame }) => {
    const { status, stdout } = await askTwice(world, kept.host, () => world.transport.run(kept.host, command, { timeoutMs: askMs, signal: world.signal }));
    return status === 0 && isSame(stdout) ? [kept] : [];
  });
  const errors = results.flatMap((result) => (result.ok ? [] : [result.error]));
  if (errors.length > 0) throw joined("compare", results.length, errors);
  return results.flatMap((result) => (result.ok ? result.value : []));
}
