import { sh, type Command, type Query } from "../ground/command.ts";
import { network } from "../ground/names.ts";

/** Makes the network that proxy and containers share. Harmless when it is there. */
export const createNetwork = (): Command => sh`docker network inspect ${network} > /dev/null 2>&1 || docker network create ${network}`;

/** Whether the shared network is there. */
export const networkExists = (): Query<boolean> => ({
  command: sh`docker network ls --quiet --filter ${`name=^${network}$`}`,
  parse: (stdout) => stdout.trim() !== "",
});
