import { expect, test } from "bun:test";
import { sections } from "../../lib/config/document.ts";
import { secret } from "../../lib/config/secret-ref.ts";
import { base, problemsOf, settingsOf } from "./project.ts";

const local = { server: "localhost:5000" };
const orWithout = "(only a registry at localhost:PORT can do without)";

const wrong: readonly (readonly [title: string, change: object, problems: readonly string[]])[] = [
  ["an unknown key", { foo: 1 }, ["foo: unknown key"]],
  ["several unknown keys", { foo: 1, bar: 2 }, ["foo: unknown key", "bar: unknown key"]],
  ["a misspelt key", { registri: {} }, ["registri: unknown key, did you mean registry?"]],
  ["a key of Kamal", { retain_containers: 3 }, ["retain_containers: unknown key, did you mean retainContainers?"]],
  ["swapped letters", { sevrers: [] }, ["sevrers: unknown key, did you mean servers?"]],
  ["a key of another section", { appPort: 3000 }, ["appPort: unknown key here: proxy.appPort is one"]],
  ["a misspelt key of a role", { servers: { web: { hosts: ["a"], comd: "x" } } }, ["servers.web.comd: unknown key, did you mean cmd?"]],
  ["a misspelt key below a role", { servers: { web: { hosts: ["a"], proxy: { app_port: 1 } } } }, ["servers.web.proxy.app_port: unknown key, did you mean appPort?"]],
  ["a misspelt hook", { hooks: { postdeploy() {} } }, ["hooks.postdeploy: unknown key, did you mean postDeploy?"]],
  ["a hook that is no function", { hooks: { preDeploy: "x" } }, [`hooks.preDeploy: expected a function, found "x"`]],
  ["no service", { service: undefined }, ["service: is missing: expected a name"]],
  ["a service that is a list", { service: [] }, ["service: expected a name, found an empty list"]],
  ["a service with blanks", { service: "my shop" }, [`service: expected letters, digits, "-" and "_", found "my shop"`]],
  ["null", { service: null }, ["service: expected a name, found null"]],
  ["no image", { image: undefined }, [`image: is missing: expected an image such as "acme/shop" ${orWithout}`]],
  ["an image with a tag", { image: "acme/shop:1" }, [`image: expected an image without registry and tag, such as "acme/shop", found "acme/shop:1"`]],
  ["an image in capitals", { image: "Acme/Shop" }, [`image: expected an image without registry and tag, such as "acme/shop", found "Acme/Shop"`]],
  ["an image that names the registry too", { image: "ghcr.io/acme/shop", registry: { server: "ghcr.io", username: "u", password: "p" } }, [`image: expected an image without the registry, found "ghcr.io/acme/shop": it is added from registry.server`]],
  ["no servers", { servers: undefined }, ["servers: is missing: expected a list or a map"]],
  ["servers that are a text", { servers: "text" }, [`servers: expected a list or a map, found "text"`]],
  ["hosts that are a text", { servers: { web: { hosts: "h1" } } }, [`servers.web.hosts: expected a list, found "h1"`]],
  ["a role that is a text", { servers: { web: "h1" } }, [`servers.web: expected a list or a map, found "h1"`]],
  ["a host that is a map", { servers: [{ a: "t", b: "u" }] }, ["servers[0]: expected one host with its tags, found a map"]],
  ["a host with blanks", { servers: { web: ["a b"] } }, [`servers.web[0]: expected a host: [user@]host[:port], found "a b"`]],
  ["a host that looks like an option", { servers: ["-oProxyCommand=x"] }, [`servers[0]: expected a host: [user@]host[:port], found "-oProxyCommand=x"`]],
  ["a host that is a number in a role map", { servers: { web: { hosts: ["a", 3] } } }, [`servers.web.hosts[1]: expected a host: [user@]host[:port], or { "host": ["tag"] }, found 3`]],
  ["a role name with a blank", { servers: { web: ["a"], "b c": ["d"] } }, [`servers["b c"]: expected the name of a role: letters, digits, "-", "_" and "." as a key`]],
  ["no primary role", { servers: { app: ["a"] } }, [`primaryRole: expected one of the roles ("app"), found "web"`]],
  ["a primary role without hosts", { servers: { web: [] }, allowEmptyRoles: true }, ["servers.web: expected at least one host: it is the primary role"]],
  ["an empty list of servers", { servers: [] }, ["servers: expected at least one host: it is the primary role"]],
  ["a role without hosts", { servers: { web: ["a"], jobs: { cmd: "x" } } }, ["servers.jobs.hosts: expected at least one host (or allowEmptyRoles)"]],
  ["no password", { registry: { username: "u" } }, [`registry.password: is missing: expected secret("NAME") ${orWithout}`]],
  ["no username", { registry: { password: "u" } }, [`registry.username: is missing: expected a user name ${orWithout}`]],
  ["an empty registry", { registry: {} }, ["registry.username: is missing: expected a user name (only a registry at localhost:PORT can do without)", `registry.password: is missing: expected secret("NAME") (only a registry at localhost:PORT can do without)`]],
  ["a build cache in a registry that is not there", { registry: undefined, builder: { cache: { type: "registry" } } }, [`builder.cache.type: expected "gha", or a registry in the config, found "registry"`]],
  ["localhost without a port", { registry: { server: "localhost" } }, [`registry.server: expected a registry on this machine with its port, such as "localhost:5000", found "localhost"`]],
  ["two names of a secret", { registry: { username: "u", password: ["A", "B"] } }, [`registry.password: expected secret("NAME"), ["NAME"] or a text, found a list of 2`]],
  ["a registry beside hosts that hand images on", { registry: { server: "r.example", username: "u", password: "p" }, delivery: { handOn: { width: 2 } } }, [`delivery.handOn: expected false, since hosts pull from the registry, found {"width":2}`]],
  ["images that are handed on by nobody", { delivery: { handOn: { width: 0 } } }, ["delivery.handOn.width: expected how many hosts get the image from this machine: an integer of at least 1, found 0"]],
  ["a registry with a scheme", { registry: { server: "https://r.example", username: "u", password: "p" } }, [`registry.server: expected a registry without scheme: host[:port], found "https://r.example"`]],
  ["a clear variable that is a list", { env: { clear: { A: [] } } }, ["env.clear.A: expected a text, a number, true or false, found an empty list"]],
  ["a variable that is a map, without groups", { env: { A: {} } }, ["env.A: expected a text, a number, true or false, found a map"]],
  ["a variable beside the groups", { env: { clear: { A: 1 }, B: "2" } }, ["env.B: unknown key"]],
  ["a secret that is no name", { env: { secret: ["A B"] } }, [`env.secret[0]: expected the name of a variable, or "VARIABLE:SECRET", found a text`]],
  ["a secret given by its value", { env: { secret: { A: "s3cr3t" } } }, [`env.secret.A: expected secret("NAME") or ["NAME"], found a text`]],
  ["a variable with an equals sign", { env: { "A=B": "1" } }, [`env["A=B"]: expected a name without blanks and "=" as a key`]],
  ["a label of ours", { labels: { service: "x" } }, ["labels.service: expected another name: service, role and destination are labels of capstan itself"]],
  ["a label of ours at a role", { servers: { web: { hosts: ["a"], labels: { role: "x" } } } }, ["servers.web.labels.role: expected another name: service, role and destination are labels of capstan itself"]],
  ["volumes that are a text", { volumes: "a:b" }, [`volumes: expected a list, found "a:b"`]],
  ["restart: false", { servers: { web: { hosts: ["a"], options: { restart: false } } } }, [`servers.web.options.restart: expected "no", "always", "unless-stopped", "on-failure" or "on-failure:N", found false: write "no" to disable restarts`]],
  ["an unknown restart policy", { servers: { web: { hosts: ["a"], options: { restart: "maybe" } } } }, [`servers.web.options.restart: expected "no", "always", "unless-stopped", "on-failure" or "on-failure:N", found "maybe"`]],
  ["a map as an option", { servers: { web: { hosts: ["a"], options: { a: {} } } } }, ["servers.web.options.a: expected a text, a number, true, false or a list, found a map"]],
  ["proxy: false at the root", { proxy: false }, ["proxy: expected a map, found false"]],
  ["a role's proxy that is a text", { servers: { web: { hosts: ["a"], proxy: "yes" } } }, [`servers.web.proxy: expected true, false or a map, found "yes"`]],
  ["a port that is none", { proxy: { appPort: 70_000 } }, ["proxy.appPort: expected a port: 1 to 65535, found 70000"]],
  ["host and hosts", { proxy: { host: "a.example", hosts: ["b.example"] } }, ["proxy.hosts: expected either host or hosts, found both"]],
  ["a host with a scheme", { proxy: { host: "https://a.example" } }, [`proxy.host: expected a host name without scheme and port, found "https://a.example"`]],
  ["pathPrefix and pathPrefixes", { proxy: { pathPrefix: "/a", pathPrefixes: ["/b"] } }, ["proxy.pathPrefixes: expected either pathPrefix or pathPrefixes, found both"]],
  ["a relative path prefix", { proxy: { pathPrefix: "/a,b" } }, [`proxy.pathPrefix: expected paths that begin with "/", found "b"`]],
  ["a relative healthcheck path", { proxy: { healthcheck: { path: "up" } } }, [`proxy.healthcheck.path: expected a path that begins with "/", found "up"`]],
  ["ssl without host", { proxy: { ssl: true } }, ["proxy.ssl: expected proxy.host too: a certificate is for a name"]],
  ["ssl on several hosts", { servers: ["a", "b"], proxy: { ssl: true, host: "a.example" } }, ["proxy.ssl: expected a role on one host, but web has 2: each would ask for the certificate and only one would get the answer. Give a certificate of your own, or end TLS before the hosts"]],
  ["a certificate without key", { proxy: { host: "a.example", ssl: { certificatePem: "CERT" } } }, [`proxy.ssl.privateKeyPem: is missing: expected secret("NAME") or the name of a secret`]],
  ["ssl that is a text", { proxy: { ssl: "yes" } }, [`proxy.ssl: expected true, false or a map, found "yes"`]],
  ["one name for two certificates", { proxy: { host: "a.example", ssl: true }, servers: { web: ["a"], api: { hosts: ["b"], proxy: { sslRedirect: false } } } }, ["servers.api.proxy: expected a host of its own for api: a.example belongs to web, and only one of them can get the certificate"]],
  ["two roles that answer every name on one host", { servers: { web: ["a"], api: { hosts: ["a"], proxy: true } } }, ["proxy: expected other names or paths than web for api: on a both answer every name"]],
  ["two roles that answer one name on one host", { proxy: { host: "x.example" }, servers: { web: ["a", "b"], api: { hosts: ["b"], proxy: true } } }, ["proxy: expected other names or paths than web for api: on b both answer x.example"]],
  ["unpublished ports", { proxy: { run: { publish: false, httpPort: 80, bindIps: ["127.0.0.1"] } } }, ["proxy.run.httpPort: expected nothing while publish is false: no port is published", "proxy.run.bindIps: expected nothing while publish is false: no port is published"]],
  ["a bind address that is none", { proxy: { run: { bindIps: ["::1", "web-1"] } } }, [`proxy.run.bindIps[1]: expected an IP address, found "web-1"`]],
  ["two ways to run the proxy", { proxy: { run: { httpPort: 80 } }, servers: { web: ["a"], api: { hosts: ["a", "b"], proxy: { host: "x.example", run: { httpPort: 8080 } } } } }, ["servers.api.proxy.run: expected the same as for web: there is one proxy on a. Write run at the root"]],
  ["a body limit without buffering", { proxy: { buffering: { requests: false, maxRequestBody: 10 } } }, ["proxy.buffering.maxRequestBody: expected no limit while buffering.requests is false: only what is buffered can be measured"]],
  ["a log size that is none", { proxy: { run: { logMaxSize: "ten" } } }, [`proxy.run.logMaxSize: expected a size such as "10m", or "" for no limit, found "ten"`]],
  ["retainContainers that is a text", { retainContainers: "two" }, [`retainContainers: expected an integer of at least 1, found "two"`]],
  ["retainContainers of 0", { retainContainers: 0 }, ["retainContainers: expected an integer of at least 1, found 0"]],
  ["half a container", { retainContainers: 1.5 }, ["retainContainers: expected an integer of at least 1, found 1.5"]],
  ["a timeout in words", { drainTimeout: "soon" }, [`drainTimeout: expected whole seconds, or a text such as "30s" or "2m", found "soon"`]],
  ["a negative timeout", { deployTimeout: -1 }, [`deployTimeout: expected whole seconds, or a text such as "30s" or "2m", found -1`]],
  ["a negative duration", { deployTimeout: "-1s" }, [`deployTimeout: expected whole seconds, or a text such as "30s" or "2m", found "-1s"`]],
  ["a share of nothing", { boot: { limit: "0%" } }, [`boot.limit: expected a share from "1%" to "100%", found "0%"`]],
  ["a limit of 0", { boot: { limit: 0 } }, [`boot.limit: expected how many hosts boot together: an integer of at least 1, or a share such as "25%", found 0`]],
  ["an unknown way to check host keys", { ssh: { strictHostKeyChecking: "accept" } }, [`ssh.strictHostKeyChecking: expected "yes", "accept-new" or "no", found "accept"`]],
  ["a misspelt choice", { ssh: { strictHostKeyChecking: "acept-new" } }, [`ssh.strictHostKeyChecking: expected "yes", "accept-new" or "no", found "acept-new": did you mean "accept-new"?`]],
  ["a log file by its folder alone", { output: { file: "log" } }, [`output.file: expected a map, found "log"`]],
  ["a log file without a folder", { output: { file: {} } }, ["output.file.path: is missing: expected a folder"]],
  ["a collector without an address", { output: { otel: {} } }, [`output.otel.endpoint: is missing: expected an address such as "http://collector:4318", without user and password`]],
  ["a collector without a scheme", { output: { otel: { endpoint: "collector:4318" } } }, [`output.otel.endpoint: expected an address such as "http://collector:4318", without user and password, found "collector:4318"`]],
  ["a collector with a password", { output: { otel: { endpoint: "https://me:s3cr3t@collector" } } }, [`output.otel.endpoint: expected an address such as "http://collector:4318", without user and password, found a text`]],
  ["an unknown key of the output", { output: { files: {} } }, ["output.files: unknown key, did you mean file?"]],
  ["an unknown amount of output of hooks", { hooksOutput: "loud" }, [`hooksOutput: expected "quiet", "verbose" or a map, found "loud"`]],
  ["an unknown amount of output of one hook", { hooksOutput: { preDeploy: "quite" } }, [`hooksOutput.preDeploy: expected "quiet" or "verbose", found "quite": did you mean "quiet"?`]],
  ["output of a misspelt hook", { hooksOutput: { postdeploy: "quiet" } }, ["hooksOutput.postdeploy: unknown key, did you mean postDeploy?"]],
  ["an ssh config that is a number", { ssh: { config: 1 } }, ["ssh.config: expected true, false, a file or a list of files, found 1"]],
  ["no architecture", { builder: { arch: [] } }, ["builder.arch: expected at least one architecture, found an empty list"]],
  ["an architecture with a blank", { builder: { arch: "linux amd64" } }, [`builder.arch: expected an architecture such as "amd64" or "arm64", found "linux amd64"`]],
  ["an architecture as the kernel names it", { builder: { arch: "x86_64" } }, [`builder.arch: expected an architecture such as "amd64" or "arm64", found "x86_64": did you mean "amd64"?`]],
  ["architectures with wrong letters", { builder: { arch: ["amd46", "arm/v7", "risc"] } }, [
    `builder.arch[0]: expected an architecture such as "amd64" or "arm64", found "amd46": did you mean "amd64"?`, `builder.arch[2]: expected an architecture such as "amd64" or "arm64", found "risc"`,
  ]],
  ["several architectures with the docker driver", { builder: { arch: ["amd64", "arm64"], driver: "docker" } }, [`builder.driver: expected "docker-container" for several architectures, found "docker"`]],
  ["a remote builder and a cache with the docker driver", { builder: { driver: "docker", remote: "ssh://b.example", cache: { type: "gha" } } }, [`builder.driver: expected "docker-container" for a remote builder and a build cache, found "docker"`]],
  ["a driver with blanks", { builder: { driver: "cloud acme" } }, [`builder.driver: expected a buildx driver such as "docker-container", or "cloud ORG/NAME", found "cloud acme"`]],
  ["a cloud without a name", { builder: { driver: "cloud" } }, [`builder.driver: expected a buildx driver such as "docker-container", or "cloud ORG/NAME", found "cloud"`]],
  ["a cloud beside a remote builder", { builder: { driver: "cloud acme/b", remote: "ssh://b.example" } }, [`builder.remote: expected either a remote builder or the driver "cloud acme/b", found both`]],
  ["a remote builder that is no URL", { builder: { remote: "root@b.example" } }, [`builder.remote: expected the URL of a Docker daemon, such as "ssh://root@builder.example", found "root@b.example"`]],
  ["neither a local nor a remote builder", { builder: { local: false } }, ["builder.local: expected builder.remote too: without it nothing is left to build on"]],
  ["buildpacks for several architectures", { builder: { arch: ["amd64", "arm64"], pack: { builder: "b" } } }, ["builder.arch: expected one architecture with builder.pack, found 2"]],
  ["buildpacks on a remote builder", { builder: { remote: "ssh://b.example", pack: { builder: "b" } } }, ["builder.remote: expected nothing with builder.pack: buildpacks are built by the Docker of this machine"]],
  ["buildpacks without a builder", { builder: { pack: {} } }, ["builder.pack.builder: is missing: expected an image of a Cloud Native Buildpacks builder"]],
  ["an unknown cache", { builder: { cache: { type: "s3" } } }, [`builder.cache.type: expected "gha" or "registry", found "s3"`]],
  ["a cache without a type", { builder: { cache: {} } }, [`builder.cache.type: is missing: expected "gha" or "registry"`]],
  ["cache options with blanks", { builder: { cache: { type: "gha", options: "mode=max, scope=x" } } }, [`builder.cache.options: expected options with commas between them, such as "mode=max", found "mode=max, scope=x"`]],
  ["a cache image with its registry", { registry: { server: "reg.example", username: "u", password: "p" }, builder: { cache: { type: "registry", image: "reg.example/c" } } }, [`builder.cache.image: expected an image without the registry, found "reg.example/c": it is added from registry.server`]],
  ["a remote builder that cannot reach the local registry", { registry: local, image: undefined, builder: { remote: "tcp://b.example:2376" } }, [`builder.remote: expected "ssh://[USER@]HOST" with a registry on this machine: the builder reaches it through SSH only, found "tcp://b.example:2376"`]],
  ["several problems of the builder", { builder: { arch: ["amd64", "arm64"], driver: "docker", local: false, provenance: 1 } }, [
    `builder.provenance: expected true, false or a text such as "mode=max", found 1`, `builder.driver: expected "docker-container" for several architectures, found "docker"`, "builder.local: expected builder.remote too: without it nothing is left to build on",
  ]],
  ["a secret that is neither function nor reference", { secrets: { A: "x" } }, [`secrets.A: expected a function that gives the value, or secret("OTHER"), found a text`]],
  ["a newer tool than this", { minimumVersion: "99.0" }, ["minimumVersion: expected a capstan of at least 99.0, found 0.1.0: upgrade capstan"]],
  ["a version that is none", { minimumVersion: "new" }, [`minimumVersion: expected a version such as "1.2.0", found "new"`]],
];

