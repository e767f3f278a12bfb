import { sh, type Command } from "../ground/command.ts";
import { accessoriesDirectory, accessoryEnvDirectory, appDirectory, auditLogPath, envDirectory, network, proxyAppDirectory, proxyAppsDirectory, proxyContainer, proxyDirectory, runDirectory, serviceWithDestination, tlsDirectory, type Named } from "../ground/names.ts";

/** Removes all images of a service that no container uses. */
export const removeImages = (service: string): Command => sh`docker image prune --all --force --filter ${`label=service=${service}`}`;

/** Removes the folders of a service and destination: environment, assets, what the proxy reads. */
export const removeAppDirectories = (of: Named): Command => sh`rm -rf ${appDirectory(of)} ${proxyAppDirectory(of)}`;

/** The same where accessories of the service have their place: their secrets and certificates stay. */
export const removeRoleDirectories = (of: Named, roles: readonly string[]): Command => sh`rm -rf ${[envDirectory(of), `${appDirectory(of)}/assets`, `${proxyAppDirectory(of)}/error_pages`, ...roles.map((role) => tlsDirectory(of, role))]} && ${removeEmptyDirectories(of)}`;

/** Removes what is empty of the folders of a service and destination: one that stays counts as its place on the host. */
export const removeEmptyDirectories = (of: Named): Command => sh`{ rmdir ${[accessoryEnvDirectory(of), `${appDirectory(of)}/env`, appDirectory(of), `${proxyAppDirectory(of)}/tls`, proxyAppDirectory(of)]} 2> /dev/null || true; }`;

/** Removes the files and folders of accessories: of each as much as may be removed. Fails when something is left. */
export const removeServiceDirectories = (services: readonly string[]): Command => sh`rm -rf ${services}`;

/** True where other services have a folder on the host, running or not. */
const othersThere = (of: Named): Command => sh`ls ${`${runDirectory}/apps`} 2> /dev/null | grep -v -x -q ${serviceWithDestination(of)}`;

/** A command that is left out, and says so, where other services have a place on the host. */
export const unlessOthers = (of: Named, command: Command): Command => sh`if ${othersThere(of)}; then echo 'Left as it is: other services have a place on this host.'; else
${command}
fi`;

/** Removes the shared network where no container is in it, running or not. */
export const removeNetwork = (): Command => sh`[ -n "$(docker ps --all --quiet --filter network=${network})" ] || ! docker network inspect ${network} > /dev/null 2>&1 || docker network rm ${network}`;

/** The name of a volume that docker manages, or undefined where a path of the host is mounted. */
export const volumeName = (volume: string): string | undefined => /^([a-z0-9][\w.-]*):/i.exec(volume)?.[1];

/** Removes a volume unless a container uses it, running or not. Harmless when there is none. */
export const removeVolume = (name: string): Command => sh`if [ -n "$(docker ps --all --quiet --filter ${`volume=${name}`})" ]; then echo ${`Left as it is: another container uses the volume ${name}.`}; else
! docker volume inspect ${name} > /dev/null 2>&1 || docker volume rm ${name}
fi`;

/**
 * Removes the audit log, the folders that are empty then, and, when nothing of any service is left, docker's own file
 * of logins where it tells of none. The folder that kamal-proxy reads stays even when it is empty while there is one: it
 * has it mounted. The lock goes when it is given back.
 */
export const removeRunFiles = (of: Named): Command => sh`rm -f ${auditLogPath(of)}
docker container inspect ${proxyContainer} > /dev/null 2>&1 || rmdir ${[proxyAppsDirectory, proxyDirectory]} 2> /dev/null || true
rmdir ${[`${runDirectory}/apps`, accessoriesDirectory, runDirectory]} 2> /dev/null || true
logins=$HOME/.docker
[ -e ${`${runDirectory}/apps`} ] || case $(cat "$logins/config.json" 2> /dev/null | tr -d '[:space:]') in '{}' | '{"auths":{}}') rm -f "$logins/config.json"; rmdir "$logins" 2> /dev/null || true ;; esac`;
