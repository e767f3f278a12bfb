import { DeployError } from "../../../ground/errors.ts";
import { Command, sh } from "../../../ground/command.ts";
import { rolePrefix, traefikContainer, traefikDirectory } from "../../../ground/names.ts";
import type { HostStep, RunStep } from "../../../ground/step.ts";
import type { Role, Settings, TraefikRouteSettings, TraefikSettings } from "../../../config/settings.ts";
import { labelledPort, sharedNames } from "../../../config/traefik/route.ts";
import { containerId } from "../../container.ts";
import { envUploads } from "../../envfile.ts";
import type { Route } from "../../facts.ts";
import { namedLogs } from "../../logs.ts";
import { switchStatus, type ProxyDriver, type Target } from "../driver.ts";
import { removeUnstarted, startedByOther } from "../shared-start.ts";
import { nextName, placeholder, type Backend, type RouteFile } from "./file.ts";
import { removePage, removePages, startPage } from "./page.ts";
import { placeSteps, restoreFunction, type Placing, type Probe } from "./place.ts";
import { rebootSteps, waitForAnswer, waitForRoutes } from "./reboot.ts";
import { envPath, runTraefik } from "./run.ts";
import { filesInProxy, functions, prelude } from "./script.ts";
import { factsCommand, ownFile, parseFacts, traefikDifferences } from "./state.ts";

/** Another service may have started it just now. */
const isRunning = sh`[ "$(docker container inspect --format '{{.State.Running}}' ${traefikContainer} 2> /dev/null)" = true ]`;
const step = (title: string, command: Command): RunStep => ({ kind: "run", title, command });
/** A step that may be done again: it asks for a state, not for a change. */
const again = (title: string, command: Command): RunStep => ({ ...step(title, command), repeatable: true });

