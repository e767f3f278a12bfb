import { afterAll, beforeAll, expect, test } from "bun:test";
import type { LabHost } from "./host.ts";
import { buildAndPush, on } from "./kamal.ts";
import { startLab, type Lab } from "./lab.ts";
import { mrskDeploy, takeMrskLock, withCurl, type MrskApp } from "./mrsk.ts";
import { proxyImage, proxyImageFile } from "./proxy-image.ts";
import { appSecret, makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

/** A fleet that MRSK 0.15 left behind Traefik moves to kamal-proxy. Its layout is written here in MRSK's own words. */
let lab: Lab;
let project: Project;
let app: MrskApp;
let cacheImage: string;
let traefik: string;

beforeAll(async () => {
  lab = await startLab({ hosts: 3, proxies: ["kamal-proxy", "traefik"] });
  hosts = lab.hosts.slice(0, 2);
  traefik = await proxyImageFile("traefik", lab.env["DOCKER_HOST"] ?? "");
  cacheImage = `${lab.registry.address}/acme/cache:7`;
  project = await makeProject(lab, {
    more: `stopTimeout: 1, deployTimeout: 5,
  accessories: { cache: { image: ${JSON.stringify(cacheImage)}, host: ${JSON.stringify(lab.host(1).address)}, port: 6379, env: { secret: ["APP_SECRET"] }, directories: ["data:/data"] } },`,
  });
  await withCurl(project.folder);
  await project.commit();
  app = { service: "sample", repository: `${lab.registry.address}/acme/sample`, secret: appSecret };
  for (const version of ["m1", "m2"]) await buildAndPush(lab, project.folder, app.repository, version, ["--label", "service=sample"]);
  await buildAndPush(lab, project.folder, `${lab.registry.address}/acme/cache`, "7");
}, 1_800_000);
afterAll(() => lab?.stop());

/** The hosts of MRSK. The third one is new in the config. */
let hosts: readonly LabHost[];

/** Two hosts after two deploys of MRSK, with an accessory on the first, and one that has nothing but what is somebody else's. */
async function layOut(): Promise<void> {
  await Promise.all(lab.hosts.map((host) => host.exec("docker rm -f $(docker ps -aq); docker network rm kamal; docker volume prune -f; rm -rf .kamal mrsk* sample-cache")));
  await Promise.all(hosts.map(async (host) => {
    // An upgrade takes its image away.
    if ((await host.docker("image", "inspect", proxyImage("traefik"))).status !== 0) await host.docker("load", "--quiet", "--input", traefik);
    for (const version of ["m1", "m2"]) await mrskDeploy(lab, host, app, version);
    if (host !== lab.host(1)) return;
    await on(host, "mkdir -p $PWD/sample-cache/data && echo kept > sample-cache/data/dump");
    await on(host, `docker run --name sample-cache --detach --restart unless-stopped --log-opt max-size="10m" --publish 6379:6379 -e APP_SECRET="${appSecret}" --volume $PWD/sample-cache/data:/data --label service="sample-cache" ${cacheImage}`);
  }));
  await on(lab.host(3), `docker run --detach --name other --publish 80:80 ${proxyImage("kamal-proxy")}`);
  await until("Traefik routes to the app", async () => (await served(hosts)).every((text) => text === "m2"));
}

const inspect = async (number: number, name: string, format: string): Promise<string> => (await lab.host(number).docker("inspect", "--format", format, name)).stdout.trim();

/** What an upgrade must have brought about on a host. */
async function expectUpgraded(number: number): Promise<void> {
  const host = lab.host(number);
  expect(await served([host])).toEqual(["m2"]);
  expect((await fetch(`http://${host.address}/`)).headers.get("server") ?? "").not.toContain("Traefik");
  expect((await on(host, "docker ps --all --format '{{.Names}}'")).split("\n").sort()).toEqual([
    "kamal-proxy", ...(number === 1 ? ["sample-cache"] : []), "sample-web-m2",
  ]);
  expect((await on(host, "docker images --quiet traefik"))).toBe("");
  expect(await inspect(number, "sample-web-m2", '{{.HostConfig.NetworkMode}} {{json .Config.Labels}}')).toBe('kamal {"destination":"","role":"web","service":"sample"}');
  expect(await on(host, "docker exec kamal-proxy kamal-proxy list")).toContain("sample-web");
  expect(await on(host, "ls -A .kamal; cat mrsk-sample-audit.log")).toMatch(/sample-audit\.log[\s\S]*Booted app version m1/);
}

test("before it, what MRSK left is seen", async () => {
  await layOut();
  expect((await project.must(["app", "version", "-q"])).stdout.match(/web +m2/g)).toHaveLength(2);
  expect((await project.must(["accessory", "details", "cache"])).stdout).toContain("sample-cache");
  // A deploy says what is in its way, and leaves everything as it was.
  const deploy = await project.run(["deploy", "--skip-push", "--version", "m1"]);
  expect(deploy.status).not.toBe(0);
  expect(deploy.stderr).toContain("capstan upgrade");
  expect(await served(hosts)).toEqual(["m2", "m2"]);
}, 120_000);

test("a deploy of MRSK that is under way is in its way", async () => {
  await on(lab.host(1), takeMrskLock("sample"));
  const refused = await project.run(["upgrade", "-y"]);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain("The lock mrsk_lock-sample is held:");
  expect(refused.stderr).toContain("Locked by: bo at 2023-09-01T10:00:00Z");
  expect(refused.stderr).toContain("remove its folder");
  for (const number of [1, 2]) expect(await on(lab.host(number), "docker ps --all --format '{{.Names}}' | sort | tr '\\n' ' '")).toBe(`${number === 1 ? "sample-cache " : ""}sample-web-m1 sample-web-m2 traefik`);
  await on(lab.host(1), "rm -r mrsk_lock-sample");
}, 60_000);

test("a new proxy that cannot have its ports gives the old one back", async () => {
  await on(lab.host(2), `docker run --detach --name blocker --publish 443:80 ${app.repository}:m1`);
  const failed = await project.run(["upgrade", "-y"]);
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toMatch(/port is already allocated/);
  expect(failed.stderr).toContain("Every host serves as before, through its old proxy.");
  await until("Traefik routes to the app again", async () => (await served(hosts)).every((text) => text === "m2"), 10_000);
  for (const number of [1, 2]) {
    expect((await on(lab.host(number), "docker ps --all --format '{{.Names}}'")).split("\n").filter((name) => !["blocker", "sample-cache"].includes(name)).sort()).toEqual(["sample-web-m2", "traefik"]);
    expect(await inspect(number, "sample-web-m2", "{{.HostConfig.NetworkMode}}")).toBe("default");
    expect(await inspect(number, "traefik", "{{.State.Status}}")).toBe("running");
  }
  await on(lab.host(2), "docker rm --force blocker");
}, 120_000);

test("upgrade moves app and accessories behind kamal-proxy, and a second one finds nothing to do", async () => {
  const { stderr } = await project.must(["upgrade", "-y"]);
  expect(stderr).toContain(`Left as it is: ${lab.host(3).address}, where nothing of the app is from MRSK or Kamal 1.`);
  expect(await on(lab.host(3), "docker ps --all --format '{{.Names}}'")).toBe("other");
  expect(stderr).toMatch(/refuses connections for a second or two[\s\S]*Boot app[\s\S]*Change proxies[\s\S]*Retire old containers[\s\S]*Reboot accessories/);
  await expectUpgraded(1);
  await expectUpgraded(2);
  expect(await inspect(1, "sample-cache", "{{.HostConfig.NetworkMode}} {{.State.Status}}")).toBe("kamal running");
  expect(await on(lab.host(1), "docker exec sample-cache cat /data/dump")).toBe("kept");
  const before = await Promise.all(["sample-web-m2", "sample-cache", "kamal-proxy"].map((name) => inspect(1, name, "{{.Id}} {{.State.StartedAt}}")));
  const again = await project.must(["upgrade", "-y"]);
  expect(again.stderr).toContain("Left as it is");
  expect(await Promise.all(["sample-web-m2", "sample-cache", "kamal-proxy"].map((name) => inspect(1, name, "{{.Id}} {{.State.StartedAt}}")))).toEqual(before);
  await project.must(["rollback", "-h", hosts.map(({ address }) => address).join(",")]);
  expect(await served(hosts)).toEqual(["m1", "m1"]);
}, 120_000);

test("upgrade --rolling takes one host after the other, so that there is always one that serves", async () => {
  await layOut();
  const upgrade = project.run(["upgrade", "--rolling", "-y"]);
  const done = upgrade.then(() => true);
  const rounds: string[][] = [];
  do rounds.push(await served(hosts)); while (!(await Promise.race([done, Bun.sleep(20)])));
  const ran = await upgrade;
  expect([ran.status, ran.stderr]).toEqual([0, ran.stderr]);
  expect(rounds.length).toBeGreaterThan(20);
  expect(rounds.filter((answers) => answers.every((answer) => answer !== "m2"))).toEqual([]);
  await expectUpgraded(1);
  await expectUpgraded(2);
}, 120_000);
