import { checkedVersion } from "../build/version.ts";
import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";
import { DeployError } from "../ground/errors.ts";
import { latestTag, network } from "../ground/names.ts";
import type { Plan } from "../ground/step.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { containersOfRole, isOutside, isUp, plainVersion, servedVersion, versionsInPlace } from "./current.ts";
import { planDeploy } from "./deploy.ts";
import { fleetState, type FleetState } from "./fleet.ts";
import { appHosts, factsOf } from "./hosts.ts";
import type { Order } from "./order.ts";

/** A version to go back to, and why it is this one. */
export interface Choice {
  readonly version: string;
  /** The end of a sentence that begins with the version. */
  readonly why: string;
}

/** Versions of the primary role that are on the hosts and not in place, newest first. */
export function versionsOnHosts(settings: Settings, scope: Scope, facts: FleetFacts): readonly string[] {
  const [role] = scope.roles;
  if (role === undefined) return [];
  const inPlace = versionsInPlace(settings, scope.roles, facts);
  const versions = role.hosts.flatMap((host) => containersOfRole(role, facts.get(host)?.containers ?? []).map((container) => servedVersion(container, facts.get(host)?.releases)));
  return [...new Set(versions)].filter((version) => !inPlace.includes(version));
}

/**
 * The version that a rollback goes to when none is named; undefined when there is none.
 * After an interrupted deploy it is the release that was good before, also where some hosts serve it already. After an
 * interrupted rollback it is the one that was on its way back. Else it is the release before the one in place: going
 * back twice goes back further, never forth. Where no release is known, or none before the one in place, it is the newest
 * earlier container.
 */
export function previousRelease(settings: Settings, scope: Scope, facts: FleetFacts): Choice | undefined {
  const state = fleetState(settings, scope, facts);
  return state.good.length === 0 ? previousContainer(settings, scope, facts, state) : (fromRecord(state) ?? (state.unfinished ? undefined : beforeTheRecord(scope, facts, state)));
}

/** What MRSK left, before the first release on record: it keeps no record, and has no network of its own. What a broken deploy left is in ours. */
function beforeTheRecord({ roles: [role] }: Scope, facts: FleetFacts, { versions }: FleetState): Choice | undefined {
  const older = (role?.hosts ?? []).flatMap((host) => (role === undefined ? [] : containersOfRole(role, facts.get(host)?.containers ?? [])).filter((one) => isOutside(one, network)).map((one) => plainVersion(one.version)));
  const version = older.find((one) => !versions.includes(one));
  return version === undefined ? undefined : { version, why: "is the newest one on the hosts from before the first release on record" };
}

function fromRecord({ good, versions, unfinished, pending, returning, places }: FleetState): Choice | undefined {
  const last = good.at(-1);
  if (last === undefined) return undefined;
  const choice = ({ version, at }: typeof last, why: string): Choice => ({ version, why: `${why} (put in place ${at})` });
  if (pending.length > 0) return choice(last, `is the last release that all hosts served; ${pending.join(", ")} was not finished`);
  if (returning !== undefined) return choice(returning, `is on its way back already: a rollback from ${returning.from} was not finished`);
  const isRepeated = places.some(({ version, left }) => left.some((one) => one.version === version));
  if (unfinished && isRepeated && versions.length === 1 && versions[0] === last.version) return choice(last, "is the last release that all hosts served; its own second deploy was not finished");
  const [lone, ...others] = versions;
  if (lone === undefined) return choice(last, "is the last release that all hosts served");
  const at = good.findIndex(({ version }) => version === lone);
  if (others.length > 0 || at === -1) return choice(last, "is the last release that all hosts served");
  const before = good[at - 1];
  return before === undefined ? undefined : choice(before, `is the release before ${lone} that all hosts served`);
}

