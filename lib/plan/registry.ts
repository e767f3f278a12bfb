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

/** `registry login`. @throws DeployError (config) when the config has no credentials */
export function planRegistryLogin(order: Order, sides: Sides): Plan {
  const { registry } = order.settings;
  const command = login(registry);
  const program = loginHere(registry);
  if (command === undefined || program === undefined) throw new DeployError("config", "Cannot log in: the config has no registry.username and registry.password", { hint: "Add both to the config; a registry on localhost needs none." });
  const phases: Phase[] = [];
  if (sides.local) phases.push({ title: "Log in here", lanes: [{ host: undefined, steps: [{ kind: "local", title: "Log in to the registry", program }] }] });
  if (sides.remote) phases.push({ title: "Log in on hosts", lanes: lanes(appHosts(order), () => [{ kind: "run", title: "Log in to the registry", command, onCancel: "abandon" }]) });
  return { notes: [], phases };
}

/** `registry logout`. */
export function planRegistryLogout(order: Order, sides: Sides): Plan {
  const { registry } = order.settings;
  const phases: Phase[] = [];
  if (sides.local) phases.push({ title: "Log out here", lanes: [{ host: undefined, steps: [{ kind: "local", title: "Log out of the registry", program: logoutHere(registry) }] }] });
  if (sides.remote) phases.push({ title: "Log out on hosts", lanes: lanes(appHosts(order), () => [{ kind: "run", title: "Log out of the registry", command: logout(registry) }]) });
  return { notes: [], phases };
}
