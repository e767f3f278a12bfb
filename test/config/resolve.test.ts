import { expect, test } from "bun:test";
import { secret } from "../../lib/config/secret-ref.ts";
import type { Settings } from "../../lib/config/settings.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { kamalProxyOf } from "../support/settings.ts";
import { base, settingsOf } from "./project.ts";

const role = (settings: Settings, name: string) => settings.roles.find((each) => each.name === name);
const servers = (jobs: object): DeployConfig["servers"] => ({ ...base.servers, jobs: { ...base.servers.jobs, ...jobs } });

test("resolveSettings fills in every default", () => {
  const { secrets: _, hooks: __, roles, ...settings } = settingsOf(base);
  expect(JSON.parse(JSON.stringify(settings))).toEqual({
    service: "shop", repository: "acme/shop", registry: { username: "bot", password: "‹secret registry password›" },
    accessories: [], primaryRole: "web", primaryHost: "10.0.0.1",
    builder: { arch: ["amd64"], local: true, dockerfile: "Dockerfile", args: {}, secrets: {}, driver: "docker-container" },
    ssh: { transport: "auto", keys: [], keyData: [], keysOnly: false, strictHostKeyChecking: "accept-new", config: true, connectTimeoutSeconds: 15, dnsRetries: 3, forwardAgent: false, maxConcurrentStarts: 30 },
    boot: { waitSeconds: 0, parallelRoles: false },
    retainContainers: 5, deployTimeoutSeconds: 30, drainTimeoutSeconds: 30, readinessDelaySeconds: 7, hooksOutput: {}, output: {}, root: "/app",
  });
  expect(JSON.parse(JSON.stringify(roles[0]))).toEqual({
    name: "web", primary: true, hosts: ["10.0.0.1"], env: { clear: {}, secret: { API_KEY: "‹secret API_KEY›" } }, hostEnv: {}, labels: {}, options: {}, volumes: [],
    logging: { options: { "max-size": "10m" } },
    proxy: {
      kind: "kamal-proxy", hosts: [], appPort: 80, tls: "off", pathPrefixes: [], healthcheck: {}, buffering: { requests: true, responses: true },
      logging: { requestHeaders: ["Cache-Control", "Last-Modified", "User-Agent"], responseHeaders: [] },
    },
  });
  expect(roles[1]).toMatchObject({ name: "jobs", primary: false, hosts: ["10.0.0.2"], cmd: "bin/work", proxy: undefined, stopTimeoutSeconds: 30 });
});

test("resolveSettings of a config that names no registry", () => {
  const { registry: _, image: __, ...rest } = base;
  const accessories = { redis: { image: "redis:7", host: "10.0.0.1" }, search: { image: "acme/search", host: "10.0.0.1", registry: { server: "reg.example", username: "u", password: "p" } } };
  const settings = settingsOf({ ...rest, accessories });
  expect([settings.repository, settings.withoutRegistry, settings.registry]).toEqual(["shop", true, { server: undefined, username: undefined, password: undefined }]);
  expect(settings.accessories.map(({ image, registry }) => [image, registry.username])).toEqual([["redis:7", undefined], ["reg.example/acme/search", "u"]]);
  expect(settingsOf({ ...rest, image: "acme/shop" }).repository).toBe("acme/shop");
  expect(settingsOf(base).withoutRegistry).toBeUndefined();
  expect([false, true, { width: 3 }].map((handOn) => settingsOf({ ...rest, delivery: { handOn } }).handOn)).toEqual([undefined, 1, 3]);
});

test("resolveSettings freezes all of it", () => {
  const settings = settingsOf({ ...base, labels: { a: "b" } });
  expect(Object.isFrozen(settings)).toBe(true);
  expect(Object.isFrozen(settings.roles[0]?.labels)).toBe(true);
  expect(Object.isFrozen(settings.roles[0]?.hosts)).toBe(true);
  expect(Object.isFrozen(settings.builder.arch)).toBe(true);
});

