// Generated from the schema by test/config/generate.ts: change lib/config/schema, then run it.
import type { Duration } from "../ground/duration.ts";
import type { FileContent } from "./file-content.ts";
import type { Hooks, HooksOutput } from "./hooks.ts";
import type { HostsFunction, ServersFunction } from "./host-functions.ts";
import type { SecretFunction } from "./secret-function.ts";
import type { SecretInput, SecretRef } from "./secret-ref.ts";

/** What `deploy.config.ts` says. */
export interface DeployConfig {
  /**
   * Name of the service: first part of every container's name.
   * @example service: "shop"
   */
  service: string;
  /**
   * Name of the image, without registry and tag. Without a registry, or with one at localhost, it can be left out.
   * @default the service, without a registry or with one at localhost
   * @example image: "acme/shop"
   */
  image?: string | undefined;
  /**
   * The hosts: a list for the one role `web`, or a map from role to hosts. A function, which may be async, can stand for all of them or for the hosts of a role: it is called once a run, before the config is checked, also with `--offline`, and nothing of it is kept.
   * @default required unless there are accessories
   * @example servers: { web: ["10.0.0.1"], jobs: { hosts: ["10.0.0.2"], cmd: "bin/work" } }
   */
  servers?: readonly (string | Readonly<Record<string, string | readonly string[]>>)[] | ServersFunction | Record<string, readonly (string | Readonly<Record<string, string | readonly string[]>>)[] | HostsFunction | RoleConfig> | undefined;
  /**
   * Long-lived services that the app depends on: databases, caches, search. A deploy leaves them alone.
   * @default {}
   * @example accessories: { redis: { image: "redis:7", roles: ["web"], port: "127.0.0.1:6379:6379", volumes: ["redis:/data"] } }
   */
  accessories?: Record<string, AccessoryConfig> | undefined;
  /**
   * The role that boots first and holds the lock; behind the proxy unless it says `proxy: false`.
   * @default "web"
   * @example primaryRole: "app"
   */
  primaryRole?: string | undefined;
  /**
   * Whether roles other than the primary one may have no hosts.
   * @default false
   */
  allowEmptyRoles?: boolean | undefined;
  /**
   * Where images are kept. Without it there is none: each host gets the layers it does not have from this machine, through its SSH connection.
   * @default none: hosts get images through SSH
   * @example registry: { server: "ghcr.io", username: "acme-bot", password: secret("REGISTRY_PASSWORD") }
   */
  registry?: RegistryConfig | undefined;
  /**
   * How images get to hosts where there is no registry.
   * @example delivery: { handOn: true }
   */
  delivery?: DeliveryConfig | undefined;
  /**
   * Environment of all containers: a map, or `clear` and `secret`.
   * @default {}
   * @example env: { clear: { PORT: 3000 }, secret: ["DATABASE_URL"] }
   */
  env?: RootEnvConfig | Record<string, string | number | boolean> | undefined;
  /**
   * Labels of all containers. `service`, `role` and `destination` are taken; those that begin with `traefik.` say how Traefik routes to the app.
   * @default {}
   * @example labels: { team: "core" }
   */
  labels?: Record<string, string | number | boolean> | undefined;
  /**
   * Volumes of all containers: `source:path[:options]`.
   * @default []
   * @example volumes: ["media:/media"]
   */
  volumes?: readonly string[] | undefined;
  /**
   * Folder of assets in the image, `PATH[:mount options]`. For roles behind the proxy it holds the files of the old version and the new one together while they change places, so that a page of one finds its assets at the other.
   * @example assetPath: "/app/public/assets"
   */
  assetPath?: string | undefined;
  /**
   * Folder beside the config with pages such as 404.html, 502.html that kamal-proxy answers with.
   * @example errorPagesPath: "public"
   */
  errorPagesPath?: string | undefined;
  /** Where the output of containers goes. */
  logging?: LoggingConfig | undefined;
  /**
   * How the image is made.
   * @example builder: { arch: "arm64" }
   */
  builder?: BuilderConfig | undefined;
  /**
   * How requests reach the app, through kamal-proxy.
   * @example proxy: { host: "shop.example", ssl: true, appPort: 3000 }
   */
  proxy?: ProxyConfig | undefined;
  /**
   * Traefik instead of kamal-proxy, and how its container is run. Labels that begin with `traefik.` choose it too.
   * @example traefik: { args: { accesslog: true } }
   */
  traefik?: TraefikConfig | undefined;
  /**
   * How a new container behind Traefik shows that it is ready. Behind kamal-proxy it is `proxy.healthcheck`.
   * @example healthcheck: { path: "/healthz", port: 4000 }
   */
  healthcheck?: AppHealthcheckConfig | undefined;
  /**
   * How hosts are reached.
   * @example ssh: { user: "deploy" }
   */
  ssh?: SshConfig | undefined;
  /**
   * Rolling deploys: how many hosts at a time.
   * @example boot: { limit: "25%", wait: 10 }
   */
  boot?: BootConfig | undefined;
  /**
   * How long a new container may take to become healthy.
   * @default 30
   * @example deployTimeout: "2m"
   */
  deployTimeout?: number | Duration | undefined;
  /**
   * How long the old container may take to finish its requests.
   * @default 30
   * @example drainTimeout: "1m"
   */
  drainTimeout?: number | Duration | undefined;
  /**
   * How long a container may take to stop before it is killed.
   * @default drainTimeout for roles behind no proxy, else docker's own
   */
  stopTimeout?: number | Duration | undefined;
  /**
   * How long a container behind no proxy, and without a healthcheck, must keep running to count as healthy.
   * @default 7
   */
  readinessDelay?: number | Duration | undefined;
  /**
   * How many old containers are kept for rollback.
   * @default 5
   * @example retainContainers: 3
   */
  retainContainers?: number | undefined;
  /**
   * Refuse to run without `-d`.
   * @default false
   */
  requireDestination?: boolean | undefined;
  /**
   * Refuse to run with an older capstan.
   * @example minimumVersion: "1.2.0"
   */
  minimumVersion?: string | undefined;
  /**
   * The secrets file, relative to the config file. PATH-common is read before it; with `-d` PATH.DESTINATION is read instead of it. A file called `.env` is read as other tools do: `.env.DESTINATION` goes over it, and the environment over both.
   * @default ".capstan/secrets"
   * @example secretsPath: "config/secrets"
   */
  secretsPath?: string | undefined;
  /**
   * Secrets that are not in a file: functions that give the value, called when it is needed, or another secret's reference. `fetchSecrets` makes them for what a password manager has, `fromCommand` for what a program prints.
   * @default {}
   * @example secrets: { ...fetchSecrets({ adapter: "1password", account: "acme", from: "Work/Shop", names: ["DATABASE_URL"] }), GHCR_TOKEN: fromCommand("gh", "auth", "token") }
   */
  secrets?: Record<string, SecretFunction | SecretRef> | undefined;
  /**
   * Functions called at fixed points of a run. A throw stops the run, except in `auditBroadcast` and `onFailure`.
   * @default {}
   * @example hooks: { postDeploy: ({ version, log }) => log(`${version} is live`) }
   */
  hooks?: Hooks | undefined;
  /**
   * How much of hooks is shown, of all or by name: with `quiet` neither them, nor what they log, nor the output of their programs, unless they fail; with `verbose` also when they begin. `-v` and `-q` go before it.
   * @default what they log, the output of their programs, and their end
   * @example hooksOutput: { preDeploy: "verbose", auditBroadcast: "quiet" }
   */
  hooksOutput?: HooksOutput | undefined;
  /**
   * Where the events of commands that change something go besides the screen.
   * @default {}
   * @example output: { file: { path: "log" } }
   */
  output?: OutputConfig | undefined;
  /**
   * Command lines by a word of your own: `capstan console` is what stands behind `console`, with the words after it appended. Names of commands are taken.
   * @default {}
   * @example aliases: { console: "app exec -p --reuse 'bin/rails console'" }
   */
  aliases?: Record<string, string> | undefined;
}

