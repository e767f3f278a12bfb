import { DeployError } from "../ground/errors.ts";
import type { HostStep, Lane, Phase, Plan } from "../ground/step.ts";
import { removeReplaced } from "../remote/container.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { tagLatest } from "../remote/image.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { keptAs, taggedLatest, wholeRelease } from "../remote/releases.ts";
import { pruneImagesSteps } from "../remote/prune.ts";
import { accessoryBootPhases, accessoryNotes } from "./accessory.ts";
import { auditStep } from "./audit.ts";
import { bootSteps, placeOf, switchSteps, type Place } from "./boot.ts";
import { versionsInPlace } from "./current.ts";
import { errorPagePhases, oldFileSteps } from "./files.ts";
import { bootGroups } from "./groups.ts";
import { pruneContainersOn } from "./prune.ts";
import { appHosts, factsOf, hookPhase, lanes, proxyHosts, quickMs, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";
import { proxyBootSteps, proxyNotes } from "./proxy.ts";
import { pullPhases, type Pulling } from "./pull.ts";
import { stopStep } from "./stop.ts";
import { keptNotes } from "./unchanged.ts";

/** How much a deploy does around the boot. */
export interface DeployParts {
  /** Make sure that network and proxy are there. */
  readonly proxy: boolean;
  readonly prune: boolean;
  /** Boot accessories that are missing; default: false. */
  readonly accessories?: boolean;
  /** When the image is brought to a host. */
  readonly pull: Pulling["when"];
  /** Call preDeploy; default: true. */
  readonly preDeploy?: boolean;
  /** What to do when the image cannot be pulled. */
  readonly pullHint?: string;
}

/**
 * Plans the way of a version onto all hosts: pull, prepare, start beside the old one and wait until it is ready
 * everywhere, switch everywhere, then retire the old one. Up to the last switch everything can be taken back.
 * @throws DeployError (missing) when Docker is missing on a host
 */
export function planDeploy(order: Order, facts: FleetFacts, parts: DeployParts): Plan {
  const all = appHosts(order);
  requireDocker(facts, all);
  const every = all.flatMap((host) => rolesOn(order, host).map((role) => placeOf(order, role, host, factsOf(facts, host))));
  const isKept = ({ role, host }: Pick<Place, "role" | "host">): boolean => order.kept?.some((one) => one.host === host && one.role === role.name) === true;
  const places = every.filter((place) => !isKept(place));
  if (places.length === 0 && every.length > 0) return { notes: keptNotes(order), phases: [] };
  const hosts = all.filter((host) => places.some((place) => place.host === host));
  refuseCollisions(order, facts, places);
  const before = versionsInPlace(order.settings, order.scope.roles, facts);
  // Accessories are what the app needs when it starts, wherever they are.
  const afterPreparing: Pick<Phase, "follows"> = parts.accessories === true ? {} : { follows: true };
  return {
    notes: [
      ...keptNotes(order),
      ...(before.length > 1 ? [`Hosts differ: versions ${before.join(", ")} are in place. This run brings all of them to ${order.version}.`] : []),
      ...proxyNotes(order, facts, hosts), ...routeNotes(places),
      ...(parts.accessories === true ? accessoryNotes(order, facts, order.scope.accessories) : []),
    ],
    phases: [
      ...pullPhases(order, facts, all, { when: parts.pull, ...(parts.pullHint === undefined ? {} : { hint: parts.pullHint }) }),
      ...(parts.preDeploy === false ? [] : hookPhase(order, "preDeploy", order.scope.hosts)),
      ...(parts.proxy ? [{ title: "Prepare hosts", follows: true as const, lanes: lanes(hosts, (host) => proxyBootSteps(order, host, proxyHosts(order).includes(host), factsOf(facts, host))) }] : []),
      ...(parts.accessories === true ? accessoryBootPhases(order, facts, order.scope.accessories) : []),
      ...errorPagePhases(order, hosts).map((phase) => ({ ...phase, ...afterPreparing })),
      ...bootPhases(order, hosts, places, afterPreparing),
      { title: "Retire old containers", committed: true, lanes: lanes(all, (host) => [...releasedSteps(order, every), ...retireSteps(order, host, places.filter((place) => place.host === host)), ...keptSteps(order, host)]) },
      ...(parts.prune ? [{ title: "Prune", committed: true, optional: true, follows: true as const, lanes: lanes(hosts, (host) => [...pruneContainersOn(order, facts, host), ...pruneImagesSteps(order.settings)]) }] : []),
    ],
    afterFailure: {
      takenBack: before.length === 0 ? "No host serves this service, as before." : `Every host serves what it served before: ${before.join(", ")}.`,
      committed: `Version ${order.version} serves on every host; only the clean-up after it failed.`,
    },
  };
}

/** Brings the image of a version to the hosts, and nothing else: before it is told where it would change anything. @throws DeployError (missing) when Docker is missing on a host */
export function planBring(order: Order, facts: FleetFacts, when: Pulling["when"]): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  return { notes: [], phases: pullPhases(order, facts, hosts, { when }), afterFailure: { takenBack: "Every host serves what it served before.", committed: "" } };
}

/** @throws DeployError (usage) that names what another service on the host has already */
function refuseCollisions({ settings }: Order, facts: FleetFacts, places: readonly Place[]): void {
  const found = places.flatMap(({ role, host }) => (role.proxy === undefined ? [] : driverFor(role.proxy.kind).collisions(settings, role, factsOf(facts, host).proxy?.routes ?? []).map(({ name, of }) => `${name} is a name of ${of} on ${host}`)));
  if (found.length === 0) return;
  throw new DeployError("usage", `Another service has names of this one at its proxy: ${[...new Set(found)].join(", ")}`, { state: ["Nothing was changed."], hint: "Choose other names in the labels, such as ones that begin with the service's name." });
}

