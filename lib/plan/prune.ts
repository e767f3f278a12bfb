import { DeployError } from "../ground/errors.ts";
import { network } from "../ground/names.ts";
import type { HostStep, Plan, RunStep } from "../ground/step.ts";
import type { Role } from "../config/settings.ts";
import type { Container, FleetFacts } from "../remote/facts.ts";
import { pruneContainersStep, pruneImagesSteps, pruneMrskStep } from "../remote/prune.ts";
import { auditStep } from "./audit.ts";
import { containersOfRole, isOutside, plainVersion } from "./current.ts";
import { appHosts, factsOf, lanes, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";

/** What `prune` removes. */
export type PruneWhat = "all" | "containers" | "images";

/** Removes old containers on a host, those of MRSK among them. @param retain how many stopped containers of each role stay; undefined: as the config says */
export function pruneContainersOn(order: Order, facts: FleetFacts, host: string, retain?: number): readonly RunStep[] {
  const { settings } = order;
  const roles = rolesOn(order, host);
  const own = (role: Role): readonly Container[] => containersOfRole(role, factsOf(facts, host).containers);
  const ofMrsk = roles.filter((role) => settings.destination === undefined && own(role).some((container) => isOutside(container, network)));
  const steps = roles.map((role) => pruneContainersStep(settings, role, { retain, replaced: own(role).some(({ version }) => version !== plainVersion(version)) }));
  return [...steps, ...ofMrsk.map((role) => pruneMrskStep(settings, role, retain))];
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
