import { sh, type Command } from "../ground/command.ts";
import { network, proxyContainer, traefikContainer } from "../ground/names.ts";
import type { HostStep, RunStep } from "../ground/step.ts";
import { isStopped } from "../remote/container.ts";
import type { ProxyFacts } from "../remote/facts.ts";
import { driverOn, settingsOn } from "../remote/proxy/drivers.ts";
import { haveImage } from "../remote/proxy/run-flags.ts";
import { isOurTraefik } from "../remote/proxy/traefik/run.ts";
import type { Order } from "./order.ts";

/** Name of the old proxy until all is well. */
const before = `${traefikContainer}-before-upgrade`;
const exists = (name: string): Command => sh`docker container inspect ${name} > /dev/null 2>&1`;
/** There is a Traefik that is not ours. */
const isOldTraefik = sh`${exists(traefikContainer)} && ! ${isOurTraefik()}`;

/** Kamal 1 and MRSK have one Traefik a host, for whatever service has labels for it. */
function refuseShared({ settings: { service, destination, accessories } }: Order): RunStep {
  const hasLabels = `{{if not (index .NetworkSettings.Networks "${network}")}}{{range $name, $value := .Config.Labels}}{{if eq (index (split $name ".") 0) "traefik"}}x{{end}}{{end}}{{end}}`;
  const format = `${hasLabels}|{{index .Config.Labels "service"}}|{{index .Config.Labels "destination"}}|{{join (split .Name "/") ""}}`;
  const own = accessories.map((accessory) => sh`[ "$service" != ${accessory.service} ] || continue
`);
  return {
    kind: "run", title: "Make sure that no other service needs the old Traefik", repeatable: true,
    command: sh`{ ${isOldTraefik}; } || exit 0
ids=$(docker ps --quiet) || exit
others=$(docker container inspect --format ${format} $ids | while IFS='|' read -r labels service destination name; do
[ -n "$labels" ] && [ "$name" != ${traefikContainer} ] && [ "$service|$destination" != ${`${service}|${destination ?? ""}`} ] || continue
${own}echo "$name"
done)
[ -z "$others" ] || { echo "Other services are behind the old Traefik:" $others >&2; exit 1; }`,
    hint: "They get no requests from the moment it stops until they are upgraded too: add --force when that may be.",
  };
}

const refuseLeftover: RunStep = {
  kind: "run", title: "Make sure that the old Traefik can make place", repeatable: true,
  command: sh`! { ${isOldTraefik}; } || ! ${exists(before)} || { echo ${`A container ${before} is there already.`} >&2; exit 1; }`,
  hint: `An earlier upgrade left it: when nothing needs it any more, \`docker rm --force ${before}\` on the host takes it away.`,
};

/** What is in the way of taking the old Traefik's place; before anything is changed anywhere. @param force other services may lose it */
export const refuseOldTraefik = (order: Order, force: boolean): readonly HostStep[] => [refuseLeftover, ...(force ? [] : [refuseShared(order)])];

/**
 * The old Traefik gives its ports to the new proxy, whose image is there by then; on failure it gets them back.
 * @param there the new proxy where it was there before: it may serve others, and is not taken away
 */
export function stopOldTraefik({ settings }: Order, host: string, there: ProxyFacts | undefined): readonly HostStep[] {
  const { proxyRun, traefik } = settingsOn(settings, host);
  const isKamal = driverOn(settings, host).name === "kamal-proxy";
  return [
    { kind: "run", title: "Have the proxy's image", command: haveImage(isKamal ? proxyRun : traefik), repeatable: true },
    {
      kind: "run", title: "Stop the old Traefik",
      command: sh`! { ${isOldTraefik}; } || { docker rename ${traefikContainer} ${before} && docker container stop ${before} > /dev/null; }`,
      doneIf: sh`${exists(before)} && ${isStopped(before)}`,
      undo: sh`${exists(before)} || exit 0
! { ${isOldTraefik}; } || exit 0
${freePorts(isKamal ? there : undefined, isKamal ? proxyContainer : traefikContainer)}docker rename ${before} ${traefikContainer} && docker container start ${traefikContainer}`,
      undoTitle: "Start the old Traefik again",
    },
  ];
}

/** Lines that take the ports from the new proxy. One that ran beside the old one has others. */
function freePorts(there: ProxyFacts | undefined, container: string): readonly Command[] {
  if (there?.running === true) return [];
  return [there === undefined ? sh`docker rm --force ${container} > /dev/null 2>&1
` : sh`docker container stop ${container} > /dev/null 2>&1
`];
}

/** Takes the old Traefik away once nothing goes back to it. */
export const removeOldTraefik: RunStep = {
  kind: "run", title: "Remove the old Traefik", repeatable: true,
  command: sh`${exists(before)} || exit 0
docker container rm ${before}
docker image prune --all --force --filter label=org.opencontainers.image.title=Traefik`,
};
