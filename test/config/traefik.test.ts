import { describe, expect, test } from "bun:test";
import { majorOf } from "../../lib/config/traefik/fields.ts";
import { readLabels } from "../../lib/config/traefik/labels.ts";
import { labelledPort, routeOf } from "../../lib/config/traefik/route.ts";
import { base, problemsOf, settingsOf } from "./project.ts";

const shop = { service: "shop", prefix: "shop-web" };
const http = (labels: Record<string, string>, major: 2 | 3 = 3) => routeOf(labels, shop, major).route?.http;
const own = { "shop-web": { rule: "PathPrefix(`/`)", priority: 2, service: "shop-web" } };

test.each([["traefik:v3.7.9", 3], ["traefik:v2.11.53", 2], ["traefik:2.9", 2], ["traefik:v2", 2], ["traefik", 3], ["traefik:latest", 3], ["reg.example:5000/traefik:v2.11.53@sha256:abc", 2], ["reg.example:2000/traefik", 3]] as const)("majorOf(%p) is %p", (image, major) => expect(majorOf(image)).toBe(major));

describe("readLabels()", () => {
  const read = (labels: Record<string, string>, major: 2 | 3 = 3) => readLabels(labels, major).sections;

  test.each<[string, Record<string, string>, object]>([
    ["numbers", { "traefik.http.routers.r.priority": "7" }, { http: { routers: { r: { priority: 7 } } } }],
    ["booleans", { "traefik.http.services.s.loadbalancer.passhostheader": "false" }, { http: { services: { s: { loadBalancer: { passHostHeader: false } } } } }],
    ["lists with commas", { "traefik.http.routers.r.entrypoints": "web, websecure" }, { http: { routers: { r: { entryPoints: ["web", "websecure"] } } } }],
    ["lists by index", { "traefik.http.routers.r.middlewares[0]": "a", "traefik.http.routers.r.middlewares[1]": "b" }, { http: { routers: { r: { middlewares: ["a", "b"] } } } }],
    ["durations", { "traefik.http.middlewares.m.retry.initialinterval": "500ms" }, { http: { middlewares: { m: { retry: { initialInterval: "500ms" } } } } }],
    ["blocks that true switches on", { "traefik.http.routers.r.tls": "true", "traefik.http.middlewares.m.compress": "true" }, { http: { routers: { r: { tls: {} } }, middlewares: { m: { compress: {} } } } }],
    ["blocks that false leaves out", { "traefik.http.routers.r.tls": "false" }, { http: { routers: { r: {} } } }],
    ["lists of blocks", { "traefik.http.routers.r.tls.domains[0].main": "a.example", "traefik.http.routers.r.tls.domains[0].sans": "b.example,c.example" }, { http: { routers: { r: { tls: { domains: [{ main: "a.example", sans: ["b.example", "c.example"] }] } } } } }],
    ["maps with keys of the user's", { "traefik.http.middlewares.m.headers.customrequestheaders.X-Team": "core" }, { http: { middlewares: { m: { headers: { customRequestHeaders: { "X-Team": "core" } } } } } }],
    ["plugins", { "traefik.http.middlewares.m.plugin.demo.Headers.X-A": "1" }, { http: { middlewares: { m: { plugin: { demo: { Headers: { "X-A": "1" } } } } } } }],
    ["lists of plugins", { "traefik.http.middlewares.m.plugin.demo.urls[0]": "a", "traefik.http.middlewares.m.plugin.demo.rules[1].from": "b", "traefik.http.middlewares.m.plugin.demo.rules[0].from": "c" }, { http: { middlewares: { m: { plugin: { demo: { urls: ["a"], rules: [{ from: "c" }, { from: "b" }] } } } } } }],
    ["any case", { "Traefik.HTTP.Routers.r.RULE": "Host(`a`)" }, { http: { routers: { r: { rule: "Host(`a`)" } } } }],
    ["other protocols and the default store", { "traefik.udp.routers.u.entrypoints": "dns", "traefik.tls.stores.default.defaultgeneratedcert.resolver": "le" }, { udp: { routers: { u: { entryPoints: ["dns"] } } }, tls: { stores: { default: { defaultGeneratedCert: { resolver: "le" } } } } }],
    ["nothing of the docker provider, and no label of others", { "traefik.docker.network": "x", team: "core" }, {}],
  ])("reads %s", (_what, labels, sections) => expect(read(labels)).toEqual(sections as never));

  test.each<[string, Record<string, string>, string, 2 | 3]>([
    ["a misspelt field", { "traefik.http.routers.r.rul": "x" }, `unknown field "rul" of Traefik 3, did you mean rule?`, 3],
    ["a misspelt section", { "traefik.htp.routers.r.rule": "x" }, `unknown field "htp" of Traefik 3, did you mean http?`, 3],
    ["a field that only another version has", { "traefik.http.routers.r.observability.metrics": "true" }, `unknown field "observability" of Traefik 2, expected one of entryPoints, middlewares, priority, rule, service, tls`, 2],
    ["a middleware of Traefik 3 in 2", { "traefik.http.middlewares.m.grpcweb.alloworigins": "*" }, `unknown field "grpcweb" of Traefik 2`, 2],
    ["what labels cannot say", { "traefik.http.services.s.weighted.services[0].name": "x" }, `unknown field "weighted" of Traefik 3`, 3],
    ["a text for a number", { "traefik.http.routers.r.priority": "high" }, `expected a whole number, found "high"`, 3],
    ["a text for a boolean", { "traefik.enable": "yes" }, `expected true or false, found "yes"`, 3],
    ["a duration without unit words", { "traefik.http.middlewares.m.retry.initialinterval": "soon" }, `expected a duration such as "500ms" or "10s", found "soon"`, 3],
    ["too short a name", { "traefik.http.routers.r": "x" }, "expected a field of r: entryPoints,", 3],
    ["no name between the dots", { "traefik.http.routers..rule": "x" }, "expected a name between the dots", 3],
    ["something below a text", { "traefik.http.routers.r.rule.x": "y" }, "expected nothing below rule: it is a text", 3],
    ["a list without an index", { "traefik.http.routers.r.tls.domains.main": "a" }, "expected domains[0], domains[1], …: it is a list", 3],
  ])("refuses %s", (_what, labels, text, major) => {
    const { problems } = readLabels(labels, major);
    expect(problems.map(({ label }) => label)).toEqual(Object.keys(labels));
    expect(problems[0]?.text).toStartWith(text);
  });
});

