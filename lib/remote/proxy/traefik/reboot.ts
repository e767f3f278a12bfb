import { sh, type Command } from "../../../ground/command.ts";
import { traefikContainer } from "../../../ground/names.ts";
import type { RunStep } from "../../../ground/step.ts";
import type { TraefikSettings } from "../../../config/settings.ts";
import { nowFunction } from "../clock.ts";
import { switchStatus } from "../driver.ts";
import { traefikContainerCommand } from "./run.ts";
import { functions, patience, prelude } from "./script.ts";

/** Traefik lets requests in flight end for ten seconds after a TERM: longer than that before it is killed. */
const stopSeconds = 15;

/**
 * `answering`: waits until Traefik's API answers. `routing`: until it shows every file that stands in its folder; one
 * that another service changes meanwhile is looked at again.
 */
const startFunctions: Command = sh`answering() {
  n=0
  until docker exec ${traefikContainer} timeout 2 wget -q -O /dev/null "$api"/version 2> /dev/null; do
    n=$((n + 1))
    [ $n -lt ${patience * 5} ] || { echo 'Traefik does not answer. Its log:' >&2; docker logs --tail 20 ${traefikContainer} >&2; return 1; }
    sleep 0.2
  done
}
routing() {
  answering || return
  for file in "$dir"/*.yml; do
    case $file in *--next.yml) continue ;; esac
    while revision=$(revision "$file") && [ -n "$revision" ] && ! watch "http/middlewares/$(basename "$file" .yml)--$revision@file" ''; do
      [ "$(revision "$file")" != "$revision" ] || { complain; return 1; }
    done
  done
}`;

/** Waits until a Traefik that ran already answers. Ends with status 77 and its log when it does not. */
export const waitForAnswer: Command = sh`${prelude}
${startFunctions}
answering || exit ${switchStatus.unconfirmed}`;

/** Waits until a Traefik that was just started routes what its files say. Ends with status 77 and its log when it does not. */
export const waitForRoutes: Command = sh`${prelude}
${functions}
${startFunctions}
routing || exit ${switchStatus.unconfirmed}`;

/**
 * Replaces the container. The image is there and the new container made before the old one stops; when the new one
 * does not come to routing the old one is started again. Prints for how long nobody listened.
 */
export function rebootSteps(traefik: TraefikSettings): readonly RunStep[] {
  const [next, old] = [`${traefikContainer}_next`, `${traefikContainer}_old`];
  const isThere = (name: string): Command => sh`docker container inspect ${name} > /dev/null 2>&1`;
  return [
    { kind: "run", title: "Have Traefik's image", command: sh`docker image inspect ${traefik.image} > /dev/null 2>&1 || docker pull --quiet ${traefik.image}`, repeatable: true },
    {
      kind: "run", title: "Replace Traefik's container",
      loud: true,
      repeatable: true,
      // A reboot that was cut short may have left either behind. Nobody may be there to read what is printed: that must not end it half way.
      command: sh`trap '' PIPE
${nowFunction}
if ! ${isThere(traefikContainer)} && ${isThere(old)}; then docker rename ${old} ${traefikContainer} || exit; fi
docker rm --force ${next} > /dev/null 2>&1
{ ${traefikContainerCommand("create", next, traefik)}; } > /dev/null || exit
from=$(now)
if ${isThere(traefikContainer)}; then
  docker rm --force ${old} > /dev/null 2>&1
  docker container stop -t ${stopSeconds} ${traefikContainer} > /dev/null && docker rename ${traefikContainer} ${old} || { docker container start ${traefikContainer}; docker rm ${next}; exit ${switchStatus.unconfirmed}; } > /dev/null
fi
docker rename ${next} ${traefikContainer} && docker container start ${traefikContainer} > /dev/null && (
${waitForRoutes}
)
status=$?
if [ $status -ne 0 ]; then
  docker logs --tail 20 ${traefikContainer} >&2
  ${isThere(old)} || exit ${switchStatus.unconfirmed}
  { docker rm --force ${traefikContainer}; docker rename ${old} ${traefikContainer} && docker container start ${traefikContainer}; } > /dev/null && echo 'The new Traefik did not come up: the one before serves again.' >&2
  exit ${switchStatus.refused}
fi
to=$(now)
docker rm ${old} > /dev/null 2>&1
echo "The proxy was away for $((to - from)) ms." || :`,
      timeoutMs: 300_000,
    },
  ];
}