/** Hosts that run one command of the image. */
export interface RoleConfig {
  /**
   * Hosts of the role, each as a text, or with tags as `{ "host": ["tag"] }`; or a function that gives them, called once a run.
   * @default []
   * @example hosts: ["10.0.0.2"]
   */
  hosts?: readonly (string | Readonly<Record<string, string | readonly string[]>>)[] | HostsFunction | undefined;
  /**
   * What the containers of this role run instead of the image's own command.
   * @example cmd: "bin/work --queues mail"
   */
  cmd?: string | undefined;
  /**
   * Environment of this role, over that of the root.
   * @example env: { clear: { QUEUES: "mail" } }
   */
  env?: EnvConfig | Record<string, string | number | boolean> | undefined;
  /**
   * Labels of this role's containers, over those of the root. With one that begins with `traefik.` the role is behind Traefik.
   * @example labels: { team: "core" }
   */
  labels?: Record<string, string | number | boolean> | undefined;
  /**
   * Further options of `docker run`: `true` is a bare flag, a list repeats the flag.
   * @example options: { memory: "512m", restart: "always" }
   */
  options?: Record<string, string | number | boolean | readonly (string | number)[]> | undefined;
  /**
   * Whether the role is behind the proxy; a map says so and goes over the proxy of the root.
   * @default true for the primary role, else false
   * @example proxy: false
   */
  proxy?: boolean | ProxyConfig | undefined;
  /**
   * Whether the role is behind Traefik.
   * @default true for the primary role where the config chooses Traefik, else false
   * @example traefik: true
   */
  traefik?: boolean | undefined;
  /** Over the healthcheck of the root. */
  healthcheck?: AppHealthcheckConfig | undefined;
  /**
   * Over the assetPath of the root.
   * @example assetPath: "/app/public/assets"
   */
  assetPath?: string | undefined;
  /**
   * How long a container may take to stop before it is killed.
   * @default stopTimeout of the root; else, behind no proxy, drainTimeout; else docker's own
   * @example stopTimeout: "90s"
   */
  stopTimeout?: number | Duration | undefined;
  /** Over the logging of the root. */
  logging?: LoggingConfig | undefined;
  /**
   * Volumes of this role, besides those of the root.
   * @example volumes: ["media:/media"]
   */
  volumes?: readonly string[] | undefined;
}

