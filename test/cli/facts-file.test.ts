import { expect, test } from "bun:test";
import { readFacts } from "../../lib/cli/facts-file.ts";
import { routeOf } from "../../lib/config/traefik/route.ts";
import { freshFacts, type FleetFacts, type HostFacts } from "../../lib/remote/facts.ts";

const { route } = routeOf({ "traefik.http.routers.shop.rule": "Host(`a.example`)", "traefik.http.services.shop.loadbalancer.server.port": "3000" }, { service: "shop", prefix: "shop-web" }, 3);
if (route === undefined) throw new Error("no route");
const main = { id: "aaaaaaaaaaaa", port: "3000" };
/** All that facts can have. */
const full: Required<HostFacts> = {
  docker: "28.0.4",
  network: true,
  proxy: {
    running: true, image: "traefik:v3.6", args: ["--api", "--providers.file.directory=/routes"],
    routes: [
      { name: "shop-web", targets: ["aaaaaaaaaaaa:3000"], mode: "live", canary: { target: "bbbbbbbbbbbb:3000", percent: 10 }, file: { name: "shop-web", mode: "live", main, canary: { ...main, id: "bbbbbbbbbbbb", percent: 10 }, route } },
      { name: "wiki-web", targets: ["cccccccccccc:80"], mode: "maintenance", file: { name: "wiki-web", mode: "maintenance", main, route } },
    ],
  },
  containers: [{ id: "aaaaaaaaaaaa", name: "shop-web-2", role: "web", version: "2", state: "running", status: "Up 3 minutes", image: "acme/shop:2", networks: ["kamal"] }],
  accessories: [{ id: "c0ffee000000", service: "shop-db", state: "running", status: "Up 3 minutes", image: "postgres:17", networks: ["kamal", "bridge"] }],
  digests: [`sha256:${"a".repeat(64)}`], images: ["acme/shop:2"],
  releases: [{ version: "1", at: "2030-01-01T00:00:00Z" }, { version: "2", at: "2030-01-02T00:00:00Z", whole: true, roles: ["web"] }],
};
const facts: FleetFacts = new Map([["192.0.2.10", full], ["192.0.2.11", freshFacts], ["192.0.2.12", { ...freshFacts, docker: undefined }]]);

test.each([
  ["what `observe --json` prints", `{"v":1,"type":"notice"}\n${JSON.stringify({ v: 1, type: "facts", hosts: Object.fromEntries(facts) })}\n`],
  ["the hosts alone", JSON.stringify(Object.fromEntries(facts))],
])("readFacts() reads %s, and loses nothing of it", (_title, text) => {
  expect([...readFacts("facts.json", text)]).toEqual([...facts]);
});

test("readFacts() says which field is not as it is printed", () => {
  expect(() => readFacts("facts.json", JSON.stringify({ h1: { ...full, containers: [{ ...full.containers[0], networks: "kamal" }] } }))).toThrow(expect.objectContaining({
    failure: "usage", message: "Cannot use facts.json as facts", details: expect.arrayContaining([expect.stringContaining("containers[0].networks")]),
  }));
});
