import type { Plan } from "../ground/step.ts";
import { installDocker } from "../remote/bootstrap.ts";
import { freshFacts, type FleetFacts } from "../remote/facts.ts";
import { hookPhase, lanes } from "./hosts.ts";
import type { Order } from "./order.ts";

/** `server bootstrap`: installs Docker where it is missing, or may be: a host that nothing is known of finds out itself. */
export function planBootstrap(order: Order, facts: FleetFacts): Plan {
  const bare = order.scope.hosts.filter((host) => facts.get(host)?.docker === undefined);
  return {
    notes: bare.length === 0 ? ["Docker runs on every host."] : [`${bare.join(", ")}: where the SSH user is not root and may not use Docker, sudo without a password is needed now, to install Docker, to start it and to put the user into the group docker. Nothing else is done with sudo, now or later.`],
    phases: [
      { title: "Install Docker", lanes: lanes(bare, () => [{ kind: "run", title: "Install Docker", command: installDocker(), hint: "Do it there as root, then run this again: what is done already is left as it is.", loud: true, renews: true, timeoutMs: 1_200_000, onCancel: "finish" }]) },
      ...hookPhase(order, "dockerSetup", order.scope.hosts),
    ],
  };
}

/** The facts once {@link planBootstrap} was carried out, for planning what comes after it. */
export const afterBootstrap = (facts: FleetFacts): FleetFacts => new Map([...facts].map(([host, fact]) => [host, fact.docker === undefined ? { ...fact, docker: freshFacts.docker } : fact]));
