import { sh, type Command } from "../ground/command.ts";

/** `--filter` for containers that do not run. */
export const stopped: readonly string[] = ["created", "exited", "dead"].flatMap((status) => ["--filter", `status=${status}`]);

/**
 * Removes the containers that stand in its input, a line each, with the volumes without a name that an image may ask
 * for: nobody could find them afterwards.
 */
export const removeEach: Command = sh`while read container_id; do docker rm --volumes $container_id; done`;

/** Removes the containers that a command prints, a line each. Fails when one cannot be removed. */
export const removeAll = (ids: Command): Command => sh`${ids} | while read container_id; do docker rm --volumes $container_id || exit; done`;

/** Removes stopped containers. Fails when one cannot be removed. @param filters of `docker ps` */
export const removeStopped = (filters: readonly (string | Command)[]): Command => removeAll(sh`docker ps --all --quiet ${stopped} ${filters}`);
