import { Command, sh, type Query } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import { containerHostname, containerName, envFilePath, execName, isTag, network, rolePrefix, serviceWithDestination, versionOf } from "../ground/names.ts";
import type { ContainerState } from "../ground/step.ts";
import { envOn } from "../config/host-env.ts";
import type { EnvSettings, Role, Settings } from "../config/settings.ts";
import { checked, isName, isPlain, isWord } from "./answer.ts";
import { assetFlags } from "./assets.ts";
import { containerFilters, envFlags, pullFlags, labelFlags, loggingFlags, restartPolicy, roleOptions, volumeFlags } from "./container-flags.ts";
import { secretFlags, withValues } from "./envfile.ts";
import type { Container } from "./facts.ts";
import { logFilter, logFlags } from "./logs.ts";
import type { LogOptions } from "./proxy/driver.ts";
import { removeEach, removeStopped, stopped } from "./stopped.ts";

/** The container of a role at a version on one host. */
export interface ContainerOrder {
  readonly settings: Settings;
  readonly role: Role;
  readonly host: string;
  readonly version: string;
  /** 12 hex digits at the end of the container's own host name; undefined: docker chooses one. */
  readonly hostnameHex?: string;
  /** Default: the service's repository at the version. */
  readonly image?: string;
  /** Default: that of the role at the version. */
  readonly name?: string;
}

/** Starts a container of a role. Flags stand in Kamal's order. The role's `cmd` is shell code, as the user wrote it. */
export function runContainer(order: ContainerOrder): Command {
  const { settings, role, host, version, hostnameHex } = order;
  const name = order.name ?? containerName(settings, role.name, version);
  const { env, path } = environmentOf(order, name);
  return withValues(env, path, sh`docker run --detach --restart ${restartPolicy(role)} --name ${name} --network ${network} ${[
    ...pullFlags(settings), ...(hostnameHex === undefined ? [] : ["--hostname", containerHostname(host, hostnameHex)]),
    ...envFlags(env.clear), ...secretFlags(env, path),
    ...loggingFlags(role.logging), ...volumeFlags(role.volumes), ...assetFlags(settings, role, version), ...labelFlags(settings, role), ...roleOptions(role),
    order.image ?? `${settings.repository}:${version}`, ...cmdOf(role),
  ]}`);
}

/** Whether {@link runContainer} has started that very container: its host name is of that run alone. One that has ended since counts: to wait for it tells why. */
export const wasStarted = (name: string, hostnameHex: string): Command =>
  sh`docker container inspect --format ${"{{.State.Status}} {{.Config.Hostname}}"} ${name} | grep -q -E ${`^(running|restarting|paused|exited|dead) .*-${hostnameHex}$`}`;

/** What the app can know of its own container. */
const toolEnv = ({ settings: { destination }, version, host }: ContainerOrder, name: string): Readonly<Record<string, string>> => ({
  KAMAL_CONTAINER_NAME: name, KAMAL_VERSION: version, KAMAL_HOST: host, ...(destination === undefined ? {} : { KAMAL_DESTINATION: destination }),
});

/** The variables of a container of the app, and where those that are secret are written. */
function environmentOf(order: ContainerOrder, name: string): { readonly env: EnvSettings; readonly path: string } {
  const { clear, secret } = envOn(order.role, order.host);
  return { env: { clear: { ...toolEnv(order, name), ...clear }, secret }, path: envFilePath(order.settings, order.role.name) };
}

/** Starts a container of a role that is only looked at: it bears the label of the trial alone, so that nothing takes it for one of the app. */
export function runTrial(order: ContainerOrder & { readonly name: string }): Command {
  const { settings, role, version, name } = order;
  const label = `healthcheck-${serviceWithDestination(settings)}`;
  const { env, path } = environmentOf(order, label);
  return withValues(env, path, sh`docker run --detach --name ${name} --network ${network} --label ${`service=${label}`} ${[
    ...pullFlags(settings), ...envFlags(env.clear), ...secretFlags(env, path),
    ...volumeFlags(role.volumes), ...roleOptions(role), `${settings.repository}:${version}`, ...cmdOf(role),
  ]}`);
}

const cmdOf = (role: Role): readonly Command[] => (role.cmd === undefined ? [] : [new Command(role.cmd)]);

/** A container for one command. */
export interface OneOffOrder {
  readonly settings: Settings;
  readonly role: Role;
  readonly host: string;
  /** Tag of the image. */
  readonly version: string;
  /** 6 hex digits. */
  readonly hex: string;
  readonly command: Command;
  readonly env?: Readonly<Record<string, string>>;
  /** Leaves the container running, and there. */
  readonly detach?: boolean;
  readonly interactive?: Interactive;
}

/** How a command in a container is joined to our standard input. */
export type Interactive = "terminal" | "pipe" | "no";

/** Flags of `docker run` and `docker exec` for it. */
export const interactiveFlags = (interactive: Interactive = "no"): readonly string[] => ({ terminal: ["-it"], pipe: ["-i"], no: [] })[interactive];