/** Environment of a container. */
export interface EnvConfig {
  /**
   * Variables that everybody may see.
   * @example clear: { PORT: 3000 }
   */
  clear?: Record<string, string | number | boolean> | undefined;
  /**
   * Variables filled from secrets: names, "VARIABLE:SECRET", or a map from variable to secret. They reach the container in a file that only the SSH user can read.
   * @example secret: ["DATABASE_URL", "KEY:SHOP_KEY"]
   */
  secret?: readonly (string | SecretRef)[] | Record<string, SecretInput> | undefined;
}

/** How requests reach the app. */
export interface ProxyConfig {
  /**
   * Name the app answers to, or several with commas.
   * @default every name
   * @example host: "shop.example"
   */
  host?: string | undefined;
  /**
   * Names the app answers to. Not together with `host`.
   * @default every name
   * @example hosts: ["shop.example", "www.shop.example"]
   */
  hosts?: readonly string[] | undefined;
  /**
   * Port the app listens on in its container.
   * @default 80
   * @example appPort: 3000
   */
  appPort?: number | undefined;
  /**
   * HTTPS: `true` gets certificates by itself, for a role on one host; or a certificate of your own.
   * @default false
   */
  ssl?: boolean | CertificateConfig | undefined;
  /**
   * Send HTTP to HTTPS.
   * @default the proxy's own: true
   */
  sslRedirect?: boolean | undefined;
  /**
   * Pass X-Forwarded-* headers of clients on. Only behind another proxy.
   * @default the proxy's own: true unless ssl
   */
  forwardHeaders?: boolean | undefined;
  /**
   * How long the app may take to answer.
   * @default the proxy's own: 30 seconds
   * @example responseTimeout: "10s"
   */
  responseTimeout?: number | Duration | undefined;
  /**
   * Paths the app answers, with commas.
   * @default all
   * @example pathPrefix: "/api,/auth"
   */
  pathPrefix?: string | undefined;
  /**
   * Paths the app answers. Not together with `pathPrefix`.
   * @default all
   * @example pathPrefixes: ["/api", "/auth"]
   */
  pathPrefixes?: readonly string[] | undefined;
  /**
   * Take the prefix away before the app sees the request.
   * @default the proxy's own: true
   */
  stripPathPrefix?: boolean | undefined;
  /**
   * How a new container shows that it is ready.
   * @example healthcheck: { path: "/healthz" }
   */
  healthcheck?: HealthcheckConfig | undefined;
  /** What the proxy reads whole before it passes it on. */
  buffering?: BufferingConfig | undefined;
  /** What the proxy logs of each request. */
  logging?: ProxyLoggingConfig | undefined;
  /**
   * How the proxy container itself is run.
   * @default as the files on each host say
   * @example run: { httpPort: 8080 }
   */
  run?: ProxyRunConfig | undefined;
}

/** A certificate of your own. */
export interface CertificateConfig {
  /**
   * The certificate with its chain: a secret, or its name.
   * @example certificatePem: secret("CERTIFICATE")
   */
  certificatePem: string | SecretInput;
  /**
   * Its private key: a secret, or its name.
   * @example privateKeyPem: secret("PRIVATE_KEY")
   */
  privateKeyPem: string | SecretInput;
}