test.each(wrong)("parseConfig refuses %s", (_, change, problems) => {
  expect(problemsOf({ ...base, ...change })).toEqual([...problems]);
});

const right: readonly (readonly [title: string, change: object])[] = [
  ["a list of servers", { servers: ["a", "user@b.example:2222", "[::1]:22", "fe80::1%eth0"] }],
  ["a registry at port 80 of every host", { registry: { server: "localhost", username: "u", password: "p" } }],
  ["a registry at localhost without anything else", { registry: local, image: undefined }],
  ["secrets in every form", { registry: { username: secret("U"), password: ["P"] }, env: { secret: ["A", "B:C", secret("D")] }, builder: { secrets: { npm: secret("NPM_TOKEN") } } }],
  ["a variable that is called clear", { env: { clear: "x", secret: "y" } }],
  ["roles without hosts where they are allowed", { servers: { web: ["a"], jobs: [] }, allowEmptyRoles: true }],
  ["one name with different paths on one host", { proxy: { host: "x.example" }, servers: { web: ["a"], api: { hosts: ["a"], proxy: { pathPrefix: "/api" } } } }],
  ["an own certificate on several hosts", { servers: ["a", "b"], proxy: { host: "a.example", ssl: { certificatePem: "CERT", privateKeyPem: secret("KEY") } } }],
  ["every key of the builder", { builder: { arch: ["amd64", "arm64"], remote: "ssh://root@b.example:22", local: true, cache: { type: "registry", image: "c", options: "mode=max" }, ssh: "default=$SSH_AUTH_SOCK", provenance: "mode=max", sbom: false, driver: "docker-container" } }],
  ["buildpacks", { builder: { pack: { builder: "heroku/builder:24", buildpacks: ["heroku/ruby"] } } }],
  ["buildpacks with the docker driver, which they use anyway", { builder: { driver: "docker", pack: { builder: "b" }, cache: { type: "gha" } } }],
  ["a cloud", { builder: { driver: "cloud acme/b", arch: ["amd64", "arm64"], cache: { type: "gha" } } }],
  ["a remote builder for a registry on this machine", { registry: local, image: undefined, builder: { remote: "ssh://b.example" } }],
  ["an older tool", { minimumVersion: "0.1" }],
  ["another way to run the proxy on another host", { proxy: { run: { httpPort: 80 } }, servers: { web: ["a"], api: { hosts: ["b"], proxy: { run: { httpPort: 8080 } } } } }],
  ["limits as shares", { boot: { limit: "0.5%", wait: "1m" } }],
  ["undefined, as conditions leave it", { proxy: undefined, logging: undefined, labels: undefined }],
];