test("resolveSettings orders roles by name, the primary one first", () => {
  const settings = settingsOf({ ...base, servers: { zeta: ["h3"], web: ["h1", "h2"], api: ["h2", "h4"] } });
  expect(settings.roles.map(({ name }) => name)).toEqual(["web", "api", "zeta"]);
  expect(settings.primaryHost).toBe("h1");
});

test("resolveSettings makes a list of servers the role web, and drops hosts written twice", () => {
  expect(settingsOf({ ...base, servers: ["a", "b", "a"] }).roles.map(({ name, hosts }) => [name, hosts])).toEqual([["web", ["a", "b"]]]);
});

test.each<[string, Partial<DeployConfig>, string]>([
  ["on Docker Hub", {}, "acme/shop"],
  ["in a registry", { registry: { server: "reg.example:5000", username: "u", password: "p" } }, "reg.example:5000/acme/shop"],
  ["in a local registry, by the service", { registry: { server: "localhost:5000" }, image: undefined }, "localhost:5000/shop"],
])("resolveSettings names the repository %s", (_, change, repository) => {
  expect(settingsOf({ ...base, ...change }).repository).toBe(repository);
});

test.each<[string, Partial<DeployConfig>, readonly (number | undefined)[]]>([
  ["nothing: drainTimeout behind no proxy", {}, [undefined, 30]],
  ["drainTimeout", { drainTimeout: 12 }, [undefined, 12]],
  ["stopTimeout", { stopTimeout: 45, servers: servers({ stopTimeout: "90s" }) }, [45, 90]],
  ["a role behind the proxy", { servers: servers({ proxy: true }), proxy: { host: "a.example" } }, [undefined, undefined]],
])("resolveSettings takes the stop timeout from %s", (_, change, expected) => {
  expect(settingsOf({ ...base, ...change }).roles.map(({ stopTimeoutSeconds }) => stopTimeoutSeconds)).toEqual([...expected]);
});

test("resolveSettings merges logging key by key", () => {
  const settings = settingsOf({ ...base, logging: { driver: "journald", options: { tag: "shop", env: "A" } }, servers: servers({ logging: { options: { tag: "jobs" } } }) });
  expect(role(settings, "web")?.logging).toEqual({ driver: "journald", options: { tag: "shop", env: "A" } });
  expect(role(settings, "jobs")?.logging).toEqual({ driver: "journald", options: { tag: "jobs", env: "A" } });
  expect(settingsOf({ ...base, logging: { driver: "local" } }).roles[0]?.logging).toEqual({ driver: "local", options: {} });
});

test("resolveSettings lays a role's labels, env and volumes over those of the root, first place kept", () => {
  const settings = settingsOf({
    ...base,
    labels: { team: "core", tier: "front", level: 3 },
    volumes: ["media:/media"],
    env: { clear: { MODE: "base", CACHE: "off", LEVEL: 1 }, secret: ["API_KEY", "TOKEN:SHOP_TOKEN"] },
    servers: servers({ labels: { tier: "back" }, volumes: ["tmp:/tmp", "media:/media"], env: { clear: { CACHE: "on" }, secret: { TOKEN: secret("JOBS_TOKEN"), EXTRA: ["MORE"] } } }),
  });
  const jobs = role(settings, "jobs");
  expect(jobs?.labels).toEqual({ team: "core", tier: "back", level: "3" });
  expect(jobs?.volumes).toEqual(["media:/media", "tmp:/tmp"]);
  expect(Object.entries(jobs?.env.clear ?? {})).toEqual([["MODE", "base"], ["CACHE", "on"], ["LEVEL", 1]]);
  expect(Object.entries(jobs?.env.secret ?? {}).map(([variable, { name }]) => [variable, name])).toEqual([["API_KEY", "API_KEY"], ["TOKEN", "JOBS_TOKEN"], ["EXTRA", "MORE"]]);
});

