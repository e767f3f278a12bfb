import { rolePrefix } from "../../lib/ground/names.ts";
import { selectScope, type Filter } from "../../lib/config/scope.ts";
import type { Accessory, Settings } from "../../lib/config/settings.ts";
import { noContent, type Order } from "../../lib/plan/order.ts";
import type { AccessoryFacts, Container, FleetFacts, HostFacts, ProxyFacts } from "../../lib/remote/facts.ts";

/** A container of a role. Its id starts with `id` and is filled up with zeros. */
export function containerOf(settings: Settings, role: string, version: string, id: string, state = "running"): Container {
  return { id: id.padEnd(12, "0"), name: `${rolePrefix(settings, role)}-${version}`, role, version, state, status: state === "running" ? "Up 3 minutes" : "Exited (0) 3 minutes ago", image: `${settings.repository}:${version}` };
}

/** A running proxy with one route a pair: name and the id its traffic goes to. */
export const proxyOf = (...routes: readonly (readonly [string, string])[]): ProxyFacts => ({
  running: true, image: "basecamp/kamal-proxy:v0.9.2", routes: routes.map(([name, id]) => ({ name, targets: [`${id.padEnd(12, "0")}:80`], mode: "live" })),
});

/** The container of an accessory. */
export const accessoryFactsOf = ({ service, image }: Pick<Accessory, "service" | "image">, state = "running"): AccessoryFacts => ({ id: "c0ffee000000", service, state, status: state === "running" ? "Up 3 minutes" : "Exited (0) 3 minutes ago", image });

/** A host where Docker runs, and what is there. */
export const hostOf = (containers: readonly Container[], more: Partial<HostFacts> = {}): HostFacts => ({ docker: "28.0.4", network: true, proxy: undefined, containers, accessories: [], images: [], ...more });

export const fleetOf = (hosts: Readonly<Record<string, HostFacts>>): FleetFacts => new Map(Object.entries(hosts));

/** What to do, with fixed time and chance. */
export function orderOf(settings: Settings, version: string, more: Partial<Order> & { readonly filter?: Filter } = {}): Order {
  const { filter = {}, ...rest } = more;
  return { settings, scope: selectScope(settings, filter), version, seed: "5eed", recordedAt: "2030-01-02T03:04:05Z", performer: "ann@acme.example", hooks: true, content: noContent, ...rest };
}
