import { Command, sh, type Query } from "../ground/command.ts";
import { accessoryEnvPath, type Named } from "../ground/names.ts";
import type { Accessory, AccessoryDirectory, AccessoryFile } from "../config/settings.ts";
import { envFlags, loggingFlags, optionFlags, volumeFlags } from "./container-flags.ts";
import type { AccessoryFacts } from "./facts.ts";
import { pairs } from "./shell-value.ts";

/** A path on the host as a volume's source: docker takes absolute ones only. */
const absolute = (hostPath: string): Command => (hostPath.startsWith("/") ? sh`${hostPath}` : sh`"$PWD"/${hostPath}`);

const mount = ({ hostPath, remote, options }: AccessoryFile | AccessoryDirectory): readonly (string | Command)[] => ["--volume", sh`${absolute(hostPath)}${`:${remote}${options === undefined ? "" : `:${options}`}`}`];

const mounts = ({ volumes, files, directories }: Accessory): readonly (string | Command)[] => [...volumeFlags(volumes), ...files.flatMap(mount), ...directories.flatMap(mount)];

/** Starts an accessory. Flags stand in Kamal's order. Its `cmd` is shell code, as the user wrote it. */
export function runAccessory(of: Named, accessory: Accessory, host: string): Command {
  const { service, image, network, logging, publish, env, labels, cmd, options: { restart, ...options } } = accessory;
  return sh`docker run --name ${service} --detach --restart ${String(restart ?? "unless-stopped")} --network ${network} ${[
    ...loggingFlags(logging), ...(publish === undefined ? [] : ["--publish", publish]),
    ...envFlags({ KAMAL_HOST: host, ...env.clear }), "--env-file", accessoryEnvPath(of, accessory.name),
    ...mounts(accessory), ...pairs("--label", { service, ...labels }), ...optionFlags(options),
    image, ...(cmd === undefined ? [] : [new Command(cmd)]),
  ]}`;
}

/** Runs a command in a new container with the accessory's environment, volumes and network, removed afterwards. */
export function runAccessoryOneOff(of: Named, accessory: Accessory, command: Command, interactive: readonly string[]): Command {
  const { image, network, env } = accessory;
  return sh`docker run ${[...interactive, "--rm", "--network", network, ...envFlags(env.clear), "--env-file", accessoryEnvPath(of, accessory.name), ...mounts(accessory), image, command]}`;
}

/** Makes a folder of an accessory, with mode and owner. */
export function makeDirectory({ hostPath, mode, owner }: AccessoryDirectory): Command {
  const path = absolute(hostPath);
  return sh`mkdir -p ${path}${mode === undefined ? new Command("") : sh` && chmod ${mode} ${path}`}${owner === undefined ? new Command("") : sh` && chown ${owner} ${path}`}`;
}

/** Fails, with the end of its log, unless the container runs on for two seconds. */
export function staysUp(service: string): Command {
  return sh`sleep 2
state=$(docker container inspect --format ${"{{.State.Status}} {{.RestartCount}}"} ${service})
[ "$state" = 'running 0' ] || { echo ${`${service} does not stay up:`} "$state" >&2; docker logs --tail 20 ${service} >&2; exit 1; }`;
}

/** Stops an accessory. */
export const stopAccessory = (service: string): Command => sh`docker container stop ${service}`;
/** Starts its stopped container. */
export const startAccessory = (service: string): Command => sh`docker container start ${service}`;
/** Removes its stopped container. */
export const removeAccessoryContainer = (service: string): Command => sh`docker container prune --force --filter ${`label=service=${service}`}`;
/** Removes its image, unless another container uses it. */
export const removeAccessoryImage = (image: string): Command => sh`docker image rm --force ${image}`;
/** Removes its files and folders on the host, but for folders with an absolute path. */
export const removeServiceDirectory = (service: string): Command => sh`rm -rf ${service}`;
/** Removes the file of its secrets. */
export const removeAccessoryEnv = (of: Named, name: string): Command => sh`rm -f ${accessoryEnvPath(of, name)}`;
/** `docker ps` of its container, running or not, for people. */
export const accessoryDetails = (service: string): Command => sh`docker ps --all --filter ${`label=service=${service}`}`;

/** The containers of accessories that are on a host, in whatever state. */
export function accessoriesOn(services: readonly string[]): Query<readonly AccessoryFacts[]> {
  const format = ["{{.ID}}", "{{.Names}}", "{{.State}}", "{{.Status}}", "{{.Image}}"].join("\t");
  return {
    command: sh`docker ps --all ${services.flatMap((service) => ["--filter", `name=^${service.replaceAll(".", "\\.")}$`])} --format ${format}`,
    parse: (stdout) => stdout.split("\n").filter((line) => line.trim() !== "").map((line) => {
      const [id = "", service = "", state = "", status = "", image = ""] = line.split("\t");
      return { id, service, state, status, image };
    }),
  };
}
