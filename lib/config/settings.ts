import type { Secret } from "../ground/secret.ts";
import type { SshOptions } from "../ground/ssh-options.ts";
import type { FileContent } from "./file-content.ts";
import type { HookName, HookOutput, Hooks } from "./hooks.ts";
import type { TraefikMajor } from "./traefik/fields.ts";
import type { TraefikRoute } from "./traefik/route.ts";

/** A config with every default filled in, merged per role and frozen. Nobody below `config/` sees an optional that has a default. */
export interface Settings {
  readonly service: string;
  readonly destination: string | undefined;
  /** The image without tag, registry server included: `reg.example/acme/shop`. */
  readonly repository: string;
  readonly registry: RegistrySettings;
  /** True: the config names no registry, and hosts get the image through their connections. */
  readonly withoutRegistry?: boolean;
  /** How many hosts get the image from this machine; the others get it from those. Undefined: all do. */
  readonly handOn?: number;
  /** Primary role first, then alphabetical. */
  readonly roles: readonly Role[];
  /** In the order of the config. */
  readonly accessories: readonly Accessory[];
  readonly primaryRole: string;
  /** First host of the primary role, whatever filters say, or of the first accessory where there are no roles: the lock sits there. */
  readonly primaryHost: string;
  readonly builder: BuilderSettings;
  readonly ssh: SshOptions;
  readonly boot: BootSettings;
  /** How kamal-proxy's container is run. Undefined: as the files on the host say, with the defaults. */
  readonly proxyRun: ProxyRunSettings | undefined;
  /** The hosts on which it is run in another way. */
  readonly proxyRunOn?: Readonly<Record<string, ProxyRunSettings | undefined>>;
  /** How Traefik's container is run. Undefined: no role is behind it. */
  readonly traefik: TraefikSettings | undefined;
  /** Folder with pages for errors, absolute. */
  readonly errorPagesPath: string | undefined;
  readonly retainContainers: number;
  readonly deployTimeoutSeconds: number;
  readonly drainTimeoutSeconds: number;
  readonly readinessDelaySeconds: number;
  readonly hooks: Hooks;
  /** Hooks of which more or less than usual is shown. */
  readonly hooksOutput: { readonly [Name in HookName]?: HookOutput };
  readonly output: OutputSettings;
  /** Folder of the config file, absolute. Build contexts and local paths are relative to it. */
  readonly root: string;
  readonly secrets: SecretStore;
}

/** The names that a config gives to things on hosts: everybody may read them there, and so must we. */
export function publicWords({ service, repository, destination, roles, accessories, registry }: Settings): readonly string[] {
  return [service, repository, destination ?? "", registry.server ?? "", ...roles.flatMap(({ name, hosts }) => [name, ...hosts]), ...accessories.flatMap(({ name, service: own, image: whose, hosts }) => [name, own, whose, ...hosts])].filter((word) => word !== "");
}

/** Gives secrets by name. Values are read once, when first needed. */
export interface SecretStore {
  /** A secret that opens when it is sent. Opening one that was not loaded throws. @param variable of a container's environment that it is to fill: {@link load} checks that it can */
  get(name: string, variable?: string): Secret;
  /** The value itself, for a hook; also of a name the config does not mention. It is registered for scrubbing by whoever opens it. @throws DeployError (config) when it is missing */
  value(name: string): Promise<string>;
  /** The values of all secrets in files and config, by name, for a hook. They are registered for scrubbing by whoever opens them. @throws DeployError (config) when one cannot be read */
  all(): Promise<Readonly<Record<string, string>>>;
  /** Reads the values of all secrets the config names. @throws DeployError (config) that lists every missing name and where it was looked for */
  load(): Promise<void>;
  /** Takes the values of the secrets that the config names out of all output, as far as nothing has to be run to have them. Never rejects. */
  concealAtHand(): Promise<void>;
}

/** Where events go besides the screen. */
export interface OutputSettings {
  /** Folder of the log files, absolute; `~` is left for the home directory. Undefined: none are written. */
  readonly logFolder: string | undefined;
  /** Address of the OpenTelemetry collector without `/v1/logs`. */
  readonly otelEndpoint: string | undefined;
}

export interface RegistrySettings {
  /** Undefined: Docker Hub. */
  readonly server: string | undefined;
  readonly username: string | Secret | undefined;
  readonly password: Secret | undefined;
}

export interface Role {
  readonly name: string;
  readonly primary: boolean;
  readonly hosts: readonly string[];
  /** Shell words after the image, as written by the user. */
  readonly cmd: string | undefined;
  /** Root env, then the role's. */
  readonly env: EnvSettings;
  /** The whole environment on hosts whose tags add something to {@link env}. */
  readonly hostEnv: Readonly<Record<string, EnvSettings>>;
  /** Root labels, then the role's; without `service`, `role`, `destination`, and without those that Traefik's route was made of. */
  readonly labels: Readonly<Record<string, string>>;
  /** Further `docker run` options. */
  readonly options: Options;
  readonly volumes: readonly string[];
  readonly logging: LoggingSettings;
  /** Folder of assets in the image; undefined also for a role behind no proxy. */
  readonly assets: AssetSettings | undefined;
  /** Undefined: the role is not behind the proxy. */
  readonly proxy: ProxySettings | undefined;
  /** `docker stop -t`; undefined: docker's own default. */
  readonly stopTimeoutSeconds: number | undefined;
}