describe("routeOf()", () => {
  test("answers everything without labels", () => expect(http({})).toEqual({ routers: own, services: { "shop-web": {} }, middlewares: {} }));
  test("gives the router named after the service to the role", () => {
    expect(http({ "traefik.http.routers.shop.rule": "Host(`a`)" })?.routers).toEqual({ "shop-web": { rule: "Host(`a`)", service: "shop-web" } });
    expect(http({ "traefik.http.routers.shop-web.rule": "Host(`a`)" })?.routers).toEqual({ "shop-web": { rule: "Host(`a`)", service: "shop-web" } });
    expect(http({ "traefik.http.routers.shop.entrypoints": "web" })?.routers).toEqual({ "shop-web": { ...own["shop-web"], entryPoints: ["web"] } });
  });
  test("keeps other routers beside it, with the only service", () => {
    const route = http({ "traefik.http.routers.api.rule": "PathPrefix(`/api`)", "traefik.http.services.back.loadbalancer.server.port": "4000" });
    expect(route?.routers).toEqual({ "shop-web": { ...own["shop-web"], service: "back" }, api: { rule: "PathPrefix(`/api`)", service: "back" } });
  });
  test("mends what refers to names of its own, and leaves the names of others", () => {
    const route = http({
      "traefik.http.routers.shop.middlewares": "auth@docker,shared@file,strip", "traefik.http.routers.shop.service": "shop@docker",
      "traefik.http.services.shop.loadbalancer.server.port": "80",
      "traefik.http.middlewares.auth.basicauth.users": "a:b", "traefik.http.middlewares.both.chain.middlewares": "auth@docker,other@docker",
      "traefik.http.middlewares.pages.errors.service": "shop", "traefik.http.middlewares.pages.errors.status": "500-599", "traefik.http.middlewares.pages.errors.query": "/{status}.html",
    });
    expect(route?.routers["shop-web"]).toMatchObject({ middlewares: ["auth", "shared@file", "strip"], service: "shop-web" });
    expect(route?.middlewares["both"]).toEqual({ chain: { middlewares: ["auth", "other@docker"] } });
    expect(route?.middlewares["pages"]).toMatchObject({ errors: { service: "shop-web" } });
  });
  test("has no route where traefik.enable is false", () => expect(routeOf({ "traefik.enable": "false" }, shop, 3).route).toBeUndefined());
  test("takes the seed's two entry points", () => {
    const { route, problems } = routeOf({
      "traefik.tcp.routers.other.rule": "HostSNI(`*`)", "traefik.tcp.routers.other.entrypoints": "otherentrypoint", "traefik.tcp.services.other.loadbalancer.server.port": "9000",
      "traefik.http.routers.shop.entrypoints": "web", "traefik.http.services.shop.loadbalancer.server.port": "8080",
    }, shop, 2);
    expect(problems).toEqual([]);
    expect(route?.tcp).toEqual({ routers: { other: { rule: "HostSNI(`*`)", entryPoints: ["otherentrypoint"], service: "other" } }, services: { other: { loadBalancer: { server: { port: "9000" } } } }, middlewares: {} });
    expect(route === undefined ? 0 : labelledPort(route, "shop-web")).toBe(8080);
  });
  test("names only what labels name for Traefik itself", () => {
    const labels = { "traefik.http.routers.dash.rule": "Host(`d`)", "traefik.http.routers.dash.service": "api@internal" };
    expect(routeOf(labels, { service: "traefik", prefix: "traefik", answers: false }, 3).route?.http).toEqual({ routers: { dash: { rule: "Host(`d`)", service: "api@internal" } }, services: {}, middlewares: {} });
  });
  test.each<[string, Record<string, string>, string, 2 | 3]>([
    ["a router without a rule", { "traefik.http.routers.api.entrypoints": "web" }, "expected traefik.http.routers.api.rule too: a router other than shop has none by itself", 3],
    ["a TCP router without a rule", { "traefik.tcp.routers.db.entrypoints": "db" }, "expected traefik.tcp.routers.db.rule too, such as HostSNI(`*`)", 3],
    ["a router that must choose", { "traefik.http.services.a.loadbalancer.server.port": "1", "traefik.http.services.b.loadbalancer.server.port": "2" }, "expected traefik.http.routers.shop.service: one of a, b", 3],
    ["several values in one matcher of Traefik 3", { "traefik.http.routers.shop.rule": "Host(`a`, `b`)" }, "expected one value for each matcher of Traefik 3: Host(`a`) || Host(`b`)", 3],
    ["a placeholder of Traefik 2", { "traefik.http.routers.shop.rule": "HostRegexp(`{name:.+}.example`)" }, "expected a regular expression as Go has it instead of {name:.+}: Traefik 3 has no such placeholders, and matches paths with PathRegexp", 3],
    ["a matcher that Traefik 3 calls otherwise", { "traefik.http.routers.shop.rule": "Headers(`a`, `b`)" }, "expected Header(…): Traefik 3 has no Headers", 3],
  ])("refuses %s", (_what, labels, text, major) => expect(routeOf(labels, shop, major).problems.map((problem) => problem.text)).toEqual([text]));
  test("takes rules of Traefik 2 there, and in 3 where the router asks for them", () => {
    expect(routeOf({ "traefik.http.routers.shop.rule": "Host(`a`, `b`)" }, shop, 2).problems).toEqual([]);
    expect(routeOf({ "traefik.http.routers.shop.rule": "Host(`a`, `b`)", "traefik.http.routers.shop.rulesyntax": "v2" }, shop, 3).problems).toEqual([]);
  });
});

