import type { ProxyKind, Settings } from "../../config/settings.ts";
import type { ProxyDriver } from "./driver.ts";
import { kamalProxy } from "./kamal-proxy.ts";
import { traefikProxy } from "./traefik/driver.ts";

/** The driver of a kind of proxy. */
export const driverFor = (kind: ProxyKind): ProxyDriver => ({ "kamal-proxy": kamalProxy, traefik: traefikProxy })[kind];

/** The settings as they are for the proxy of a host. */
export const settingsOn = <S extends Pick<Settings, "proxyRun" | "proxyRunOn">>(settings: S, host: string): S =>
  (settings.proxyRunOn !== undefined && Object.hasOwn(settings.proxyRunOn, host) ? { ...settings, proxyRun: settings.proxyRunOn[host] } : settings);

/** The driver of the proxy on a host: that of the roles and accessories there, else that of the primary role. */
export function driverOn({ roles, accessories }: Pick<Settings, "roles" | "accessories">, host: string): ProxyDriver {
  const behind = [...roles, ...accessories].filter(({ proxy }) => proxy !== undefined);
  return driverFor((behind.find(({ hosts }) => hosts.includes(host)) ?? behind[0])?.proxy?.kind ?? "kamal-proxy");
}
