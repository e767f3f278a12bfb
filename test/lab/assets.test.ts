import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { writeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { on } from "./kamal.ts";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";

/** Files that outlive a container: assets, error pages, what a trial and what a deploy leave behind. */
let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab, {
    clear: "{ SICK_HOST: process.env.SICK_HOST ?? \"\" }",
    proxy: `{ buffering: { responses: false }, healthcheck: { path: "/cgi-bin/health", interval: 1 } }`,
    more: `assetPath: "/www/assets", errorPagesPath: "pages", retainContainers: 2, deployTimeout: 4, stopTimeout: 1,`,
  });
  // Each version has a file of its own, one that stays the same and one that changes.
  await writeApp(project.folder, "Dockerfile", `FROM scratch
COPY busybox /busybox
COPY www /www
ARG VERSION=unknown
RUN ["/busybox", "sh", "-c", "echo $VERSION > /www/index.html; /busybox mkdir -p /www/assets/css; echo of-$VERSION > /www/assets/app-$VERSION.js; echo same > /www/assets/css/same.css; echo $VERSION > /www/assets/manifest.json"]
EXPOSE 80
STOPSIGNAL SIGKILL
CMD ["/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]
`);
  await mkdir(`${project.folder}/pages`);
  await writePages("first");
  await project.commit();
  await project.must(["setup", "--version", "a1"], { VERSION: "a1" });
}, 180_000);
afterAll(() => lab?.stop());

async function writePages(text: string): Promise<void> {
  await writeApp(project.folder, "pages/503.html", `<h1>our 503, ${text}</h1><p>{{ .Message }}</p>`);
  await writeApp(project.folder, "pages/404.html", `<h1>our 404, ${text}</h1>`);
  await writeApp(project.folder, "pages/notes.txt", "no page");
}

const get = async (host: LabHost, path: string): Promise<string> => {
  const answer = await fetch(`http://${host.address}${path}`, { signal: AbortSignal.timeout(5_000), keepalive: false });
  return `${answer.status} ${(await answer.text()).trim()}`;
};
const volumes = (host: LabHost): Promise<string> => on(host, "ls .kamal/apps/sample/assets/volumes .kamal/apps/sample/assets/extracted | tr '\\n' ' '");

test("while versions change places, the assets of both are there at both", async () => {
  expect(await get(lab.host(1), "/assets/app-a1.js")).toBe("200 of-a1");
  // Asked for all the time: the old version's file, as a page asks for it that was loaded before the switch.
  await using load = startLoad(lab.hosts.map((host) => `http://${host.address}/assets/app-a1.js`), { slow: { count: 0, seconds: 0 }, streamTicks: 0 });
  const early = { old: 0, both: 0 };
  const deploy = project.deploy("a2");
  const done = deploy.then(() => true);
  do {
    const [page, asset] = [await get(lab.host(1), "/"), await get(lab.host(1), "/assets/app-a2.js")];
    if (page !== "200 a1") continue;
    early.old++;
    if (asset === "200 of-a2") early.both++;
  } while (!(await Promise.race([done, Bun.sleep(5)])));
  await deploy;
  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
  expect(Object.keys(report.bodies)).toEqual(["of-a1"]);
  // The new version's file is there while the old version still answers.
  expect(early.old).toBeGreaterThan(0);
  expect(early.both).toBeGreaterThan(0);
  for (const host of lab.hosts) {
    expect([await get(host, "/assets/app-a1.js"), await get(host, "/assets/app-a2.js"), await get(host, "/assets/css/same.css"), await get(host, "/assets/manifest.json")]).toEqual(["200 of-a1", "200 of-a2", "200 same", "200 a2"]);
    expect(await volumes(host)).toBe(".kamal/apps/sample/assets/extracted: web-a2  .kamal/apps/sample/assets/volumes: web-a2");
    expect(await host.containers("sample")).toEqual(["sample-web-a1", "sample-web-a2"]);
  }
}, 60_000);

test("only the version before is bridged, also by a rollback", async () => {
  await project.deploy("a3");
  expect([await get(lab.host(1), "/assets/app-a3.js"), await get(lab.host(1), "/assets/app-a2.js"), await get(lab.host(1), "/assets/app-a1.js")]).toEqual(["200 of-a3", "200 of-a2", expect.stringMatching(/^404/)]);
  await project.must(["rollback"]);
  expect(await served(lab.hosts)).toEqual(["a2", "a2"]);
  expect([await get(lab.host(2), "/assets/app-a2.js"), await get(lab.host(2), "/assets/app-a3.js"), await get(lab.host(2), "/assets/manifest.json")]).toEqual(["200 of-a2", "200 of-a3", "200 a2"]);
  expect(await volumes(lab.host(2))).toBe(".kamal/apps/sample/assets/extracted: web-a2  .kamal/apps/sample/assets/volumes: web-a2");
}, 60_000);