/** A service beside the app that deploys leave alone. */
export interface Accessory {
  /** Its key in the config. */
  readonly name: string;
  /** Name of its container, its route and its folder on the host. */
  readonly service: string;
  /** Whole, with the server of its own registry. */
  readonly image: string;
  /** Its own, else that of the root. */
  readonly registry: RegistrySettings;
  readonly hosts: readonly string[];
  /** Shell words after the image, as written by the user. */
  readonly cmd: string | undefined;
  /** `--publish`. */
  readonly publish: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Options;
  readonly env: EnvSettings;
  readonly files: readonly AccessoryFile[];
  readonly directories: readonly AccessoryDirectory[];
  readonly volumes: readonly string[];
  readonly network: string;
  readonly logging: LoggingSettings;
  readonly proxy: KamalProxySettings | undefined;
}

interface Mounted {
  /** On the host: below the home directory, or absolute. */
  readonly hostPath: string;
  /** In the container. */
  readonly remote: string;
  readonly owner: string | undefined;
  /** Mount options. */
  readonly options: string | undefined;
}
export interface AccessoryFile extends Mounted {
  /** A file of this machine, absolute; or what gives the content. */
  readonly source: { readonly path: string } | { readonly content: string | FileContent };
  /** Octal. */
  readonly mode: string;
}
export interface AccessoryDirectory extends Mounted {
  readonly mode: string | undefined;
}

export interface AssetSettings {
  /** In the container. */
  readonly path: string;
  /** Mount options. */
  readonly options: string | undefined;
}

/** `true` is a bare flag, a list repeats the flag. */
export type Options = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

export interface EnvSettings {
  readonly clear: Readonly<Record<string, string | number | boolean>>;
  /** By variable name, in order. */
  readonly secret: Readonly<Record<string, Secret>>;
}

export interface LoggingSettings {
  readonly driver: string | undefined;
  readonly options: Readonly<Record<string, string>>;
}

/** How requests reach a role. */
export type ProxySettings = KamalProxySettings | TraefikRouteSettings;

/** The proxies there are drivers for. */
export type ProxyKind = ProxySettings["kind"];

export interface KamalProxySettings {
  readonly kind: "kamal-proxy";
  /** Empty: all hosts. */
  readonly hosts: readonly string[];
  readonly appPort: number;
  readonly tls: "off" | "automatic" | { readonly certificate: Secret; readonly privateKey: Secret };
  readonly tlsRedirect: boolean | undefined;
  readonly forwardHeaders: boolean | undefined;
  readonly responseTimeoutSeconds: number | undefined;
  readonly pathPrefixes: readonly string[];
  readonly stripPathPrefix: boolean | undefined;
  readonly healthcheck: { readonly intervalSeconds: number | undefined; readonly timeoutSeconds: number | undefined; readonly path: string | undefined };
  readonly buffering: { readonly requests: boolean; readonly responses: boolean; readonly memory: number | undefined; readonly maxRequestBody: number | undefined; readonly maxResponseBody: number | undefined };
  readonly logging: { readonly requestHeaders: readonly string[]; readonly responseHeaders: readonly string[] };
}

export interface TraefikRouteSettings {
  readonly kind: "traefik";
  /** Where requests go that no label sends elsewhere. Undefined: the lowest port that the container exposes, else 3000. */
  readonly appPort: number | undefined;
  readonly healthcheck: {
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly path: string;
    /** Undefined: the port of the role's own service. */
    readonly port: number | undefined;
    /** How long a new container has; undefined: deployTimeoutSeconds. */
    readonly deadlineSeconds: number | undefined;
  };
  readonly route: TraefikRoute;
  /** Labels for Traefik's docker provider alone, which have no meaning here. */
  readonly ignored: readonly string[];
}

export interface TraefikSettings {
  readonly image: string;
  readonly major: TraefikMajor;
  readonly hostPort: number;
  readonly args: Readonly<Record<string, string | number | boolean>>;
  readonly options: Options;
  /** Without those that its own route was made of. */
  readonly labels: Readonly<Record<string, string>>;
  readonly env: EnvSettings;
  /** What Traefik itself is asked to answer, such as its dashboard. */
  readonly route: TraefikRoute | undefined;
}

export interface ProxyRunSettings {
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly metricsPort: number | undefined;
  readonly debug: boolean;
  /** Empty: no limit is set. */
  readonly logMaxSize: string;
  readonly publish: boolean;
  readonly bindIps: readonly string[];
  /** `[registry/]repository:version`. */
  readonly image: string;
  readonly options: Options;
}

export interface BuilderSettings {
  readonly arch: readonly string[];
  /** URL of the Docker daemon that builds what this machine does not. */
  readonly remote: string | undefined;
  /** False: the remote daemon builds everything. */
  readonly local: boolean;
  /** Undefined: a Dockerfile is built. */
  readonly pack: { readonly builder: string; readonly buildpacks: readonly string[] } | undefined;
  readonly cache: CacheSettings | undefined;
  /** Undefined: a clean clone of the git repository is built. Relative to the root. */
  readonly context: string | undefined;
  readonly dockerfile: string;
  readonly target: string | undefined;
  /** As buildx's `--ssh` takes it, with variables such as `$SSH_AUTH_SOCK`. */
  readonly ssh: string | undefined;
  readonly args: Readonly<Record<string, string | number | boolean>>;
  readonly secrets: Readonly<Record<string, Secret>>;
  /** A name, or `cloud ORG/NAME`. */
  readonly driver: string;
  /** As buildx's `--provenance` takes it. */
  readonly provenance: string | undefined;
  readonly sbom: boolean | undefined;
}

export interface CacheSettings {
  readonly type: "gha" | "registry";
  /** Registry server included. Of a `gha` cache it has no meaning. */
  readonly image: string;
  /** With commas between them. */
  readonly options: string | undefined;
}

export interface BootSettings {
  /** Hosts that boot together; undefined: all. */
  readonly limit: number | `${number}%` | undefined;
  readonly waitSeconds: number;
  /** Roles of a host start together. */
  readonly parallelRoles: boolean;
}
