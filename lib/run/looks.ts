import type { Role, Settings } from "../config/settings.ts";
import type { Command } from "../ground/command.ts";
import { DeployError, isDeployError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { appHosts, proxyHosts, someHosts } from "../plan/hosts.ts";
import { currentContainer, servedVersion } from "../plan/current.ts";
import { fleetState } from "../plan/fleet.ts";
import type { Glance } from "../plan/print-fleet.ts";
import { previousRelease } from "../plan/rollback.ts";
import { staleContainers, type Stale } from "../plan/stale.ts";
import { chosenAccessories } from "../plan/accessory.ts";
import { accessoryDetails } from "../remote/accessory.ts";
import { tailAudit } from "../remote/audit.ts";
import { namedLogs } from "../remote/logs.ts";
import { containerLogsOf, detailsOfRole, listContainers } from "../remote/container.ts";
import { currentContainerId } from "../remote/current.ts";
import type { Container } from "../remote/facts.ts";
import { listImages } from "../remote/image.ts";
import type { LogOptions } from "../remote/proxy/driver.ts";
import { driverOn } from "../remote/proxy/drivers.ts";
import type { Errand, HostOutput } from "./each-host.ts";
import { lockNews, readLock } from "./lock.ts";
import { joined, look, observe } from "./observe.ts";
import type { Task } from "./task.ts";

/** Every role on every host of the scope. @throws DeployError (usage) when the filters leave none */
export function places({ scope }: Pick<Task, "scope">): readonly { readonly role: Role; readonly host: string }[] {
  const found = scope.roles.flatMap((role) => role.hosts.map((host) => ({ role, host })));
  someHosts(found.map(({ host }) => host), "the app");
  return found;
}

/** The container that serves, for each role and host of the scope. */
export interface Serving {
  readonly host: string;
  readonly role: string;
  readonly container: Container | undefined;
  readonly version: string | undefined;
  /** Why the host could not be looked at. */
  readonly problem: DeployError | undefined;
}

/** Which version serves where. */
export async function serving(world: World, task: Task): Promise<readonly Serving[]> {
  const { facts, unseen } = await look(world, task.settings, appHosts(task));
  return places(task).map(({ role, host }) => {
    const fact = facts.get(host);
    const container = currentContainer(task.settings, role, fact?.containers ?? [], fact?.proxy);
    return { host, role: role.name, container, version: container === undefined ? undefined : servedVersion(container, fact?.releases), problem: unseen.get(host) };
  });
}

/**
 * What a user wants to know first: what serves where, what an interrupted run left, who holds the lock. A host that
 * cannot be looked at keeps nothing from being told of the others.
 */
export async function glance(world: World, task: Task): Promise<Glance> {
  const { settings, scope } = task;
  const [{ facts, unseen }, lock] = await Promise.all([look(world, settings, scope.hosts), readLock(world, task).catch(unlessBroken)]);
  return {
    state: fleetState(settings, scope, facts),
    unseen: new Map([...unseen].map(([host, { message }]) => [host, message])),
    lock: lock === undefined ? undefined : lockNews(settings.primaryHost, lock),
    back: previousRelease(settings, scope, facts),
  };
}

/** A lock that cannot be read is not known: why, the look at its host tells. */
function unlessBroken(error: unknown): undefined {
  if (!isDeployError(error) || error.failure === "cancelled") throw error;
}

/** `app stale-containers`: what runs though another version serves. @throws DeployError when a host cannot be looked at */
export async function findStale(world: World, task: Task): Promise<readonly Stale[]> {
  return staleContainers(task, await observe(world, task.settings, someHosts(appHosts(task), "the app")));
}

/** `app details`: `docker ps` of each role. */
export const appDetails = (task: Task): readonly Errand[] => places(task).map(({ role, host }) => ({ host, role: role.name, command: detailsOfRole(task.settings, role.name), asks: true }));

/** One command on each host of the app. */
const onAppHosts = (task: Task, command: (settings: Settings) => Command): readonly Errand[] => someHosts(appHosts(task), "the app").map((host) => ({ host, command: command(task.settings) }));

const asked = (errand: Errand): Errand => ({ ...errand, asks: true });

/** `app containers`: all containers of the service, running or not. */
export const appContainers = (task: Task): readonly Errand[] => onAppHosts(task, listContainers).map(asked);

/** `app images`: all images of the service. */
export const appImages = (task: Task): readonly Errand[] => onAppHosts(task, listImages).map(asked);

/** `proxy details`. */
export const proxyDetails = (task: Task): readonly Errand[] => proxyHosts(task).map((host) => ({ host, command: driverOn(task.settings, host).details(), asks: true }));

/** `audit`: the last lines of each host's audit log. */
export const audit = (task: Task): readonly Errand[] => task.scope.hosts.map((host) => ({ host, command: tailAudit(task.settings), asks: true }));

/** `accessory details`. @throws DeployError (usage) for a name that is none */
export const accessoryDetailsOf = (task: Task, name: string): readonly Errand[] => chosenAccessories(task, name).flatMap((accessory) => accessory.hosts.map((host) => ({ host, subject: accessory.name, command: accessoryDetails(accessory.service), asks: true as const })));

/** `proxy logs`. */
export const proxyLogs = (task: Task, options: LogOptions): readonly Errand[] => someHosts(proxyHosts(task), "the proxy").map((host) => ({ host, command: driverOn(task.settings, host).logs(options) }));

/** `accessory logs`: of all its hosts. @throws DeployError (usage) for a name that is none */
export const accessoryLogs = (task: Task, name: string, options: LogOptions): readonly Errand[] => chosenAccessories(task, name).flatMap((accessory) => accessory.hosts.map((host) => ({ host, subject: accessory.name, command: namedLogs(accessory.service, options) })));

/** What `app logs` asks, and the hosts that could not be looked at. */
export interface LogPlan {
  readonly errands: readonly Errand[];
  readonly unseen: readonly HostOutput[];
}

/**
 * `app logs`: of the container that serves, on all hosts and roles at once.
 * @param containerId logs of this container instead
 * @param found what serves where; undefined: each host finds its newest container out by itself
 * @throws DeployError (missing) when nothing runs anywhere in scope
 */
export function planLogs(task: Task, options: LogOptions, containerId: string | undefined, found: readonly Serving[] | undefined): LogPlan {
  const { settings } = task;
  if (containerId !== undefined) return { errands: onAppHosts(task, () => containerLogsOf(containerId, options)), unseen: [] };
  if (found === undefined) return { errands: places(task).map(({ role, host }) => ({ host, role: role.name, command: containerLogsOf(currentContainerId(settings, role.name), options) })), unseen: [] };
  const unseen = found.flatMap(({ host, role, problem }): HostOutput[] => (problem === undefined ? [] : [{ title: "App Host", host, role, stdout: "", stderr: problem.message, status: undefined }]));
  const up = found.filter((one) => one.container !== undefined);
  if (up.length === 0 && unseen.length > 0) throw joined("look at", appHosts(task).length, [...new Set(found.flatMap(({ problem }) => problem ?? []))]);
  if (up.length === 0) throw new DeployError("missing", `Nothing of ${settings.service} is running on ${appHosts(task).join(", ")}`, { hint: "Look at `capstan app containers`; logs of a stopped one: `capstan app logs --container-id ID`." });
  return { errands: up.map(({ host, role, container }) => ({ host, role, command: containerLogsOf(container?.name ?? "", options) })), unseen };
}

/** `server exec`: a command of the user's own on every host. */
export const serverExec = (task: Task, command: Command): readonly Errand[] => task.scope.hosts.map((host) => ({ host, command }));
