import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import { rolePrefix } from "../ground/names.ts";
import { isSecret, Secret } from "../ground/secret.ts";
import { isMap } from "./merge.ts";
import { isLocalRegistry, namesOf, type RoleInput, rolesOf } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";
import { type Logging, type secretMap, texts } from "./schema/common.ts";
import type { Env } from "./schema/env.ts";
import { type ProxyInput, type ProxyRunInput, proxyDefaults } from "./schema/proxy.ts";
import { nameOf, type SecretInput } from "./secret-ref.ts";
import type { BootSettings, BuilderSettings, EnvSettings, KamalProxySettings, LoggingSettings, ProxyRunSettings, ProxySettings, Role, SecretStore, Settings } from "./settings.ts";
import { traefikRouteSettings, traefikSettings, withoutRoutes } from "./traefik/settings.ts";

/** What the config itself does not say. */
export interface Given {
  readonly destination: string | undefined;
  /** Absolute. */
  readonly root: string;
  readonly secrets: SecretStore;
}

/** A config without problems as settings: merged per role, every default filled in, frozen. */
export function resolveSettings(config: ParsedConfig, { destination, root, secrets }: Given): Settings {
  const { registry, ssh } = config;
  const inputs = rolesOf(config);
  const roles = inputs.map((role) => roleSettings(config, role, destination, secrets));
  const run = inputs.find(({ proxy }) => proxy !== undefined)?.proxy?.run;
  const image = config.image ?? (isLocalRegistry(registry.server) ? config.service : "");
  return freeze({
    service: config.service,
    destination,
    repository: registry.server === undefined ? image : `${registry.server}/${image}`,
    registry: {
      server: registry.server,
      username: typeof registry.username === "object" ? secrets.get(nameOf(registry.username)) : registry.username,
      password: registry.password === undefined ? undefined : secretOf(registry.password, "registry password", secrets),
    },
    roles,
    primaryRole: config.primaryRole,
    primaryHost: roles[0]?.hosts[0] ?? "",
    builder: builderSettings(config, image, secrets),
    ssh: {
      user: ssh.user,
      port: ssh.port,
      keys: ssh.keys.map((key) => below(root, key)),
      keysOnly: ssh.keysOnly,
      proxy: ssh.proxy,
      strictHostKeyChecking: ssh.strictHostKeyChecking,
      config: typeof ssh.config === "string" ? below(root, ssh.config) : ssh.config,
      connectTimeoutSeconds: ssh.connectTimeout,
      maxConcurrentStarts: ssh.maxConcurrentStarts,
    },
    boot: { limit: config.boot.limit as BootSettings["limit"], waitSeconds: config.boot.wait },
    proxyRun: run === undefined ? undefined : proxyRunSettings(run),
    traefik: inputs.some(({ traefik }) => traefik !== undefined) ? traefikSettings(config.traefik ?? {}, envSettings(config.traefik?.env ?? {}, secrets)) : undefined,
    retainContainers: config.retainContainers,
    deployTimeoutSeconds: config.deployTimeout,
    drainTimeoutSeconds: config.drainTimeout,
    readinessDelaySeconds: config.readinessDelay,
    hooks: config.hooks,
    root,
    secrets,
  });
}

function builderSettings({ builder, registry }: ParsedConfig, image: string, secrets: SecretStore): BuilderSettings {
  const { arch, cache, provenance } = builder;
  const cacheImage = cache?.image ?? `${image}-build-cache`;
  return {
    arch: typeof arch === "string" ? [arch] : arch,
    remote: builder.remote,
    local: builder.local,
    pack: builder.pack,
    cache: cache === undefined ? undefined : { type: cache.type, image: registry.server === undefined ? cacheImage : `${registry.server}/${cacheImage}`, options: cache.options },
    context: builder.context,
    dockerfile: builder.dockerfile,
    target: builder.target,
    ssh: builder.ssh,
    args: builder.args,
    secrets: secretsOf(builder.secrets, secrets),
    driver: builder.driver,
    provenance: provenance === undefined ? undefined : String(provenance),
    sbom: builder.sbom,
  };
}

/** A path of the config as an absolute one; those of the home directory are left to whoever knows it. */
const below = (root: string, path: string): string => (path.startsWith("~") ? path : resolvePath(root, path));

function roleSettings(config: ParsedConfig, role: RoleInput, destination: string | undefined, secrets: SecretStore): Role {
  const base = envSettings(config.env, secrets);
  const own = envSettings(role.env ?? {}, secrets);
  const proxy = routingOf(config, role, destination, secrets);
  return {
    name: role.name,
    primary: role.primary,
    hosts: role.hosts,
    cmd: role.cmd,
    env: { clear: { ...base.clear, ...own.clear }, secret: { ...base.secret, ...own.secret } },
    labels: withoutRoutes(texts({ ...config.labels, ...role.labels })),
    options: role.options ?? {},
    volumes: [...new Set([...config.volumes, ...(role.volumes ?? [])])],
    logging: loggingSettings(config.logging, role.logging),
    proxy,
    stopTimeoutSeconds: role.stopTimeout ?? config.stopTimeout ?? (proxy === undefined ? config.drainTimeout : undefined),
  };
}