test("a version that does not get healthy leaves assets and pages of the one that serves", async () => {
  await writePages("never seen");
  const failed = await project.run(["deploy", "--version", "a4"], { VERSION: "a4", SICK_HOST: lab.host(2).address });
  expect(failed.status).toBe(6);
  expect(failed.stderr).toContain("cannot reach the database");
  expect(await served(lab.hosts)).toEqual(["a2", "a2"]);
  for (const host of lab.hosts) expect([await get(host, "/assets/app-a2.js"), await get(host, "/assets/manifest.json"), await get(host, "/assets/app-a3.js")]).toEqual(["200 of-a2", "200 a2", "200 of-a3"]);
  await project.must(["app", "maintenance"]);
  expect(await get(lab.host(1), "/")).toStartWith("503 <h1>our 503, first</h1>");
  await project.must(["app", "live"]);
  await writePages("second");
}, 60_000);

test("the page of maintenance is ours, with the message, and each deploy brings its own", async () => {
  await project.must(["app", "maintenance", "--message", "Back at ten"]);
  for (const host of lab.hosts) expect(await get(host, "/any")).toBe("503 <h1>our 503, first</h1><p>Back at ten</p>");
  await project.deploy("a5");
  for (const host of lab.hosts) {
    expect(await get(host, "/any")).toStartWith("503 <h1>our 503, second</h1>");
    expect(await on(host, "cd .kamal/proxy/apps-config/sample/error_pages && find . -type f | sort | tr '\\n' ' '")).toBe("./a5/404.html ./a5/503.html");
  }
  await project.must(["app", "live"]);
  expect(await served(lab.hosts)).toEqual(["a5", "a5"]);
  // What the app itself answers is not replaced.
  expect(await get(lab.host(1), "/nowhere")).not.toContain("our 404");
}, 60_000);

test("healthcheck perform tells whether a version gets healthy and leaves nothing behind", async () => {
  const left = (): Promise<string[]> => Promise.all(lab.hosts.map((host) => on(host, "docker ps --all --quiet --no-trunc; ls -R .kamal/apps .kamal/proxy")));
  const before = await left();
  const healthy = await project.must(["healthcheck", "perform", "--version", "a5"]);
  expect(healthy.stderr).toContain("Check health");
  expect(await left()).toEqual(before);
  const sick = await project.run(["healthcheck", "perform", "--version", "a5"], { SICK_HOST: lab.host(1).address });
  expect(sick.status).toBe(6);
  expect(sick.stderr).toContain("cannot reach the database");
  expect(sick.stderr).toContain("healthcheck-sample-a5");
  expect(sick.stderr).toContain("Nothing that serves was touched.");
  expect(await left()).toEqual(before);
  expect(await served(lab.hosts)).toEqual(["a5", "a5"]);
}, 60_000);

test("prune all keeps what the config retains, with its images, and nothing else", async () => {
  // As an interrupted deploy or another tool leaves them.
  const image = `${lab.registry.address}/acme/sample`;
  for (const version of ["a1", "a2", "a3"]) await lab.host(1).docker("pull", "--quiet", `${image}:${version}`);
  await on(lab.host(1), `docker rm --force $(docker ps --all --quiet --filter name=^sample-web-a --filter status=exited); for v in x1 x2 x3 x4; do docker create --name sample-web-$v --label service=sample --label role=web --label destination= ${image}:a5; sleep 0.1; done; docker tag ${image}:a5 ${image}:unused; docker create --name bystander --label service=other ${image}:a5`);
  await project.must(["prune", "all"]);
  expect(await lab.host(1).containers("sample")).toEqual(["sample-web-a5", "sample-web-x3", "sample-web-x4"]);
  expect((await on(lab.host(1), `docker images ${image} --format '{{.Tag}}'`)).split("\n").sort()).toEqual(["a5", "latest"]);
  expect(await lab.host(1).containers("other")).toEqual(["bystander"]);
  await project.must(["prune", "containers", "--retain", "1"]);
  expect(await lab.host(1).containers("sample")).toEqual(["sample-web-a5", "sample-web-x4"]);
  expect(await served(lab.hosts)).toEqual(["a5", "a5"]);
}, 60_000);