/** How a new container shows that it is ready. */
export interface HealthcheckConfig {
  /**
   * Pause between two tries.
   * @default the proxy's own: 1 second
   */
  interval?: number | Duration | undefined;
  /**
   * How long one answer may take.
   * @default the proxy's own: 5 seconds
   */
  timeout?: number | Duration | undefined;
  /**
   * Asked with GET; any 2xx is healthy.
   * @default the proxy's own: "/up"
   * @example path: "/healthz"
   */
  path?: string | undefined;
}

/** What the proxy reads whole before it passes it on. */
export interface BufferingConfig {
  /**
   * Read a request whole before it is passed on.
   * @default true
   */
  requests?: boolean | undefined;
  /**
   * Read a response whole before it is passed on. Turn it off for streaming.
   * @default true
   */
  responses?: boolean | undefined;
  /**
   * Bytes of a body kept in memory, the rest goes to disk.
   * @default the proxy's own
   * @example memory: 1_000_000
   */
  memory?: number | undefined;
  /**
   * Longest request body in bytes; 0 is no limit.
   * @default no limit
   * @example maxRequestBody: 20_000_000
   */
  maxRequestBody?: number | undefined;
  /**
   * Longest response body in bytes; 0 is no limit.
   * @default no limit
   * @example maxResponseBody: 20_000_000
   */
  maxResponseBody?: number | undefined;
}

/** What the proxy logs of each request. */
export interface ProxyLoggingConfig {
  /**
   * Request headers in the proxy's log.
   * @default ["Cache-Control","Last-Modified","User-Agent"]
   * @example requestHeaders: ["X-Request-Id"]
   */
  requestHeaders?: readonly string[] | undefined;
  /**
   * Response headers in the proxy's log.
   * @default []
   * @example responseHeaders: ["Content-Type"]
   */
  responseHeaders?: readonly string[] | undefined;
}

/** How the proxy container itself is run. The same for all hosts. */
export interface ProxyRunConfig {
  /**
   * Port on the host for HTTP.
   * @default 80
   * @example httpPort: 8080
   */
  httpPort?: number | undefined;
  /**
   * Port on the host for HTTPS.
   * @default 443
   * @example httpsPort: 8443
   */
  httpsPort?: number | undefined;
  /**
   * Port of the proxy's metrics on the shared network.
   * @example metricsPort: 9090
   */
  metricsPort?: number | undefined;
  /**
   * Detailed log.
   * @default false
   */
  debug?: boolean | undefined;
  /**
   * When the proxy's log file is rotated; empty: never.
   * @default "10m"
   * @example logMaxSize: "50m"
   */
  logMaxSize?: string | undefined;
  /**
   * Publish the ports on the host.
   * @default true
   */
  publish?: boolean | undefined;
  /**
   * Addresses of the host to publish on.
   * @default all
   * @example bindIps: ["10.0.0.5"]
   */
  bindIps?: readonly string[] | undefined;
  /**
   * Registry of the proxy's image.
   * @default Docker Hub
   * @example registry: "registry.example"
   */
  registry?: string | undefined;
  /**
   * The proxy's image without tag.
   * @default "basecamp/kamal-proxy"
   * @example repository: "acme/kamal-proxy"
   */
  repository?: string | undefined;
  /**
   * Tag of the proxy's image.
   * @default "v0.9.2"
   * @example version: "v0.9.3"
   */
  version?: string | number | undefined;
  /**
   * Further options of the proxy's `docker run`.
   * @example options: { memory: "256m" }
   */
  options?: Record<string, string | number | boolean | readonly (string | number)[]> | undefined;
}

/** How a new container behind Traefik shows that it is ready. */
export interface AppHealthcheckConfig {
  /**
   * Asked with GET; any 2xx is healthy.
   * @default "/up"
   * @example path: "/healthz"
   */
  path?: string | undefined;
  /**
   * Port that is asked, and that requests go to unless a label names another one.
   * @default the port of the label, else the lowest port the image exposes, else 3000
   * @example port: 4000
   */
  port?: number | undefined;
  /**
   * How long a new container has, as attempts with pauses of 1, 2, 3, … seconds: 7 are 28 seconds. It is asked more often than that within the same time.
   * @default deployTimeout counts
   * @example maxAttempts: 10
   */
  maxAttempts?: number | undefined;
  /**
   * Pause between two tries.
   * @default 1 second
   */
  interval?: number | Duration | undefined;
  /**
   * How long one answer may take.
   * @default 5 seconds
   */
  timeout?: number | Duration | undefined;
}

