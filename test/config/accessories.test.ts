import { describe, expect, test } from "bun:test";
import { envOn } from "../../lib/config/host-env.ts";
import { secret } from "../../lib/config/secret-ref.ts";
import type { Accessory } from "../../lib/config/settings.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { base, problemsOf, settingsOf } from "./project.ts";

const redis = { image: "redis:7", host: "10.0.0.9" } as const;
const where = "host, hosts, role, roles, tag or tags";
const mode = `an octal mode such as "0640"`;
const shortForm = `"local:/path/in/container[:options]"`;
const port = `a port, or "[ip:]host:container"`;
const tagged = { servers: { web: [{ "10.0.0.1": ["big", "eu"] }, "10.0.0.3"], jobs: { hosts: [{ "10.0.0.2": "eu" }] } } };

/** Problems of a config with one accessory, without the accessory's own path. */
const problemsWith = (accessory: unknown, more: object = {}): readonly string[] => problemsOf({ ...base, ...more, accessories: { cache: accessory } }).map((line) => line.replace(/^accessories\.cache\.?/, ""));
const accessoryOf = (accessory: NonNullable<DeployConfig["accessories"]>[string], more: Partial<DeployConfig> = {}): Accessory => {
  const [found] = settingsOf({ ...base, ...more, accessories: { cache: accessory } }, { root: "/srv/shop" }).accessories;
  if (found === undefined) throw new Error("there is no accessory");
  return found;
};

