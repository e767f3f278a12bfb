import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import { rolePrefix } from "../ground/names.ts";
import { isSecret } from "../ground/secret.ts";
import { accessoriesOf, accessoryHosts } from "./accessories.ts";
import { envSettings, mergedEnv, registryOf, secretsOf } from "./env-settings.ts";
import { hookNames, type HooksOutput } from "./hooks.ts";
import { loggingSettings } from "./logging-settings.ts";
import { isMap } from "./merge.ts";
import { proxyRunSettings, proxySettings } from "./proxy-settings.ts";
import { isLocalRegistry, type RoleInput, rolesOf } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";
import { texts } from "./schema/common.ts";
import type { Env } from "./schema/env.ts";
import type { ProxyRunInput } from "./schema/proxy.ts";
import { nameOf } from "./secret-ref.ts";
import type { AssetSettings, BootSettings, BuilderSettings, EnvSettings, ProxySettings, Role, SecretStore, Settings } from "./settings.ts";
import { traefikRouteSettings, traefikSettings, withoutRoutes } from "./traefik/settings.ts";

/** What the config itself does not say. */
export interface Given {
  readonly destination: string | undefined;
  /** Absolute. */
  readonly root: string;
  readonly secrets: SecretStore;
}

/** Roles and accessories of other hosts may want the proxy run in another way there. */
function proxyRunElsewhere(config: ParsedConfig, roles: readonly RoleInput[], run: ProxyRunInput | undefined): Pick<Settings, "proxyRunOn"> {
  const ofRoles = roles.flatMap(({ proxy, hosts }) => (proxy === undefined ? [] : hosts.map((host) => [host, proxy.run] as const)));
  const ofAccessories = Object.values(config.accessories).flatMap((input) => (input.proxy?.run === undefined ? [] : accessoryHosts(input, roles).map((host) => [host, input.proxy?.run] as const)));
  const others = [...ofRoles, ...ofAccessories].filter(([, other]) => !Bun.deepEquals(other, run));
  return others.length === 0 ? {} : { proxyRunOn: Object.fromEntries(others.map(([host, other]) => [host, other === undefined ? undefined : proxyRunSettings(other)])) };
}

const handOnOf = (handOn: ParsedConfig["delivery"]["handOn"]): Pick<Settings, "handOn"> => (handOn === false ? {} : { handOn: handOn === true ? 1 : handOn.width });

/** A config without problems as settings: merged per role, every default filled in, frozen. */
export function resolveSettings(config: ParsedConfig, { destination, root, secrets }: Given): Settings {
  const { registry = {}, ssh } = config;
  const inputs = rolesOf(config);
  const behindTraefik = config.traefik !== undefined || inputs.some(({ traefik }) => traefik !== undefined);
  const roles = inputs.map((role) => roleSettings(config, role, destination, secrets, behindTraefik));
  const proxied = inputs.find(({ proxy }) => proxy !== undefined);
  const run = proxied === undefined ? Object.values(config.accessories).find(({ proxy }) => proxy?.run !== undefined)?.proxy?.run : proxied.proxy?.run;
  const registrySettings = registryOf(registry, secrets);
  const accessories = accessoriesOf(config, inputs, { root, secrets });
  const image = config.image ?? (config.registry === undefined || isLocalRegistry(registry.server) ? config.service : "");
  return freeze({
    service: config.service,
    destination,
    repository: registry.server === undefined ? image : `${registry.server}/${image}`,
    registry: registrySettings,
    ...(config.registry === undefined ? { withoutRegistry: true, ...handOnOf(config.delivery.handOn) } : {}),
    roles,
    accessories,
    primaryRole: config.primaryRole,
    primaryHost: roles[0]?.hosts[0] ?? accessories[0]?.hosts[0] ?? "",
    builder: builderSettings(config, image, secrets),
    ssh: {
      transport: ssh.transport,
      user: ssh.user,
      port: ssh.port,
      keys: ssh.keys.map((key) => below(root, key)),
      keyData: ssh.keyData.map((key) => ({ name: nameOf(key), read: () => secrets.value(nameOf(key)) })),
      keysOnly: ssh.keysOnly,
      proxy: ssh.proxy,
      proxyCommand: ssh.proxyCommand,
      strictHostKeyChecking: ssh.strictHostKeyChecking,
      config: typeof ssh.config === "boolean" ? ssh.config : [ssh.config].flat().map((file) => below(root, file)),
      connectTimeoutSeconds: ssh.connectTimeout,
      dnsRetries: ssh.dnsRetries,
      forwardAgent: ssh.forwardAgent,
      maxConcurrentStarts: ssh.maxConcurrentStarts,
    },
    boot: { limit: config.boot.limit as BootSettings["limit"], waitSeconds: config.boot.wait, parallelRoles: config.boot.parallelRoles },
    proxyRun: run === undefined ? undefined : proxyRunSettings(run),
    ...proxyRunElsewhere(config, inputs, run),
    traefik: inputs.some(({ traefik }) => traefik !== undefined) ? traefikSettings(config.traefik ?? {}, envSettings(config.traefik?.env ?? {}, secrets)) : undefined,
    errorPagesPath: config.errorPagesPath === undefined ? undefined : resolvePath(root, config.errorPagesPath),
    retainContainers: config.retainContainers,
    deployTimeoutSeconds: config.deployTimeout,
    drainTimeoutSeconds: config.drainTimeout,
    readinessDelaySeconds: config.readinessDelay,
    hooks: config.hooks,
    hooksOutput: hooksOutputOf(config.hooksOutput),
    output: {
      logFolder: config.output.file === undefined ? undefined : below(root, config.output.file.path),
      otelEndpoint: config.output.otel?.endpoint.replace(/\/+$/, ""),
    },
    root,
    secrets,
  });
}