/** Where the output of containers goes. */
export interface LoggingConfig {
  /**
   * Docker's logging driver.
   * @default docker's own
   * @example driver: "journald"
   */
  driver?: string | undefined;
  /**
   * Options of the driver.
   * @default { "max-size": "10m" } when neither driver nor options are given
   * @example options: { "max-size": "50m" }
   */
  options?: Record<string, string | number | boolean> | undefined;
}

/** A long-lived service that the app depends on. A deploy leaves it alone. */
export interface AccessoryConfig {
  /**
   * Name of the container and of its folder on the host.
   * @default SERVICE-NAME
   * @example service: "shared-mysql"
   */
  service?: string | undefined;
  /**
   * The image with its tag; with the server of its own `registry` before it, never with that of the root.
   * @example image: "mysql:8.4"
   */
  image: string;
  /**
   * Where this image is kept, when it is not public and not in the registry of the root.
   * @example registry: { server: "ghcr.io", username: "acme-bot", password: secret("GHCR_TOKEN") }
   */
  registry?: RegistryConfig | undefined;
  /**
   * The host it runs on.
   * @example host: "10.0.0.9"
   */
  host?: string | undefined;
  /**
   * The hosts it runs on, or a function that gives them, called once a run.
   * @example hosts: ["10.0.0.9", "10.0.0.10"]
   */
  hosts?: readonly string[] | HostsFunction | undefined;
  /**
   * Runs on all hosts of this role.
   * @example role: "web"
   */
  role?: string | undefined;
  /**
   * Runs on all hosts of these roles.
   * @example roles: ["web", "jobs"]
   */
  roles?: readonly string[] | undefined;
  /**
   * Runs on all hosts with this tag.
   * @example tag: "big"
   */
  tag?: string | undefined;
  /**
   * Runs on all hosts with one of these tags.
   * @example tags: ["big", "eu"]
   */
  tags?: readonly string[] | undefined;
  /**
   * What it runs instead of the image's own command.
   * @example cmd: "redis-server --appendonly yes"
   */
  cmd?: string | undefined;
  /**
   * Port to publish on the host; a number is the same on both sides. Docker opens published ports past most firewalls: give an address to keep it inside.
   * @example port: "127.0.0.1:3306:3306"
   */
  port?: number | string | undefined;
  /**
   * Labels of its container.
   * @example labels: { team: "core" }
   */
  labels?: Record<string, string | number | boolean> | undefined;
  /**
   * Further options of `docker run`: `true` is a bare flag, a list repeats the flag.
   * @example options: { memory: "2g", restart: "always" }
   */
  options?: Record<string, string | number | boolean | readonly (string | number)[]> | undefined;
  /**
   * Its environment; that of the root is not added.
   * @example env: { clear: { MYSQL_ROOT_HOST: "%" }, secret: ["MYSQL_ROOT_PASSWORD"] }
   */
  env?: EnvConfig | Record<string, string | number | boolean> | undefined;
  /**
   * Files to bring to the host and to mount: `local:remote[:options]`, or a map.
   * @example files: ["config/my.cnf:/etc/mysql/my.cnf:ro"]
   */
  files?: readonly (string | AccessoryFileConfig)[] | undefined;
  /**
   * Folders to make on the host and to mount: `local:remote[:options]`, or a map.
   * @example directories: ["data:/var/lib/mysql"]
   */
  directories?: readonly (string | AccessoryDirectoryConfig)[] | undefined;
  /**
   * Volumes: `source:path[:options]`.
   * @example volumes: ["mysql-data:/var/lib/mysql"]
   */
  volumes?: readonly string[] | undefined;
  /**
   * Docker network.
   * @default "kamal", where the app is
   * @example network: "back"
   */
  network?: string | undefined;
  /**
   * Behind the proxy, as a role of the app would be.
   * @example proxy: { host: "search.example", appPort: 7700 }
   */
  proxy?: ProxyConfig | undefined;
}

/** Where images are kept. */
export interface RegistryConfig {
  /**
   * Host of the registry. `localhost:PORT` is one on this machine: it is run as a container, hosts reach it through SSH, and no credentials are needed.
   * @default Docker Hub
   * @example server: "ghcr.io"
   */
  server?: string | undefined;
  /**
   * Who logs in.
   * @example username: "acme-bot"
   */
  username?: string | SecretInput | undefined;
  /**
   * Password or access token. Name a secret; a password written as text is in your repository, but is at least never printed.
   * @example password: secret("REGISTRY_PASSWORD")
   */
  password?: string | SecretInput | undefined;
}

