import { Command, quote, sh } from "../../ground/command.ts";
import { network, proxyAppsDirectory, proxyContainer, proxyDirectory, proxyVolume } from "../../ground/names.ts";
import type { ProxyRunSettings } from "../../config/settings.ts";
import { optionFlags } from "../container-flags.ts";
import { appsConfig } from "./deploy-flags.ts";

/** Where the proxy keeps what it remembers, on a volume. */
export const stateFolder = "/home/kamal-proxy/.config/kamal-proxy";
/** What the proxy remembers: routes, targets, pauses. JSON. */
export const stateFile = "kamal-proxy.state";

const fixed = (name: string, starts: boolean): Command => sh`docker ${starts ? "run" : "create"} --name ${name} --network ${network} ${starts ? ["--detach"] : []} --restart unless-stopped --volume ${`${proxyVolume}:${stateFolder}`} --volume "$PWD"/${`${proxyAppsDirectory}:${appsConfig}`}`;

/**
 * Runs a new proxy container.
 * @param run undefined: as the files that Kamal's `proxy boot_config` left on the host say, each with its default
 */
export const runProxy = (run: ProxyRunSettings | undefined): Command => withFlags(fixed(proxyContainer, true), run);

/** Makes a proxy container and does not start it. @param run as {@link runProxy} takes it */
export const createProxy = (name: string, run: ProxyRunSettings | undefined): Command => withFlags(fixed(name, false), run);

function withFlags(command: Command, run: ProxyRunSettings | undefined): Command {
  if (run === undefined) return sh`${proxyFromFiles()} | xargs ${command}`;
  const proxyFlags = [...(run.debug ? ["--debug"] : []), ...(run.metricsPort === undefined ? [] : ["--metrics-port", String(run.metricsPort)])];
  return sh`${command} ${publishFlags(run)} ${[
    ...(run.logMaxSize === "" ? [] : ["--log-opt", `max-size=${run.logMaxSize}`]),
    ...(run.metricsPort === undefined ? [] : [`--expose=${run.metricsPort}`]),
    ...optionFlags(run.options), run.image, "kamal-proxy", "run", ...proxyFlags,
  ]}`;
}

/** Makes the proxy run: starts the container that is there, else runs a new one. */
export const startOrRunProxy = (run: ProxyRunSettings | undefined): Command => sh`docker container start ${proxyContainer} || ${runProxy(run)}`;

/** Pulls a proxy's image where it is missing, so that no host waits for it without a proxy. @param run as {@link runProxy} takes it */
export function haveImage(run: Pick<ProxyRunSettings, "image"> | undefined): Command {
  const image = run === undefined ? new Command(`"${fileOr("image", "basecamp/kamal-proxy")}:${fileOr("image_version", "v0.9.2")}"`) : sh`${run.image}`;
  return sh`image=${image}
docker image inspect "$image" > /dev/null 2>&1 || docker pull --quiet "$image"`;
}

/** `--publish` of the proxy's two ports. */
export function publishFlags({ publish, bindIps, httpPort, httpsPort }: Pick<ProxyRunSettings, "publish" | "bindIps" | "httpPort" | "httpsPort">): readonly string[] {
  if (!publish) return [];
  const addresses = bindIps.length === 0 ? [""] : bindIps.map((ip) => (ip.includes(":") && !ip.startsWith("[") ? `[${ip}]:` : `${ip}:`));
  return addresses.flatMap((address) => ["--publish", `${address}${httpPort}:80`, "--publish", `${address}${httpsPort}:443`]);
}

/** What a file of Kamal's `proxy boot_config` says. */
const fileOr = (name: string, otherwise: string): string => `$(cat ${proxyDirectory}/${name} 2> /dev/null || echo ${otherwise === "" ? '""' : quote(otherwise)})`;

/** Prints options, image and command of the proxy as the files of Kamal's `proxy boot_config` say them, each with its default. */
export const proxyFromFiles = (): Command => new Command(`echo ${fileOr("options", "--publish 80:80 --publish 443:443 --log-opt max-size=10m")} ${fileOr("image", "basecamp/kamal-proxy")}:${fileOr("image_version", "v0.9.2")} ${fileOr("run_command", "")}`);
