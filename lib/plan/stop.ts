import type { Role } from "../config/settings.ts";
import type { RunStep } from "../ground/step.ts";
import { isStopped, stopContainer } from "../remote/container.ts";

/** How long a container may take to stop where no step says it: then it is docker's own default, or what the container was once run with. */
const unknownSeconds = 540;

/** How long `docker stop` of a role's container may take, in ms. */
export const stopMs = ({ stopTimeoutSeconds, options }: Pick<Role, "stopTimeoutSeconds" | "options">): number =>
  ((stopTimeoutSeconds ?? Math.max(unknownSeconds, Number(options["stop-timeout"]) || 0)) + 60) * 1000;

/** Stops a container of a role. Harmless when it has ended meanwhile, or is gone. */
export const stopStep = (role: Role, name: string): RunStep => ({
  kind: "run", role: role.name, title: `Stop ${name}`, command: stopContainer(name, role.stopTimeoutSeconds), repeatable: true, passIf: isStopped(name), timeoutMs: stopMs(role),
});
