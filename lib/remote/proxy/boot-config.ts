import { sh, type Command } from "../../ground/command.ts";
import { proxyDirectory } from "../../ground/names.ts";
import type { HostStep } from "../../ground/step.ts";
import { proxyFromFiles, publishFlags } from "./run-flags.ts";

/** How kamal-proxy is run, as it is stored on a host. Source: Kamal's `proxy boot_config`. */
export interface BootConfig {
  readonly publish: boolean;
  /** Empty: all addresses. */
  readonly publishHostIps: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Empty: no limit. */
  readonly logMaxSize: string;
  readonly registry: string | undefined;
  readonly repository: string | undefined;
  readonly imageVersion: string | undefined;
  readonly metricsPort: number | undefined;
  readonly debug: boolean;
  /** `key=value`. */
  readonly dockerOptions: readonly string[];
}

const standard = { repository: "basecamp/kamal-proxy", version: "v0.9.2", options: "--publish 80:80 --publish 443:443 --log-opt max-size=10m" } as const;
const files = ["options", "image", "image_version", "run_command"] as const;

/** The content of each file; undefined: the default, and so no file. */
export function bootConfigFiles(config: BootConfig): Readonly<Record<(typeof files)[number], string | undefined>> {
  const options = [
    ...publishFlags({ publish: config.publish, bindIps: config.publishHostIps, httpPort: config.httpPort, httpsPort: config.httpsPort }),
    ...(config.logMaxSize === "" ? [] : ["--log-opt", `max-size=${config.logMaxSize}`]),
    ...(config.metricsPort === undefined ? [] : [`--expose=${config.metricsPort}`]),
    ...config.dockerOptions.map((option) => `--${option}`),
  ].join(" ");
  const image = [...(config.registry === undefined ? [] : [config.registry]), config.repository ?? standard.repository].join("/");
  const flags = [...(config.debug ? ["--debug"] : []), ...(config.metricsPort === undefined ? [] : [`--metrics-port "${config.metricsPort}"`])];
  return {
    options: options === standard.options ? undefined : options,
    image: image === standard.repository ? undefined : image,
    image_version: config.imageVersion === standard.version ? undefined : config.imageVersion,
    run_command: flags.length === 0 ? undefined : ["kamal-proxy run", ...flags].join(" "),
  };
}

/** Stores it on a host. */
export function storeBootConfig(config: BootConfig): readonly HostStep[] {
  const contents = bootConfigFiles(config);
  return [
    { kind: "run", title: "Make the folder of the proxy's files", command: sh`mkdir -p ${proxyDirectory}` },
    ...files.map((file): HostStep => {
      const content = contents[file];
      const path = `${proxyDirectory}/${file}`;
      return content === undefined ? { kind: "run", title: `Leave ${file} at its default`, command: sh`rm -f ${path}` } : { kind: "upload", title: `Write ${file}: ${content}`, path, content, mode: "0644" };
    }),
  ];
}

/** Takes it away from a host. */
export const resetBootConfig = (): readonly HostStep[] => [{ kind: "run", title: "Remove how the proxy is run", command: sh`rm -f ${files.map((file) => `${proxyDirectory}/${file}`)}` }];

/** Prints it: options, image and command of `docker run`. */
export const showBootConfig = (): Command => proxyFromFiles();