/** A file that is brought to the host and mounted into the accessory. */
export interface AccessoryFileConfig {
  /**
   * File beside the config. One that ends with `.erb` is rendered, as far as values of the environment and of the accessory, commands, `if` and `raise` go; in TypeScript there is `content` for it.
   * @example local: "config/my.cnf"
   */
  local?: string | undefined;
  /**
   * The content itself, or a function that gives it: a template in TypeScript. Instead of `local`.
   * @example content: ({ env }) => `[mysqld]\nport=${env.PORT}\n`
   */
  content?: string | FileContent | undefined;
  /**
   * Mode on the host, octal.
   * @default "755"
   * @example mode: "0600"
   */
  mode?: string | undefined;
  /**
   * Path in the container.
   * @example remote: "/etc/mysql/my.cnf"
   */
  remote: string;
  /**
   * Owner on the host, as for chown.
   * @example owner: "999:999"
   */
  owner?: string | undefined;
  /**
   * Mount options.
   * @example options: "ro"
   */
  options?: string | undefined;
}

/** A folder of the host that is made and mounted into the accessory. */
export interface AccessoryDirectoryConfig {
  /**
   * Folder on the host: below the accessory's own folder, or absolute.
   * @example local: "data"
   */
  local: string;
  /**
   * Mode on the host, octal.
   * @default as the host makes folders
   * @example mode: "0750"
   */
  mode?: string | undefined;
  /**
   * Path in the container.
   * @example remote: "/etc/mysql/my.cnf"
   */
  remote: string;
  /**
   * Owner on the host, as for chown.
   * @example owner: "999:999"
   */
  owner?: string | undefined;
  /**
   * Mount options.
   * @example options: "ro"
   */
  options?: string | undefined;
}

/** How images get to hosts without a registry. */
export interface DeliveryConfig {
  /**
   * Whether hosts hand the image on to each other: this machine sends it to one of them, or to `width`, and the others get it from those that have it, by SSH from host to host. For a slow uplink and hosts that are near each other. A host that hands on may log in to the next one for that moment, as you do; see docs/images.md. Where it does not work, this machine sends the image.
   * @default false
   * @example handOn: { width: 2 }
   */
  handOn?: boolean | HandOnConfig | undefined;
}

/** How hosts hand images on. */
export interface HandOnConfig {
  /**
   * How many hosts get the image from this machine.
   * @example width: 2
   */
  width: number;
}

/** Environment of all containers. */
export interface RootEnvConfig {
  /**
   * Variables that everybody may see.
   * @example clear: { PORT: 3000 }
   */
  clear?: Record<string, string | number | boolean> | undefined;
  /**
   * Variables filled from secrets: names, "VARIABLE:SECRET", or a map from variable to secret. They reach the container in a file that only the SSH user can read.
   * @example secret: ["DATABASE_URL", "KEY:SHOP_KEY"]
   */
  secret?: readonly (string | SecretRef)[] | Record<string, SecretInput> | undefined;
  /**
   * Variables of the hosts that have a tag in `servers`, over those of root and role, in the order in which a host lists its tags.
   * @example tags: { big: { POOL: 32 }, eu: { clear: { ZONE: "eu" }, secret: ["EU_KEY"] } }
   */
  tags?: Record<string, EnvConfig | Record<string, string | number | boolean>> | undefined;
}

