import type { Accessory, Settings } from "../../config/settings.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import { deployFlags } from "./deploy-flags.ts";
import { ownCertificateSteps } from "./kamal-proxy.ts";
import { switchRoute, unroute } from "./kamal-switch.ts";

/** Sends the requests of an accessory that is behind the proxy to its container; nothing for one that is not. */
export const accessorySwitch = (settings: Settings, accessory: Accessory): readonly HostStep[] => [...accessoryCertificate(settings, accessory), ...accessoryRoute(settings, accessory)];

/** Its own certificate, where it has one: there before its route. */
export const accessoryCertificate = (settings: Settings, { name, proxy }: Accessory): readonly HostStep[] => (proxy === undefined ? [] : ownCertificateSteps(settings, name, proxy));

/** {@link accessorySwitch} where the certificate is there. */
export function accessoryRoute(settings: Settings, { name, service, proxy }: Accessory): readonly RunStep[] {
  return proxy === undefined ? [] : [switchRoute(settings, { route: service, role: undefined, proxy, flags: deployFlags(settings, name, proxy) }, { container: service }, undefined)];
}

/** Takes the route of an accessory away; nothing for one that is not behind the proxy. */
export const accessoryUnroute = ({ service, proxy }: Accessory): readonly HostStep[] => (proxy === undefined ? [] : [{ kind: "run", title: `Take the route ${service} away`, command: unroute(service), repeatable: true }]);
