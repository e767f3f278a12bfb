import { Command, sh, type Query } from "../ground/command.ts";
import { accessoryEnvPath, accessoryExecName, accessoryNotesDirectory, tlsDirectory, type Named } from "../ground/names.ts";
import type { Accessory, AccessoryDirectory, AccessoryFile } from "../config/settings.ts";
import { checked, isName, isPlain, isWord } from "./answer.ts";
import { containerId, inNetworks } from "./container.ts";
import { envFlags, loggingFlags, optionFlags, volumeFlags } from "./container-flags.ts";
import { secretFlags, valuesPath, withValues } from "./envfile.ts";
import type { AccessoryFacts } from "./facts.ts";
import { removeEmptyDirectories } from "./remove.ts";
import { pairs } from "./shell-value.ts";

/** A path on the host as a volume's source: docker takes absolute ones only. */
const absolute = (hostPath: string): Command => (hostPath.startsWith("/") ? sh`${hostPath}` : sh`"$PWD"/${hostPath}`);

const mount = ({ hostPath, remote, options }: AccessoryFile | AccessoryDirectory): readonly (string | Command)[] => ["--volume", sh`${absolute(hostPath)}${`:${remote}${options === undefined ? "" : `:${options}`}`}`];

const mounts = ({ volumes, files, directories }: Accessory): readonly (string | Command)[] => [...volumeFlags(volumes), ...files.flatMap(mount), ...directories.flatMap(mount)];

/** Starts an accessory. Flags stand in Kamal's order. Its `cmd` is shell code, as the user wrote it. */
export function runAccessory(of: Named, accessory: Accessory, host: string): Command {
  const { service, image, network, logging, publish, labels, cmd, options: { restart, ...options } } = accessory;
  const env = { clear: { KAMAL_HOST: host, ...accessory.env.clear }, secret: accessory.env.secret };
  const path = accessoryEnvPath(of, accessory.name);
  return withValues(env, path, sh`docker run --name ${service} --detach --restart ${String(restart ?? "unless-stopped")} --network ${network} ${[
    ...loggingFlags(logging), ...(publish === undefined ? [] : ["--publish", publish]),
    ...envFlags(env.clear), ...secretFlags(env, path),
    ...mounts(accessory), ...pairs("--label", { service, ...labels }), ...optionFlags(options),
    image, ...(cmd === undefined ? [] : [new Command(cmd)]),
  ]}`);
}

/** Runs a command in a new container with the accessory's environment, volumes and network, removed afterwards. @param hex 6 digits of its name */
export function runAccessoryOneOff(of: Named, accessory: Accessory, command: Command, hex: string, interactive: readonly string[]): Command {
  const { service, image, network, env } = accessory;
  const path = accessoryEnvPath(of, accessory.name);
  return withValues(env, path, sh`docker run ${[...interactive, "--rm", "--name", accessoryExecName(service, hex), "--network", network, ...envFlags(env.clear), ...secretFlags(env, path), ...mounts(accessory), image, command]}`);
}

/** Makes the folder that a file of its will be in. @param hostPath below the home directory */
export const makeFolderOf = (hostPath: string): Command => sh`mkdir -p ${hostPath.slice(0, hostPath.lastIndexOf("/"))}`;
/** Makes a folder of an accessory. */
export const makeDirectory = ({ hostPath }: Pick<AccessoryDirectory, "hostPath">): Command => sh`mkdir -p ${absolute(hostPath)}`;
/** Gives a folder of an accessory its mode. */
export const changeMode = ({ hostPath }: Pick<AccessoryDirectory, "hostPath">, mode: string): Command => sh`chmod ${mode} ${absolute(hostPath)}`;
/** Gives a folder or a file of an accessory to a user and a group, by name or number. Only root may. */
export const changeOwner = ({ hostPath }: Pick<AccessoryDirectory, "hostPath">, owner: string): Command => sh`chown ${owner} ${absolute(hostPath)}`;

/** Fails, with the end of its log, unless the container runs on for two seconds. */
export function staysUp(service: string): Command {
  return sh`sleep 2
state=$(docker container inspect --format ${"{{.State.Status}} {{.RestartCount}}"} ${service})
[ "$state" = 'running 0' ] || { echo ${`${service} does not stay up:`} "$state" >&2; docker logs --tail 20 ${service} >&2; exit 1; }`;
}

/**
 * Takes away a container that was made and could not start. One that is about to start, or runs, is somebody else's:
 * another service may have taken the name meanwhile. No volume goes with it.
 */
export function removeUnstarted(service: string): Command {
  const made = sh`${containerId(service)} --filter status=created`;
  return sh`id=$(${made})
[ -n "$id" ] || exit 0
sleep 5
[ "$(${made})" != "$id" ] || docker container rm "$id"`;
}

/** Takes away a container that started and did not stay up, or got no requests. Its volumes stay, noted as {@link noteVolumes} does. */
export const removeFailed = (service: string): Command => sh`docker container inspect ${service} > /dev/null 2>&1 || exit 0
${noteVolumes(service)} && docker rm --force ${service}`;

