import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeApp, writeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

let lab: Lab;
let project: Project;
let addresses: readonly string[];
const work = "/busybox sh -c 'while :; do echo working at $POOL; /busybox sleep 0.5; done'";
/** As MRSK's README has it. */
const cron = `/busybox sh -c "/busybox cat config/crontab | /busybox crontab - && exec /busybox crond -f"`;

/** The sample app with what cron needs: a user, a shell, and its table. What a job prints goes to the container's log. */
async function makeCronApp(folder: string): Promise<void> {
  await makeApp(folder);
  await writeApp(folder, "crontab", "* * * * * echo fired $KAMAL_VERSION in $ZONE > /proc/1/fd/1\n");
  await writeApp(folder, "Dockerfile", (await Bun.file(`${folder}/Dockerfile`).text()).replace("COPY www", `RUN ["/busybox", "sh", "-c", "/busybox mkdir -p /bin /etc /var/spool/cron/crontabs && /busybox ln -s /busybox /bin/sh && echo root:x:0:0::/:/bin/sh > /etc/passwd"]
COPY crontab /config/crontab
COPY www`));
}

beforeAll(async () => {
  lab = await startLab({ hosts: 3 });
  addresses = lab.hosts.map((host) => host.address);
  const [first, second, third] = addresses.map((address) => JSON.stringify(address));
  project = await makeProject(lab, {
    app: makeCronApp,
    servers: `{
    web: [{ ${first}: "big" }, ${second}],
    job: { hosts: [{ ${second}: ["small", "eu"] }, { ${third}: "big" }], cmd: ${JSON.stringify(work)} },
    cron: { hosts: [{ ${third}: "eu" }], cmd: ${JSON.stringify(cron)}, env: { clear: { ZONE: "nowhere" } } },
  }`,
    more: "readinessDelay: 1, stopTimeout: 1, retainContainers: 3,",
  });
  const path = `${project.folder}/deploy.config.ts`;
  await Bun.write(path, (await Bun.file(path).text()).replace("env: { clear: {},", `env: { clear: { POOL: "none" }, tags: { big: { POOL: 32 }, small: { clear: { POOL: 2 } }, eu: { ZONE: "eu" } },`));
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
}, 180_000);
afterAll(() => lab?.stop());

/** Ids of the containers that run on a host, by name. */
const ids = async (host: LabHost): Promise<Record<string, string>> => Object.fromEntries((await host.docker("ps", "--filter", "label=service=sample", "--format", "{{.Names}} {{.ID}}")).stdout.trim().split("\n").map((line) => line.split(" ") as [string, string]));

test("each role runs its command on its hosts, with the variables of the host's tags", async () => {
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v1"], ["sample-job-v1", "sample-web-v1"], ["sample-cron-v1", "sample-job-v1"]]);
  const told = await project.must(["app", "exec", "--reuse", "--raw", "-q", "--", "/busybox sh -c 'echo $KAMAL_HOST $KAMAL_CONTAINER_NAME $POOL ${ZONE-no zone}'"]);
  const [first, second, third] = addresses;
  expect(told.stdout.trim().split("\n").sort()).toEqual([
    `${first} sample-web-v1 32 no zone`, `${second} sample-job-v1 2 eu`, `${second} sample-web-v1 none no zone`, `${third} sample-cron-v1 none eu`, `${third} sample-job-v1 32 no zone`,
  ]);
}, 60_000);

test("a second deploy replaces every role; cron fires in the new container only", async () => {
  const old = await Promise.all(lab.hosts.map(ids));
  await project.deploy("v2");
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v2"], ["sample-job-v2", "sample-web-v2"], ["sample-cron-v2", "sample-job-v2"]]);
  const now = await Promise.all(lab.hosts.map(ids));
  expect(old.flatMap((one, i) => Object.values(one).filter((id) => Object.values(now[i] ?? {}).includes(id)))).toEqual([]);
  expect(await served(lab.hosts.slice(0, 2))).toEqual(["v2", "v2"]);
  const host = lab.host(3);
  const fired = async (container: string): Promise<string[]> => ((await host.docker("logs", container)).stdout.match(/^fired .*/gm) ?? []) as string[];
  const before = await fired("sample-cron-v1");
  await until("cron fires", async () => (await fired("sample-cron-v2")).length > 0, 75_000);
  expect((await fired("sample-cron-v2"))[0]).toBe("fired v2 in eu");
  expect(await fired("sample-cron-v1")).toEqual(before);
}, 120_000);