test("resolveSettings takes a map without groups as clear variables", () => {
  expect(settingsOf({ ...base, env: { PORT: 3000, FLAG: true, clear: "yes" } }).roles[0]?.env).toEqual({ clear: { PORT: 3000, FLAG: true, clear: "yes" }, secret: {} });
});

test("resolveSettings lays a role's proxy over that of the root", () => {
  const settings = settingsOf({
    ...base,
    proxy: { host: "shop.example", responseTimeout: 10, healthcheck: { path: "/up", interval: 5 } },
    servers: { web: ["10.0.0.1"], api: { hosts: ["10.0.0.2"], proxy: { hosts: ["api.example"], healthcheck: { path: "/api/up" } } } },
  });
  expect(role(settings, "web")?.proxy).toMatchObject({ hosts: ["shop.example"], responseTimeoutSeconds: 10, healthcheck: { path: "/up", intervalSeconds: 5 } });
  expect(role(settings, "api")?.proxy).toMatchObject({ hosts: ["api.example"], responseTimeoutSeconds: 10, healthcheck: { path: "/api/up", intervalSeconds: 5 } });
});

test.each<[string, DeployConfig["proxy"], object]>([
  ["names with commas", { ssl: true, host: "a.example, b.example" }, { hosts: ["a.example", "b.example"], tls: "automatic" }],
  ["a list of names", { ssl: true, hosts: ["a.example", "b.example"] }, { hosts: ["a.example", "b.example"], tls: "automatic" }],
  ["path prefixes with commas", { pathPrefix: "/api,/auth", stripPathPrefix: false }, { pathPrefixes: ["/api", "/auth"], stripPathPrefix: false }],
  [
    "every scalar key",
    { host: "shop.example", appPort: 3000, responseTimeout: "20s", forwardHeaders: true, ssl: false, sslRedirect: false, healthcheck: { path: "/ping", interval: 2, timeout: 4 }, buffering: { requests: true, responses: false, memory: 100, maxRequestBody: 200, maxResponseBody: 0 }, logging: { requestHeaders: ["X-A"], responseHeaders: ["X-B", "X-C"] } },
    { hosts: ["shop.example"], appPort: 3000, responseTimeoutSeconds: 20, forwardHeaders: true, tls: "off", tlsRedirect: false, healthcheck: { path: "/ping", intervalSeconds: 2, timeoutSeconds: 4 }, buffering: { requests: true, responses: false, memory: 100, maxRequestBody: 200, maxResponseBody: 0 }, logging: { requestHeaders: ["X-A"], responseHeaders: ["X-B", "X-C"] } },
  ],
])("resolveSettings reads a proxy with %s", (_, proxy, expected) => {
  expect(settingsOf({ ...base, proxy }).roles[0]?.proxy).toMatchObject(expected);
});

test("resolveSettings takes a certificate by name, by reference, or as it is", () => {
  const pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n";
  const { tls } = kamalProxyOf(settingsOf({ ...base, proxy: { host: "a.example", ssl: { certificatePem: "CERT", privateKeyPem: pem } } }).roles[0]);
  if (typeof tls !== "object") throw new Error("no certificate");
  expect([tls.certificate.name, tls.privateKey.name, tls.privateKey.reveal()]).toEqual(["CERT", "private key", pem]);
});

test("resolveSettings leaves the primary role without proxy when it says so", () => {
  const settings = settingsOf({ ...base, servers: { web: { hosts: ["a"], proxy: false } }, proxy: { appPort: 3000 } });
  expect(settings.roles[0]?.proxy).toBeUndefined();
  expect(settings.proxyRun).toBeUndefined();
});

test("resolveSettings fills in how the proxy is run once the config says anything of it", () => {
  expect(settingsOf({ ...base, proxy: { run: { registry: "reg.example", metricsPort: 9090, options: { memory: "256m" } } } }).proxyRun).toEqual({
    httpPort: 80, httpsPort: 443, metricsPort: 9090, debug: false, logMaxSize: "10m", publish: true, bindIps: [], image: "reg.example/basecamp/kamal-proxy:v0.9.2", options: { memory: "256m" },
  });
});