/** What a reader should know about the routes that this run changes. */
function routeNotes(places: readonly Place[]): readonly string[] {
  const kept = places.filter(({ route }) => route?.mode === "maintenance" || route?.mode === "paused");
  const canaries = places.filter(({ route }) => route?.canary !== undefined);
  const list = (those: readonly Place[]): string => those.map(({ role, host }) => `${role.name} on ${host}`).join(", ");
  return [
    ...(kept.length === 0 ? [] : [`In maintenance, and it stays so: ${list(kept)}. The new version is in place and gets no requests: \`capstan app live\` ends it.`]),
    ...(canaries.length === 0 ? [] : [`There is a canary of ${list(canaries)}: this run ends it.`]),
  ];
}

/** @param start how the first group begins; the others wait for the one before */
function bootPhases(order: Order, hosts: readonly string[], places: readonly Place[], start: Pick<Phase, "follows">): readonly Phase[] {
  const { settings, scope } = order;
  const groups = bootGroups(hosts, settings.boot.limit, hosts.length);
  return groups.flatMap((group, i): Phase[] => {
    const suffix = groups.length === 1 ? "" : `, group ${i + 1} of ${groups.length}`;
    const here = places.filter((place) => group.includes(place.host));
    const phase = (title: string, those: readonly Place[], steps: (place: Place) => readonly HostStep[]): Phase[] => {
      const lanesOf = group.map((host) => ({ host, steps: those.filter((place) => place.host === host).flatMap(steps) })).filter((lane) => lane.steps.length > 0);
      return lanesOf.length === 0 ? [] : [{ title: `${title}${suffix}`, lanes: lanesOf }];
    };
    const lead = scope.roles[0]?.name;
    const first = here.filter((place) => place.role.name === lead);
    const rest = here.filter((place) => place.role.name !== lead);
    const names = [...new Set(rest.map((place) => place.role.name))].join(", ");
    return [
      ...hookPhase(order, "preAppBoot", group, suffix),
      ...phase(`Boot ${lead}`, first, (place) => bootSteps(order, place)).map((phase) => (i === 0 ? { ...phase, ...start } : phase)),
      ...phase(`Boot ${names}`, rest, (place) => bootSteps(order, place)).map((phase) => (settings.boot.parallelRoles ? { ...phase, lanes: phase.lanes.map(startedTogether) } : phase)),
      ...phase("Switch", here.filter((place) => place.role.proxy !== undefined), (place) => switchSteps(order, place)),
      ...hookPhase(order, "postAppBoot", group, suffix),
      ...(settings.boot.waitSeconds > 0 ? [{ title: `Pause${suffix}`, lanes: [{ host: undefined, steps: [{ kind: "pause" as const, title: `Wait ${settings.boot.waitSeconds} s`, durationMs: settings.boot.waitSeconds * 1000 }] }] }] : []),
    ];
  });
}

/** The same lane with all its waits at the end: the containers start side by side. */
const startedTogether = (lane: Lane): Lane => ({ ...lane, steps: [...lane.steps.filter(({ kind }) => kind !== "wait"), ...lane.steps.filter(({ kind }) => kind === "wait")] });

/** Records that the version serves everywhere: a rollback goes back to such a release. A run on some of the hosts or roles records none. @param places all that the run put it in */
export function releasedSteps(order: Order, places: readonly Place[]): readonly HostStep[] {
  const { settings, version } = order;
  const isWhole = settings.roles.every(({ name, hosts }) => hosts.every((host) => places.some((place) => place.role.name === name && place.host === host)));
  return isWhole ? [auditStep(order, undefined, wholeRelease(version))] : [];
}

/** Stops what no longer serves and marks the image as the latest. @param places all on the host that the run put the version in */
export function retireSteps(order: Order, host: string, places: readonly Place[]): readonly HostStep[] {
  const stops = places.flatMap(({ role, others }) => others.map(({ name }) => stopStep(role, name)));
  const replaced = places.flatMap(({ role, displaced, left }): HostStep[] => [...(displaced === undefined ? [] : [displaced.to]), ...left].map((name) => ({ kind: "run", role: role.name, title: `Remove ${name}`, command: removeReplaced(name), repeatable: true })));
  const image = `${order.settings.repository}:${order.version}`;
  const roles = [...places.map(({ role }) => role.name), ...(order.kept ?? []).filter((one) => one.host === host).map(({ role }) => role)];
  const isPart = order.settings.roles.some(({ name, hosts }) => hosts.includes(host) && !roles.includes(name));
  return [
    { kind: "run", title: `Tag ${image} as latest`, command: tagLatest(order.settings, order.version), repeatable: true, timeoutMs: quickMs },
    auditStep(order, undefined, taggedLatest(image, isPart ? roles : undefined)),
    ...stops,
    ...replaced,
    ...(order.kept?.some((one) => one.host === host) === true ? [] : oldFileSteps(order, host, places)),
  ];
}

/** Records under which name the image of the version goes on serving where it was not switched to. */
const keptSteps = (order: Order, host: string): readonly HostStep[] =>
  (order.kept ?? []).filter((one) => one.host === host && one.version !== order.version).map(({ role, version }) => auditStep(order, role, keptAs(version, order.version)));
