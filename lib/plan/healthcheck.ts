import { sh } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import { envFilePath, serviceWithDestination } from "../ground/names.ts";
import type { Plan } from "../ground/step.ts";
import { envOn } from "../config/host-env.ts";
import { removeContainer, runTrial } from "../remote/container.ts";
import { envUploads } from "../remote/envfile.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { createNetwork } from "../remote/network.ts";
import { waitStep } from "./boot.ts";
import { requireDocker } from "./hosts.ts";
import type { Order } from "./order.ts";
import { pullPhases } from "./pull.ts";

/** `healthcheck perform`: the version in a container without traffic on the primary host, for as long as it takes to get healthy. */
export function planHealthcheck(order: Order, facts: FleetFacts): Plan {
  const [role] = order.scope.roles;
  const [host] = role?.hosts ?? [];
  if (role === undefined || host === undefined) throw new DeployError("usage", "There is no role to check", { hint: "Choose a role that has hosts." });
  requireDocker(facts, [host]);
  const name = `healthcheck-${serviceWithDestination(order.settings)}-${order.version}`;
  return {
    notes: [],
    phases: [
      ...pullPhases(order, facts, [host], { when: "missing" }),
      {
        title: "Check health",
        lanes: [{
          host,
          steps: [
            { kind: "run", title: "Make sure that the network is there", command: createNetwork(), repeatable: true },
            ...envUploads({ name: role.name, env: envOn(role, host), path: envFilePath(order.settings, role.name) }),
            { kind: "run", title: `Remove what an earlier check left of ${name}`, command: sh`docker rm --force ${name} > /dev/null 2>&1 || true`, repeatable: true },
            { kind: "run", title: `Start ${name}`, command: runTrial({ settings: order.settings, role, host, version: order.version, name }), undo: removeContainer(name), undoTitle: `Remove ${name}` },
            waitStep(order, role, name),
          ],
        }],
      },
      { title: "Remove the trial", lanes: [{ host, steps: [{ kind: "run", title: `Remove ${name}`, command: removeContainer(name), repeatable: true }] }] },
    ],
    afterFailure: { takenBack: "Nothing that serves was touched.", committed: "" },
  };
}