/** One word for all hooks as a map. */
const hooksOutputOf = (output: HooksOutput | undefined): Settings["hooksOutput"] => (typeof output === "string" ? Object.fromEntries(hookNames.map((name) => [name, output])) : (output ?? {}));

function builderSettings({ builder, registry = {} }: ParsedConfig, image: string, secrets: SecretStore): BuilderSettings {
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
    secrets: secretsOf(builder.secrets, (name) => secrets.get(name)),
    driver: builder.driver,
    provenance: provenance === undefined ? undefined : String(provenance),
    sbom: builder.sbom,
  };
}

/** A path of the config as an absolute one; those of the home directory are left to whoever knows it. */
const below = (root: string, path: string): string => (path.startsWith("~") ? path : resolvePath(root, path));

function roleSettings(config: ParsedConfig, role: RoleInput, destination: string | undefined, secrets: SecretStore, behindTraefik: boolean): Role {
  const env = mergedEnv(envSettings(config.env, secrets), envSettings(role.env ?? {}, secrets));
  const proxy = routingOf(config, role, destination, secrets);
  const labels = texts({ ...config.labels, ...role.labels });
  return {
    name: role.name,
    primary: role.primary,
    hosts: role.hosts,
    cmd: role.cmd,
    env,
    hostEnv: hostEnvs(config, role, env, secrets),
    // Where nothing is behind Traefik its labels are labels like any other.
    labels: behindTraefik ? withoutRoutes(labels) : labels,
    options: role.options ?? {},
    volumes: [...new Set([...config.volumes, ...(role.volumes ?? [])])],
    logging: loggingSettings(config.logging, role.logging),
    assets: proxy === undefined ? undefined : assetSettings(role.assetPath ?? config.assetPath),
    proxy,
    stopTimeoutSeconds: role.stopTimeout ?? config.stopTimeout ?? (proxy === undefined ? config.drainTimeout : undefined),
  };
}

function routingOf(config: ParsedConfig, role: RoleInput, destination: string | undefined, secrets: SecretStore): ProxySettings | undefined {
  if (role.traefik === undefined) return role.proxy === undefined ? undefined : proxySettings(role.proxy, secrets);
  const owner = { service: config.service, prefix: rolePrefix({ service: config.service, destination }, role.name) };
  return traefikRouteSettings(texts({ ...config.labels, ...role.labels }), owner, config.traefik?.image, { ...config.healthcheck, ...role.healthcheck });
}

/** What the tags of each host add, in the order in which it lists them. */
function hostEnvs(config: ParsedConfig, { tags }: RoleInput, env: EnvSettings, secrets: SecretStore): Record<string, EnvSettings> {
  const defined = envTags(config);
  return Object.fromEntries(Object.entries(tags).flatMap(([host, names]) => {
    const found = names.map((name) => defined[name]).filter((one) => one !== undefined).map((one) => envSettings(one, secrets));
    return found.length === 0 ? [] : [[host, found.reduce(mergedEnv, env)]];
  }));
}

/** A map of clear variables may have one that is called `tags`: it is no map. */
function envTags({ env }: ParsedConfig): Readonly<Record<string, z.output<typeof Env>>> {
  const tags: unknown = "tags" in env ? env.tags : undefined;
  return isMap(tags) ? (tags as Readonly<Record<string, z.output<typeof Env>>>) : {};
}

function assetSettings(assetPath: string | undefined): AssetSettings | undefined {
  const [path = "", ...options] = assetPath?.split(":") ?? [];
  return path === "" ? undefined : { path, options: options.length === 0 ? undefined : options.join(":") };
}

/** Freezes lists and maps all the way down; functions and objects with an identity stay as they are. */
function freeze<T>(value: T): T {
  if (isSecret(value) || !(Array.isArray(value) || isMap(value)) || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
