import { describe, expect, test } from "bun:test";
import type { Settings } from "../../lib/config/settings.ts";
import type { BuiltImage } from "../../lib/ground/image.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { planDeploy, type DeployParts } from "../../lib/plan/deploy.ts";
import { fleetState } from "../../lib/plan/fleet.ts";
import type { Order } from "../../lib/plan/order.ts";
import { digestOf, startedHex } from "../../lib/plan/made-with.ts";
import { comparisons } from "../../lib/plan/unchanged.ts";
import type { HostFacts } from "../../lib/remote/facts.ts";
import { keptAs, releasesOn, wholeRelease } from "../../lib/remote/releases.ts";
import { containerOf, fleetOf, hostOf, orderOf, proxyOf } from "../support/facts.ts";
import { defaultProxy, roleOf, settingsOf } from "../support/settings.ts";

const pair = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })] });
const [old, image, digest] = ["a", "b", "d"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];
const built: BuiltImage = { ids: [image, digest], digests: [digest] };
const serving = (more: Partial<HostFacts> = {}): HostFacts => hostOf([containerOf(pair, "web", "1", "a1")], { proxy: proxyOf(["shop-web", "a1"]), ...more });
const asked = (settings: Settings, facts: HostFacts): number => comparisons(orderOf(settings, "2", { filter: { hosts: ["10.0.0.1"] } }), fleetOf({ "10.0.0.1": facts })).length;

