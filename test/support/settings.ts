import { Secret } from "../../lib/ground/secret.ts";
import type { Accessory, KamalProxySettings, Role, Settings, TraefikRouteSettings, TraefikSettings } from "../../lib/config/settings.ts";
import { traefikRouteSettings, traefikSettings } from "../../lib/config/traefik/settings.ts";

/** What the proxy is told when the config says nothing. */
export const defaultProxy: KamalProxySettings = {
  kind: "kamal-proxy", hosts: [], appPort: 80, tls: "off", tlsRedirect: undefined, forwardHeaders: undefined, responseTimeoutSeconds: undefined, pathPrefixes: [], stripPathPrefix: undefined,
  healthcheck: { intervalSeconds: undefined, timeoutSeconds: undefined, path: undefined },
  buffering: { requests: true, responses: true, memory: undefined, maxRequestBody: undefined, maxResponseBody: undefined },
  logging: { requestHeaders: ["Cache-Control", "Last-Modified", "User-Agent"], responseHeaders: [] },
};

/** A role with every default. */
export function roleOf(name: string, more: Partial<Role> = {}): Role {
  const primary = name === "web";
  return {
    name, primary, hosts: ["10.0.0.1"], cmd: undefined, env: { clear: {}, secret: { API_KEY: new Secret("API_KEY", "k1") } }, hostEnv: {}, labels: {}, options: {}, volumes: [],
    logging: { driver: undefined, options: {} }, assets: undefined, proxy: primary ? defaultProxy : undefined, stopTimeoutSeconds: undefined, ...more,
  };
}

/** An accessory of a service called shop, with every default. */
export function accessoryOf(name: string, more: Partial<Accessory> = {}): Accessory {
  return {
    name, service: `shop-${name}`, image: "redis:7", registry: { server: undefined, username: "bot", password: new Secret("REGISTRY_PASSWORD", "pw") }, hosts: ["10.0.0.9"], cmd: undefined, publish: undefined,
    labels: {}, options: {}, env: { clear: {}, secret: {} }, files: [], directories: [], volumes: [], network: "kamal", logging: { driver: undefined, options: {} }, proxy: undefined, ...more,
  };
}

/** The settings of a small shop: web on 10.0.0.1, jobs on 10.0.0.2. */
export function settingsOf(more: Partial<Settings> = {}): Settings {
  return {
    service: "shop", destination: undefined, repository: "acme/shop",
    registry: { server: undefined, username: "bot", password: new Secret("REGISTRY_PASSWORD", "pw") },
    roles: [roleOf("web"), roleOf("jobs", { hosts: ["10.0.0.2"], cmd: "bin/work" })], accessories: [], primaryRole: "web", primaryHost: "10.0.0.1",
    builder: {
      arch: ["amd64"], remote: undefined, local: true, pack: undefined, cache: undefined, context: undefined, dockerfile: "Dockerfile", target: undefined, ssh: undefined, args: {}, secrets: {},
      driver: "docker-container", provenance: undefined, sbom: undefined,
    },
    ssh: { transport: "auto", user: undefined, port: undefined, keys: [], keyData: [], keysOnly: false, proxy: undefined, proxyCommand: undefined, strictHostKeyChecking: "accept-new", config: true, connectTimeoutSeconds: 30, dnsRetries: 3, forwardAgent: false, maxConcurrentStarts: 30 },
    boot: { limit: undefined, waitSeconds: 0, parallelRoles: false }, proxyRun: undefined, traefik: undefined, errorPagesPath: undefined, retainContainers: 5, deployTimeoutSeconds: 30, drainTimeoutSeconds: 30, readinessDelaySeconds: 7,
    hooks: {}, hooksOutput: {}, output: { logFolder: undefined, otelEndpoint: undefined }, root: "/app",
    secrets: { get: (name) => new Secret(name, `value of ${name}`), value: async (name) => `value of ${name}`, all: async () => ({ API_KEY: "k1" }), load: async () => undefined, concealAtHand: async () => undefined },
    ...more,
  };
}

/** The proxy of a role, which must be kamal-proxy. */
export function kamalProxyOf(role: Role | undefined): KamalProxySettings {
  if (role?.proxy?.kind !== "kamal-proxy") throw new Error("the role is not behind kamal-proxy");
  return role.proxy;
}

/** A role's way through Traefik, of a service called shop. */
export function traefikOf(labels: Readonly<Record<string, string>> = {}): TraefikRouteSettings {
  const proxy = traefikRouteSettings(labels, { service: "shop", prefix: "shop-web" }, undefined, {});
  if (proxy === undefined) throw new Error("the labels say that there is no route");
  return proxy;
}

/** Traefik's container with every default. */
export const traefikSettingsOf = (more: Partial<TraefikSettings> = {}): TraefikSettings => ({ ...traefikSettings({}, { clear: {}, secret: {} }), ...more });