/** Where no release is recorded: the audit log was removed, or something else deployed. */
function previousContainer(settings: Settings, scope: Scope, facts: FleetFacts, { versions, unfinished, places }: FleetState): Choice | undefined {
  const runsUnrouted = places.some(({ proxied, left }) => proxied && left.some(({ state }) => state === "running" || state === "restarting"));
  const [lone, ...others] = versions;
  if (unfinished && runsUnrouted && lone !== undefined && others.length === 0) return { version: lone, why: "serves on every host, and a newer version was not finished" };
  const older = versions.length > 1 ? olderInPlace(scope, facts, versions) : undefined;
  if (older !== undefined) return { version: older, why: "is the older one of the versions that serve" };
  const [previous] = versionsOnHosts(settings, scope, facts);
  return previous === undefined ? undefined : { version: previous, why: "is the newest earlier one on the hosts, which have no record of releases" };
}

/** Of several versions in place the one whose containers are the oldest where both are. */
function olderInPlace({ roles }: Scope, facts: FleetFacts, versions: readonly string[]): string | undefined {
  const orders = roles.flatMap((role) => role.hosts.map((host) => containersOfRole(role, facts.get(host)?.containers ?? []).filter(isUp).map((one) => plainVersion(one.version)).filter((version) => versions.includes(version))));
  return orders.find((order) => new Set(order).size > 1)?.at(-1);
}

/**
 * The version to roll back to: the one that was named, else that of {@link previousRelease}.
 * @throws DeployError (missing) when nothing is named and there is no earlier release, (usage) when nothing is named and nothing is known of the hosts
 */
export function rollbackVersion(settings: Settings, scope: Scope, facts: FleetFacts, named: string | undefined): string {
  if (named !== undefined) return checkedVersion(named);
  const previous = previousRelease(settings, scope, facts);
  if (previous !== undefined) return previous.version;
  if (facts.size === 0) {
    throw new DeployError("usage", "Cannot know the version to roll back to: only the hosts know it, and none was asked", {
      state: ["Nothing was changed."], hint: "Name one: `capstan rollback VERSION`, or give what `capstan observe --json > facts.json` wrote: `--facts facts.json`.",
    });
  }
  const versions = versionsOnHosts(settings, scope, facts);
  throw new DeployError("missing", "There is no earlier version to roll back to", {
    state: ["Nothing was changed."],
    hint: `Name one: \`capstan rollback VERSION\`. ${versions.length === 0 ? "" : `On the hosts are ${versions.join(", ")}. `}Its image is pulled when no container of it is left.`,
  });
}

/** `rollback`. @param named the version, where the user named it */
export function planRollback(order: Order, facts: FleetFacts, named: string | undefined): Plan {
  const { settings, scope, version } = order;
  const choice = named === undefined ? previousRelease(settings, scope, facts) : undefined;
  const plan = planDeploy(order, facts, { proxy: false, prune: false, pull: "missing", pullHint: pullHint(order, facts) });
  return { ...plan, notes: [...(choice === undefined ? [] : [`Rolling back to ${version}: it ${choice.why}.`]), ...plan.notes] };
}

/** What to do when the version to roll back to is nowhere. */
function pullHint(order: Order, facts: FleetFacts): string {
  const { settings, scope, version } = order;
  const image = `${settings.repository}:${version}`;
  const without = appHosts(order).filter((host) => !factsOf(facts, host).images.includes(image));
  const versions = versionsOnHosts(settings, scope, facts).filter((one) => one !== version);
  const lack = settings.withoutRegistry === true ? ", and the Docker of this machine does not give it" : " and could not be pulled";
  return `${image} is not on ${without.join(", ")}${lack}. ${versions.length === 0 ? "No other earlier version is left on the hosts: deploy one." : `Name one that is still on the hosts: ${versions.join(", ")}.`}`;
}

/**
 * The version `app boot` starts when none is named: the one in place, else the one that ran last. Where nothing is known of the hosts it is the
 * tag of the image that was put in place last, as in Kamal.
 * @throws DeployError (missing) when nothing of the service is on the hosts
 */
export function versionToBoot(settings: Settings, scope: Scope, facts: FleetFacts): string {
  const version = versionsInPlace(settings, scope.roles, facts)[0] ?? versionsOnHosts(settings, scope, facts)[0];
  if (version !== undefined) return version;
  if (facts.size === 0) return latestTag(settings);
  throw new DeployError("missing", "Nothing of this service is on the hosts", { state: ["Nothing was changed."], hint: "Deploy first, or name a version: --version VERSION." });
}