/** Runs a command in a new container with the role's env, volumes and options, removed afterwards unless detached. */
export function runOneOff(order: OneOffOrder): Command {
  const { settings, role, version, command } = order;
  const env = envOn(role, order.host);
  const path = envFilePath(settings, role.name);
  return withValues(env, path, sh`docker run ${[
    ...interactiveFlags(order.interactive), order.detach === true ? "--detach" : "--rm",
    "--name", execName(settings, role.name, version, order.hex), "--network", network, ...pullFlags(settings),
    ...envFlags(env.clear), ...secretFlags(env, path), ...envFlags(order.env ?? {}),
    ...loggingFlags(role.logging), ...volumeFlags(role.volumes), ...roleOptions(role), `${settings.repository}:${version}`, command,
  ]}`);
}

/** Runs a command in a running container. */
export function execInContainer(name: string, command: Command, options: { readonly env?: Readonly<Record<string, string>>; readonly interactive?: Interactive } = {}): Command {
  return sh`docker exec ${[...interactiveFlags(options.interactive), ...envFlags(options.env ?? {}), name, command]}`;
}

/** Prints the id of the container with exactly this name, in whatever state; nothing when there is none. */
export const containerId = (name: string): Command => sh`docker container ls --all --filter ${`name=^${name}$`} --quiet`;

/** A container that a run started. */
export interface Started {
  readonly settings: Settings;
  readonly role: Role;
  readonly name: string;
  /** As it was given to {@link runContainer}. */
  readonly hostnameHex: string;
}

/**
 * Sets `id` to the id of the container with this name if this very run started it, to nothing otherwise: another one may have taken the
 * name, and what a run takes back is its own. Where the user gives the containers a host name, their labels have to do. Ends the script when Docker does not answer.
 */
export function findStarted({ settings, role, name, hostnameHex }: Started): Command {
  if ("hostname" in role.options) return sh`id=$(${containerId(name)} ${containerFilters(settings, role.name)}) || exit`;
  return sh`id=$(${containerId(name)}) || exit
hostname=$([ -z "$id" ] || docker container inspect --format ${"{{.Config.Hostname}}"} "$id") || exit
case $hostname in *-${hostnameHex}) ;; *) id= ;; esac`;
}

/** Takes a container away that this very run started, running or not. Harmless when there is none, or another one. */
export const removeStarted = (started: Started): Command => sh`${findStarted(started)}
[ -z "$id" ] || docker rm --force --volumes "$id" || ! docker container inspect "$id" > /dev/null 2>&1`;

/** Gives a container another name; its id, and so its route, stays. */
export const renameContainer = (from: string, to: string): Command => sh`docker rename ${from} ${to}`;
/** Whether there is a container of that name, in whatever state. */
export const containerExists = (name: string): Command => sh`docker container inspect ${name} > /dev/null 2>&1`;
/** Whether a container of that name runs, or tries to. */
export const isStarted = (name: string): Command => sh`docker container inspect --format ${"{{.State.Status}}"} ${name} | grep -q -x -e running -e restarting`;
/** Starts a stopped container. */
export const startContainer = (name: string): Command => sh`docker start ${name}`;

/** Stops a container. @param seconds until it is killed; undefined: docker's own default, or what the container was run with */
export function stopContainer(name: string, seconds: number | undefined): Command {
  return sh`${containerId(name)} | xargs docker stop ${seconds === undefined ? [] : ["-t", seconds]}`;
}

/** Whether no container of that name runs, or tries to. Fails when Docker does not answer. */
export const isStopped = (name: string): Command => sh`running=$(docker container ls --filter ${`name=^${name}$`} --quiet) && [ -z "$running" ]`;

/** Takes a container away, running or not. Harmless when there is none. */
export const removeContainer = (name: string): Command => sh`docker rm --force --volumes ${name} || ! docker container inspect ${name} > /dev/null 2>&1`;

/** Ends a container of one command and takes it away. */
export const endOneOff = (name: string): Command => sh`docker rm --force ${name}`;

/** Takes away a container that made place for another one and was stopped. Harmless when there is none, refuses a running one. */
export const removeReplaced = (name: string): Command => sh`docker rm --volumes ${name} || ! docker container inspect ${name} > /dev/null 2>&1`;

/** Removes a stopped container of a version. Harmless when there is none. */
export const removeVersion = (name: string): Command => sh`${containerId(name)} | while read container_id; do docker rm --volumes $container_id || exit; done`;

/** Removes the stopped containers of a role that MRSK made: of these docker's filter for no destination knows nothing, so that nothing else removes them. */
export const removeContainersOfMrsk = ({ service }: Pick<Settings, "service">, role: string): Command =>
  sh`docker ps --all ${stopped} --filter ${`label=service=${service}`} --filter ${`label=role=${role}`} --format ${'{{if not (.Label "destination")}}{{.ID}}{{end}}'} | grep . | ${removeEach}`;

/** Removes all stopped containers of a role. */
export const removeContainers = (settings: Settings, role: string): Command => removeStopped(containerFilters(settings, role));

