import { sh, type Command, type Query } from "../ground/command.ts";
import { network } from "../ground/names.ts";

/** Held while the network is made, ten seconds at most. */
const turn = "/tmp/.capstan-network";

/**
 * Makes the network that proxy and containers share. Harmless when it is there. Two services that are set up at the same
 * moment take turns: Docker would make two of that name for them, and then know neither by it.
 */
export const createNetwork = (): Command => sh`docker network inspect ${network} > /dev/null 2>&1 || {
  n=0
  until mkdir ${turn} 2> /dev/null || [ $n -ge 50 ]; do n=$((n + 1)); sleep 0.2; done
  docker network inspect ${network} > /dev/null 2>&1 || docker network create ${network}
  status=$?
  rmdir ${turn} 2> /dev/null
  [ $status -eq 0 ]
}`;

/** Whether the shared network is there. */
export const networkExists = (): Query<boolean> => ({
  command: sh`docker network ls --quiet --filter ${`name=^${network}$`}`,
  parse: (stdout) => stdout.trim() !== "",
});
