import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LabHost } from "./host.ts";
import { audit, bootProxy, buildAndPush, containerOf, currentId, currentVersion, defaultRoute, kamalDeploy, on, prune, releaseLock, runningVersions, showAudit, showLock, takeLock, type KamalRole } from "./kamal.ts";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { appSecret, makeProject, served, type Project } from "./project.ts";

/** A fleet of Kamal 2.12 after two deploys, taken over and handed back. Its layout is written here in Kamal's own words. */
let lab: Lab;
let project: Project;
let web: KamalRole;
let jobs: KamalRole;
let staging: KamalRole;
const jobsCmd = "/busybox sh -c 'while :; do /busybox sleep 1; done'";

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  const [one, two] = [lab.host(1), lab.host(2)];
  const cacheImage = `${lab.registry.address}/acme/cache:7`;
  project = await makeProject(lab, {
    servers: `{ web: [${JSON.stringify(one.address)}, ${JSON.stringify(two.address)}], jobs: { hosts: [${JSON.stringify(two.address)}], cmd: ${JSON.stringify(jobsCmd)} } }`,
    proxy: "{}",
    more: `readinessDelay: 1, stopTimeout: 1, retainContainers: 2,
  accessories: { cache: { image: ${JSON.stringify(cacheImage)}, host: ${JSON.stringify(one.address)}, port: 6379, env: { clear: { MODE: "x" }, secret: ["APP_SECRET"] }, directories: ["data:/data"], options: { memory: "64m" } } },`,
  });
  await Bun.write(`${project.folder}/deploy.staging.config.ts`, `import { defineDestination } from "capstan";
export default defineDestination({ servers: { web: [${JSON.stringify(one.address)}] }, proxy: { host: "staging.example" } });
`);
  const repository = `${lab.registry.address}/acme/sample`;
  web = { service: "sample", role: "web", repository, env: `APP_SECRET=${appSecret}\n`, route: defaultRoute };
  jobs = { service: "sample", role: "jobs", repository, env: web.env, cmd: jobsCmd };
  staging = { ...web, destination: "staging", route: `--host="staging.example" ${defaultRoute}` };
  for (const version of ["k1", "k2", "k3"]) await buildAndPush(lab, project.folder, repository, version, ["--label", "service=sample"]);
  await buildAndPush(lab, project.folder, `${lab.registry.address}/acme/cache`, "7");
  // As `kamal proxy boot_config set --log-max-size 5m` left it.
  for (const host of lab.hosts) await on(host, 'mkdir -p .kamal/proxy && echo "--publish 80:80 --publish 443:443 --log-opt max-size=5m" > .kamal/proxy/options');
  for (const version of ["k1", "k2"]) {
    await Promise.all([
      (async () => {
        await kamalDeploy(lab, one, web, version);
        await kamalDeploy(lab, one, staging, version);
      })(),
      (async () => {
        await kamalDeploy(lab, two, web, version);
        await kamalDeploy(lab, two, jobs, version);
      })(),
    ]);
  }
  // A second deploy of the same version leaves one that made place.
  await kamalDeploy(lab, two, jobs, "k2");
  await on(one, `mkdir -p $PWD/sample-cache/data .kamal/apps/sample/env/accessories && umask 077 && echo "APP_SECRET=${appSecret}" > .kamal/apps/sample/env/accessories/cache.env && echo kept > sample-cache/data/dump`);
  await on(one, `docker run --name sample-cache --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --publish 6379:6379 --env KAMAL_HOST="${one.address}" --env MODE="x" --env-file .kamal/apps/sample/env/accessories/cache.env --volume $PWD/sample-cache/data:/data --label service="sample-cache" --memory "64m" ${cacheImage}`);
}, 240_000);
afterAll(() => lab?.stop());

const inspect = async (host: LabHost, name: string, format: string): Promise<string> => (await host.docker("inspect", "--format", format, name)).stdout.trim();
/** Target of a route as the proxy lists it. */
const targetOf = async (host: LabHost, route: string): Promise<string> => on(host, `docker exec kamal-proxy kamal-proxy list | sed 's/\\x1b\\[[0-9;]*m//g' | grep "^ *${route} " | grep -oE '[0-9a-f]{12}:[0-9]+'`);