test("resolveSettings makes paths absolute, but for the home directory", () => {
  const { ssh } = settingsOf({ ...base, ssh: { keys: ["keys/deploy", "~/.ssh/deploy", "/etc/key"], config: "ssh_config", connectTimeout: "1m" } }, { root: "/srv/shop" });
  expect(ssh).toMatchObject({ keys: ["/srv/shop/keys/deploy", "~/.ssh/deploy", "/etc/key"], config: ["/srv/shop/ssh_config"], connectTimeoutSeconds: 60 });
});

test("resolveSettings says where events go besides the screen", () => {
  const output = (output: DeployConfig["output"]) => settingsOf({ ...base, output }, { root: "/srv/shop" }).output;
  expect(output({ file: { path: "log" }, otel: { endpoint: "http://collector:4318/otlp/" } })).toEqual({ logFolder: "/srv/shop/log", otelEndpoint: "http://collector:4318/otlp" });
  expect(output({ file: { path: "~/log" } })).toEqual({ logFolder: "~/log", otelEndpoint: undefined });
});

test("resolveSettings gives one word for hooks to all of them", () => {
  const { preConnect, onFailure, ...others } = settingsOf({ ...base, hooksOutput: "quiet" }).hooksOutput;
  expect([preConnect, onFailure, Object.keys(others).length]).toEqual(["quiet", "quiet", 9]);
  expect(settingsOf({ ...base, hooksOutput: { preDeploy: "verbose" } }).hooksOutput).toEqual({ preDeploy: "verbose" });
});

test("resolveSettings keeps a password written as text out of sight", () => {
  const { registry } = settingsOf({ ...base, registry: { username: ["USER"], password: "hunter2" } });
  expect(Bun.inspect(registry)).not.toContain("hunter2");
  expect(registry.password?.reveal()).toBe("hunter2");
  expect(String(registry.username)).toBe("‹secret USER›");
});

test("parseConfig refuses to run without a required destination", () => {
  expect(() => settingsOf({ ...base, requireDestination: true })).toThrow("Cannot run without a destination: the config requires one");
  expect(settingsOf({ ...base, requireDestination: true }, { destination: "qa" }).destination).toBe("qa");
});

test.each<[string, Partial<DeployConfig>, string]>([
  ["by the image", {}, "acme/shop-build-cache"],
  ["by its own name", { builder: { cache: { type: "registry", image: "own" } } }, "own"],
  ["in a registry", { registry: { server: "reg.example", username: "u", password: "p" } }, "reg.example/acme/shop-build-cache"],
  ["in a registry, by its own name", { registry: { server: "reg.example", username: "u", password: "p" }, builder: { cache: { type: "registry", image: "own" } } }, "reg.example/own"],
])("resolveSettings names the image of a cache %s", (_, change, image) => {
  expect(settingsOf({ ...base, builder: { cache: { type: "registry" } }, ...change }).builder.cache?.image).toBe(image);
});

test("resolveSettings keeps all of the builder", () => {
  const { cache, pack, ...builder } = settingsOf({ ...base, builder: { arch: ["amd64", "arm64"], remote: "ssh://root@b.example", local: false, ssh: "default", provenance: false, sbom: true, cache: { type: "gha", options: "mode=max" } } }).builder;
  expect([builder.remote, builder.local, builder.ssh, builder.provenance, builder.sbom, cache?.type, cache?.options, pack]).toEqual(["ssh://root@b.example", false, "default", "false", true, "gha", "mode=max", undefined]);
  expect(settingsOf({ ...base, builder: { pack: { builder: "heroku/builder:24" } } }).builder.pack).toEqual({ builder: "heroku/builder:24", buildpacks: [] });
});
