import type { Accessory, Role } from "../config/settings.ts";
import { DeployError } from "../ground/errors.ts";
import { containerName } from "../ground/names.ts";
import type { HostStep, Plan, RunStep } from "../ground/step.ts";
import { removeContainers, removeOneOffs, removeVersion } from "../remote/container.ts";
import type { Container, FleetFacts, HostFacts } from "../remote/facts.ts";
import { removeMrskSteps } from "../remote/prune.ts";
import { driverFor, driverOn } from "../remote/proxy/drivers.ts";
import { logout } from "../remote/registry.ts";
import { removeAppDirectories, removeImages, removeNetwork, removeRoleDirectories, removeRunFiles, removeVolume, unlessOthers, volumeName } from "../remote/remove.ts";
import { folderStep, removeSteps as accessorySteps } from "./accessory.ts";
import { auditStep } from "./audit.ts";
import { containersOfRole, isOfVersion, isUp, plainVersion } from "./current.ts";
import { allHosts, appHosts, factsOf, lanes, proxyHosts, requireDocker, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";
import { foreignRoutes } from "./proxy.ts";
import { stopStep } from "./stop.ts";

const run = (title: string, command: RunStep["command"], more: Partial<RunStep> = {}): RunStep => ({ kind: "run", title, command, ...more });

/** Every role that has a place on the host, not only those in scope. */
const isWhole = (order: Order, host: string): boolean => order.settings.roles.every((role) => !role.hosts.includes(host) || rolesOn(order, host).some(({ name }) => name === role.name));

function appSteps(order: Order, facts: FleetFacts, host: string): readonly HostStep[] {
  const { settings } = order;
  const ofRole = (role: Role): HostStep[] => [
    ...(role.proxy === undefined ? [] : [driverFor(role.proxy.kind).unroute(settings, role)]),
    ...containersOfRole(role, factsOf(facts, host).containers).filter(isUp).map(({ name }) => stopStep(role, name)),
    run(`Remove the containers of ${role.name}`, removeContainers(settings, role.name), { role: role.name }),
    ...removeMrskSteps(settings, role),
    run(`Remove what \`app exec\` left of ${role.name}`, removeOneOffs(settings, role.name), { role: role.name }),
    auditStep(order, role.name, "Removed all containers"),
  ];
  return [...rolesOn(order, host).flatMap(ofRole), ...(isWhole(order, host) ? [run("Remove the images of the app", removeImages(settings.service)), removeFolders(order, host), auditStep(order, undefined, "Removed the app")] : [])];
}

/** Accessories on the host keep what is theirs. */
function removeFolders({ settings }: Order, host: string): RunStep {
  const shared = settings.accessories.some(({ hosts }) => hosts.includes(host));
  const roles = settings.roles.filter(({ hosts }) => hosts.includes(host)).map(({ name }) => name);
  return run("Remove the folders of the app", shared ? removeRoleDirectories(settings, roles) : removeAppDirectories(settings));
}

/** `app remove`. */
export function planAppRemove(order: Order, facts: FleetFacts): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  return { notes: [], phases: [{ title: "Remove app", lanes: lanes(hosts, (host) => appSteps(order, facts, host)) }] };
}

/** The single steps of {@link planAppRemove}. */
export type AppPart = "containers" | "images" | "directories";

/**
 * One step of `app remove`. The folders of a host go only where all its roles do.
 * @throws DeployError (usage) when the folders are to go and a container runs that needs them
 */
export function planAppPart(order: Order, facts: FleetFacts, part: AppPart): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  const { settings } = order;
  const partial = part === "directories" ? hosts.filter((host) => !isWhole(order, host)) : [];
  const chosen = hosts.filter((host) => !partial.includes(host));
  if (part === "directories") refuseWhileUp("Cannot remove the folders of the app", order, facts, chosen, () => true);
  const steps = (host: string): readonly HostStep[] => ({
    containers: () => rolesOn(order, host).map((role) => run(`Remove the stopped containers of ${role.name}`, removeContainers(settings, role.name), { role: role.name })),
    images: () => [run("Remove the images of the app", removeImages(settings.service))],
    directories: () => [removeFolders(order, host)],
  })[part]();
  return {
    notes: partial.map((host) => `Left as they are on ${host}: the folders of the app, which ${staying(order, host).map(({ name }) => name).join(", ")} may need.`),
    phases: [{ title: `Remove ${part}`, lanes: lanes(chosen, (host) => [...steps(host), auditStep(order, undefined, `Removed ${part}`)]) }],
  };
}

/** @throws DeployError (usage) that names every container of a role in scope that runs and may not */
function refuseWhileUp(message: string, order: Order, facts: FleetFacts, hosts: readonly string[], isMeant: (container: Container, releases: HostFacts["releases"]) => boolean): void {
  const up = hosts.flatMap((host) => rolesOn(order, host).flatMap((role) => containersOfRole(role, factsOf(facts, host).containers)).filter((one) => isUp(one) && isMeant(one, factsOf(facts, host).releases)).map(({ name }) => `${name} on ${host}`));
  if (up.length > 0) throw new DeployError("usage", `${message}: it is running: ${up.join(", ")}`, { state: ["Nothing was changed."], hint: "Stop it first: `capstan app stop`, or `capstan app stale-containers --stop`." });
}

