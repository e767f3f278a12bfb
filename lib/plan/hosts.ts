import type { Scope } from "../config/scope.ts";
import type { Role } from "../config/settings.ts";
import type { HookName } from "../config/hooks.ts";
import { DeployError } from "../ground/errors.ts";
import type { HostStep, Lane, Phase, Step } from "../ground/step.ts";
import { freshFacts, type FleetFacts, type HostFacts } from "../remote/facts.ts";
import type { Order } from "./order.ts";

/** How long a step may take that only touches a file or a name: a disk that is busy needs some of it. */
export const quickMs = 60_000;

/** How long a registry may take to let a host in. */
export const loginMs = 120_000;

/** Something that looks at a scope: an order, a task. */
interface Scoped { readonly scope: Scope }

/** Hosts that run a role in scope, in the scope's order. */
export const appHosts = ({ scope }: Scoped): readonly string[] => scope.hosts.filter((host) => scope.roles.some((role) => role.hosts.includes(host)));

/** Hosts that run a role or an accessory behind the proxy. */
export const proxyHosts = ({ scope }: Scoped): readonly string[] => scope.hosts.filter((host) => [...scope.roles, ...scope.accessories].some(({ proxy, hosts }) => proxy !== undefined && hosts.includes(host)));

/** Every host in scope. */
export const allHosts = ({ scope }: Scoped): readonly string[] => scope.hosts;

/** The hosts a run works on. @throws DeployError (usage) when the filters leave none */
export function someHosts(hosts: readonly string[], of: string): readonly string[] {
  if (hosts.length > 0) return hosts;
  throw new DeployError("usage", `There is no host of ${of} among those you chose`, { state: ["Nothing was changed."], hint: "Leave -h, -r and -p out, or choose other hosts." });
}

/** Roles in scope on a host, primary first. */
export const rolesOn = (order: Order, host: string): readonly Role[] => order.scope.roles.filter((role) => role.hosts.includes(host));

/** What is known of a host; one that was not looked at counts as fresh. */
export const factsOf = (facts: FleetFacts, host: string): HostFacts => facts.get(host) ?? freshFacts;

/** A lane for each host. */
export const lanes = (hosts: readonly string[], steps: (host: string) => readonly Step[]): readonly Lane[] => hosts.map((host) => ({ host, steps: steps(host) }));

/** A phase that calls one hook, when the config has it and hooks are on. */
export function hookPhase(order: Order, hook: HookName, hosts: readonly string[], suffix = ""): readonly Phase[] {
  if (!order.hooks || order.settings.hooks[hook] === undefined) return [];
  return [{ title: `Hook ${hook}${suffix}`, lanes: [{ host: undefined, steps: [{ kind: "hook", title: `Call ${hook}`, hook, hosts }] }] }];
}

/** @throws DeployError (missing) that names every host without Docker */
export function requireDocker(facts: FleetFacts, hosts: readonly string[]): void {
  const without = hosts.filter((host) => factsOf(facts, host).docker === undefined);
  if (without.length === 0) return;
  throw new DeployError("missing", `Docker is missing or not running on ${without.join(", ")}`, {
    ...(without.length === 1 ? { host: without[0] } : {}),
    state: ["Nothing was changed."],
    hint: "Run `capstan setup` (or `capstan server bootstrap`) to install Docker there, or start its daemon.",
  });
}

/** The step as one that is not taken back: what was there before it is no better. */
export function withoutUndo(step: HostStep): HostStep {
  if (step.kind !== "run") return step;
  const { undo: _undo, undoTitle: _title, ...rest } = step;
  return rest;
}
