import { planDeploy } from "../../lib/plan/deploy.ts";
import { printPlan } from "../../lib/plan/print.ts";
import type { HostFacts, ProxyFacts } from "../../lib/remote/facts.ts";
import { driverOn } from "../../lib/remote/proxy/drivers.ts";
import { containerOf, fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../support/settings.ts";

const kamal = settingsOf();
const traefik = settingsOf({ roles: [roleOf("web", { proxy: traefikOf() }), roleOf("jobs", { hosts: ["10.0.0.2"] })], traefik: traefikSettingsOf() });

/** The text of a deploy's plan where one host says of its proxy what it likes: whatever was read must be good enough to plan with. */
export function planFor({ proxy, traefik: behindTraefik = false }: { readonly proxy: ProxyFacts | undefined; readonly traefik?: boolean }): string {
  const settings = behindTraefik ? traefik : kamal;
  const of = (host: string, role: string, facts: Partial<HostFacts>) => ({ [host]: hostOf([containerOf(settings, role, "76", role === "web" ? "aa" : "bb")], facts) });
  driverOn(settings, "10.0.0.1");
  return printPlan(planDeploy(orderOf(settings, "77"), fleetOf({ ...of("10.0.0.1", "web", { proxy }), ...of("10.0.0.2", "jobs", {}) }), { proxy: true, prune: true, pull: "always" }));
}