/** `app remove-container VERSION`. @throws DeployError (usage) when a container of the version runs */
export function planRemoveVersion(order: Order, facts: FleetFacts): Plan {
  const hosts = appHosts(order);
  requireDocker(facts, hosts);
  refuseWhileUp(`Cannot remove version ${order.version}`, order, facts, hosts, (one, releases) => one.version === plainVersion(one.version) && isOfVersion(one, order.version, releases));
  const steps = (host: string): readonly HostStep[] => rolesOn(order, host).flatMap((role) => [
    auditStep(order, role.name, `Removed container with version ${order.version}`),
    run(`Remove ${containerName(order.settings, role.name, order.version)}`, removeVersion(containerName(order.settings, role.name, order.version)), { role: role.name }),
  ]);
  return { notes: [], phases: [{ title: "Remove containers", lanes: lanes(hosts, steps) }] };
}

/**
 * `remove`: everything of this service and destination. Proxy and network go with the last service of a host; folders of accessories with an
 * absolute path stay. Where other roles of the service keep their place, only what is of the chosen roles alone goes.
 */
export function planRemove(order: Order, facts: FleetFacts): Plan {
  const { settings, scope } = order;
  const hosts = allHosts(order);
  requireDocker(facts, hosts);
  const whole = hosts.filter((host) => isWhole(order, host));
  const shared = proxyHosts(order).filter((host) => whole.includes(host) && foreignRoutes(order, factsOf(facts, host)).length > 0);
  const accessoriesOn = (host: string): readonly Accessory[] => scope.accessories.filter((accessory) => whole.includes(host) && accessory.hosts.includes(host));
  const registries = (host: string): readonly HostStep[] => [settings.registry, ...accessoriesOn(host).map(({ registry }) => registry)]
    .filter((registry, i, all) => registry.username !== undefined && all.findIndex(({ server }) => server === registry.server) === i)
    .map((registry) => run(`Log out of ${registry.server ?? "the registry"}`, logout(registry)));
  const volumes = (host: string): readonly HostStep[] => {
    const theirs = volumesOf(staying(order, host));
    return volumesOf([...rolesOn(order, host), ...accessoriesOn(host)]).filter((name) => !theirs.includes(name)).map((name) => run(`Remove the volume ${name}`, removeVolume(name)));
  };
  // A host of accessories only has a place of the service too: their environment.
  const folders = (host: string): readonly HostStep[] => (appHosts(order).includes(host) ? [] : [run("Remove the folders of the app", removeAppDirectories(settings))]);
  // Last of all: what belongs to a container's own user cannot be removed by another one, and nothing else is to stay because of that.
  const ofAccessories = (host: string): readonly HostStep[] => {
    const services = accessoriesOn(host).map(({ service }) => service);
    return services.length === 0 ? [] : [folderStep(services)];
  };
  const tidy = (host: string): readonly HostStep[] => (!whole.includes(host) ? volumes(host) : [
    ...registries(host), auditStep(order, undefined, "Removed everything"), ...volumes(host), run("Remove the network", removeNetwork()), ...folders(host), run("Remove the files of the service", removeRunFiles(settings)), ...ofAccessories(host),
  ]);
  const kept = [...new Set(scope.accessories.filter((accessory) => accessory.hosts.some((host) => whole.includes(host))).flatMap(({ directories }) => directories.map(({ hostPath }) => hostPath).filter((path) => path.startsWith("/"))))];
  return {
    notes: [
      ...hosts.filter((host) => !whole.includes(host)).map((host) => `Only ${rolesOn(order, host).map(({ name }) => name).join(", ")} goes from ${host}: what ${staying(order, host).map(({ name }) => name).join(", ")} may need stays, such as proxy, accessories and images.`),
      ...(shared.length === 0 ? [] : [`The proxy stays on ${shared.join(", ")}: other services use it.`]),
      ...(kept.length === 0 ? [] : [`Left as ${kept.length === 1 ? "it is" : "they are"}: ${kept.join(", ")}. Folders with an absolute path are removed by nobody but you.`]),
    ],
    phases: [
      { title: "Remove app", lanes: lanes(appHosts(order), (host) => appSteps(order, facts, host)) },
      { title: "Remove accessories", lanes: lanes(hosts.filter((host) => accessoriesOn(host).length > 0), (host) => accessoriesOn(host).flatMap((accessory) => accessorySteps(order, facts, accessory, host, ["container", "image"]))) },
      { title: "Remove proxy", lanes: lanes(proxyHosts(order).filter((host) => whole.includes(host) && !shared.includes(host)), (host) => driverOn(settings, host).remove().map((step) => (step.kind === "run" ? { ...step, command: unlessOthers(settings, step.command) } : step))) },
      { title: "Log out and tidy up", lanes: lanes(hosts, tidy) },
    ],
  };
}

/** What keeps its place on the host: roles that were not chosen, and the accessories beside them. */
function staying(order: Order, host: string): readonly (Role | Accessory)[] {
  const { roles, accessories } = order.settings;
  if (isWhole(order, host)) return [];
  return [...roles.filter(({ name }) => !rolesOn(order, host).some((role) => role.name === name)), ...accessories].filter(({ hosts }) => hosts.includes(host));
}

/** The volumes with a name. */
const volumesOf = (of: readonly Pick<Role, "volumes">[]): readonly string[] => [...new Set(of.flatMap(({ volumes }) => volumes.flatMap((volume) => volumeName(volume) ?? [])))];
