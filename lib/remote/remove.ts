import { sh, type Command } from "../ground/command.ts";
import { appDirectory, auditLogPath, network, proxyAppDirectory, proxyAppsDirectory, proxyDirectory, runDirectory, serviceWithDestination, type Named } from "../ground/names.ts";

/** Removes all images of a service that no container uses. */
export const removeImages = (service: string): Command => sh`docker image prune --all --force --filter ${`label=service=${service}`}`;

/** Removes the folders of a service and destination: environment, assets, what the proxy reads. */
export const removeAppDirectories = (of: Named): Command => sh`rm -rf ${appDirectory(of)} ${proxyAppDirectory(of)}`;

/** True where other services have a folder on the host, running or not. */
const othersThere = (of: Named): Command => sh`ls ${`${runDirectory}/apps`} 2> /dev/null | grep -v -x -q ${serviceWithDestination(of)}`;

/** A command that is left out, and says so, where other services have a place on the host. */
export const unlessOthers = (of: Named, command: Command): Command => sh`if ${othersThere(of)}; then echo 'Left as it is: other services have a place on this host.'; else
${command}
fi`;

/** Removes the shared network where no container is in it, running or not. */
export const removeNetwork = (): Command => sh`[ -n "$(docker ps --all --quiet --filter network=${network})" ] || ! docker network inspect ${network} > /dev/null 2>&1 || docker network rm ${network}`;

/** Removes the audit log and the folders that are empty then. The lock goes when it is given back. */
export const removeRunFiles = (of: Named): Command => sh`rm -f ${auditLogPath(of)}
rmdir ${[proxyAppsDirectory, proxyDirectory, `${runDirectory}/apps`, runDirectory]} 2> /dev/null || true`;