describe("parseConfig refuses an accessory", () => {
  test.each<[string, unknown, readonly string[]]>([
    ["that is a text", "redis:7", [`: expected a map, found "redis:7"`]],
    ["without an image", { host: "h" }, ["image: is missing: expected an image"]],
    ["with keys that are misspelt", { ...redis, prt: 1, directory: [], envs: {} }, ["prt: unknown key, did you mean port?", "directory: unknown key, did you mean directories?", "envs: unknown key, did you mean env?"]],
    ["with misspelt keys of files and folders", { ...redis, files: [{ local: "a", remote: "/b", owners: "x" }], directories: [{ local: "a", remote: "/b", mod: "0700" }] }, ["files[0].owners: unknown key, did you mean owner?", "directories[0].mod: unknown key, did you mean mode?"]],
    ["with values of other kinds", { ...redis, cmd: "", volumes: "a:b", network: 3, proxy: true, hosts: "a" }, [`hosts: expected a list, found "a"`, "cmd: expected a command line, found \"\"", `volumes: expected a list, found "a:b"`, "network: expected a network, found 3", "proxy: expected a map, found true"]],
    ["E7: with host and roles", { ...redis, roles: ["web"] }, [`roles: expected only one of ${where}, found host and roles`]],
    ["E7: with none of them", { image: "redis:7" }, [`host: is missing: expected one of ${where}`]],
    ["E7: of a role that is none", { image: "redis:7", role: "ghosts" }, [`role: expected one of the roles ("web", "jobs"), found "ghosts"`]],
    ["of roles of which one is none", { image: "redis:7", roles: ["web", "ghosts"] }, [`roles[1]: expected one of the roles ("web", "jobs"), found "ghosts"`]],
    ["of a tag that no host has", { image: "redis:7", tag: "eu" }, [`tag: expected a tag that a host in servers has, found "eu"`]],
    ["of no tags", { image: "redis:7", tags: [] }, ["tags: expected a tag that a host in servers has, found an empty list"]],
    ["of no hosts", { image: "redis:7", hosts: [] }, ["hosts: expected at least one host"]],
    ["on a host that is none", { image: "redis:7", host: "a b" }, [`host: expected a host: [user@]host[:port], found "a b"`]],
    ["with labels of ours", { ...redis, labels: { service: "x" } }, ["labels.service: expected another name: service, role and destination are labels of capstan itself"]],
    ["with restart: false", { ...redis, options: { restart: false } }, [`options.restart: expected "no", "always", "unless-stopped", "on-failure" or "on-failure:N", found false: write "no" to disable restarts`]],
    ["with half a login", { ...redis, registry: { server: "ghcr.io", username: "u" } }, [`registry.password: is missing: expected secret("NAME")`]],
    ["called as a proxy", { ...redis, service: "traefik" }, ["service: expected another name than that of the proxy's container, traefik"]],
    ["called as the app", { ...redis, service: "shop" }, ["service: expected another name than that of the app: its containers and images have the label service=shop"]],
    ["with a blank in its name", { ...redis, service: "a b" }, [`service: expected letters, digits, "-", "_" and ".", found "a b"`]],
    ["behind the proxy beside a role that answers every name", { image: "x", host: "10.0.0.1", proxy: {} }, ["proxy: expected other names or paths than web for cache: on 10.0.0.1 both answer every name"]],
    ["that asks for certificates on two hosts", { image: "x", hosts: ["a", "b"], proxy: { host: "x.example", ssl: true } }, ["proxy.ssl: expected an accessory on one host, but cache has 2: each would ask for the certificate and only one would get the answer. Give a certificate of your own, or end TLS before the hosts"]],
    ["that runs the proxy of a role's host in another way", { image: "redis:7", role: "web", proxy: { host: "x.example", run: { httpPort: 81 } } }, ["proxy.run: expected the same as for web: there is one proxy on 10.0.0.1. Write run at the root"]],
  ])("%s", (_title, accessory, problems) => expect(problemsWith(accessory)).toEqual([...problems]));

  test.each<[string, unknown, string]>([
    ["of the short form without a path", "x", `: expected ${shortForm}, found "x"`],
    ["of the short form with a relative path", "x:y", `: expected ${shortForm}, found "x:y"`],
    ["of the short form with two sets of options", "x:/y:ro:z", `: expected ${shortForm}, found "x:/y:ro:z"`],
    ["that is a number", 7, `: expected ${shortForm} or a map, found 7`],
    ["with a relative path", { local: "a", remote: "b" }, `.remote: expected a path in the container that begins with "/", found "b"`],
    ["with a mode that is not octal", { local: "a", remote: "/b", mode: "0999" }, `.mode: expected ${mode}, found "0999"`],
    ["with a mode in letters", { local: "a", remote: "/b", mode: "u+x" }, `.mode: expected ${mode}, found "u+x"`],
    ["with an octal number, of which nothing is left but 416", { local: "a", remote: "/b", mode: 0o640 }, `.mode: expected ${mode}, found 416`],
    ["with an owner that is two words", { local: "a", remote: "/b", owner: "a b" }, `.owner: expected an owner such as "999:999", found "a b"`],
  ])("with a file or a folder %s", (_title, item, problem) => {
    expect(problemsWith({ ...redis, files: [item] })).toEqual([`files[0]${problem}`]);
    expect(problemsWith({ ...redis, directories: [item] })).toEqual([`directories[0]${problem}`]);
  });

  test("with a file that has two sources or none", () => {
    expect(problemsWith({ ...redis, files: [{ local: "a", content: "b", remote: "/b" }, { remote: "/b" }] })).toEqual(["files[0]: expected either local or content, found a map", "files[1]: expected either local or content, found a map"]);
  });

  test.each([[1.5], [""], ["x"], ["-"], ["99999"], ["0"], ["1:2:3"], ["6379:"], ["9-3"], ["1-3:5-9"], ["1.2.3.999:80:80"], ["6379/x"], [true]])("with %p as a port", (value) => {
    expect(problemsWith({ ...redis, port: value })).toEqual([`port: expected ${port}, found ${JSON.stringify(value)}`]);
  });
  test.each([[0], [70_000], [-1]])("with %p as a port", (value) => expect(problemsWith({ ...redis, port: value })).toEqual([`port: expected a port: 1 to 65535, found ${value}`]));

  test("whose name is none, and accessories that are a list", () => {
    expect(problemsOf({ ...base, accessories: { "a b": redis } })).toEqual([`accessories["a b"]: expected the name of an accessory: letters, digits, "-", "_" and "." as a key`]);
    expect(problemsOf({ ...base, accessories: [redis] })).toEqual(["accessories: expected a map, found a list of 1"]);
  });

  test("with what another one on the same host has: container, port", () => {
    const pair = (a: object, b: object): readonly string[] => problemsOf({ ...base, accessories: { a: { ...redis, ...a }, b: { ...redis, ...b } } });
    expect(pair({ service: "x" }, { service: "x" })).toEqual(["accessories.b.service: expected another service than a on the same host: both containers would be called x"]);
    expect(pair({ service: "x" }, { service: "x", host: "10.0.0.8" })).toEqual([]);
    expect(pair({ port: 6379 }, { port: "127.0.0.1:6379:80" })).toEqual(["accessories.b.port: expected another port of the host than a has: both run on 10.0.0.9"]);
    expect(pair({ port: 6379 }, { port: 6379, host: "10.0.0.8" })).toEqual([]);
  });

  test("with the route or the certificate's folder of a role on the same host", () => {
    const beside = (accessory: object, destination?: string): readonly string[] => {
      const config = { ...base, servers: { web: ["10.0.0.1"], search: { hosts: ["10.0.0.2"], proxy: { host: "a.example", ssl: { certificatePem: "C", privateKeyPem: "K" } } } }, accessories: { search: { image: "x", host: "10.0.0.2", ...accessory } } };
      try {
        settingsOf(config as DeployConfig, { destination });
        return [];
      } catch (error) {
        return (error as { details: readonly string[] }).details;
      }
    };
    const clash = "expected another service than shop-search: the role search has that name at the proxy of the same host";
    expect(beside({ proxy: { host: "b.example" } })).toEqual([`accessories.search: ${clash}`]);
    expect(beside({ proxy: { host: "b.example" } }, "qa")).toEqual([]);
    expect(beside({ proxy: { host: "b.example" }, host: "10.0.0.9" })).toEqual([]);
    expect(beside({})).toEqual([]);
    expect(beside({ service: "find", proxy: { host: "b.example", ssl: { certificatePem: "C", privateKeyPem: "K" } } })).toEqual(["accessories.search.proxy.ssl: expected an accessory of another name: the certificate of the role search has the same place on the host"]);
  });

  test("with all its problems at once, those between keys too", () => {
    expect(problemsOf({
      ...base,
      accessories: {
        cache: { image: 3, host: "10.0.0.9", role: "web", prt: 6379, port: 70_000, files: [{ local: "a", remote: "b", mode: "99" }], directories: ["data"], env: { clear: { A: [] } }, labels: { service: "x" }, options: { restart: false } },
        db: { image: "mysql", port: "x" },
        log: { image: "x", hosts: "a" },
      },
    }).toSorted()).toEqual([
      "accessories.cache.directories[0]: expected \"local:/path/in/container[:options]\", found \"data\"",
      "accessories.cache.env.clear.A: expected a text, a number, true or false, found an empty list",
      `accessories.cache.files[0].mode: expected ${mode}, found "99"`,
      "accessories.cache.files[0].remote: expected a path in the container that begins with \"/\", found \"b\"",
      "accessories.cache.image: expected an image, found 3",
      "accessories.cache.labels.service: expected another name: service, role and destination are labels of capstan itself",
      "accessories.cache.options.restart: expected \"no\", \"always\", \"unless-stopped\", \"on-failure\" or \"on-failure:N\", found false: write \"no\" to disable restarts",
      "accessories.cache.port: expected a port: 1 to 65535, found 70000",
      "accessories.cache.prt: unknown key, did you mean port?",
      `accessories.cache.role: expected only one of ${where}, found host and role`,
      `accessories.db.host: is missing: expected one of ${where}`,
      `accessories.db.port: expected ${port}, found "x"`,
      `accessories.log.hosts: expected a list, found "a"`,
    ]);
  });
});

