import { registryPort } from "../build/local-registry.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import type { Phase } from "../ground/step.ts";

/** What lets hosts reach the registry when it is one of this machine: nothing else does. */
export function registryTunnels({ registry }: Pick<Settings, "registry">, hosts: readonly string[]): Pick<Phase, "tunnels"> {
  return isLocalRegistry(registry.server) && hosts.length > 0 ? { tunnels: hosts.map((host) => ({ host, port: Number(registryPort(registry)) })) } : {};
}

/** The same for several at once: each port of a host is held open once. */
export function allRegistryTunnels(needs: readonly (Pick<Settings, "registry"> & { readonly hosts: readonly string[] })[]): Pick<Phase, "tunnels"> {
  const all = needs.flatMap((need) => registryTunnels(need, need.hosts).tunnels ?? []);
  const tunnels = all.filter(({ host, port }, i) => all.findIndex((other) => other.host === host && other.port === port) === i);
  return tunnels.length === 0 ? {} : { tunnels };
}
