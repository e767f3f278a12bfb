import type { Scope } from "../config/scope.ts";
import type { Role } from "../config/settings.ts";
import type { Command } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { currentContainer, plainVersion } from "../plan/current.ts";
import { tailAudit } from "../remote/audit.ts";
import { containerLogsOf, detailsOfRole, listContainers } from "../remote/container.ts";
import type { Container } from "../remote/facts.ts";
import type { LogOptions } from "../remote/proxy/driver.ts";
import { driverOn } from "../remote/proxy/drivers.ts";
import { eachHost, type Errand, type HostOutput } from "./each-host.ts";
import { joined, look } from "./observe.ts";
import type { Task } from "./task.ts";

/** Every role on every host of the scope. */
const places = (scope: Scope): readonly { readonly role: Role; readonly host: string }[] => scope.roles.flatMap((role) => role.hosts.map((host) => ({ role, host })));
const proxyHosts = (scope: Scope): readonly string[] => [...new Set(places(scope).filter(({ role }) => role.proxy !== undefined).map(({ host }) => host))];
const appHosts = (scope: Scope): readonly string[] => [...new Set(places(scope).map(({ host }) => host))];

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
  const { facts, unseen } = await look(world, task.settings, task.scope.hosts);
  return places(task.scope).map(({ role, host }) => {
    const fact = facts.get(host);
    const container = currentContainer(task.settings, role, fact?.containers ?? [], fact?.proxy);
    return { host, role: role.name, container, version: container === undefined ? undefined : plainVersion(container.version), problem: unseen.get(host) };
  });
}

/** `app details`: `docker ps` of each role. */
export function appDetails(world: World, task: Task): Promise<readonly HostOutput[]> {
  return eachHost(world, "App Host", places(task.scope).map(({ role, host }) => ({ host, role: role.name, command: detailsOfRole(task.settings, role.name) })));
}

/** `app containers`: all containers of the service, running or not. */
export function appContainers(world: World, task: Task): Promise<readonly HostOutput[]> {
  return eachHost(world, "App Host", appHosts(task.scope).map((host) => ({ host, command: listContainers(task.settings) })));
}

/** `proxy details`. */
export function proxyDetails(world: World, task: Task): Promise<readonly HostOutput[]> {
  return eachHost(world, "Proxy Host", proxyHosts(task.scope).map((host) => ({ host, command: driverOn(task.settings, host).details() })));
}

/** `audit`: the last lines of each host's audit log. */
export function audit(world: World, task: Task): Promise<readonly HostOutput[]> {
  return eachHost(world, "App Host", task.scope.hosts.map((host) => ({ host, command: tailAudit(task.settings) })));
}

/** `proxy logs`. */
export function proxyLogs(world: World, task: Task, options: LogOptions, onLine: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  return eachHost(world, "Proxy Host", proxyHosts(task.scope).map((host) => ({ host, command: driverOn(task.settings, host).logs(options) })), onLine);
}

/**
 * `app logs`: of the container that serves, on all hosts and roles at once.
 * @param containerId logs of this container instead
 * @throws DeployError (missing) when nothing runs anywhere in scope
 */
export async function appLogs(world: World, task: Task, options: LogOptions, containerId: string | undefined, onLine: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  if (containerId !== undefined) return eachHost(world, "App Host", appHosts(task.scope).map((host) => ({ host, command: containerLogsOf(containerId, options) })), onLine);
  const all = await serving(world, task);
  const found = all.filter((one) => one.container !== undefined);
  const problems = all.flatMap(({ host, role, problem }): HostOutput[] => (problem === undefined ? [] : [{ title: "App Host", host, role, stdout: "", stderr: problem.message, status: undefined }]));
  if (found.length === 0 && problems.length > 0) throw joined("look at", task.scope.hosts.length, [...new Set(all.flatMap(({ problem }) => problem ?? []))]);
  if (found.length === 0) throw new DeployError("missing", `Nothing of ${task.settings.service} is running on ${task.scope.hosts.join(", ")}`, { hint: "Look at `capstan app containers`; logs of a stopped one: `capstan app logs --container-id ID`." });
  return [...(await eachHost(world, "App Host", found.map(({ host, role, container }) => ({ host, role, command: containerLogsOf(container?.name ?? "", options) })), onLine)), ...problems];
}

/** `server exec`: a command of the user's own on every host. */
export function serverExec(world: World, task: Task, command: Command): Promise<readonly HostOutput[]> {
  return eachHost(world, "App Host", task.scope.hosts.map((host) => ({ host, command })));
}