describe("resolveSettings", () => {
  test("fills in every default of an accessory", () => {
    expect(JSON.parse(JSON.stringify(accessoryOf(redis)))).toEqual({
      name: "cache", service: "shop-cache", image: "redis:7", registry: { username: "bot", password: "‹secret registry password›" }, hosts: ["10.0.0.9"],
      labels: {}, options: {}, env: { clear: {}, secret: {} }, files: [], directories: [], volumes: [], network: "kamal", logging: { options: { "max-size": "10m" } },
    });
  });

  test("takes the registry's server before the image only from the accessory itself", () => {
    const registry = { server: "reg.example", username: "u", password: "p" };
    expect(accessoryOf(redis, { registry }).image).toBe("redis:7");
    expect(accessoryOf({ ...redis, registry: { ...registry, server: "reg.other" } }, { registry })).toMatchObject({ image: "reg.other/redis:7", registry: { server: "reg.other" } });
    expect(accessoryOf({ ...redis, registry: { username: "u2", password: "p2" } }, { registry })).toMatchObject({ image: "redis:7", registry: { server: undefined, username: "u2" } });
  });

  test.each<[string, object, readonly string[]]>([
    ["a host", { host: "10.0.0.9" }, ["10.0.0.9"]],
    ["hosts, those written twice once", { hosts: ["h2", "h1", "h2"] }, ["h2", "h1"]],
    ["a role on two hosts", { role: "web" }, ["10.0.0.1", "10.0.0.3"]],
    ["roles, as they are named", { roles: ["jobs", "web"] }, ["10.0.0.2", "10.0.0.1", "10.0.0.3"]],
    ["a tag, over all roles", { tag: "eu" }, ["10.0.0.1", "10.0.0.2"]],
    ["tags, each host once", { tags: ["eu", "big"] }, ["10.0.0.1", "10.0.0.2"]],
    ["a tag by its whole word", { tags: ["bi", "eu"] }, ["10.0.0.1", "10.0.0.2"]],
  ])("finds the hosts of %s", (_title, place, hosts) => {
    expect(accessoryOf({ image: "redis:7", ...place }, tagged as Partial<DeployConfig>).hosts).toEqual([...hosts]);
  });

  test.each([
    [6379, "6379:6379"], ["6379", "6379:6379"], ["6379/udp", "6379:6379/udp"], ["53:5353/UDP", "53:5353/udp"], ["8080:80", "8080:80"], ["127.0.0.1:6379", "127.0.0.1:6379:6379"], ["127.0.0.1:6380:6379", "127.0.0.1:6380:6379"],
    ["[::1]:6379", "[::1]:6379:6379"], ["8000-8010", "8000-8010:8000-8010"], ["8000-8010:80", "8000-8010:80"], ["80/tcp", "80:80"],
  ])("publishes %p as %s", (value, publish) => expect(accessoryOf({ ...redis, port: value }).publish).toBe(publish));

  test("puts files below the accessory's folder, and folders there unless they are absolute", () => {
    const content = (): string => "x";
    const accessory = accessoryOf({ ...redis, service: "box", files: ["config/my.cnf:/etc/my.cnf:ro", { local: "/k.pem", remote: "/etc/a b", mode: "0600", owner: "999:999", options: "z" }, { content, remote: "/c" }], directories: ["data:/data", "/var/db:/db:ro", { local: "l g", remote: "/l", mode: "750", owner: "redis" }] });
    expect(accessory.files).toEqual([
      { source: { path: "/srv/shop/config/my.cnf" }, hostPath: "box/etc/my.cnf", remote: "/etc/my.cnf", mode: "755", owner: undefined, options: "ro" },
      { source: { path: "/k.pem" }, hostPath: "box/etc/a b", remote: "/etc/a b", mode: "0600", owner: "999:999", options: "z" },
      { source: { content }, hostPath: "box/c", remote: "/c", mode: "755", owner: undefined, options: undefined },
    ]);
    expect(accessory.directories).toEqual([
      { hostPath: "box/data", remote: "/data", mode: undefined, owner: undefined, options: undefined },
      { hostPath: "/var/db", remote: "/db", mode: undefined, owner: undefined, options: "ro" },
      { hostPath: "box/l g", remote: "/l", mode: "750", owner: "redis", options: undefined },
    ]);
  });

  test("gives it an environment of its own, the logging of the root, and a proxy without the root's", () => {
    const accessory = accessoryOf({ ...redis, env: { clear: { A: 1 }, secret: ["PW", "B:C", secret("D")] }, proxy: {} }, { env: { clear: { ROOT: "1" } }, logging: { driver: "local" }, proxy: { host: "shop.example", appPort: 3000 } });
    expect(accessory.env.clear).toEqual({ A: 1 });
    expect(Object.entries(accessory.env.secret).map(([variable, { name }]) => [variable, name])).toEqual([["PW", "PW"], ["B", "C"], ["D", "D"]]);
    expect(accessory.logging).toEqual({ driver: "local", options: {} });
    expect(accessory.proxy).toMatchObject({ kind: "kamal-proxy", hosts: [], appPort: 80, tls: "off" });
  });

  test("runs the proxy as the root says, also where only an accessory is behind it", () => {
    const search = { image: "x", host: "h", proxy: { host: "s.example" } };
    expect(settingsOf({ ...base, proxy: { run: { httpPort: 8080 } }, accessories: { search } }).proxyRun?.httpPort).toBe(8080);
    const alone = (run: object): DeployConfig => ({ service: "shop", registry: base.registry, accessories: { cache: redis, search: { ...search, proxy: { ...search.proxy, ...run } } } });
    expect(settingsOf(alone({ run: { httpPort: 8081 } })).proxyRun?.httpPort).toBe(8081);
    expect(settingsOf(alone({})).proxyRun).toBeUndefined();
  });
});