describe("what Kamal left is seen", () => {
  test("details, app details, app version and accessory details", async () => {
    const details = (await project.must(["details"])).stdout;
    for (const name of ["kamal-proxy", "sample-web-k2", "sample-jobs-k2", "sample-cache"]) expect(details).toContain(name);
    expect(details).not.toContain("Hosts differ");
    const app = (await project.must(["app", "details"])).stdout;
    expect(app.match(/sample-(web|jobs)-k2$/gm)?.sort()).toEqual(["sample-jobs-k2", "sample-web-k2", "sample-web-k2"]);
    expect(app).not.toContain("staging");
    const version = (await project.must(["app", "version", "-q"])).stdout.trim().split("\n").map((line) => line.split(/\s+/).slice(1).join(" "));
    expect(version.sort()).toEqual(["jobs k2", "web k2", "web k2"]);
    expect((await project.must(["app", "version", "-q", "-d", "staging"])).stdout).toMatch(/web\s+k2/);
    const containers = (await project.must(["app", "containers"])).stdout;
    expect(containers).toContain("sample-web-k1");
    expect(containers).toMatch(/sample-jobs-k2_replaced_[0-9a-f]{16}/);
    expect((await project.must(["accessory", "details", "cache"])).stdout).toMatch(/sample-cache/);
    expect((await project.must(["app", "exec", "--reuse", "--raw", "-p", "--", "/busybox", "sh", "-c", "echo $KAMAL_CONTAINER_NAME $KAMAL_VERSION"])).stdout).toBe("sample-web-k2 k2\n");
  }, 60_000);

  test("its audit log", async () => {
    const lines = (await project.must(["audit", "-p"])).stdout;
    expect(lines).toContain("[2026-11-01T10:00:00Z] [ann@example.com] [web] Booted app version k2");
    expect((await project.must(["audit", "-d", "staging"])).stdout).toContain("[ann@example.com] [staging] [web] Booted app version k1");
  }, 30_000);

  test("its lock: shown with its text, in the way of a deploy, and released", async () => {
    await on(lab.host(1), takeLock(web, "Locked by: Bo Ek at 2026-11-01T09:58:00Z\nVersion: k2\nMessage: Moving the database"));
    const { stdout } = await project.must(["lock", "status"]);
    expect(stdout).toContain("Bo Ek");
    expect(stdout).toContain("Moving the database");
    const deploy = await project.run(["deploy", "--skip-push", "--version", "k1"]);
    expect(deploy.status).toBe(7);
    expect(deploy.stderr).toContain("Bo Ek");
    expect(deploy.stderr).toContain("Moving the database");
    expect(deploy.stderr).toContain("capstan lock release");
    expect(await lab.host(1).running("sample")).toEqual(["sample-web-k2", "sample-web-staging-k2"]);
    // That of one destination is no other's.
    expect((await project.must(["lock", "status", "-d", "staging"])).stdout).toContain("There is no deploy lock");
    expect((await project.must(["lock", "release"])).stdout).toContain("Bo Ek");
    expect((await lab.host(1).exec(showLock(web))).stderr).toContain("No such file or directory");
  }, 60_000);
});