const rule = { "traefik.http.routers.shop.rule": "Host(`a`)" };

test.each<[string, object, readonly string[]]>([
  ["a misspelt label, at its place", { labels: { "traefik.http.routers.shop.rul": "x" } }, [`labels["traefik.http.routers.shop.rul"]: unknown field "rul" of Traefik 3, did you mean rule?`]],
  ["a misspelt label of a role", { servers: { web: { hosts: ["a"], labels: { "traefik.http.routers.shop.rul": "x" } } } }, [`servers.web.labels["traefik.http.routers.shop.rul"]: unknown field "rul" of Traefik 3, did you mean rule?`]],
  ["a label of another major version", { traefik: { image: "traefik:v2.11" }, labels: { "traefik.http.middlewares.m.grpcweb.alloworigins": "*" } }, [`labels["traefik.http.middlewares.m.grpcweb.alloworigins"]: unknown field "grpcweb" of Traefik 2, expected one of addPrefix, basicAuth, buffering, chain, circuitBreaker, compress, contentType, digestAuth, errors, forwardAuth, headers, inFlightReq, ipAllowList, ipWhiteList, passTLSClientCert, plugin, rateLimit, redirectRegex, redirectScheme, replacePath, replacePathRegex, retry, stripPrefix, stripPrefixRegex`]],
  ["both proxies for one role", { traefik: {}, proxy: {} }, ["traefik: expected either Traefik or kamal-proxy for web, found both: proxy chooses kamal-proxy"]],
  ["labels beside kamal-proxy", { labels: rule, proxy: {} }, [`labels["traefik.http.routers.shop.rule"]: expected either Traefik or kamal-proxy for web, found both: proxy chooses kamal-proxy`]],
  ["Traefik for nobody", { traefik: {}, servers: { web: { hosts: ["a"], traefik: false } } }, ["traefik: expected a role behind it: every role says otherwise"]],
  ["both proxies on one host", { servers: { web: ["a", "b"], api: { hosts: ["b"], traefik: true } } }, ["servers.api.traefik: expected one proxy on b, found two: api is behind Traefik and web behind kamal-proxy"]],
  ["two roles that answer the same on one host", { traefik: {}, servers: { web: ["a"], api: { hosts: ["a"], traefik: true } } }, ["servers.api.traefik: expected a rule of its own for api: on a it answers the same requests as web, PathPrefix(`/`)"]],
  ["two roles with one name on one host", { labels: { "traefik.http.routers.x.rule": "Host(`a`)" }, servers: { web: ["a"], api: { hosts: ["a"], traefik: true, labels: { "traefik.http.routers.shop.rule": "Host(`b`)" } } } }, ["servers.api.traefik: expected labels of its own for each of web and api: on a both say http.routers.x"]],
  ["an entry point that is not there", { traefik: { args: { "entrypoints.web.address": ":80" } }, labels: { "traefik.http.routers.shop.entrypoints": "websecure" } }, [`labels["traefik.http.routers.shop.entrypoints"]: expected an entry point of traefik.args (web), found websecure`]],
  ["the API switched off", { traefik: { args: { "api.insecure": false } } }, [`traefik.args["api.insecure"]: expected it to stay on: a switch is confirmed by Traefik's API, which can only be reached inside its container`]],
  ["an argument with dashes", { traefik: { args: { "--accesslog": true } } }, [`traefik.args["--accesslog"]: expected the argument without dashes: accesslog`]],
  ["a folder of files of one's own", { traefik: { args: { "providers.file.directory": "/x" } } }, [`traefik.args["providers.file.directory"]: expected nothing here: capstan writes the files of the file provider. Routes of your own go into labels`]],
  ["a misspelt label of Traefik itself", { traefik: { labels: { "traefik.http.routers.d.ruel": "x" } } }, [`traefik.labels["traefik.http.routers.d.ruel"]: unknown field "ruel" of Traefik 3, did you mean rule?`]],
  ["a misspelt key", { traefik: { host_port: 80 } }, ["traefik.host_port: unknown key, did you mean hostPort?"]],
  ["a health check of Traefik's behind kamal-proxy", { healthcheck: { path: "/up" } }, ["healthcheck: expected a role behind Traefik: behind kamal-proxy it is proxy.healthcheck, and its port is proxy.appPort"]],
])("a config with %s is refused", (_what, more, problems) => expect(problemsOf({ ...base, servers: ["a"], ...more })).toEqual([...problems]));

