import { sh } from "../../ground/command.ts";
import { proxyAppsDirectory, proxyContainer, proxyDirectory, proxyVolume, rolePrefix, tlsDirectory } from "../../ground/names.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import type { Role, Settings } from "../../config/settings.ts";
import { logFilter, logFlags } from "../logs.ts";
import type { ProxyDriver } from "./driver.ts";
import { factsCommand, parseFacts, plainList, readState } from "./kamal-state.ts";
import { switchStatus, switchStep, unroute } from "./kamal-switch.ts";
import { runProxy, startOrRunProxy } from "./run-flags.ts";

const step = (title: string, command: RunStep["command"]): RunStep => ({ kind: "run", title, command });

const makeFolder = step("Make the folder of the proxy's files", sh`mkdir -p ${proxyAppsDirectory}`);
const isThere = sh`docker container inspect ${proxyContainer} > /dev/null 2>&1`;
const startStep = step("Start the proxy", sh`docker container start ${proxyContainer}`);
const stopStep = step("Stop the proxy", sh`docker container stop ${proxyContainer}`);

/** kamal-proxy 0.9: routes are commands to its control socket, and it keeps them in a state file on a volume. */
export const kamalProxy: ProxyDriver = {
  name: "kamal-proxy",
  facts: () => ({ command: factsCommand, parse: parseFacts }),
  boot: ({ proxyRun }) => [makeFolder, step("Make sure that the proxy runs", startOrRunProxy(proxyRun))],
  reboot: ({ proxyRun }) => [
    step("Check that the proxy has saved its routes", sh`state=$(${readState}); case $state in ''|*]) ;; *) echo 'The state file of the proxy is broken: a reboot would lose all routes. Any deploy rewrites it.' >&2; exit ${switchStatus.unconfirmed} ;; esac`),
    { ...stopStep, command: sh`! ${isThere} || ${stopStep.command}` },
    step("Remove the proxy's container", sh`! ${isThere} || docker container rm ${proxyContainer}`),
    makeFolder,
    step("Run the proxy", runProxy(proxyRun)),
    step("Wait for the proxy", sh`n=0; until docker exec ${proxyContainer} kamal-proxy list > /dev/null 2>&1; do n=$((n + 1)); [ $n -le 20 ] || { docker logs --tail 20 ${proxyContainer} >&2; exit ${switchStatus.unconfirmed}; }; sleep 1; done`),
  ],
  start: () => [startStep],
  stop: () => [stopStep],
  remove: () => [
    step("Remove the proxy", sh`image=$(docker container inspect --format ${"{{.Config.Image}}"} ${proxyContainer}) || exit 0
docker container stop ${proxyContainer} && docker container rm ${proxyContainer} || exit
docker image rm "$image" || true`),
    step("Remove what the proxy keeps", sh`docker volume rm --force ${proxyVolume} && rm -rf ${proxyDirectory}`),
  ],
  prepare: (settings, role) => certificateSteps(settings, role),
  switch: switchStep,
  unroute: (settings, role) => {
    const route = rolePrefix(settings, role.name);
    return { kind: "run", role: role.name, title: `Take the route ${route} away`, command: unroute(route) };
  },
  details: () => sh`docker ps --filter ${`name=^${proxyContainer}$`}
docker exec ${proxyContainer} kamal-proxy list 2> /dev/null | ${plainList}`,
  logs: (options) => sh`docker logs ${logFlags(options)} ${proxyContainer} 2>&1${logFilter(options)}`,
};

/** The role's own certificate. The files can be read by all: the proxy runs as another user. */
function certificateSteps(settings: Settings, role: Role): readonly HostStep[] {
  const tls = role.proxy?.tls;
  if (typeof tls !== "object") return [];
  const folder = tlsDirectory(settings, role.name);
  return [
    { kind: "run", role: role.name, title: `Make the folder of ${role.name}'s certificate`, command: sh`mkdir -p ${folder}` },
    { kind: "upload", role: role.name, title: `Write certificate of ${role.name}`, path: `${folder}/cert.pem`, content: tls.certificate, mode: "0644" },
    { kind: "upload", role: role.name, title: `Write private key of ${role.name}`, path: `${folder}/key.pem`, content: tls.privateKey, mode: "0644" },
  ];
}
