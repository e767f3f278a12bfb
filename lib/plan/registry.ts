import { removeRegistrySteps, startRegistrySteps } from "../build/local-registry.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { RegistrySettings } from "../config/settings.ts";
import { DeployError } from "../ground/errors.ts";
import type { Phase, Plan } from "../ground/step.ts";
import { login, loginHere, logout, logoutHere } from "../remote/registry.ts";
import { appHosts, lanes } from "./hosts.ts";
import type { Order } from "./order.ts";

/** On which sides a registry command works. */
export interface Sides {
  readonly local: boolean;
  readonly remote: boolean;
}

/**
 * `registry setup` and `registry remove` of a registry on this machine, which hosts reach through a tunnel while they pull:
 * there is nothing to do on them.
 */
export function planLocalRegistry(action: "setup" | "remove", registry: RegistrySettings, sides: Sides): Plan {
  if (!sides.local) return { notes: ["The registry is on this machine: there is nothing to do on hosts."], phases: [] };
  const [title, steps] = action === "setup" ? ["Set up the local registry", startRegistrySteps(registry)] : ["Remove the local registry", removeRegistrySteps()];
  return { notes: [], phases: [{ title, lanes: [{ host: undefined, steps }] }] };
}

/** Any command about the registry where the config names none. */
export const planNoRegistry = (): Plan => ({ notes: ["The config names no registry: hosts get images through their SSH connections, and there is nothing to do."], phases: [] });

/** `registry login`. @throws DeployError (usage) for a registry on this machine, (config) when the config has no credentials */
export function planRegistryLogin(order: Order, sides: Sides): Plan {
  const { registry } = order.settings;
  refuseLocal(registry, "Cannot log in to a registry on this machine: it asks for no credentials", "Run `capstan registry setup`, which starts it.");
  const command = login(registry);
  const program = loginHere(registry);
  if (command === undefined || program === undefined) throw new DeployError("config", "Cannot log in: the config has no registry.username and registry.password", { hint: "Add both to the config; a registry on localhost needs none." });
  const phases: Phase[] = [];
  if (sides.local) phases.push({ title: "Log in here", lanes: [{ host: undefined, steps: [{ kind: "local", title: "Log in to the registry", program }] }] });
  if (sides.remote) phases.push({ title: "Log in on hosts", lanes: lanes(appHosts(order), () => [{ kind: "run", title: "Log in to the registry", command, onCancel: "abandon" }]) });
  return { notes: [], phases };
}

/** `registry logout`. @throws DeployError (usage) for a registry on this machine */
export function planRegistryLogout(order: Order, sides: Sides): Plan {
  const { registry } = order.settings;
  refuseLocal(registry, "Cannot log out of a registry on this machine: nobody is logged in to it", "Run `capstan registry remove`, which stops and removes it.");
  const phases: Phase[] = [];
  if (sides.local) phases.push({ title: "Log out here", lanes: [{ host: undefined, steps: [{ kind: "local", title: "Log out of the registry", program: logoutHere(registry) }] }] });
  if (sides.remote) phases.push({ title: "Log out on hosts", lanes: lanes(appHosts(order), () => [{ kind: "run", title: "Log out of the registry", command: logout(registry) }]) });
  return { notes: [], phases };
}

function refuseLocal({ server }: RegistrySettings, message: string, hint: string): void {
  if (isLocalRegistry(server)) throw new DeployError("usage", message, { state: ["Nothing was changed."], hint });
}