/** How the image is made. */
export interface BuilderConfig {
  /**
   * Architecture of the hosts, or several.
   * @default "amd64"
   * @example arch: ["amd64", "arm64"]
   */
  arch?: string | readonly string[] | undefined;
  /**
   * Docker daemon of another machine that builds the architectures this machine does not have.
   * @default this machine builds all of them, emulating what it does not have
   * @example remote: "ssh://root@builder.example"
   */
  remote?: string | undefined;
  /**
   * Build this machine's own architecture here. With false the remote builder builds everything.
   * @default true
   */
  local?: boolean | undefined;
  /**
   * Build with Cloud Native Buildpacks instead of a Dockerfile.
   * @example pack: { builder: "heroku/builder:24", buildpacks: ["heroku/nodejs"] }
   */
  pack?: PackConfig | undefined;
  /**
   * Where layers are kept between builds, for machines that keep nothing themselves.
   * @default the builder's own
   * @example cache: { type: "registry", options: "mode=max" }
   */
  cache?: CacheConfig | undefined;
  /**
   * Folder that is sent to the builder, relative to the config file. Without it a clean clone of the git repository is built, so uncommitted changes stay out.
   * @default a clean clone of the git repository
   * @example context: "."
   */
  context?: string | undefined;
  /**
   * The Dockerfile, relative to the config file.
   * @default "Dockerfile"
   * @example dockerfile: "docker/Dockerfile"
   */
  dockerfile?: string | undefined;
  /**
   * Stage of the Dockerfile to build.
   * @default the last stage
   * @example target: "production"
   */
  target?: string | undefined;
  /**
   * What `RUN --mount=type=ssh` may use, as buildx's `--ssh` takes it. Variables such as `$SSH_AUTH_SOCK` are filled in.
   * @example ssh: "default=$SSH_AUTH_SOCK"
   */
  ssh?: string | undefined;
  /**
   * Build arguments. They can be read in the image: not for secrets.
   * @default {}
   * @example args: { NODE_VERSION: "22" }
   */
  args?: Record<string, string | number | boolean> | undefined;
  /**
   * Secrets for `RUN --mount=type=secret`: names, "ID:SECRET", or a map from id to secret.
   * @default []
   * @example secrets: ["NPM_TOKEN"]
   */
  secrets?: readonly (string | SecretRef)[] | Record<string, SecretInput> | undefined;
  /**
   * Driver of docker buildx: `docker-container`, `docker`, or `cloud ORG/NAME`.
   * @default "docker-container"
   * @example driver: "docker"
   */
  driver?: string | undefined;
  /**
   * Attest how the image was made, as buildx's `--provenance` takes it.
   * @default none: the default attestation of buildx holds the time of the build, so that no image would ever be the one before
   * @example provenance: "mode=max"
   */
  provenance?: boolean | string | undefined;
  /**
   * Attest what is in the image: a software bill of materials.
   * @default buildx's own
   * @example sbom: true
   */
  sbom?: boolean | undefined;
}

/** Building with Cloud Native Buildpacks: no Dockerfile is needed. */
export interface PackConfig {
  /**
   * Image of the builder.
   * @example builder: "heroku/builder:24"
   */
  builder: string;
  /**
   * Buildpacks in the order in which they are applied. `paketo-buildpacks/image-labels` is added, for the service label.
   * @default those that the builder detects
   * @example buildpacks: ["heroku/nodejs", "heroku/procfile"]
   */
  buildpacks?: readonly string[] | undefined;
}

/** Where layers are kept between builds. */
export interface CacheConfig {
  /**
   * Where layers are kept: the cache of GitHub Actions, or an image in the registry.
   * @example type: "registry"
   */
  type: "gha" | "registry";
  /**
   * Image of the cache in the registry, without the registry's host.
   * @default the image with `-build-cache` after it
   * @example image: "acme/shop-cache"
   */
  image?: string | undefined;
  /**
   * Further options of buildx's `--cache-to`. Those that say where the cache of GitHub Actions is go to `--cache-from` too.
   * @example options: "mode=max,image-manifest=true"
   */
  options?: string | undefined;
}

/** How Traefik's container is run. Routes are in `labels`. */
export interface TraefikConfig {
  /**
   * Traefik's image, of any version 2 or 3.
   * @default "traefik:v3.7.9"
   * @example image: "traefik:v3.6.24"
   */
  image?: string | undefined;
  /**
   * Port on the host for the entry point at port 80.
   * @default 80
   * @example hostPort: 8080
   */
  hostPort?: number | undefined;
  /**
   * Arguments of Traefik without the two dashes; `true` is a bare flag.
   * @example args: { accesslog: true, "accesslog.format": "json" }
   */
  args?: Record<string, string | number | boolean | readonly (string | number)[]> | undefined;
  /**
   * Further options of Traefik's `docker run`.
   * @example options: { publish: ["443:443"], memory: "512m" }
   */
  options?: Record<string, string | number | boolean | readonly (string | number)[]> | undefined;
  /**
   * Labels of Traefik's container. Those that begin with `traefik.` become routes of Traefik itself, such as one to its dashboard.
   * @example labels: { team: "core" }
   */
  labels?: Record<string, string | number | boolean> | undefined;
  /**
   * Environment of Traefik, such as the credentials of a DNS provider.
   * @example env: { secret: ["CF_DNS_API_TOKEN"] }
   */
  env?: EnvConfig | Record<string, string | number | boolean> | undefined;
}

