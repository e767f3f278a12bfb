import { sh, type Command } from "../../ground/command.ts";

/** What Docker says of a container that was made and not started: with an error it never will be. */
const madeBy = (container: string): Command => sh`docker container inspect --format ${"{{.State.Status}} {{.State.Error}}"} ${container} 2> /dev/null`;

/** Succeeds when the container runs, or does soon: two services that are set up at the same time share the proxy, and one of them is the first. */
export const startedByOther = (container: string): Command => sh`n=0
while [ $n -lt 50 ]; do
case $(${madeBy(container)}) in 'running '*) break ;; 'created ') ;; *) n=50 ;; esac
n=$((n + 1)); sleep 0.2
done
[ $n -lt 50 ]`;

/** Removes a container that was made and could not be started: it would be started the next time, as it was made this time. Not one that somebody else is just starting. */
export const removeUnstarted = (container: string): Command => sh`case $(${madeBy(container)}) in 'created '?*) docker container rm ${container} > /dev/null ;; esac`;
