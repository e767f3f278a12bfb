import { DeployError } from "../ground/errors.ts";
import type { HostStep, Plan } from "../ground/step.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { pruneContainersSteps, pruneImagesSteps } from "../remote/prune.ts";
import { auditStep } from "./audit.ts";
import { appHosts, lanes, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";

/** What `prune` removes. */
export type PruneWhat = "all" | "containers" | "images";

/** `prune`. @param retain how many stopped containers of each role stay; undefined: as the config says. @throws DeployError (usage) for less than one */
export function planPrune(order: Order, facts: FleetFacts, what: PruneWhat, retain: number | undefined): Plan {
  if (retain !== undefined && retain < 1) throw new DeployError("usage", `Cannot keep ${retain} containers: at least one is kept for rollback`);
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const steps = (host: string): readonly HostStep[] => [
    ...(what === "images" ? [] : [...pruneContainersSteps(order.settings, rolesOn(order, host), retain), auditStep(order, undefined, "Pruned containers")]),
    ...(what === "containers" ? [] : [...pruneImagesSteps(order.settings), auditStep(order, undefined, "Pruned images")]),
  ];
  return { notes: [], phases: [{ title: "Prune", lanes: lanes(hosts, steps) }] };
}