describe("it is deployed to", () => {
  test("a deploy loses no request, stops the old containers and leaves the rest as it is", async () => {
    const accessory = await inspect(lab.host(1), "sample-cache", "{{.Id}} {{.State.StartedAt}}");
    const proxies = await Promise.all(lab.hosts.map((host) => inspect(host, "kamal-proxy", "{{.Id}} {{.State.StartedAt}}")));
    await using load = startLoad(lab.urls);
    await Bun.sleep(500);
    await project.deploy("c1");
    await Bun.sleep(500);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    expect(Object.keys(report.bodies).sort()).toEqual(["c1", "k2"]);
    expect(await lab.host(1).running("sample")).toEqual(["sample-web-c1", "sample-web-staging-k2"]);
    expect(await lab.host(2).running("sample")).toEqual(["sample-jobs-c1", "sample-web-c1"]);
    expect(await lab.host(1).containers("sample")).toEqual(["sample-web-c1", "sample-web-k1", "sample-web-k2", "sample-web-staging-k1", "sample-web-staging-k2"]);
    expect(await inspect(lab.host(1), "sample-web-k2", "{{.State.Status}}")).toBe("exited");
    expect(await inspect(lab.host(1), "sample-cache", "{{.Id}} {{.State.StartedAt}}")).toBe(accessory);
    expect(await Promise.all(lab.hosts.map((host) => inspect(host, "kamal-proxy", "{{.Id}} {{.State.StartedAt}}")))).toEqual(proxies);
  }, 120_000);

  test("everything is where Kamal looks for it", async () => {
    for (const [host, role, version] of [[lab.host(1), web, "c1"], [lab.host(2), web, "c1"], [lab.host(2), jobs, "c1"]] as const) {
      const name = `sample-${role.role}-${version}`;
      expect(JSON.parse(await inspect(host, name, "{{json .Config.Labels}}"))).toEqual({ service: "sample", role: role.role, destination: "" });
      expect(await inspect(host, name, "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.LogConfig.Config}} {{.Config.Image}}")).toBe(`unless-stopped kamal map[max-size:10m] ${role.repository}:${version}`);
      expect(await inspect(host, name, "{{.Config.Hostname}}")).toMatch(new RegExp(`^${host.address}-[0-9a-f]{12}$`));
      const env = JSON.parse(await inspect(host, name, "{{json .Config.Env}}")) as string[];
      expect(env.filter((line) => !line.startsWith("PATH=")).sort()).toEqual([`APP_SECRET=${appSecret}`, `KAMAL_CONTAINER_NAME=${name}`, `KAMAL_HOST=${host.address}`, `KAMAL_VERSION=${version}`]);
      expect(await on(host, `cat .kamal/apps/sample/env/roles/${role.role}.env; stat -c %a .kamal/apps/sample/env/roles/${role.role}.env`)).toBe(`APP_SECRET=${appSecret}\n600`);
      expect(await on(host, showAudit(role))).toMatch(new RegExp(`^\\[\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\\] \\[ann@example\\.com\\] \\[${role.role}\\] Booted app version c1$`, "m"));
    }
    for (const host of lab.hosts) {
      const [latest, ours] = await Promise.all(["latest", "c1"].map((tag) => inspect(host, `${web.repository}:${tag}`, "{{.Id}}")));
      expect(latest).toBe(ours ?? "");
      expect(await inspect(host, `${web.repository}:latest`, '{{index .Config.Labels "service"}}')).toBe("sample");
      expect(await targetOf(host, "sample-web")).toBe(`${await on(host, containerOf(web, "c1"))}:80`);
      expect(await on(host, "ls -A .kamal")).not.toContain("lock");
      expect(await on(host, "cat .kamal/proxy/options")).toBe("--publish 80:80 --publish 443:443 --log-opt max-size=5m");
    }
    // What is left of the destination is as it was.
    expect(await inspect(lab.host(1), `${web.repository}:latest-staging`, "{{.Id}}")).toBe(await inspect(lab.host(1), `${web.repository}:k2`, "{{.Id}}"));
    expect(await targetOf(lab.host(1), "sample-web-staging")).toBe(`${await on(lab.host(1), containerOf(staging, "k2"))}:80`);
  }, 60_000);

  test("Kamal's own questions get the right answers", async () => {
    for (const [host, role] of [[lab.host(1), web], [lab.host(2), web], [lab.host(2), jobs]] as const) {
      expect(await on(host, currentVersion(role))).toBe("c1");
      expect(await on(host, currentId(role))).toBe(await on(host, containerOf(role, "c1")));
      expect(await on(host, runningVersions(role))).toBe("c1");
    }
    expect(await on(lab.host(1), currentVersion(staging))).toBe("k2");
    const status = await lab.host(1).exec(showLock(web));
    expect([status.status, status.stderr.includes("No such file or directory")]).toEqual([1, true]);
    await on(lab.host(1), takeLock(web, "Locked by: Bo Ek at 2026-11-01T09:58:00Z\nVersion: k2\nMessage: Automatic deploy lock"));
    await on(lab.host(1), releaseLock(web));
    await on(lab.host(1), audit(web, "Executed cmd 'ls' on app version c1"));
    expect((await project.must(["audit", "-p"])).stdout).toContain("[ann@example.com] Executed cmd 'ls' on app version c1");
  }, 30_000);

  test("a lock of ours is in Kamal's way, with its text", async () => {
    await project.must(["lock", "acquire", "-m", "Moving the shop"]);
    expect(await on(lab.host(1), showLock(web))).toMatch(/^Locked by: Ann Lee at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\nVersion: \S+\nMessage: Moving the shop$/);
    const refused = await lab.host(1).exec(takeLock(web, "x"));
    expect([refused.status, refused.stderr.includes("cannot create directory")]).toEqual([1, true]);
    await on(lab.host(1), releaseLock(web));
    expect((await project.must(["lock", "status"])).stdout).toContain("There is no deploy lock");
  }, 30_000);

  test("a rollback to the version that Kamal left loses no request", async () => {
    await using load = startLoad(lab.urls);
    await Bun.sleep(500);
    await project.must(["rollback", "k2"]);
    await Bun.sleep(500);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    expect(Object.keys(report.bodies).sort()).toEqual(["c1", "k2"]);
    expect(await served(lab.hosts)).toEqual(["k2", "k2"]);
    expect(await lab.host(2).running("sample")).toEqual(["sample-jobs-k2", "sample-web-k2"]);
    for (const host of lab.hosts) expect(await on(host, currentVersion(web))).toBe("k2");
  }, 120_000);

  test("a destination is taken over in the same way", async () => {
    await project.must(["deploy", "-d", "staging", "--version", "s1"], { VERSION: "s1" });
    expect(await lab.host(1).running("sample")).toEqual(["sample-web-k2", "sample-web-staging-s1"]);
    expect(JSON.parse(await inspect(lab.host(1), "sample-web-staging-s1", "{{json .Config.Labels}}"))).toEqual({ service: "sample", role: "web", destination: "staging" });
    expect(await inspect(lab.host(1), "sample-web-staging-s1", "{{.Config.Env}}")).toContain("KAMAL_DESTINATION=staging");
    expect(await on(lab.host(1), currentVersion(staging))).toBe("s1");
    expect(await on(lab.host(1), currentVersion(web))).toBe("k2");
    expect(await on(lab.host(1), runningVersions(staging))).toBe("s1");
    expect(await inspect(lab.host(1), `${web.repository}:latest-staging`, "{{.Id}}")).toBe(await inspect(lab.host(1), `${web.repository}:s1`, "{{.Id}}"));
    expect(await targetOf(lab.host(1), "sample-web-staging")).toBe(`${await on(lab.host(1), containerOf(staging, "s1"))}:80`);
    expect(await on(lab.host(1), showAudit(staging))).toMatch(/\[ann@example\.com\] \[staging\] \[web\] Booted app version s1$/m);
    expect(await on(lab.host(1), "stat -c %a .kamal/apps/sample-staging/env/roles/web.env")).toBe("600");
    const answer = await fetch(lab.urls[0] ?? "", { headers: { host: "staging.example" } });
    expect((await answer.text()).trim()).toBe("s1");
    expect(await served(lab.hosts)).toEqual(["k2", "k2"]);
  }, 60_000);
});