test.each(right)("parseConfig takes %s", (_, change) => {
  expect(problemsOf({ ...base, ...change })).toEqual([]);
});

test("parseConfig tells problems between keys together with those of single keys", () => {
  expect(problemsOf({ ...base, service: undefined, retainContainers: "two", proxy: { ssl: true }, servers: { web: ["a", 3] } })).toEqual([
    "service: is missing: expected a name",
    `servers.web[1]: expected a host: [user@]host[:port], or { "host": ["tag"] }, found 3`,
    `retainContainers: expected an integer of at least 1, found "two"`,
    "proxy.ssl: expected proxy.host too: a certificate is for a name",
  ]);
});

test("parseConfig does not tell problems that follow from others", () => {
  expect(problemsOf({ ...base, registry: { server: "localhost:5000", username: 3 }, servers: { web: [3] } })).toEqual([
    `servers.web[0]: expected a host: [user@]host[:port], or { "host": ["tag"] }, found 3`,
    `registry.username: expected a user name, secret("NAME") or ["NAME"], found 3`,
  ]);
});

test.each([[undefined, "nothing"], [null, "null"], ["text", `"text"`], [[], "an empty list"]])("parseConfig refuses %p as a config", (config, found) => {
  expect(problemsOf(config)).toEqual([config === undefined ? "config: is missing: expected a map" : `config: expected a map, found ${found}`]);
});

