import type { Plan } from "../ground/step.ts";
import { buildSteps, type LocalFacts } from "../build/builder.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { appHosts, factsOf, hookPhase, lanes, requireDocker } from "./hosts.ts";
import type { Order } from "./order.ts";
import { pullSteps } from "./pull.ts";

/** Builds the image here and pushes it. */
export function planBuildPush(order: Order, local: LocalFacts, noCache: boolean): Plan {
  const ignored = order.settings.builder.context === undefined ? (local.git?.dirty ?? []) : [];
  return {
    notes: ignored.length === 0 ? [] : [`Not in the build, because they are not committed: ${ignored.slice(0, 10).join(", ")}${ignored.length > 10 ? ` and ${ignored.length - 10} more` : ""}`],
    phases: [
      ...hookPhase(order, "preBuild", order.scope.hosts),
      { title: "Build and push image", lanes: [{ host: undefined, steps: buildSteps(order.settings, { version: order.version, facts: local, noCache }) }] },
    ],
    afterFailure: { takenBack: "Nothing was changed on any host.", committed: "" },
  };
}

/** `build pull`: brings the image to every host. */
export function planBuildPull(order: Order, facts: FleetFacts): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  return { notes: [], phases: [{ title: "Pull image", lanes: lanes(hosts, (host) => pullSteps(order, factsOf(facts, host), "always")) }] };
}