describe("it is handed back", () => {
  test("Kamal prunes what is ours as what is its own", async () => {
    await on(lab.host(2), prune(web, 2));
    expect(await lab.host(2).containers("sample")).toEqual(["sample-jobs-c1", "sample-jobs-k2", "sample-jobs-staging-s1", "sample-web-c1", "sample-web-k2"]);
    expect(await lab.host(2).running("sample")).toEqual(["sample-jobs-k2", "sample-jobs-staging-s1", "sample-web-k2"]);
    expect(await served(lab.hosts)).toEqual(["k2", "k2"]);
  }, 30_000);

  test("Kamal deploys over it without losing a request, and its proxy is rebooted from its own files", async () => {
    await using load = startLoad(lab.urls);
    await Bun.sleep(300);
    await Promise.all(lab.hosts.map((host) => kamalDeploy(lab, host, web, "k3")));
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    expect(await served(lab.hosts)).toEqual(["k3", "k3"]);
    expect((await project.must(["app", "version", "-q", "-r", "web"])).stdout.match(/k3/g)).toHaveLength(2);
    await project.must(["proxy", "reboot", "-y"]);
    for (const host of lab.hosts) {
      expect(await inspect(host, "kamal-proxy", "{{.HostConfig.LogConfig.Config}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}")).toBe("map[max-size:5m] unless-stopped kamal");
      expect(await on(host, bootProxy)).toContain("kamal-proxy");
    }
    expect(await served(lab.hosts)).toEqual(["k3", "k3"]);
  }, 120_000);

  test("the accessory is rebooted as Kamal would, with its data", async () => {
    await project.must(["accessory", "reboot", "cache"]);
    expect(await inspect(lab.host(1), "sample-cache", '{{index .Config.Labels "service"}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.Memory}}')).toBe(`sample-cache unless-stopped kamal ${64 * 1024 * 1024}`);
    const env = JSON.parse(await inspect(lab.host(1), "sample-cache", "{{json .Config.Env}}")) as string[];
    expect(env.filter((line) => !line.startsWith("PATH=")).sort()).toEqual([`APP_SECRET=${appSecret}`, `KAMAL_HOST=${lab.host(1).address}`, "MODE=x"]);
    expect(await on(lab.host(1), "docker exec sample-cache /busybox cat /data/dump; stat -c %a .kamal/apps/sample/env/accessories/cache.env")).toBe("kept\n600");
  }, 60_000);
});