test("parseConfig never shows a value that may be secret", () => {
  const problems = problemsOf({ ...base, registry: { username: "u", password: ["s3cr3t value"] }, env: { secret: { A: "s3cr3t" }, "s3cr3t": {} }, builder: { secrets: { A: "s3cr3t" } }, secrets: { A: "s3cr3t" } });
  expect(problems.length).toBeGreaterThan(3);
  expect(problems.filter((line) => line.includes("s3cr3t") && !line.startsWith("env.s3cr3t:"))).toEqual([]);
});

/** A config that has `value` at a key of a section. */
function withKey(path: string, name: string, value: unknown): object {
  const parts = [...path.split(".").filter(Boolean).map((part) => (part === "ROLE" ? "web" : part)), name];
  return parts.reduceRight<unknown>((inner, part) => ({ ...(part === "web" ? { hosts: ["a"] } : {}), [part]: inner }), value) as object;
}

const everyKey = sections().flatMap(({ paths, keys }) => (paths.length === 0 ? [""] : paths).flatMap((path) => keys.map(({ name }) => [path, name] as const)));

test.each(everyKey)("parseConfig knows what to expect at %s.%s", (path, name) => {
  for (const junk of [null, "", " ", "x y", -1, 1.5, Number.NaN, true, [], [null], [[]], {}, { "": null }, { a: {} }, () => undefined, Symbol.iterator, new Date(0), 3n]) {
    for (const line of problemsOf({ ...base, ...withKey(path, name, junk) })) {
      expect(line).toMatch(/^[\w.[\]" ]+: (expected .+, found .+|is missing: expected .+|unknown key.*|expected .+)$/);
      expect(line).not.toMatch(/something else|undefined|\[object|expected ,|expected  /);
    }
  }
});

test("secret() refuses names that no secrets file can hold", () => {
  expect(() => secret("A B")).toThrow(`Cannot refer to a secret by "A B": a name has only letters, digits, "_" and "."`);
});

test("parseConfig gives the same settings for a snake of undefined", () => {
  expect(settingsOf({ ...base, stopTimeout: undefined }).roles.map(({ stopTimeoutSeconds }) => stopTimeoutSeconds)).toEqual([undefined, 30]);
});
