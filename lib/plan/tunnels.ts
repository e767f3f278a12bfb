import { registryPort } from "../build/local-registry.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import type { Phase } from "../ground/step.ts";

/** What lets hosts reach the registry when it is one of this machine: nothing else does. */
export function registryTunnels({ registry }: Settings, hosts: readonly string[]): Pick<Phase, "tunnels"> {
  return isLocalRegistry(registry.server) && hosts.length > 0 ? { tunnels: hosts.map((host) => ({ host, port: Number(registryPort(registry)) })) } : {};
}