test("B3: envOn() lays the tags of a host over root and role, in the order in which it lists them", () => {
  const { roles } = settingsOf({
    ...base,
    env: { clear: { MODE: "base", CACHE: "off", LEVEL: "1" }, secret: ["API_KEY"], tags: { big: { LEVEL: "2", SIZE: "xl" }, eu: { clear: { SIZE: "eu", ZONE: "eu" }, secret: ["EU_KEY"] } } },
    servers: { web: [{ "10.0.0.1": ["big", "eu"] }, "10.0.0.3", { "10.0.0.4": ["none"] }], jobs: { hosts: [{ "10.0.0.2": "eu" }], cmd: "bin/work", env: { CACHE: "on", ZONE: "none" } } },
  });
  const [web, jobs] = roles;
  if (web === undefined || jobs === undefined) throw new Error("there are no roles");
  const seen = (role: typeof web, host: string) => [Object.entries(envOn(role, host).clear).map((pair) => pair.join("=")).join(" "), Object.keys(envOn(role, host).secret).join(" ")];
  expect(seen(web, "10.0.0.1")).toEqual(["MODE=base CACHE=off LEVEL=2 SIZE=eu ZONE=eu", "API_KEY EU_KEY"]);
  expect(seen(web, "10.0.0.3")).toEqual(["MODE=base CACHE=off LEVEL=1", "API_KEY"]);
  expect(seen(web, "10.0.0.4")).toEqual(["MODE=base CACHE=off LEVEL=1", "API_KEY"]);
  expect(seen(jobs, "10.0.0.2")).toEqual(["MODE=base CACHE=on LEVEL=1 ZONE=eu SIZE=eu", "API_KEY EU_KEY"]);
});
