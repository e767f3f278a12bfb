import { sh, type Command } from "../../../ground/command.ts";
import { network, traefikContainer, traefikDirectory } from "../../../ground/names.ts";
import { entryPointsOf } from "../../../config/traefik/entry-points.ts";
import type { TraefikSettings } from "../../../config/settings.ts";
import { envFlags, optionFlags } from "../../container-flags.ts";
import { secretFlags, withValues } from "../../envfile.ts";
import { pairs } from "../../shell-value.ts";
import { apiPort, filesInProxy } from "./script.ts";

/** The secret variables of Traefik's environment: only the SSH user can read it. */
export const envPath = `${traefikDirectory}/traefik.env`;

/**
 * `docker run` or `docker create` of Traefik. It gets no Docker socket: its routes are files, in a folder it can only read.
 * @param name of the container
 */
export function traefikContainerCommand(verb: "run --detach" | "create", name: string, traefik: TraefikSettings): Command {
  const { hostPort, labels, env, options, image } = traefik;
  const { publish, volume, volumes, ...others } = options;
  return withValues(env, envPath, sh`docker ${verb.split(" ")} --name ${name} --restart unless-stopped --network ${network} --publish ${hostPort}:80 --volume "$PWD"/${`${traefikDirectory}/dynamic:${filesInProxy}:ro`} ${[
    ...envFlags(env.clear), ...(Object.keys(env.secret).length === 0 ? [] : secretFlags(env, envPath)),
    ...("log-opt" in options || "log-driver" in options ? [] : ["--log-opt", "max-size=10m"]),
    ...pairs("--label", labels),
    // Docker's flag is --volume; the seed's config says volumes.
    ...optionFlags({ ...(publish === undefined ? {} : { publish }), ...(volume === undefined ? {} : { volume }), ...(volumes === undefined ? {} : { volume: [volume ?? [], volumes].flat() as readonly string[] }), ...others }),
    image, ...traefikArgs(traefik),
  ]}`);
}

export const runTraefik = (traefik: TraefikSettings): Command => traefikContainerCommand("run --detach", traefikContainer, traefik);

/** True where the container is one of ours: it reads our folder of routes. */
export const isOurTraefik = (): Command => sh`docker container inspect --format ${"{{range .Mounts}}{{println .Destination}}{{end}}"} ${traefikContainer} 2> /dev/null | grep -q -x ${filesInProxy}`;

/** The arguments of Traefik itself: ours, then the user's, which go over ours. */
export function traefikArgs({ args }: Pick<TraefikSettings, "args">): readonly string[] {
  const own: Readonly<Record<string, string | number | boolean>> = {
    "providers.file.directory": filesInProxy,
    "providers.providersThrottleDuration": "100ms",
    "api.insecure": true,
    "api.dashboard": false,
    ...(wantsDashboard(args) ? {} : { "entrypoints.traefik.address": `127.0.0.1:${apiPort}` }),
    // To define any entry point takes the one away that Traefik has by itself.
    ...(entryPointsOf(args).some((name) => name !== "traefik") ? {} : { "entrypoints.http.address": ":80" }),
    "global.checknewversion": false,
    "global.sendanonymoususage": false,
  };
  const given = new Set(Object.keys(args).map((name) => name.toLowerCase()));
  return Object.entries({ ...Object.fromEntries(Object.entries(own).filter(([name]) => !given.has(name.toLowerCase()))), ...args }).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
}

/** Whoever asks for the dashboard finds it at port 8080, as in Traefik's own guide. */
const wantsDashboard = (args: TraefikSettings["args"]): boolean => Object.entries(args).some(([name, value]) => /^api(\.insecure|\.dashboard)?$/i.test(name) && String(value) === "true");
