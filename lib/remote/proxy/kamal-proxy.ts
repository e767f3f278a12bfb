import { sh } from "../../ground/command.ts";
import { proxyAppsDirectory, proxyContainer, proxyDirectory, proxyVolume, rolePrefix, tlsDirectory } from "../../ground/names.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import type { KamalProxySettings, Role, Settings } from "../../config/settings.ts";
import { namedLogs } from "../logs.ts";
import { switchStatus, type ProxyDriver } from "./driver.ts";
import { canarySteps, endCanarySteps, endRollout } from "./kamal-canary.ts";
import { factsCommand, parseFacts, plainList, readState } from "./kamal-state.ts";
import { replaceStep, waitForProxy } from "./kamal-reboot.ts";
import { switchStep, unroute } from "./kamal-switch.ts";
import { haveImage, startOrRunProxy } from "./run-flags.ts";
import { removeUnstarted, startedByOther } from "./shared-start.ts";

const step = (title: string, command: RunStep["command"]): RunStep => ({ kind: "run", title, command });

/** A step that may be done again: it asks for a state, not for a change. */
const again = (title: string, command: RunStep["command"]): RunStep => ({ ...step(title, command), repeatable: true });

const makeFolder = again("Make the folder of the proxy's files", sh`mkdir -p ${proxyAppsDirectory}`);
const startStep = again("Start the proxy", sh`docker container start ${proxyContainer}`);
const stopStep = again("Stop the proxy", sh`docker container stop ${proxyContainer}`);
const waitStep = again("Wait for the proxy", waitForProxy);

/** kamal-proxy 0.9: routes are commands to its control socket, and it keeps them in a state file on a volume. */
export const kamalProxy: ProxyDriver = {
  name: "kamal-proxy",
  canaryShare: "The share is one of the values of the cookie kamal-rollout, which the app must set: a visitor without it never gets the canary.",
  facts: () => ({ command: factsCommand, parse: parseFacts }),
  differences: ({ proxyRun }, { image }) => (proxyRun === undefined || proxyRun.image === image ? [] : [`The proxy runs as ${image}, the config asks for ${proxyRun.image}`]),
  collisions: () => [],
  boot: ({ proxyRun }, proxy) => [makeFolder, ...(proxy?.running === true ? [] : [{
    ...again("Make sure that the proxy runs", startOrRunProxy(proxyRun)),
    passIf: startedByOther(proxyContainer),
    // One that was made and could not start would be started the next time, with the ports of this time.
    undo: removeUnstarted(proxyContainer),
    undoTitle: "Remove the proxy's container if it was made and could not start",
    undoIfFailed: true as const,
    hint: "Where another container or program has the proxy's ports, `docker ps` on the host tells which one. `capstan upgrade` takes the place of the Traefik of MRSK or Kamal 1.",
  } satisfies RunStep])],
  reboot: ({ proxyRun }) => [
    again("Check that the proxy has saved its routes", sh`state=$(${readState}); case $state in ''|*]) ;; *) echo 'The state file of the proxy is broken: a reboot would lose all routes. Any deploy rewrites it.' >&2; exit ${switchStatus.unconfirmed} ;; esac`),
    makeFolder,
    again("Have the proxy's image", haveImage(proxyRun)),
    replaceStep(proxyRun),
  ],
  start: () => [startStep, waitStep],
  stop: () => [stopStep],
  remove: () => [
    step("Remove the proxy", sh`image=$(docker container inspect --format ${"{{.Config.Image}}"} ${proxyContainer}) || exit 0
docker container stop ${proxyContainer} && docker container rm ${proxyContainer} || exit
docker image rm "$image" || true`),
    step("Remove what the proxy keeps", sh`docker volume rm --force ${proxyVolume} && rm -rf ${proxyDirectory}`),
  ],
  switch: (settings, role, to, { from, route }) => [...certificateSteps(settings, role), switchStep(settings, role, to, from), ...(route?.canary === undefined ? [] : [endRollout(route.name, role.name)])],
  unroute: (settings, role) => {
    const route = rolePrefix(settings, role.name);
    return { kind: "run", role: role.name, title: `Take the route ${route} away`, command: unroute(route), repeatable: true };
  },
  maintain: (settings, role, { name }, message) => [{
    kind: "run", role: role.name, title: `Answer ${name} with the maintenance page`,
    command: sh`docker exec ${proxyContainer} kamal-proxy stop ${name} ${`--drain-timeout=${settings.drainTimeoutSeconds}s`} ${`--message=${message}`}`,
    timeoutMs: (settings.drainTimeoutSeconds + 30) * 1000,
  }],
  live: (_settings, role, { name }) => [{ kind: "run", role: role.name, title: `Send ${name} to the app again`, command: sh`docker exec ${proxyContainer} kamal-proxy resume ${name}` }],
  canary: canarySteps,
  endCanary: endCanarySteps,
  details: () => sh`docker ps --filter ${`name=^${proxyContainer}$`}
docker exec ${proxyContainer} kamal-proxy list 2> /dev/null | ${plainList}`,
  logs: (options) => namedLogs(proxyContainer, options),
};

/** The role's own certificate. */
const certificateSteps = (settings: Settings, role: Role): readonly HostStep[] =>
  (role.proxy?.kind === "kamal-proxy" ? ownCertificateSteps(settings, role.name, role.proxy).map((step) => ({ ...step, role: role.name })) : []);

/** A certificate of the user's own for a role or an accessory. The files can be read by all: the proxy runs as another user. */
export function ownCertificateSteps(settings: Settings, owner: string, { tls }: KamalProxySettings): readonly HostStep[] {
  if (typeof tls !== "object") return [];
  const folder = tlsDirectory(settings, owner);
  return [
    { kind: "run", title: `Make the folder of ${owner}'s certificate`, command: sh`mkdir -p ${folder}`, repeatable: true },
    { kind: "upload", title: `Write certificate of ${owner}`, path: `${folder}/cert.pem`, content: tls.certificate, mode: "0644" },
    { kind: "upload", title: `Write private key of ${owner}`, path: `${folder}/key.pem`, content: tls.privateKey, mode: "0644" },
  ];
}
