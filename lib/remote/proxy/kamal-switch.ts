import { Command, sh } from "../../ground/command.ts";
import { proxyContainer, rolePrefix } from "../../ground/names.ts";
import type { RunStep } from "../../ground/step.ts";
import { DeployError } from "../../ground/errors.ts";
import type { KamalProxySettings, Role, Settings } from "../../config/settings.ts";
import { containerId } from "../container.ts";
import { switchStatus, type Target } from "./driver.ts";
import { deployFlags } from "./deploy-flags.ts";
import { findState, liveTargets, printState, readState, savedTargets } from "./kamal-state.ts";

/** How often a proxy that does not answer is asked again, a second apart. */
const patience = 10;

/**
 * How long the way back asks for the old target's health before it forces the switch: a forced one answers 503 until
 * the first check has passed.
 */
const backSeconds = 3;

/** A route of kamal-proxy and what it is told of it. */
export interface Switched {
  readonly route: string;
  /** The role behind it; undefined: an accessory. */
  readonly role: string | undefined;
  readonly proxy: KamalProxySettings;
  readonly flags: readonly Command[];
}

/** Sends the role's traffic to `to` and back to `from`: see {@link ProxyDriver.switch}. */
export function switchStep(settings: Settings, role: Role, to: Target, from: Target | undefined): RunStep {
  const proxy = proxyOf(role);
  const errorPages = settings.errorPagesPath === undefined || !("container" in to) ? undefined : to.version;
  return switchRoute(settings, { route: rolePrefix(settings, role.name), role: role.name, proxy, flags: deployFlags(settings, role.name, proxy, errorPages) }, to, from);
}

/** Sends the traffic of a route to `to`, and back to `from`. */
export function switchRoute(settings: Pick<Settings, "deployTimeoutSeconds" | "drainTimeoutSeconds">, { route, role, proxy, flags }: Switched, to: Target, from: Target | undefined): RunStep {
  const label = "container" in to ? to.container : to.id;
  return {
    kind: "run", ...(role === undefined ? {} : { role }), title: `Switch ${route} to ${label}`,
    command: sh`${find(to)}
[ -n "$id" ] || { echo ${`There is no container ${label}`} >&2; exit ${switchStatus.refused}; }
${deploy(route, portOf(to, proxy), flags)}`,
    undo: sh`${findOwn(to)}
if list=$(docker exec ${proxyContainer} kamal-proxy list); then live=$(${targetsIn(route)}); else live=$(${readState} | ${savedTargets(route)}); fi
[ "$live" = "$id":${portOf(to, proxy)} ] || exit 0
${from === undefined ? unroute(route) : sh`${find(from)}
(
${deploy(route, portOf(from, proxy), [...flags, new Command(`--deploy-timeout=${backSeconds}s`)])}
) 2> /dev/null && exit 0
${deploy(route, portOf(from, proxy), [...flags, new Command("--force")])}`}`,
    // The proxy takes the same target again, and the state is looked at either way.
    repeatable: true,
    undoTitle: from === undefined ? `Take the route ${route} away` : `Switch ${route} back`,
    timeoutMs: (2 * (settings.deployTimeoutSeconds + settings.drainTimeoutSeconds) + patience + 15) * 1000,
  };
}

function proxyOf(role: Role): KamalProxySettings {
  if (role.proxy?.kind !== "kamal-proxy") throw new DeployError("config", `Cannot switch role ${role.name}: it is not behind the proxy`, { hint: `Set servers.${role.name}.proxy in the config.` });
  return role.proxy;
}

const find = (target: Target): Command => ("id" in target ? sh`id=${target.id}` : sh`id=$(${containerId(target.container)})`);
/** For the way back: another run may have given the name to a container of its own. */
const findOwn = (target: Target): Command => ("container" in target ? (target.own ?? find(target)) : find(target));
const portOf = (target: Target, proxy: KamalProxySettings): number => ("id" in target ? (target.port ?? proxy.appPort) : proxy.appPort);

/** Prints the targets of a route in the answer `$list` of the proxy. */
const targetsIn = (route: string): Command => sh`printf '%s\n' "$list" | ${liveTargets(route)}`;

/**
 * Asks the proxy to deploy `$id`, then looks at what it has saved: it reports success when it could not save, and saves what it does once it does it. Unless
 * both agree it is asked what it does as well: it finishes a call whose client died. A proxy that is just starting is
 * asked again, and so is one whose saved state differs.
 * Going back, the old target is asked for its health for a moment only, then not at all: it served a moment ago, and the health path
 * of the new version may be unknown to it.
 */
function deploy(route: string, port: number, flags: readonly Command[]): Command {
  // Where the state lies is found out while the proxy is at work.
  return sh`exec 3>&1
tries=0 silent=0
while [ $tries -lt 2 ] && [ $silent -lt ${patience} ]; do
said=$({ {
docker exec ${proxyContainer} kamal-proxy deploy ${route} --target="$id:${new Command(String(port))}" ${flags}
} >&3; echo $?; } | { ${findState}; read -r status; echo $status "$(${printState} | ${savedTargets(route)})"; })
status=${new Command("${said%% *}")} saved=${new Command("${said#* }")}
[ $status -eq 0 ] && [ "$saved" = "$id":${port} ] && exit 0
list=$(docker exec ${proxyContainer} kamal-proxy list) || { silent=$((silent + 1)); sleep 1; continue; }
tries=$((tries + 1))
live=$(${targetsIn(route)})
[ "$live" = "$id":${port} ] || [ $status -eq 0 ] || exit ${switchStatus.refused}
done
[ $silent -lt ${patience} ] && [ $status -ne 0 ] && exit ${switchStatus.refused}
printf 'Cannot confirm the switch of %s: wanted %s, the proxy sends to "%s", its state file says "%s"\n' ${route} "$id":${port} "$live" "$saved" >&2
exit ${switchStatus.unconfirmed}`;
}

/** Takes a route away; harmless when there is none, or no proxy. */
export function unroute(route: string): Command {
  return sh`docker container inspect ${proxyContainer} > /dev/null 2>&1 || exit 0
docker exec ${proxyContainer} kamal-proxy remove ${route} && exit 0
list=$(docker exec ${proxyContainer} kamal-proxy list) || exit ${switchStatus.unconfirmed}
[ -z "$(${targetsIn(route)})" ]`;
}