describe("comparisons()", () => {
  test("asks about each role on each host", () => {
    const found = comparisons(orderOf(pair, "2"), fleetOf({ "10.0.0.1": serving(), "10.0.0.2": serving() }));
    expect(found.map(({ kept }) => kept)).toEqual(["10.0.0.1", "10.0.0.2"].map((host) => ({ host, role: "web", container: "shop-web-1", version: "1" })));
    expect(found[0]?.command.text).toContain("docker container inspect --format '{{.ID}} {{.Config.Hostname}} {{.State.Status}}{{with .State.Health}}/{{.Status}}{{end}} {{.Image}}' a10000000000");
  });

  const container = containerOf(pair, "web", "1", "a1");
  test.each<[string, HostFacts]>([
    ["nothing runs", hostOf([containerOf(pair, "web", "1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a1"]) })],
    ["it restarts again and again", hostOf([{ ...container, state: "restarting" }], { proxy: proxyOf(["shop-web", "a1"]) })],
    ["there is no proxy", serving({ proxy: undefined })],
    ["the proxy is stopped", serving({ proxy: { ...proxyOf(["shop-web", "a1"]), running: false } })],
    ["the proxy leads elsewhere", serving({ proxy: proxyOf(["shop-web", "ff"]) })],
    ["there is no route", serving({ proxy: proxyOf() })],
    ["there is a canary", serving({ proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "live", canary: { target: "c10000000000:80", percent: 5 } }] } })],
    ["another version runs beside it", hostOf([container, containerOf(pair, "web", "0", "a0")], { proxy: proxyOf(["shop-web", "a1"]) })],
    ["an interrupted run left something", hostOf([containerOf(pair, "web", "2", "a2", "created"), container], { proxy: proxyOf(["shop-web", "a1"]) })],
    ["it made place for another one", hostOf([{ ...container, name: "shop-web-1_replaced_00112233445566aa", version: "1_replaced_00112233445566aa" }], { proxy: proxyOf(["shop-web", "a1"]) })],
    ["it is not in the network", hostOf([{ ...container, networks: ["bridge"] }], { proxy: proxyOf(["shop-web", "a1"]) })],
  ])("asks nothing where a switch would mend something: %s", (_title, facts) => expect(asked(pair, facts)).toBe(0));

  test("asks where older versions are stopped, in maintenance, and without a proxy where the role has none", () => {
    expect(asked(pair, hostOf([container, containerOf(pair, "web", "0", "a0", "exited")], { proxy: { ...proxyOf(), routes: [{ name: "shop-web", targets: ["a10000000000:80"], mode: "maintenance" }] } }))).toBe(1);
    expect(asked(settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1"], proxy: undefined })] }), hostOf([container]))).toBe(1);
  });

  const isSame = (answer: { readonly note?: string; readonly is?: string; readonly of?: string; readonly named?: string; readonly secrets?: string }, more: Partial<Order> = { built }, settings = pair): boolean | undefined => {
    const order = orderOf(settings, "2", { filter: { hosts: ["10.0.0.1"] }, ...more });
    const { note = `0123456789ab ${digestOf(order, order.scope.roles[0] ?? roleOf("web"), "10.0.0.1")}`, is = `${"a1".padEnd(64, "0")} 10.0.0.1-0123456789ab running ${image}`, of = image, named = "", secrets = "same" } = answer;
    return comparisons(order, fleetOf({ "10.0.0.1": serving() }))[0]?.isSame(`${note}\n${is}\n${of}\n${named}\n${secrets}\n`);
  };
  const is = (hostname: string, state = "running"): string => `${"a1".padEnd(64, "0")} ${hostname} ${state} ${image}`;

  test.each<[string, boolean, boolean | undefined]>([
    ["image, settings and secrets", true, isSame({})],
    ["a healthy container", true, isSame({ is: is("10.0.0.1-0123456789ab", "running/healthy") })],
    ["an image known by the digest of its manifest", true, isSame({ of: `sha256:${"c".repeat(64)} acme/shop@${digest}` })],
    ["a container that is noted by its ID", true, isSame({ note: `a10000000000 ${digestOf(orderOf(pair, "2"), pair.roles[0] ?? roleOf("web"), "10.0.0.1")}`, is: is("named") })],
    ["an unhealthy container", false, isSame({ is: is("10.0.0.1-0123456789ab", "running/unhealthy") })],
    ["another image", false, isSame({ of: old })],
    ["another container than the note's", false, isSame({ is: is("10.0.0.1-ba9876543210") })],
    ["other settings", false, isSame({ note: "0123456789ab f00d" })],
    ["no note", false, isSame({ note: "" })],
    ["another secret", false, isSame({ secrets: "changed" })],
    ["the host's own image of the version, where the build is not known", true, isSame({ named: image }, {})],
    ["another one under the version's name", false, isSame({ named: old }, {})],
    ["none under the version's name", false, isSame({}, {})],
    ["an older image of the version on the host, where the build is known", false, isSame({ of: old, named: old })],
  ])("tells %s: %p", (_title, expected, found) => expect(found).toBe(expected));

  test("sends secrets and certificates by standard input alone", () => {
    const secret = (name: string): Secret => new Secret(name, `${name} of one's own`);
    const settings = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1"], env: { clear: {}, secret: { KEY: secret("K") } }, proxy: { ...defaultProxy, hosts: ["a.example"], tls: { certificate: secret("C"), privateKey: secret("P") } } })] });
    const command = comparisons(orderOf(settings, "2"), fleetOf({ "10.0.0.1": serving() }))[0]?.command;
    expect(command?.text).not.toContain("of one's own");
    const input = command?.input;
    expect(input instanceof Secret ? input.reveal() : input).toBe(`"KEY=K of one's own"\nfile .kamal/proxy/apps-config/shop/tls/web/cert.pem ${btoa("C of one's own")}\nfile .kamal/proxy/apps-config/shop/tls/web/key.pem ${btoa("P of one's own")}\n`);
  });
});

const parts: DeployParts = { proxy: true, prune: true, pull: "always" };
const kept = (host: string) => ({ host, role: "web", container: "shop-web-1", version: "1" });
const facts = fleetOf({ "10.0.0.1": serving({ digests: [digest] }), "10.0.0.2": serving() });
const titles = (order: Order, host: string): string[] => planDeploy(order, facts, parts).phases.flatMap(({ lanes }) => lanes.filter((lane) => lane.host === host).flatMap(({ steps }) => steps.map(({ title }) => title)));