/** How hosts are reached. */
export interface SshConfig {
  /**
   * Login name on the hosts. `user@host` in a host list goes before it.
   * @default as ~/.ssh/config says, else root
   * @example user: "deploy"
   */
  user?: string | undefined;
  /**
   * Port of the SSH servers. `host:port` in a host list goes before it.
   * @default as ~/.ssh/config says, else 22
   * @example port: 2222
   */
  port?: number | undefined;
  /**
   * What opens the connections: `ssh2`, which is built in, or `openssh`, the `ssh` program on PATH. `auto` is ssh2, and OpenSSH for each host that needs it: user certificates, security keys, certificates of hosts, PKCS#11, one-time passwords, algorithms that ssh2 lacks. A notice says why. OpenSSH's own questions are asked where there is a terminal.
   * @default "auto"
   */
  transport?: "auto" | "ssh2" | "openssh" | undefined;
  /**
   * Private key files, relative to the config file; `~` is your home directory.
   * @default the agent and the usual files
   * @example keys: ["~/.ssh/deploy"]
   */
  keys?: readonly string[] | undefined;
  /**
   * Private keys that are secrets, PEM or OpenSSH, instead of files.
   * @default []
   * @example keyData: [secret("SSH_KEY")]
   */
  keyData?: readonly SecretInput[] | undefined;
  /**
   * Offer only `keys` and `keyData`, not those of the agent.
   * @default false
   */
  keysOnly?: boolean | undefined;
  /**
   * Host to jump through: `[user@]host[:port]`.
   * @example proxy: "bastion.example"
   */
  proxy?: string | undefined;
  /**
   * Command whose input and output are the connection; `%h`, `%p` and `%r` are host, port and user.
   * @example proxyCommand: "nc -X 5 -x socks.example:1080 %h %p"
   */
  proxyCommand?: string | undefined;
  /**
   * Whether ~/.ssh/config is read; paths read those files instead, what stands first holds.
   * @default true
   * @example config: "./ssh_config"
   */
  config?: boolean | string | readonly string[] | undefined;
  /**
   * Keys of hosts that are not in known_hosts: refuse them, remember them, or take any. A key that has changed is refused unless this is `no`; such a host gets neither the agent nor a tunnel.
   * @default "accept-new"
   */
  strictHostKeyChecking?: "yes" | "accept-new" | "no" | undefined;
  /**
   * How long one connection may take to open.
   * @default 15
   * @example connectTimeout: "30s"
   */
  connectTimeout?: number | Duration | undefined;
  /**
   * How often the name of a host is looked up again when it is not found.
   * @default 3
   * @example dnsRetries: 0
   */
  dnsRetries?: number | undefined;
  /**
   * Let programs on the hosts sign with the keys of your SSH agent while capstan is connected. Whoever is root there can use them too.
   * @default false
   */
  forwardAgent?: boolean | undefined;
  /**
   * How many connections may be opening at once; at one sshd that many hosts are reached through it is at most eight, since sshd drops some of those who come at once (MaxStartups).
   * @default 30
   * @example maxConcurrentStarts: 10
   */
  maxConcurrentStarts?: number | undefined;
}

/** Rolling deploys. */
export interface BootConfig {
  /**
   * How many hosts boot together, or the share of all hosts, at least one.
   * @default all
   * @example limit: "25%"
   */
  limit?: number | `${number}%` | undefined;
  /**
   * Pause after each group of hosts.
   * @default 0
   * @example wait: 10
   */
  wait?: number | Duration | undefined;
  /**
   * Start all roles of a host at once instead of one after another. The primary role still goes first.
   * @default false
   */
  parallelRoles?: boolean | undefined;
}

/** Where the events of a run go besides the screen. */
export interface OutputConfig {
  /**
   * A log file for each command that changes something, with every event whatever `-q` and `-v` say, every command and its output.
   * @example file: { path: "log" }
   */
  file?: FileOutputConfig | undefined;
  /**
   * Send the same events to an OpenTelemetry collector as log records. One that does not answer is told once and delays a run by at most 5 seconds.
   * @example otel: { endpoint: "http://collector:4318" }
   */
  otel?: OtelOutputConfig | undefined;
}

/** One log file for each command that changes something: `2026-03-01T14-03-07_staging_deploy.log`, in local time. */
export interface FileOutputConfig {
  /**
   * Folder of the log files, relative to the config file. It is made when it is missing, with a `.gitignore` in it.
   * @example path: "log"
   */
  path: string;
}

/** An OpenTelemetry collector. */
export interface OtelOutputConfig {
  /**
   * Address of an OpenTelemetry collector that speaks OTLP over HTTP; `/v1/logs` is added. Headers for it come from the variable OTEL_EXPORTER_OTLP_HEADERS.
   * @example endpoint: "http://collector:4318"
   */
  endpoint: string;
}
