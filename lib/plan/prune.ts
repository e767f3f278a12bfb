import { DeployError } from "../ground/errors.ts";
import { network } from "../ground/names.ts";
import type { HostStep, Plan, RunStep } from "../ground/step.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { pruneContainersSteps, pruneImagesSteps, pruneMrskStep } from "../remote/prune.ts";
import { auditStep } from "./audit.ts";
import { containersOfRole, isOutside } from "./current.ts";
import { appHosts, factsOf, lanes, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";

/** What `prune` removes. */
export type PruneWhat = "all" | "containers" | "images";

/** Removes old containers on a host, those of MRSK among them. @param retain how many stopped containers of each role stay; undefined: as the config says */
export function pruneContainersOn(order: Order, facts: FleetFacts, host: string, retain?: number): readonly RunStep[] {
  const { settings } = order;
  const roles = rolesOn(order, host);
  const ofMrsk = roles.filter((role) => settings.destination === undefined && containersOfRole(role, factsOf(facts, host).containers).some((container) => isOutside(container, network)));
  return [...pruneContainersSteps(settings, roles, retain), ...ofMrsk.map((role) => pruneMrskStep(settings, role, retain))];
}

/** `prune`. @param retain how many stopped containers of each role stay; undefined: as the config says. @throws DeployError (usage) for less than one */
export function planPrune(order: Order, facts: FleetFacts, what: PruneWhat, retain: number | undefined): Plan {
  if (retain !== undefined && retain < 1) throw new DeployError("usage", `Cannot keep ${retain} containers: at least one is kept for rollback`);
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const steps = (host: string): readonly HostStep[] => [
    ...(what === "images" ? [] : [...pruneContainersOn(order, facts, host, retain), auditStep(order, undefined, "Pruned containers")]),
    ...(what === "containers" ? [] : [...pruneImagesSteps(order.settings), auditStep(order, undefined, "Pruned images")]),
  ];
  return { notes: [], phases: [{ title: "Prune", lanes: lanes(hosts, steps) }] };
}