/** Removes the containers of `app exec`, running ones too. Harmless when there are none. */
export const removeOneOffs = (settings: Settings, role: string): Command => sh`docker ps --all --quiet --filter ${`name=^${rolePrefix(settings, role)}-exec-`} | while read container_id; do docker rm --force --volumes $container_id; done`;

/** `docker ps` of a role's running containers, for people. */
export const detailsOfRole = (settings: Settings, role: string): Command => sh`docker ps ${containerFilters(settings, role)}`;

/** All containers of the service and destination, running or not, for people. */
export const listContainers = (settings: Settings): Command => sh`docker container ls --all ${containerFilters(settings)}`;

/**
 * All containers of the service and destination, running or not, newest first. Those of MRSK and of Kamal 1 are among
 * them: without a destination they have no such label, which docker's own filter does not take for an empty one.
 */
export function containersOf(settings: Pick<Settings, "service" | "destination">): Query<readonly Container[]> {
  const format = ["{{.ID}}", "{{.Names}}", '{{.Label "role"}}', '{{.Label "destination"}}', "{{.State}}", "{{.Status}}", "{{.Image}}", "{{.Networks}}"].join("\t");
  return {
    command: sh`docker ps --all --filter ${`label=service=${settings.service}`} --filter label=role --format ${format}`,
    parse: (stdout) => linesOf(stdout).flatMap((line) => parseContainer(settings, line)),
  };
}

function parseContainer(settings: Pick<Settings, "service" | "destination">, line: string): Container[] {
  const [id = "", names = "", role = "", destination = "", state = "", status = "", image, networks = ""] = line.split("\t");
  // One that others are linked to has further names behind a comma.
  const [name = ""] = names.split(",");
  checked(isName(id) && isName(name) && image !== undefined && [role, destination, state, status, image, networks].every(isPlain) && isWord(state) && isWord(image), "container", line);
  if (image === undefined || destination !== (settings.destination ?? "")) return [];
  const version = versionOf(settings, role, name) ?? name;
  checked(isTag(version), "the version of a container", version);
  return [{ id, name, role, version, state, status, image, ...inNetworks(networks) }];
}

/** What `docker ps` prints as networks, as facts. */
export const inNetworks = (text: string): { readonly networks?: readonly string[] } => (text === "" ? {} : { networks: text.split(",") });

const linesOf = (stdout: string): readonly string[] => stdout.split("\n").filter((line) => line.trim() !== "");

/** The last lines of a container's log, both streams in the order in which they were written. */
export const containerLogs = (name: string, lines: number): Command => sh`docker logs --tail ${lines} ${name} 2>&1`;

/**
 * The log of a container for people.
 * @param container name or id, or a command that prints one
 */
export function containerLogsOf(container: string | Command, options: LogOptions): Command {
  const logs = typeof container === "string" ? sh`docker logs ${logFlags(options)} ${container} 2>&1` : sh`${container} | xargs docker logs ${logFlags(options)} 2>&1`;
  return sh`${logs}${logFilter(options)}`;
}

/**
 * State of a container as far as readiness needs it. One that is not there has status `missing`.
 * The parser throws a DeployError when Docker itself did not answer.
 */
export function containerState(name: string): Query<ContainerState> {
  const format = [
    "{{.State.Status}}", "{{with .State.Health}}{{.Status}}{{end}}", "{{.State.ExitCode}}", "{{.State.OOMKilled}}", "{{.RestartCount}}",
    `{{with index .NetworkSettings.Networks "${network}"}}{{.IPAddress}}{{end}}`, "{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}",
  ].join("|");
  return {
    command: sh`docker container inspect --format ${format} ${name} 2> /dev/null || { docker container ls --quiet > /dev/null && echo missing; }`,
    parse: (stdout) => parseState(name, linesOf(stdout).at(-1) ?? ""),
  };
}

function parseState(name: string, line: string): ContainerState {
  if (line === "") throw new DeployError("command", `Cannot see the state of ${name}: Docker does not answer`, { hint: "Look at Docker on the host: `systemctl status docker`, `docker info`." });
  const [status = "", health, exitCode, oomKilled, restartCount, address = "", ports = ""] = line.split("|");
  const numbers = [exitCode ?? "0", restartCount ?? "0"];
  checked(/^[a-z]*$/.test(status) && numbers.every((number) => /^-?\d{1,10}$/.test(number)) && /^[\da-fA-F.:]*$/.test(address) && /^(\d{1,5}(\/\w+)? ?)*$/.test(ports), `the state of ${name}`, line);
  return {
    status,
    health: health === "starting" || health === "healthy" || health === "unhealthy" ? health : undefined,
    exitCode: Number(exitCode ?? 0),
    oomKilled: oomKilled === "true",
    restartCount: Number(restartCount ?? 0),
    address,
    exposedPorts: [...new Set(ports.split(" ").filter(Boolean).map((port) => Number.parseInt(port, 10)))],
  };
}
