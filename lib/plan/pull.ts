import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import type { CollectStep, HostStep, Phase, RunStep } from "../ground/step.ts";
import { forgetParts, receiveImage } from "../remote/delivery.ts";
import { checkServiceLabel, pullImage, tagDigest } from "../remote/image.ts";
import { isLoggedIn, login } from "../remote/registry.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { appHosts, factsOf, lanes, loginMs, quickMs } from "./hosts.ts";
import type { Order } from "./order.ts";
import { registryTunnels } from "./tunnels.ts";

/** How an image gets to hosts. */
export interface Pulling {
  /** `missing`: not where it is already. `ifHere`: where all hosts have it and this machine has not, what they have will do; only without a registry. */
  readonly when: "always" | "missing" | "ifHere";
  /** What to do when it cannot be pulled; default: build and push it. */
  readonly hint?: string;
  /** What stands behind the titles of the phases. */
  readonly suffix?: string;
}

/**
 * Brings the image of the version to hosts: through their connections where there is no registry, else they pull it. A registry on this machine can be
 * reached from where something is pulled.
 */
export function pullPhases(order: Order, facts: FleetFacts, hosts: readonly string[], { when, hint, suffix = "" }: Pulling): readonly Phase[] {
  const image = `${order.settings.repository}:${order.version}`;
  const isThere = (host: string): boolean => when === "missing" && factsOf(facts, host).images.includes(image);
  if (order.settings.withoutRegistry === true) return deliveryPhases(order, facts, image, hosts.filter((host) => !isThere(host)), when, hint, suffix);
  const digestOn = (host: string): string | undefined => order.built?.digests.find((digest) => factsOf(facts, host).digests?.includes(digest));
  const steps = (host: string): readonly HostStep[] => {
    const digest = digestOn(host);
    return digest === undefined ? pullSteps(order, image, hint) : namingSteps(order, image, digest);
  };
  return [{ title: `Pull image${suffix}`, lanes: lanes(hosts, (host) => (isThere(host) ? [] : steps(host))), ...registryTunnels(order.settings, hosts.filter((host) => !isThere(host) && digestOn(host) === undefined)) }];
}

/** The pull as far as it leaves everything as it is that serves, by host: hosts can begin with it before they are looked at. Where the registry is reached through a tunnel, or there is none, nothing. */
export function pullAhead(order: Order): ReadonlyMap<string, readonly HostStep[]> {
  const { settings, version } = order;
  const hosts = appHosts(order);
  if (settings.withoutRegistry === true || registryTunnels(settings, hosts).tunnels !== undefined) return new Map();
  const steps = fetchSteps(order, `${settings.repository}:${version}`);
  return new Map(hosts.map((host) => [host, steps]));
}

/** What a reader should know of a plan that was made before the image is: hosts that have images of the app may turn out to have this one. */
export const unbuiltNotes = ({ withoutRegistry }: Pick<Settings, "withoutRegistry">, facts: FleetFacts): readonly string[] =>
  (withoutRegistry === true || ![...facts.values()].some(({ digests = [] }) => digests.length > 0) ? [] : ["Only the build tells which image it is: a host that has it already, by its digest, names it instead of pulling it, and what the registry has of it is not pushed again."]);

/** The host has the very image that was pushed: it lacks the version's name at most. */
const namingSteps = (order: Order, image: string, digest: string): readonly HostStep[] => [
  { kind: "run", title: `Name the image that is there ${image}`, command: tagDigest(order.settings, digest, order.version), repeatable: true, timeoutMs: quickMs, hint: "Run the same command again: the image was there a moment ago." },
  checkStep(order.settings, image),
];

/** Takes the image out of the Docker of this machine while hosts look at what they have, then gives each what it lacks. What cannot be had is told before a host is changed. */
function deliveryPhases(order: Order, facts: FleetFacts, image: string, hosts: readonly string[], when: Pulling["when"], hint: string | undefined, suffix: string): readonly Phase[] {
  const { settings, version } = order;
  if (hosts.length === 0) return [];
  const spare = when === "ifHere" && hosts.every((host) => factsOf(facts, host).images.includes(image)) ? { isSpare: true as const } : {};
  const { handOn: width } = settings;
  const handOn = width === undefined || hosts.length <= width ? {} : { handOn: { width, of: { service: settings.service, destination: settings.destination } } };
  return [
    {
      title: `Deliver image${suffix}`,
      lanes: [{ host: undefined, steps: [{ ...collectStep(image, hint), ...spare }] }, ...lanes(hosts, (host) => [
        { kind: "deliver", title: `Deliver ${image}`, image, command: receiveImage(settings, image, factsOf(facts, host).images), forget: forgetParts(settings), ...spare, ...handOn },
        checkStep(settings, image),
        auditStep(order, undefined, `Delivered image with version ${version}`),
      ])],
    },
  ];
}

/** Takes an image out of the Docker of this machine. @param hint what to do when it is not there */
export const collectStep = (image: string, hint?: string): CollectStep => ({ kind: "collect", title: `Collect the layers of ${image}`, image, ...(hint === undefined ? {} : { hint }) });

const checkStep = ({ service }: Pick<Settings, "service">, image: string): RunStep =>
  ({ kind: "run", title: `Check that ${image} belongs to ${service}`, command: checkServiceLabel(image, service), repeatable: true, timeoutMs: quickMs, hint: `Build it with capstan, or add LABEL service="${service}" to the Dockerfile.` });

/** Pulls the image, checks that it is one of this service, and notes it. */
const pullSteps = (order: Order, image: string, hint?: string): readonly HostStep[] => [...fetchSteps(order, image, hint), auditStep(order, undefined, `Pulled image with version ${order.version}`)];

/** All of a pull that leaves the host as it is but for the image. The host of the lock alone is spared the round trip that it takes to be sure of the lock behind it: its own connection is what the lock hangs on. */
function fetchSteps(order: Order, image: string, hint = pullHint(order)): readonly HostStep[] {
  const { settings } = order;
  const command = login(settings.registry);
  const unless = isLoggedIn(settings.registry);
  return [
    ...(command === undefined || unless === undefined ? [] : [{ kind: "run" as const, title: "Log in to the registry", command, unless, repeatable: true as const, timeoutMs: loginMs, onCancel: "abandon" as const, hint: "Check registry.username and registry.password, and that the host reaches the registry." }]),
    { kind: "run", title: `Pull ${image}`, command: pullImage(image), repeatable: true, ...(appHosts(order).some((host) => host !== settings.primaryHost) ? { lasts: true as const } : {}), onCancel: "abandon", timeoutMs: 1_800_000, hint },
    checkStep(settings, image),
  ];
}

const pullHint = ({ settings }: Order): string =>
  isLocalRegistry(settings.registry.server)
    ? "Check that the image was pushed: `capstan build push`, and that the registry of this machine runs: `capstan registry setup`."
    : "Check that the image was pushed: `capstan build push`, and the registry's credentials.";
