import { describe, expect, test } from "bun:test";
import { routeOf } from "../../../lib/config/traefik/route.ts";
import type { TraefikSettings } from "../../../lib/config/settings.ts";
import { sh } from "../../../lib/ground/command.ts";
import type { HostStep, RunStep } from "../../../lib/ground/step.ts";
import { Secret } from "../../../lib/ground/secret.ts";
import type { Target } from "../../../lib/remote/proxy/driver.ts";
import { traefikProxy } from "../../../lib/remote/proxy/traefik/driver.ts";
import { addressesOf, fileText, nextName, parseFileLine, stagedText, type RouteFile } from "../../../lib/remote/proxy/traefik/file.ts";
import { runTraefik, traefikArgs } from "../../../lib/remote/proxy/traefik/run.ts";
import { parseFacts, traefikDifferences } from "../../../lib/remote/proxy/traefik/state.ts";
import { roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../../support/settings.ts";
import { words } from "../../support/words.ts";

const labels = {
  "traefik.http.routers.shop.rule": "Host(`a.example`)", "traefik.http.routers.shop.middlewares": "auth,both", "traefik.http.routers.shop.priority": "9",
  "traefik.http.middlewares.auth.basicauth.users": "ann:{{hash}}", "traefik.http.middlewares.both.chain.middlewares": "auth,other@file",
  "traefik.tcp.routers.db.rule": "HostSNI(`*`)", "traefik.tcp.routers.db.entrypoints": "db", "traefik.tcp.services.db.loadbalancer.server.port": "5432",
  "traefik.udp.routers.dns.entrypoints": "dns", "traefik.udp.services.dns.loadbalancer.server.port": "53",
};
const route = routeOf(labels, { service: "shop", prefix: "shop-web" }, 3).route ?? (() => { throw new Error("no route"); })();
const file: RouteFile = { name: "shop-web", mode: "live", main: { id: "aaaaaaaaaaaa", port: "3000" }, route };
const configIn = (text: string) => JSON.parse(text.split("\n").filter((line) => !line.startsWith("#")).join("\n")) as Record<string, Record<string, Record<string, Record<string, unknown>>>>;
const header = (): "Header" => "Header";

describe("fileText()", () => {
  test("is JSON under comments that tell targets and the whole file", () => {
    const lines = fileText(file).split("\n");
    expect(lines.slice(1, 3)).toEqual(["# revision @@revision@@", "# targets aaaaaaaaaaaa:3000"]);
    expect(parseFileLine(lines[3] ?? "")).toEqual(file);
  });

  test("reads the file of Traefik's own route, which has no container, and none with a container that is no name", () => {
    const own: RouteFile = { name: "capstan-own", mode: "live", main: { id: "", port: "" }, route: file.route };
    const saved = fileText(own).split("\n").find((line) => line.startsWith("# capstan ")) ?? "";
    expect(parseFileLine(saved)).toEqual(own);
    expect(() => parseFileLine(saved.replace('"id":""', '"id":"$(reboot)"'))).toThrow("Cannot read what a file of Traefik's routes says of itself");
  });
  test("sends each service to the container, with a transport that closes idle connections soon", () => {
    const { http, tcp, udp } = configIn(fileText(file));
    expect(http?.["services"]).toEqual({ "shop-web": { loadBalancer: { serversTransport: "shop-web", servers: [{ url: "http://aaaaaaaaaaaa:3000" }] } } });
    expect(http?.["serversTransports"]).toEqual({ "shop-web": { forwardingTimeouts: { idleConnTimeout: "1s" } } });
    expect(tcp?.["services"]).toEqual({ db: { loadBalancer: { servers: [{ address: "aaaaaaaaaaaa:5432" }] } } });
    expect(udp?.["services"]).toEqual({ dns: { loadBalancer: { servers: [{ address: "aaaaaaaaaaaa:53" }] } } });
    expect(http?.["routers"]).toEqual({ "shop-web": { rule: "Host(`a.example`)", middlewares: ["auth", "both"], priority: 9, service: "shop-web" } });
  });
  test("leaves a transport and a scheme of the user's alone", () => {
    const own = routeOf({ "traefik.http.services.shop.loadbalancer.server.scheme": "https", "traefik.http.services.shop.loadbalancer.serverstransport": "mine@file", "traefik.http.services.shop.loadbalancer.server.weight": "2" }, { service: "shop", prefix: "shop-web" }, 3).route;
    expect(configIn(fileText({ ...file, route: own ?? route }))["http"]?.["services"]).toEqual({ "shop-web": { loadBalancer: { serversTransport: "mine@file", servers: [{ url: "https://aaaaaaaaaaaa:3000", weight: 2 }] } } });
  });
  test("has nothing that Traefik would read as a template", () => {
    expect(fileText(file)).not.toContain("{{");
    expect(stagedText(file, header)).not.toContain("{{");
    expect(configIn(fileText(file))["http"]?.["middlewares"]?.["auth"]).toEqual({ basicAuth: { users: ["ann:{{hash}}"] } });
  });
  test("shares requests between two containers by weight and a cookie", () => {
    const { http, tcp } = configIn(fileText({ ...file, canary: { id: "bbbbbbbbbbbb", port: "3000", percent: 10 } }));
    expect(http?.["services"]?.["shop-web"]).toEqual({ weighted: { services: [{ name: "shop-web-main", weight: 90 }, { name: "shop-web-canary", weight: 10 }], sticky: { cookie: { name: "shop-web-canary", httpOnly: true } } } });
    expect(http?.["services"]?.["shop-web-canary"]).toMatchObject({ loadBalancer: { servers: [{ url: "http://bbbbbbbbbbbb:3000" }] } });
    expect(tcp?.["services"]?.["db"]).toEqual({ weighted: { services: [{ name: "db-main", weight: 90 }, { name: "db-canary", weight: 10 }] } });
  });
  test("has no servers in maintenance, and the page before all else", () => {
    const { http } = configIn(fileText({ ...file, mode: "maintenance" }));
    expect(http?.["services"]).toEqual({ "shop-web": { loadBalancer: { servers: [] } }, "shop-web-maintenance": { loadBalancer: { servers: [{ url: "http://@@page@@:8080" }] } } });
    expect(http?.["routers"]?.["shop-web"]?.["middlewares"]).toEqual(["shop-web-maintenance", "auth", "both"]);
    expect(addressesOf({ ...file, mode: "maintenance" })).toEqual([]);
  });
});

describe("stagedText()", () => {
  const { http, tcp, udp, tls } = configIn(stagedText(file, header));
  test("has the same objects under other names, which refer to each other", () => {
    expect(Object.keys(http?.["routers"] ?? {})).toEqual(["shop-web--next", "shop-web--next-probe"]);
    expect(http?.["routers"]?.["shop-web--next"]).toMatchObject({ service: "shop-web--next", middlewares: ["shop-web--auth--next", "shop-web--both--next"] });
    expect(http?.["middlewares"]?.["shop-web--both--next"]).toEqual({ chain: { middlewares: ["shop-web--auth--next", "other@file"] } });
    expect([nextName("shop-web", "shop-web"), nextName("shop-web", "auth")]).toEqual(["shop-web--next", "shop-web--auth--next"]);
  });
  test("is reached with the header only, before the live router", () => expect(http?.["routers"]?.["shop-web--next"]).toMatchObject({ rule: "(Host(`a.example`)) && Header(`X-Deploy-Probe`, `@@token@@`)", priority: 10 }));
  test("keeps TCP from everybody, and has no router of UDP and no certificates", () => {
    expect(tcp?.["routers"]?.["shop-web--db--next"]).toMatchObject({ rule: "(HostSNI(`*`)) && ClientIP(`255.255.255.255`)", service: "shop-web--db--next" });
    expect([udp?.["routers"], tls]).toEqual([undefined, undefined]);
  });
  test("writes rules as Traefik 2 does where that is asked for", () => expect(stagedText(file, () => "Headers")).toContain("&& Headers(`X-Deploy-Probe`"));
  test("asks the canary, whatever its share", () => {
    const staged = configIn(stagedText({ ...file, canary: { id: "bbbbbbbbbbbb", port: "3000", percent: 1 } }, header));
    expect(staged["http"]?.["routers"]?.["shop-web--next-probe"]).toMatchObject({ service: "shop-web--next-canary" });
  });
});

describe("parseFacts()", () => {
  test("tells what the files say", () => {
    const facts = parseFacts(`true traefik:v3.7.9\narg=traefik\narg=--accesslog\ndir=/home/ann/.kamal/traefik/dynamic\n${fileText({ ...file, canary: { id: "bbbbbbbbbbbb", port: "3000", percent: 10 } }).split("\n")[3]}\n`);
    expect(facts).toMatchObject({ running: true, image: "traefik:v3.7.9", args: ["--accesslog"], routes: [{ name: "shop-web", targets: ["aaaaaaaaaaaa:3000"], mode: "live", canary: { target: "bbbbbbbbbbbb:3000", percent: 10 } }] });
  });
  test("is nothing without a container", () => expect(parseFacts("")).toBeUndefined());
});

describe("the container", () => {
  const traefik = (more: Partial<TraefikSettings> = {}): TraefikSettings => traefikSettingsOf(more);
  const fixed = "docker run --detach --name traefik --restart unless-stopped --network kamal --publish 80:80 --volume $PWD/.kamal/traefik/dynamic:/etc/traefik/dynamic:ro";
  const args = "--providers.file.directory=/etc/traefik/dynamic --providers.providersThrottleDuration=100ms --api.insecure --api.dashboard=false --entrypoints.traefik.address=127.0.0.1:48080 --entrypoints.http.address=:80 --global.checknewversion=false --global.sendanonymoususage=false";
  test("has no Docker socket, and an API that only it can reach", () => expect(words(runTraefik(traefik()).text)).toEqual(words(`${fixed} --log-opt max-size=10m traefik:v3.7.9 ${args}`)));
  test("takes what the seed's README says", () => {
    const text = runTraefik(traefik({ hostPort: 8080, args: { accesslog: true, "accesslog.format": "json" }, options: { publish: ["8080:8080"], volumes: ["/tmp/example.json:/tmp/example.json"], memory: "512m" } })).text;
    expect(words(text)).toEqual(words(`${fixed.replace("80:80", "8080:80")} --log-opt max-size=10m --publish 8080:8080 --volume /tmp/example.json:/tmp/example.json --memory 512m traefik:v3.7.9 ${args} --accesslog --accesslog.format=json`));
  });
  test("keeps secret variables in a file", () => {
    const text = runTraefik(traefik({ env: { clear: { A: 1 }, secret: { TOKEN: new Secret("TOKEN", "t0p") } } })).text;
    expect(text).toContain("--env A=1 --env-file .kamal/traefik/traefik.env");
    expect(text).not.toContain("t0p");
  });
  test.each<[string, TraefikSettings["args"], readonly string[]]>([
    ["an entry point of the user's takes the place of ours", { "entryPoints.web.address": ":80" }, ["--entryPoints.web.address=:80"]],
    ["who asks for the dashboard finds it where Traefik's guide says", { "api.dashboard": true }, ["--api.dashboard", "--entrypoints.http.address=:80"]],
    ["arguments go over ours in any case", { "providers.providersthrottleduration": "2s" }, ["--providers.providersthrottleduration=2s"]],
  ])("%s", (_what, given, expected) => {
    const all = traefikArgs({ args: given });
    for (const arg of expected) expect(all).toContain(arg);
    expect(new Set(all.map((arg) => arg.replace(/=.*/, "").toLowerCase())).size).toBe(all.length);
  });
  test("tells in what a running one differs", () => {
    const facts = { running: true, image: "traefik:v3.7.9", args: traefikArgs({ args: { accesslog: true } }), routes: [] };
    expect(traefikDifferences(traefik({ args: { accesslog: true } }), facts)).toEqual([]);
    expect(traefikDifferences(traefik({ image: "traefik:v3.6.24", args: { "log.level": "DEBUG" } }), facts)).toEqual([
      "Traefik runs as traefik:v3.7.9, the config asks for traefik:v3.6.24",
      "Traefik runs with other arguments than the config asks for: --log.level=DEBUG is missing, --accesslog is there",
    ]);
  });
});

describe("steps", () => {
  const settings = settingsOf({ roles: [roleOf("web", { proxy: traefikOf(labels) })], traefik: traefikSettingsOf({}) });
  const [role] = settings.roles;
  if (role === undefined) throw new Error("no role");
  const last = (steps: readonly HostStep[]): RunStep => steps.filter((step) => step.kind === "run").at(-1) ?? (() => { throw new Error("no step"); })();
  const all = (): readonly (readonly HostStep[])[] => {
    const routed = { name: "shop-web", targets: ["aaaaaaaaaaaa:3000"], mode: "live" as const, file };
    return [
      traefikProxy.boot(settings), traefikProxy.reboot(settings), traefikProxy.start(settings), traefikProxy.stop(), traefikProxy.remove(), [traefikProxy.unroute(settings, role)],
      traefikProxy.switch(settings, role, { container: "shop-web-2" }, { from: undefined, route: undefined }), traefikProxy.maintain(settings, role, routed, "it's down"), traefikProxy.live(settings, role, routed),
      traefikProxy.canary(settings, role, routed, { container: "shop-web-2" }, 10), traefikProxy.endCanary(settings, role, { ...routed, file: { ...file, canary: { id: "bbbbbbbbbbbb", port: "3000", percent: 10 } } }),
    ];
  };
  test("are shell code", () => {
    for (const step of all().flat()) {
      if (step.kind !== "run") continue;
      for (const text of [step.command.text, step.undo?.text ?? ""]) expect([step.title, Bun.spawnSync(["sh", "-n", "-c", text]).stderr.toString()]).toEqual([step.title, ""]);
    }
  });
  test("keep maintenance up through a switch", () => {
    const steps = traefikProxy.switch(settings, role, { container: "shop-web-2" }, { from: undefined, route: { name: "shop-web", targets: [], mode: "maintenance" } });
    expect(steps[0]?.kind === "upload" ? steps[0].content : "").toContain('"mode":"maintenance"');
  });
  test("name what they undo", () => {
    const first = last(traefikProxy.switch(settings, role, { container: "shop-web-2" }, { from: undefined, route: undefined }));
    expect([first.title, first.undoTitle]).toEqual(["Switch shop-web to shop-web-2", "Take the route shop-web away"]);
  });
  test("undo what this run started alone, where that is known", () => {
    const undo = (to: Target): string => last(traefikProxy.switch(settings, role, to, { from: undefined, route: undefined })).undo?.text ?? "";
    const [before, after] = [`rm -f "$dir"/shop-web--next.yml\n`, `\n[ -n "$id" ] || exit 0\ncase " $(targets "$dir"/shop-web.yml)" in *" $id":*) restore || exit 77 ;; esac`];
    expect(undo({ container: "shop-web-2", own: sh`id=mine` })).toEndWith(`${before}id=mine${after}`);
    expect(undo({ container: "shop-web-2" })).toEndWith(`${before}id=$(docker container ls --all --filter 'name=^shop-web-2$' --quiet)${after}`);
    expect(undo({ id: "aaaaaaaaaaaa" })).toEndWith(`${before}id=aaaaaaaaaaaa${after}`);
  });
  test("see a name that another service has", () => {
    const other = routeOf({ "traefik.http.routers.shop-web.rule": "Host(`b`)", "traefik.http.middlewares.auth.basicauth.users": "ann:{{hash}}" }, { service: "two", prefix: "two-web" }, 3).route;
    expect(traefikProxy.collisions(settings, role, [{ name: "two-web", targets: [], mode: "live", file: { ...file, name: "two-web", route: other ?? route } }, { name: "shop-web", targets: [], mode: "live", file }])).toEqual([{ name: "http.routers.shop-web", of: "two-web" }]);
  });
});
