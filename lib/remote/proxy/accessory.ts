import type { Accessory, Settings } from "../../config/settings.ts";
import type { HostStep } from "../../ground/step.ts";
import { deployFlags } from "./deploy-flags.ts";
import { ownCertificateSteps } from "./kamal-proxy.ts";
import { switchRoute, unroute } from "./kamal-switch.ts";

/** Sends the requests of an accessory that is behind the proxy to its container; nothing for one that is not. */
export function accessorySwitch(settings: Settings, { name, service, proxy }: Accessory): readonly HostStep[] {
  if (proxy === undefined) return [];
  return [...ownCertificateSteps(settings, name, proxy), switchRoute(settings, { route: service, role: undefined, proxy, flags: deployFlags(settings, name, proxy) }, { container: service }, undefined)];
}

/** Takes the route of an accessory away; nothing for one that is not behind the proxy. */
export const accessoryUnroute = ({ service, proxy }: Accessory): readonly HostStep[] => (proxy === undefined ? [] : [{ kind: "run", title: `Take the route ${service} away`, command: unroute(service) }]);
