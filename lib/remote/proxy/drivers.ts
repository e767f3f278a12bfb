import type { ProxyKind, Settings } from "../../config/settings.ts";
import type { ProxyDriver } from "./driver.ts";
import { kamalProxy } from "./kamal-proxy.ts";
import { traefikProxy } from "./traefik/driver.ts";

/** The driver of a kind of proxy. */
export const driverFor = (kind: ProxyKind): ProxyDriver => ({ "kamal-proxy": kamalProxy, traefik: traefikProxy })[kind];

/** The driver of the proxy on a host: that of the roles there, else that of the primary role. */
export function driverOn({ roles }: Pick<Settings, "roles">, host: string): ProxyDriver {
  const behind = roles.filter((role) => role.proxy !== undefined);
  return driverFor((behind.find((role) => role.hosts.includes(host)) ?? behind[0])?.proxy?.kind ?? "kamal-proxy");
}