describe("planDeploy()", () => {
  test("does nothing at all where everything is unchanged, and names the hosts", () => {
    expect(planDeploy(orderOf(pair, "2", { built, kept: [kept("10.0.0.1"), kept("10.0.0.2")] }), facts, parts)).toEqual({ notes: ["Unchanged, and not switched: web on 10.0.0.1, 10.0.0.2. Version 1 is the image of 2, with the same settings."], phases: [] });
    expect(planDeploy(orderOf(pair, "1", { built, kept: [kept("10.0.0.1"), kept("10.0.0.2")] }), facts, parts).notes).toEqual(["Unchanged, and not switched: web on 10.0.0.1, 10.0.0.2. It runs this image, with the same settings."]);
  });

  test("switches the other hosts; where it is unchanged the host gets the name, and a record", () => {
    const order = orderOf(pair, "2", { built, kept: [kept("10.0.0.1")] });
    expect(titles(order, "10.0.0.1")).toEqual([
      "Name the image that is there acme/shop:2", "Check that acme/shop:2 belongs to shop",
      'Record "Released version 2 on all hosts"', "Tag acme/shop:2 as latest", 'Record "Tagging acme/shop:2 as the latest image"', 'Record "Kept version 1 as version 2"',
    ]);
    expect(titles(order, "10.0.0.2")).toEqual(expect.arrayContaining(["Pull acme/shop:2", "Start shop-web-2", "Note what shop-web-2 was made with", "Switch shop-web to shop-web-2", 'Record "Released version 2 on all hosts"', "Stop shop-web-1"]));
    const naming = planDeploy(order, facts, parts).phases[0]?.lanes[0]?.steps[0];
    expect(naming?.kind === "run" && naming.command.text).toBe(`docker tag acme/shop@${digest} acme/shop:2`);
  });

  test("pulls where the image that was pushed is not, and where it is not known what was", () => {
    const pulls = (more: Partial<Order>, host: string): boolean => titles(orderOf(pair, "2", more), host).includes("Pull acme/shop:2");
    expect([pulls({ built }, "10.0.0.1"), pulls({ built }, "10.0.0.2"), pulls({}, "10.0.0.1"), pulls({ built: { ids: [image], digests: [] } }, "10.0.0.1")]).toEqual([false, true, true, true]);
  });

  test("notes what a container was made with so that the next run knows it again", () => {
    const order = orderOf(pair, "2");
    const note = planDeploy(order, facts, parts).phases.flatMap(({ lanes }) => lanes.flatMap(({ steps }) => steps)).find(({ title }) => title.startsWith("Note what"));
    const web = pair.roles[0] ?? roleOf("web");
    expect(note?.kind === "run" && note.command.text).toBe(`echo ${startedHex(order, web, "10.0.0.1")} ${digestOf(order, web, "10.0.0.1")} > .kamal/apps/shop/env/roles/web.made-with`);
    const upload = planDeploy(order, facts, parts).phases.flatMap(({ lanes }) => lanes.flatMap(({ steps }) => steps)).find(({ kind }) => kind === "upload");
    expect(upload?.kind === "upload" && upload.outdates).toContain(".kamal/apps/shop/env/roles/web.made-with");
  });
});

test("a fleet with hosts that were left alone has one version, and no run is unfinished", () => {
  const line = (text: string, role = ""): string => `[2030-01-02T03:04:05Z] [ann@acme.example]${role} ${text}\n`;
  const { parse, command } = releasesOn(pair);
  const log = line(wholeRelease("2")) + line("Tagging acme/shop:2 as the latest image");
  expect(command.text).toContain("-e '] Kept version .* as version '");
  const releases = parse(log + line(keptAs("1", "2"), " [web]"));
  expect(releases).toEqual([{ version: "2", at: "2030-01-02T03:04:05Z", whole: true, kept: { web: "1" } }]);
  const two = hostOf([containerOf(pair, "web", "2", "b2"), containerOf(pair, "web", "1", "b1", "exited")], { proxy: proxyOf(["shop-web", "b2"]), releases: parse(log) });
  const state = fleetState(pair, { roles: pair.roles }, fleetOf({ "10.0.0.1": serving({ releases }), "10.0.0.2": two }));
  expect([state.versions, state.unfinished, state.good.map(({ version }) => version)]).toEqual([["2"], false, ["2"]]);
  const later = parse(log + line(keptAs("1", "2"), " [web]") + line(wholeRelease("1")).replace("05Z", "59Z"));
  expect(fleetState(pair, { roles: pair.roles }, fleetOf({ "10.0.0.1": serving({ releases: later }) })).versions).toEqual(["1"]);
  expect(parse(line(keptAs("1", "2"), " [web]"))).toEqual([]);
});