function routingOf(config: ParsedConfig, role: RoleInput, destination: string | undefined, secrets: SecretStore): ProxySettings | undefined {
  if (role.traefik === undefined) return role.proxy === undefined ? undefined : proxySettings(role.proxy, secrets);
  const owner = { service: config.service, prefix: rolePrefix({ service: config.service, destination }, role.name) };
  return traefikRouteSettings(texts({ ...config.labels, ...role.labels }), owner, config.traefik?.image, { ...config.healthcheck, ...role.healthcheck });
}

function envSettings(env: z.output<typeof Env>, secrets: SecretStore): EnvSettings {
  const grouped = ["clear", "secret"].some((key) => typeof env[key as keyof typeof env] === "object");
  // A map of clear variables has no lists and maps in it, so a `clear` or `secret` that is one tells the two apart.
  const { clear = {}, secret = [] } = grouped ? (env as { clear?: EnvSettings["clear"]; secret?: z.output<typeof secretMap> }) : { clear: env as EnvSettings["clear"] };
  return { clear, secret: secretsOf(secret, secrets) };
}

function secretsOf(input: z.output<typeof secretMap>, secrets: SecretStore): Record<string, Secret> {
  if (!isList(input)) return Object.fromEntries(Object.entries(input).map(([variable, ref]) => [variable, secrets.get(nameOf(ref))]));
  return Object.fromEntries(input.map((item) => {
    if (typeof item !== "string") return [item.name, secrets.get(item.name)];
    const [variable = "", name = variable] = item.split(":");
    return [variable, secrets.get(name)];
  }));
}

const isList = (value: z.output<typeof secretMap>): value is Extract<z.output<typeof secretMap>, readonly unknown[]> => Array.isArray(value);

/** A text is the value itself. */
const secretOf = (input: string | SecretInput, label: string, secrets: SecretStore): Secret => (typeof input === "string" ? new Secret(label, input) : secrets.get(nameOf(input)));

/** A text is the name of a secret, or the certificate itself. */
const pemOf = (input: string | SecretInput, label: string, secrets: SecretStore): Secret =>
  typeof input === "string" && !input.includes("-----BEGIN ") ? secrets.get(input) : secretOf(input, label, secrets);

function loggingSettings(root: z.output<typeof Logging> | undefined, own: z.output<typeof Logging> | undefined): LoggingSettings {
  const driver = own?.driver ?? root?.driver;
  const options = texts({ ...root?.options, ...own?.options });
  return driver === undefined && Object.keys(options).length === 0 ? { driver, options: { "max-size": "10m" } } : { driver, options };
}

function proxySettings(proxy: ProxyInput, secrets: SecretStore): KamalProxySettings {
  const { ssl, healthcheck, buffering, logging } = proxy;
  return {
    kind: "kamal-proxy",
    hosts: namesOf(proxy.host, proxy.hosts),
    appPort: proxy.appPort ?? proxyDefaults.appPort,
    tls: typeof ssl === "object" ? { certificate: pemOf(ssl.certificatePem, "certificate", secrets), privateKey: pemOf(ssl.privateKeyPem, "private key", secrets) } : ssl === true ? "automatic" : "off",
    tlsRedirect: proxy.sslRedirect,
    forwardHeaders: proxy.forwardHeaders,
    responseTimeoutSeconds: proxy.responseTimeout,
    pathPrefixes: namesOf(proxy.pathPrefix, proxy.pathPrefixes),
    stripPathPrefix: proxy.stripPathPrefix,
    healthcheck: { intervalSeconds: healthcheck?.interval, timeoutSeconds: healthcheck?.timeout, path: healthcheck?.path },
    buffering: {
      requests: buffering?.requests ?? proxyDefaults.bufferRequests,
      responses: buffering?.responses ?? proxyDefaults.bufferResponses,
      memory: buffering?.memory,
      maxRequestBody: buffering?.maxRequestBody,
      maxResponseBody: buffering?.maxResponseBody,
    },
    logging: { requestHeaders: logging?.requestHeaders ?? proxyDefaults.requestHeaders, responseHeaders: logging?.responseHeaders ?? [] },
  };
}

function proxyRunSettings(run: ProxyRunInput): ProxyRunSettings {
  const standard = proxyDefaults.run;
  const image = `${run.repository ?? standard.repository}:${run.version ?? standard.version}`;
  return {
    httpPort: run.httpPort ?? standard.httpPort,
    httpsPort: run.httpsPort ?? standard.httpsPort,
    metricsPort: run.metricsPort,
    debug: run.debug ?? standard.debug,
    logMaxSize: run.logMaxSize ?? standard.logMaxSize,
    publish: run.publish ?? standard.publish,
    bindIps: run.bindIps ?? [],
    image: run.registry === undefined ? image : `${run.registry}/${image}`,
    options: run.options ?? {},
  };
}

/** Freezes lists and maps all the way down; functions and objects with an identity stay as they are. */
function freeze<T>(value: T): T {
  if (isSecret(value) || !(Array.isArray(value) || isMap(value)) || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
