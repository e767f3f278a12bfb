import { sh, type Command } from "../../ground/command.ts";
import { proxyContainer } from "../../ground/names.ts";
import type { RunStep } from "../../ground/step.ts";
import type { ProxyRunSettings } from "../../config/settings.ts";
import { nowFunction } from "./clock.ts";
import { switchStatus } from "./driver.ts";
import { createProxy } from "./run-flags.ts";

/** Waits until the proxy answers on its control socket. Ends with status 77 and the end of its log when it does not. */
export const waitForProxy: Command = sh`n=0; until docker exec ${proxyContainer} kamal-proxy list > /dev/null 2>&1; do n=$((n + 1)); [ $n -le 100 ] || { docker logs --tail 20 ${proxyContainer} >&2; exit ${switchStatus.unconfirmed}; }; sleep 0.2; done`;

/**
 * Replaces the proxy's container, as one command: whatever becomes of the connection or of Ctrl-C meanwhile, the host
 * carries it to its end and is not left without a proxy. The new container is made before the old one stops; when it
 * does not come up the old one is started again. Prints for how long nobody listened.
 */
export function replaceStep(run: ProxyRunSettings | undefined): RunStep {
  const [next, old] = [`${proxyContainer}_next`, `${proxyContainer}_old`];
  const isThere = (name: string): Command => sh`docker container inspect ${name} > /dev/null 2>&1`;
  return {
    kind: "run", title: "Replace the proxy's container",
    loud: true,
    repeatable: true,
    // A reboot that was cut short, such as by the host's own, may have left either behind. Nobody may be there to read what is printed: that must not end it half way.
    command: sh`trap '' PIPE
${nowFunction}
if ! ${isThere(proxyContainer)} && ${isThere(old)}; then docker rename ${old} ${proxyContainer} || exit; fi
docker rm --force ${next} > /dev/null 2>&1
made=$(${createProxy(next, run)}) || exit
from=$(now)
if ${isThere(proxyContainer)}; then
  docker rm --force ${old} > /dev/null 2>&1
  docker container stop ${proxyContainer} > /dev/null && docker rename ${proxyContainer} ${old} || { docker container start ${proxyContainer}; docker rm ${next}; exit ${switchStatus.unconfirmed}; } > /dev/null
fi
said=$({ docker rename ${next} ${proxyContainer} && docker container start ${proxyContainer} > /dev/null && (
${waitForProxy}
); } 2>&1)
if [ $? -ne 0 ]; then
  ${isThere(old)} || { printf '%s\n' "$said" >&2; exit ${switchStatus.unconfirmed}; }
  { docker rm --force ${proxyContainer}; docker rename ${old} ${proxyContainer} && docker container start ${proxyContainer}; } > /dev/null 2>&1 && back='The new proxy did not come up: the one before runs again.'
  printf '%s\n' "$said" "$back" >&2
  exit ${switchStatus.refused}
fi
to=$(now)
docker rm ${old} > /dev/null 2>&1
echo "The proxy was away for $((to - from)) ms." || :`,
    timeoutMs: 300_000,
  };
}
