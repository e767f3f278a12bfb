import { checkedVersion } from "../build/version.ts";
import { DeployError } from "../ground/errors.ts";
import { containersOfRole, plainVersion, versionsInPlace } from "./current.ts";
import type { FleetFacts } from "../remote/facts.ts";
import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";
import { latestTag } from "../ground/names.ts";

/** Versions a rollback can go to, newest first: they have a container of the primary role on its first host in scope, and are not in place. */
export function versionsToRollBackTo(settings: Settings, scope: Scope, facts: FleetFacts): readonly string[] {
  const [role] = scope.roles;
  if (role === undefined) return [];
  const inPlace = versionsInPlace(settings, scope.roles, facts);
  const containers = role.hosts.flatMap((host) => containersOfRole(role, facts.get(host)?.containers ?? []));
  return [...new Set(containers.map((container) => plainVersion(container.version)))].filter((version) => !inPlace.includes(version));
}

/**
 * The version to roll back to: the one that was named, else the one before the one in place.
 * @throws DeployError (missing) when nothing is named and there is no earlier version
 */
export function rollbackVersion(settings: Settings, scope: Scope, facts: FleetFacts, named: string | undefined): string {
  if (named !== undefined) return checkedVersion(named);
  const [previous] = versionsToRollBackTo(settings, scope, facts);
  if (previous !== undefined) return previous;
  throw new DeployError("missing", "There is no earlier version to roll back to", {
    state: ["Nothing was changed."],
    hint: "Name one: `capstan rollback VERSION`. Its image is pulled when no container of it is left.",
  });
}

/**
 * The version `app boot` starts when none is named: the one in place, else the one that ran last. Where nothing is known of the hosts it is the
 * tag of the image that was put in place last, as in Kamal.
 * @throws DeployError (missing) when nothing of the service is on the hosts
 */
export function versionToBoot(settings: Settings, scope: Scope, facts: FleetFacts): string {
  const version = versionsInPlace(settings, scope.roles, facts)[0] ?? versionsToRollBackTo(settings, scope, facts)[0];
  if (version !== undefined) return version;
  if (facts.size === 0) return latestTag(settings);
  throw new DeployError("missing", "Nothing of this service is on the hosts", { state: ["Nothing was changed."], hint: "Deploy first, or name a version: --version VERSION." });
}

/** What to do when the version to roll back to is nowhere. */
export function rollbackHint(settings: Settings, scope: Scope, facts: FleetFacts): string {
  const versions = versionsToRollBackTo(settings, scope, facts);
  return versions.length === 0 ? "No earlier version is left on the hosts: deploy one." : `Name one that is still on the hosts: ${versions.join(", ")}.`;
}