/** Traefik 2 and 3 with the file provider: a file for each role on each host, seen in Traefik's API before and after it is in force. */
export const traefikProxy: ProxyDriver = {
  name: "traefik",
  canaryShare: "The share is one of visitors: the first request is decided by chance, a cookie keeps the choice.",
  facts: () => ({ command: factsCommand, parse: parseFacts }),
  differences: (settings, facts) => traefikDifferences(runSettings(settings), facts),
  collisions: (settings, role, routes) => routes
    .filter((route) => route.name !== rolePrefix(settings, role.name))
    .flatMap(({ name: of, file }) => (file === undefined ? [] : sharedNames(proxyOf(role).route, file.route).map((name) => ({ name, of })))),
  boot: (settings) => [
    ...filesOf(runSettings(settings)),
    {
      ...again("Make sure that Traefik runs", sh`if ${isRunning}; then
${waitForAnswer}
exit
elif docker container inspect ${traefikContainer} > /dev/null 2>&1; then
  docker container start ${traefikContainer} > /dev/null || exit ${switchStatus.refused}
else
  ${runTraefik(runSettings(settings))} || { ${startedByOther(traefikContainer)}; } || { ${removeUnstarted(traefikContainer)}; exit ${switchStatus.refused}; }
fi
${waitForRoutes}`),
      hint: "Where another program has the port, stop it first (kamal-proxy: `docker stop kamal-proxy` on the host), or choose another one with traefik.hostPort. Where Traefik itself ended, its log above says why.",
    },
    ...ownRoute(settings),
  ],
  reboot: (settings) => [...filesOf(runSettings(settings)), ...rebootSteps(runSettings(settings)), ...ownRoute(settings)],
  start: () => [again("Start Traefik", sh`docker container start ${traefikContainer} || exit
${waitForRoutes}`)],
  stop: () => [again("Stop Traefik", sh`docker container stop ${traefikContainer}`)],
  remove: () => [
    step("Remove Traefik", sh`image=$(docker container inspect --format '{{.Config.Image}}' ${traefikContainer}) || exit 0
docker container stop ${traefikContainer} && docker container rm ${traefikContainer} || exit
${removePages}
docker image rm "$image" || true`),
    again("Remove what Traefik keeps", sh`rm -rf ${traefikDirectory}`),
  ],
  switch(settings, role, to, { route }) {
    const proxy = proxyOf(role);
    const name = rolePrefix(settings, role.name);
    const label = "container" in to ? to.container : to.id;
    const main: Backend = { id: placeholder.id, port: String(labelledPort(proxy.route, name) ?? proxy.appPort ?? placeholder.port) };
    const file: RouteFile = { name, mode: route?.mode === "maintenance" ? "maintenance" : "live", main, route: proxy.route };
    return placeSteps({
      ...placingOf(settings, role, file, `Switch ${name} to ${label}`), find: findTarget(to), drainAll: false,
      undo: undoOf(name, to, route === undefined ? `Take the route ${name} away` : `Switch ${name} back`),
    });
  },
  unroute: (settings, role) => ({ ...again(`Take the route ${rolePrefix(settings, role.name)} away`, removeFile(rolePrefix(settings, role.name))), role: role.name }),
  maintain(settings, role, route, message) {
    const file = savedFile(route, role);
    return placeSteps({ ...placingOf(settings, role, { ...file, mode: "maintenance" }, `Answer ${file.name} with the maintenance page`), find: startPage(file.name, message), drainAll: true });
  },
  live(settings, role, route) {
    const file = savedFile(route, role);
    return [
      ...placeSteps({ ...placingOf(settings, role, { ...file, mode: "live" }, `Send ${file.name} to the app again`), find: sh`id= port=`, drainAll: false }),
      { kind: "run", role: role.name, title: "Remove the maintenance page", command: removePage(file.name), repeatable: true },
    ];
  },
  canary(settings, role, route, canary, percent) {
    const file = savedFile(route, role);
    const known = "id" in canary;
    const port = file.main.port;
    const backend: Backend = known ? { id: canary.id, port: canary.port === undefined ? port : String(canary.port) } : { id: placeholder.id, port };
    const find = known ? sh`id= port=` : findTarget(canary);
    return placeSteps({
      ...placingOf(settings, role, { ...file, canary: { ...backend, percent } }, `Send ${percent} % of ${file.name} to ${known ? canary.id : canary.container}`), find, drainAll: false,
      undo: undoOf(file.name, canary, `Send all of ${file.name} to ${file.main.id}`),
    });
  },
  endCanary(settings, role, route) {
    const { canary: _canary, ...file } = savedFile(route, role);
    return placeSteps({ ...placingOf(settings, role, file, `Send all of ${file.name} to ${file.main.id}`), find: sh`id= port=`, drainAll: false });
  },
  details: () => sh`docker ps --filter ${`name=^${traefikContainer}$`}
dir=$(docker container inspect --format ${`{{range .Mounts}}{{if eq .Destination "${filesInProxy}"}}{{.Source}}{{end}}{{end}}`} ${traefikContainer} 2> /dev/null) || exit 0
for file in "$dir"/*.yml; do
  [ -f "$file" ] || continue
  name=$(basename "$file" .yml)
  mode=$(sed -n 's/^# capstan {"name":"[^"]*","mode":"\([a-z]*\)".*/\1/p' "$file")
  percent=$(sed -n 's/^# capstan .*"canary":{"id":"[^"]*","port":"[^"]*","percent":\([0-9]*\)}.*/, \1 % to the last/p' "$file")
  printf '%s: %s%s%s\n' "$name" "$(sed -n 's/^# targets //p' "$file")" "$([ "$mode" = maintenance ] && echo ', maintenance')" "$percent"
done`,
  logs: (options) => namedLogs(traefikContainer, options),
};

