import { Command } from "../ground/command.ts";
import type { LoggingSettings, Options, Role, Settings } from "../config/settings.ts";
import { expandable, expandablePath, pair, pairs } from "./shell-value.ts";

type Words = readonly (string | Command)[];

/** Logs are cut at 10 MB unless the config says anything about them: docker's own default fills the disk. */
export function loggingFlags(logging: LoggingSettings): Words {
  if (logging.driver === undefined && Object.keys(logging.options).length === 0) return ["--log-opt", "max-size=10m"];
  return [...(logging.driver === undefined ? [] : ["--log-driver", expandable(logging.driver)]), ...pairs("--log-opt", logging.options)];
}

/** `--key value` for each option; `true` is the bare flag, a list repeats it. */
export function optionFlags(options: Options): Words {
  return Object.entries(options).flatMap(([key, value]): Words => {
    if (value === true) return [`--${key}`];
    return [value].flat().flatMap((one) => [`--${key}`, expandable(String(one))]);
  });
}

/** The role's options without the restart policy, which has its own place. */
export function roleOptions({ options: { restart: _restart, ...options } }: Role): Words {
  return optionFlags(options);
}

/** `--restart` of a role's container. */
export const restartPolicy = (role: Role): string => String(role.options["restart"] ?? "unless-stopped");

/**
 * Clear env. An empty value is passed as such: Kamal leaves the bare key there, and docker then takes the variable
 * from the host's shell.
 */
export function envFlags(env: Readonly<Record<string, string | number | boolean>>): Words {
  return Object.entries(env).flatMap(([key, value]) => ["--env", pair(key, value)]);
}

/** Volumes as the user wrote them, `$NAME` and `~/` expanded on the host. */
export function volumeFlags(volumes: readonly string[]): Words {
  return volumes.flatMap((volume) => ["--volume", expandablePath(volume)]);
}

/** The labels by which containers are found. `destination` is always there, bare without a destination. */
export function labelFlags({ service, destination, traefik }: Settings, role: Role): Words {
  // A Traefik that also has the docker provider on must not route to the container a second time.
  return pairs("--label", { service, role: role.name, destination: destination ?? "", ...role.labels, ...(traefik === undefined ? {} : { "traefik.enable": "false" }) });
}

/** `--filter` for the containers of a service and destination, or of one role of it. */
export function containerFilters({ service, destination }: Pick<Settings, "service" | "destination">, role?: string): Words {
  const labels = [`service=${service}`, `destination=${destination ?? ""}`, ...(role === undefined ? [] : [`role=${role}`])];
  return labels.flatMap((label) => ["--filter", `label=${label}`]);
}

/** Without a registry of ours the image's name may be anybody's at Docker Hub: where it is missing, nothing is fetched in its place. Source: `--pull`, Docker 20.10. */
export const pullFlags = ({ withoutRegistry }: Pick<Settings, "withoutRegistry">): readonly string[] => (withoutRegistry === true ? ["--pull", "never"] : []);
