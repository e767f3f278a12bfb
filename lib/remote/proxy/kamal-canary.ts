import { Command, sh } from "../../ground/command.ts";
import { proxyContainer } from "../../ground/names.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import type { Role, Settings } from "../../config/settings.ts";
import { containerId } from "../container.ts";
import type { Route } from "../facts.ts";
import { switchStatus, type Target } from "./driver.ts";
import { readState } from "./kamal-state.ts";

/** Makes `canary` the target of the route's rollout, unless it is, and sets its share. */
export function canarySteps(settings: Settings, role: Role, route: Route, canary: Target, percent: number): readonly HostStep[] {
  const { name } = route;
  const label = "container" in canary ? canary.container : canary.id;
  const port = route.targets[0]?.split(":")[1] ?? (role.proxy?.appPort === undefined ? "80" : String(role.proxy.appPort));
  const known = "id" in canary && route.canary?.target.startsWith(`${canary.id}:`) === true;
  return [
    ...(known ? [] : [{
      kind: "run" as const, role: role.name, title: `Make ${label} the canary of ${name}`,
      command: sh`${"id" in canary ? sh`id=${canary.id}` : sh`id=$(${containerId(canary.container)})`}
[ -n "$id" ] || { echo ${`There is no container ${label}`} >&2; exit ${switchStatus.refused}; }
${rolloutDeploy(settings, name, sh`"$id":${port}`)} || exit ${switchStatus.refused}`,
      timeoutMs: (settings.deployTimeoutSeconds + settings.drainTimeoutSeconds + 30) * 1000,
      undo: sh`docker exec ${proxyContainer} kamal-proxy rollout stop ${name} || true`,
      undoTitle: `End the canary of ${name}`,
    }]),
    {
      kind: "run", role: role.name, title: `Send ${percent} % of ${name} to ${label}`,
      command: sh`docker exec ${proxyContainer} kamal-proxy rollout set ${name} ${`--percent=${percent}`} || exit ${switchStatus.refused}
${readState} | grep -q ${`"percentage":${percent},`} || { echo 'The proxy has not saved the share' >&2; exit ${switchStatus.unconfirmed}; }`,
    },
  ];
}

/** Ends the rollout. To give it the main target first is the one way to have the canary drained. */
export function endCanarySteps(settings: Settings, role: Role, route: Route): readonly HostStep[] {
  const [main] = route.targets;
  return [
    ...(main === undefined ? [] : [{
      kind: "run" as const, role: role.name, title: `Drain the canary of ${route.name}`,
      command: sh`${rolloutDeploy(settings, route.name, sh`${main}`)} || exit ${switchStatus.refused}`,
      timeoutMs: (settings.deployTimeoutSeconds + settings.drainTimeoutSeconds + 30) * 1000,
    }]),
    endRollout(route.name, role.name),
  ];
}

/** Sends nobody to the canary any more. */
export const endRollout = (name: string, role: string): RunStep => ({ kind: "run", role, title: `End the canary of ${name}`, command: sh`docker exec ${proxyContainer} kamal-proxy rollout stop ${name} || exit ${switchStatus.refused}` });

const rolloutDeploy = ({ deployTimeoutSeconds, drainTimeoutSeconds }: Settings, name: string, target: Command): Command =>
  sh`docker exec ${proxyContainer} kamal-proxy rollout deploy ${name} --target=${target} ${`--deploy-timeout=${deployTimeoutSeconds}s`} ${`--drain-timeout=${drainTimeoutSeconds}s`}`;