/** Pulls its image. */
export const pullAccessoryImage = (image: string): Command => sh`docker image pull ${image}`;
/** Stops an accessory. */
export const stopAccessory = (service: string): Command => sh`docker container stop ${service}`;
/** Starts its stopped container. */
export const startAccessory = (service: string): Command => sh`docker container start ${service}`;
/** Removes its stopped container. A volume without a name stays: its data can still be fetched. */
export const removeAccessoryContainer = (service: string): Command => sh`docker container prune --force --filter ${`label=service=${service}`}`;

const look = (service: string, format: string): Command => sh`docker container inspect --format ${format} ${service}`;
const notes = (service: string): { readonly folder: string; readonly volumes: string } => {
  const folder = accessoryNotesDirectory(service);
  return { folder, volumes: `${folder}/volumes` };
};

const volumesOf = (service: string): Command => sh`${look(service, "{{range .Mounts}}{{println .Name}}{{end}}")} | grep -x -E ${"[0-9a-f]{64}"} >> ${notes(service).volumes} || true`;

/** Notes the container's volumes without a name, for {@link removeNotedVolumes}. Docker could not tell them from others' when it is gone. */
export const noteVolumes = (service: string): Command => sh`mkdir -p ${notes(service).folder} && ${volumesOf(service)}`;

/**
 * Stops the container, removes it, starts the new one and looks whether it stays up, as one command: whatever becomes of
 * the connection or of Ctrl-C meanwhile, the host carries it to its end and is not left without the accessory. Its
 * output comes at the end, since whoever read it may be gone. Volumes without a name are noted as {@link noteVolumes}
 * does; the old image goes last, unless another container uses it or it has other names.
 */
export function replaceAccessory(of: Named, accessory: Accessory, host: string): Command {
  const { service } = accessory;
  return sh`said=$(
exec 2>&1
set -e
old=$(${look(service, "{{.Image}}")})
${noteVolumes(service)}
${stopAccessory(service)}
${removeAccessoryContainer(service)}
${runAccessory(of, accessory, host)}
${staysUp(service)}
new=$(${look(service, "{{.Image}}")})
[ "$old" = "$new" ] || docker image rm "$old" || true
)
status=$?
[ $status -eq 0 ] || printf '%s\n' "$said" >&2
exit $status`;
}

/** Removes the volumes without a name of its containers, the last one and those before it. */
export function removeNotedVolumes(service: string): Command {
  const { folder, volumes } = notes(service);
  return sh`[ ! -f ${volumes} ] || while read volume; do docker volume rm --force "$volume" || true; done < ${volumes}
rm -rf ${folder}`;
}

/** Removes its image, unless a container uses it: by force its name would go all the same. */
export const removeAccessoryImage = (image: string): Command => sh`if [ -n "$(docker ps --all --quiet --filter ${`ancestor=${image}`})" ]; then echo ${`Left as it is: another container uses ${image}.`}
elif docker image inspect ${image} > /dev/null 2>&1; then
docker image rm --force ${image}
fi`;
/**
 * Removes what its container's own user made in its folder: who may use Docker, and is not root, does that in a container. Nothing is pulled, and
 * what goes wrong shows when the folder itself is removed.
 */
export const emptyServiceDirectory = ({ service, image }: Pick<Accessory, "service" | "image">): Command => sh`[ ! -e ${service} ] || rm -rf ${service} 2> /dev/null || docker run --rm --pull never --network none --user 0 --entrypoint rm --volume "$PWD"/${`${service}:/remove`} ${image} -rf /remove > /dev/null 2>&1 || true`;
/** Removes the files of its secrets: environment, certificate. Folders that are empty then go too: they would count as a service's place on the host. */
export function removeAccessorySecrets(of: Named, { name, proxy }: Pick<Accessory, "name" | "proxy">): Command {
  const certificate = typeof proxy?.tls === "object" ? [tlsDirectory(of, name)] : [];
  const path = accessoryEnvPath(of, name);
  return sh`rm -rf ${[path, valuesPath(path), ...certificate]} && ${removeEmptyDirectories(of)}`;
}
/** `docker ps` of its container while it runs, for people. */
export const accessoryDetails = (service: string): Command => sh`docker ps --filter ${`label=service=${service}`}`;

/** The containers of accessories that are on a host, in whatever state. */
export function accessoriesOn(services: readonly string[]): Query<readonly AccessoryFacts[]> {
  const format = ["{{.ID}}", "{{.Names}}", "{{.State}}", "{{.Status}}", "{{.Image}}", "{{.Networks}}"].join("\t");
  return {
    command: sh`docker ps --all ${services.flatMap((service) => ["--filter", `name=^${service.replaceAll(".", "\\.")}$`])} --format ${format}`,
    parse: (stdout) => stdout.split("\n").filter((line) => line.trim() !== "").map((line) => {
      const [id = "", service = "", state = "", status = "", image = "", networks = ""] = line.split("\t");
      checked(isName(id) && isName(service) && isWord(state) && isWord(image) && [status, networks].every(isPlain), "an accessory's container", line);
      return { id, service, state, status, image, ...inNetworks(networks) };
    }),
  };
}