test("logs of all hosts and roles come at once, each line with its host and role, until Ctrl-C", async () => {
  const follow = project.start(["app", "logs", "-f", "-T"]);
  const reader = follow.stdout.getReader();
  const [, second, third] = addresses;
  let text = "";
  const has = (host: string | undefined, role: string, what: string): boolean => new RegExp(`^${host} ${role} +${what}`, "m").test(text);
  while (!has(second, "job", "working at 2$") || !has(third, "job", "working at 32$") || !has(third, "cron", "fired v2 in eu$")) text += new TextDecoder().decode((await reader.read()).value);
  reader.releaseLock();
  follow.kill("SIGINT");
  await follow.exited;
  expect(follow.exitCode).toBe(130);
  expect(await new Response(follow.stderr).text()).not.toMatch(/error|at .*\.ts:\d/i);
  for (const line of text.trim().split("\n").slice(0, -1)) expect(line).toMatch(/^[\d.]+ (web|job|cron) +\S/);
  for (const host of lab.hosts) await until(`nothing follows logs on ${host.name}`, async () => (await host.exec("pgrep -f '[d]ocker logs' || echo none")).stdout === "none\n", 5_000);
  const one = await project.must(["app", "logs", "-r", "job", "-h", second ?? "", "-n", "1", "-T"]);
  expect(one.stdout.trim()).toMatch(/working at 2$/);
}, 60_000);

test("app images lists what the hosts have; app containers all versions", async () => {
  const images = (await project.must(["app", "images"])).stdout;
  for (const address of addresses) expect(images).toContain(address);
  expect(images.match(/acme\/sample +v1 /g)).toHaveLength(3);
  expect(images.match(/acme\/sample +v2 /g)).toHaveLength(3);
  const containers = (await project.must(["app", "containers", "-h", addresses[2] ?? ""])).stdout;
  for (const name of ["sample-job-v1", "sample-job-v2", "sample-cron-v1", "sample-cron-v2"]) expect(containers).toContain(name);
}, 60_000);

test("stale-containers finds what runs beside the serving version, and stops it only when told", async () => {
  await lab.host(2).docker("start", "sample-job-v1");
  await lab.host(1).docker("start", "sample-web-v1");
  const listed = await project.must(["app", "stale-containers"]);
  expect(listed.stdout).toMatch(new RegExp(`${addresses[0]}.*sample-web-v1|${addresses[0]}.*web.*v1`));
  expect(listed.stdout).toMatch(new RegExp(`${addresses[1]}.*job.*v1`));
  expect(listed.stdout).not.toContain(addresses[2] ?? "");
  expect(await lab.host(2).running("sample")).toEqual(["sample-job-v1", "sample-job-v2", "sample-web-v2"]);
  await project.must(["app", "stale-containers", "--stop"]);
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v2"], ["sample-job-v2", "sample-web-v2"], ["sample-cron-v2", "sample-job-v2"]]);
  const none = await project.must(["app", "stale-containers"]);
  expect(none.stdout + none.stderr).not.toContain("v1");
}, 60_000);

test("one role or host alone is deployed, the others stay", async () => {
  await project.deploy("v3", "-r", "job", "-h", addresses[2] ?? "");
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v2"], ["sample-job-v2", "sample-web-v2"], ["sample-cron-v2", "sample-job-v3"]]);
  await project.deploy("v4");
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v4"], ["sample-job-v4", "sample-web-v4"], ["sample-cron-v4", "sample-job-v4"]]);
}, 60_000);

test("prune containers --retain 1 keeps the running containers and one to roll back to of each role", async () => {
  expect(await lab.host(3).containers("sample")).toEqual(["sample-cron-v1", "sample-cron-v2", "sample-cron-v4", "sample-job-v1", "sample-job-v2", "sample-job-v3", "sample-job-v4"]);
  await project.must(["prune", "containers", "--retain", "1"]);
  expect(await Promise.all(lab.hosts.map((host) => host.containers("sample")))).toEqual([["sample-web-v2", "sample-web-v4"], ["sample-job-v2", "sample-job-v4", "sample-web-v2", "sample-web-v4"], ["sample-cron-v2", "sample-cron-v4", "sample-job-v3", "sample-job-v4"]]);
  expect((await project.run(["prune", "containers", "--retain", "0"])).status).toBe(2);
  await project.must(["rollback", "v2"]);
  expect(await Promise.all(lab.hosts.map((host) => host.running("sample")))).toEqual([["sample-web-v2"], ["sample-job-v2", "sample-web-v2"], ["sample-cron-v2", "sample-job-v2"]]);
}, 60_000);