/** Puts the file before back, when the one in force names the container, and this run started it where that is known. */
function undoOf(name: string, to: Target, title: string): NonNullable<Placing["undo"]> {
  return {
    title,
    command: sh`docker container inspect ${traefikContainer} > /dev/null 2>&1 || exit 0
${prelude}
${functions}
${restoreFunction(name)}
rm -f "$dir"/${nextName(name, name)}.yml
${"id" in to ? sh`id=${to.id}` : (to.own ?? sh`id=$(${containerId(to.container)})`)}
[ -n "$id" ] || exit 0
case " $(targets "$dir"/${name}.yml)" in *" $id":*) restore || exit ${switchStatus.unconfirmed} ;; esac`,
  };
}

function runSettings({ traefik }: Settings): TraefikSettings {
  if (traefik === undefined) throw new DeployError("config", "No role is behind Traefik", { hint: "Set traefik in the config." });
  return traefik;
}

function proxyOf({ name, proxy }: Role): TraefikRouteSettings {
  if (proxy?.kind !== "traefik") throw new DeployError("config", `Cannot switch role ${name}: it is not behind Traefik`, { hint: `Set servers.${name}.traefik to true.` });
  return proxy;
}

function savedFile({ file, name }: Route, role: Role): RouteFile {
  if (file === undefined) throw new DeployError("missing", `There is no route ${name} of ${role.name} at Traefik`, { hint: "Deploy first." });
  return file;
}

/** Sets `id` and `port` of a container that is switched to. */
function findTarget(to: Target): Command {
  const label = "container" in to ? to.container : to.id;
  return sh`id=$(${"id" in to ? sh`echo ${to.id}` : containerId(to.container)})
[ -n "$id" ] || { echo ${`There is no container ${label}`} >&2; exit ${switchStatus.refused}; }
port=$(docker container inspect --format '{{range $port, $_ := .Config.ExposedPorts}}{{println $port}}{{end}}' "$id" | sed -n 's,/tcp$,,p' | sort -n | head -n 1)
[ -n "$port" ] || port=3000`;
}

function placingOf(settings: Settings, role: Role, file: RouteFile, title: string): Omit<Placing, "find" | "drainAll"> {
  const { healthcheck, appPort } = proxyOf(role);
  const servicePort = String(labelledPort(file.route, file.name) ?? appPort ?? placeholder.port);
  const probe: Probe = { path: healthcheck.path, port: healthcheck.port, servicePort };
  return { settings, role: role.name, file, title, probe };
}

/** Folders and the secret environment: what must be there before the container is. */
function filesOf(traefik: TraefikSettings): readonly HostStep[] {
  return [
    again("Make the folders of Traefik's files", sh`mkdir -p ${["dynamic", "stage", "prev"].map((folder) => `${traefikDirectory}/${folder}`)}`),
    ...(Object.keys(traefik.env.secret).length === 0 ? [] : envUploads({ name: "Traefik", env: traefik.env, path: envPath })),
  ];
}

/** What `traefik.labels` ask Traefik itself to answer. */
function ownRoute(settings: Settings): readonly HostStep[] {
  const { route } = runSettings(settings);
  if (route === undefined) return [];
  const file: RouteFile = { name: ownFile, mode: "live", main: { id: "", port: "" }, route };
  return placeSteps({ settings, role: undefined, file, title: "Route to Traefik itself", find: sh`id= port=`, drainAll: false, probe: { path: "/", port: undefined, servicePort: "" } });
}

/** Takes a role's file away and sees that Traefik did too; harmless when there is none, or no proxy. */
function removeFile(name: string): Command {
  return sh`docker container inspect ${traefikContainer} > /dev/null 2>&1 || exit 0
${prelude}
${functions}
${removePage(name)}
gone=$(revision "$dir"/${name}.yml)
rm -f "$dir"/${name}.yml "$dir"/${nextName(name, name)}.yml "$base"/prev/${name}.yml
[ -z "$gone" ] || ! ${isRunning} || watch "gone http/middlewares/${new Command(`${name}--$gone@file`)}" '' || exit ${switchStatus.unconfirmed}`;
}