describe("resolveSettings", () => {
  test("puts the primary role behind Traefik for the key or a label, others for their own word", () => {
    const kinds = (config: object): (string | undefined)[] => settingsOf({ ...base, servers: { web: ["a"], api: { hosts: ["b"] }, job: ["c"] }, ...config }).roles.map(({ proxy }) => proxy?.kind);
    expect(kinds({ traefik: {} })).toEqual(["traefik", undefined, undefined]);
    expect(kinds({ labels: rule })).toEqual(["traefik", undefined, undefined]);
    expect(kinds({})).toEqual(["kamal-proxy", undefined, undefined]);
    expect(kinds({ servers: { web: ["a"], api: { hosts: ["b"], labels: rule }, job: { hosts: ["c"], traefik: true } } })).toEqual(["kamal-proxy", "traefik", "traefik"]);
    expect(kinds({ traefik: {}, servers: { web: { hosts: ["a"], traefik: false }, api: { hosts: ["b"], traefik: true } } })).toEqual([undefined, "traefik"]);
    expect(kinds({ traefik: {}, servers: { web: { hosts: ["a"], proxy: { host: "a.example" } }, api: { hosts: ["b"], traefik: true } } })).toEqual(["kamal-proxy", "traefik"]);
  });
  test("fills in every default of Traefik and of the health check", () => {
    const { traefik, roles } = settingsOf({ ...base, servers: ["a"], traefik: {} });
    expect(traefik).toEqual({ image: "traefik:v3.7.9", major: 3, hostPort: 80, args: {}, options: {}, labels: {}, env: { clear: {}, secret: {} }, route: undefined });
    expect(roles[0]?.proxy).toMatchObject({ kind: "traefik", appPort: undefined, healthcheck: { path: "/up", port: undefined, intervalSeconds: 1, timeoutSeconds: 5, deadlineSeconds: undefined } });
  });
  test("counts attempts as MRSK paused between them, and lets a role say otherwise", () => {
    const { roles } = settingsOf({ ...base, healthcheck: { path: "/healthz", port: 4000, maxAttempts: 7 }, traefik: {}, servers: { web: ["a"], api: { hosts: ["b"], traefik: true, healthcheck: { maxAttempts: 3 } } } });
    expect(roles.map(({ proxy }) => proxy)).toMatchObject([{ appPort: 4000, healthcheck: { path: "/healthz", port: 4000, deadlineSeconds: 28 } }, { healthcheck: { path: "/healthz", port: 4000, deadlineSeconds: 6 } }]);
  });
  test("keeps apart what is for the docker provider alone", () => {
    const { roles } = settingsOf({ ...base, servers: ["a"], labels: { ...rule, "traefik.docker.network": "front" } });
    expect(roles[0]?.proxy).toMatchObject({ ignored: ["traefik.docker.network"] });
  });
  test("takes Traefik's labels from the containers and leaves the others", () => {
    const { roles } = settingsOf({ ...base, servers: ["a"], labels: { ...rule, team: "core" } });
    expect(roles[0]?.labels).toEqual({ team: "core" });
  });
  test("names a route after the destination too", () => {
    const { roles } = settingsOf({ ...base, servers: ["a"], labels: rule }, { destination: "qa" });
    expect(roles[0]?.proxy).toMatchObject({ route: { http: { routers: { "shop-web-qa": { rule: "Host(`a`)" } } } } });
  });
});
