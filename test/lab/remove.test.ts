import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeApp, writeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, type Project } from "./project.ts";
import { proxyImage } from "./proxy-image.ts";
import { pushSideImage } from "./side-image.ts";

/** All of Docker's and of the user's that is on a host. */
interface Inventory {
  readonly containers: readonly string[];
  readonly images: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  readonly files: readonly string[];
}

let lab: Lab;
let sample: Project;
let other: Project;
let pristine: readonly Inventory[];
let beside: Inventory;

async function inventory(host: LabHost): Promise<Inventory> {
  const list = async (...words: string[]): Promise<string[]> => (await host.docker(...words)).stdout.split("\n").filter(Boolean).sort();
  return {
    containers: await list("ps", "--all", "--format", "{{.Names}}"),
    images: await list("images", "--all", "--format", "{{.Repository}}:{{.Tag}}"),
    networks: await list("network", "ls", "--format", "{{.Name}}"),
    volumes: await list("volume", "ls", "--quiet"),
    files: (await host.exec("find /root -mindepth 1; find /srv -mindepth 1 -name '*sample*'")).stdout.split("\n").filter(Boolean).sort(),
  };
}

/** As it was before, but for the image of the proxy, which the lab brought: it goes with the proxy. */
const withoutProxy = (before: Inventory | undefined): Inventory | undefined => (before === undefined ? undefined : { ...before, images: before.images.filter((image) => image !== proxyImage("kamal-proxy")) });

/** The sample app with a volume without a name, as many images ask for one. */
async function makeVolumeApp(folder: string): Promise<void> {
  await makeApp(folder);
  await writeApp(folder, "Dockerfile", `${await Bun.file(`${folder}/Dockerfile`).text()}RUN ["/busybox", "sh", "-c", "/busybox mkdir -p /www/assets && echo asset > /www/assets/$VERSION.css"]\nVOLUME /state\n`);
}

async function ask(host: LabHost, name: string): Promise<string> {
  const answer = await fetch(`http://${host.address}/`, { headers: { host: name }, signal: AbortSignal.timeout(3_000), keepalive: false }).catch(() => undefined);
  return answer === undefined ? "refused" : answer.ok ? (await answer.text()).trim() : String(answer.status);
}

beforeAll(async () => {
  lab = await startLab({ hosts: 3 });
  const [first, second, third] = lab.hosts.map((host) => JSON.stringify(host.address));
  pristine = await Promise.all(lab.hosts.map(inventory));
  const cache = await pushSideImage(lab, "acme/cache", "1", "VOLUME /state\n");
  const accessory = (hosts: string, more: string): string => `accessories: { cache: {
    image: ${JSON.stringify(cache)}, hosts: [${hosts}], env: { secret: ["APP_SECRET"] }, files: [{ content: "a=1\\n", remote: "/etc/cache.conf" }], directories: ["data:/data"], ${more}
  } },`;
  other = await makeProject(lab, { service: "other", hosts: [lab.host(1).address], proxy: `{ host: "other.example" }`, more: `volumes: ["other-media:/media"], readinessDelay: 1, stopTimeout: 1, ${accessory(first ?? "", `volumes: ["other-data:/more"],`)}` });
  sample = await makeProject(lab, {
    app: makeVolumeApp,
    servers: `{ web: [${first}, ${second}], job: { hosts: [${second}], cmd: "/busybox sleep 100000" } }`,
    proxy: `{ host: "sample.example" }`,
    more: `readinessDelay: 1, stopTimeout: 1, retainContainers: 1, assetPath: "/www/assets", errorPagesPath: "public", volumes: ["sample-media:/media"],
  ${accessory(`${first}, ${second}, ${third}`, `volumes: ["sample-data:/more"], proxy: { host: "cache.example", appPort: 80 }`)}`,
  });
  await Bun.write(`${sample.folder}/public/502.html`, "<p>down</p>\n");
  await other.must(["setup", "--version", "o1"], { VERSION: "o1" });
  beside = await inventory(lab.host(1));
  await sample.must(["setup", "--version", "v1"], { VERSION: "v1" });
  await sample.deploy("v2");
  await sample.deploy("v3");
  await sample.must(["accessory", "reboot", "cache"]);
  await sample.must(["app", "exec", "--detach", "-p", "--", "/busybox", "sleep", "1000"]);
}, 240_000);
afterAll(() => lab?.stop());

test("before: everything of both services is there", async () => {
  const [first, second] = await Promise.all(lab.hosts.map(inventory));
  expect(await ask(lab.host(1), "sample.example")).toBe("v3");
  expect(await ask(lab.host(2), "cache.example")).toBe("acme/cache 1");
  expect(first?.containers).toEqual(expect.arrayContaining(["kamal-proxy", "other-cache", "other-web-o1", "sample-cache", "sample-web-v3"]));
  expect(second?.containers).toEqual(["kamal-proxy", "sample-cache", "sample-job-v2", "sample-job-v3", "sample-web-v2", "sample-web-v3"]);
  expect(second?.volumes).toEqual(expect.arrayContaining(["kamal-proxy-config", "sample-data", "sample-media"]));
  expect(second?.files).toEqual(expect.arrayContaining(["/root/.kamal/apps/sample/env/accessories/cache.env", "/root/.kamal/apps/sample/assets/volumes/web-v3/v3.css", "/root/sample-cache/data", "/root/sample-cache/etc/cache.conf"]));
});

test("remove asks first, and a dry run changes nothing", async () => {
  const before = await Promise.all(lab.hosts.map(inventory));
  const asked = await sample.run(["remove"]);
  expect(asked.status).toBe(2);
  expect(asked.stderr).toContain("-y");
  await sample.must(["remove", "-y", "--dry-run"]);
  expect(await Promise.all(lab.hosts.map(inventory))).toEqual(before);
}, 60_000);

test("remove leaves nothing of the service: containers, images, networks, volumes, files are as before it; another service keeps all that is its own", async () => {
  const proxy = (await lab.host(1).docker("ps", "--quiet", "--filter", "name=^kamal-proxy$")).stdout;
  const removed = await sample.must(["remove", "-y"]);
  expect(removed.stderr).toContain(`The proxy stays on ${lab.host(1).address}: other services use it.`);
  expect(await inventory(lab.host(1))).toEqual(beside);
  for (const number of [2, 3]) expect(await inventory(lab.host(number))).toEqual(withoutProxy(pristine[number - 1]) as Inventory);
  expect(await lab.host(1).running("other")).toEqual(["other-web-o1"]);
  expect((await lab.host(1).docker("inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", "kamal-proxy")).stdout).toContain("/root/.kamal/proxy/apps-config");
  expect(await lab.host(1).running("other-cache")).toEqual(["other-cache"]);
  expect((await lab.host(1).docker("ps", "--quiet", "--filter", "name=^kamal-proxy$")).stdout).toBe(proxy);
  expect(await ask(lab.host(1), "other.example")).toBe("o1");
  expect(await ask(lab.host(1), "sample.example")).toBe("404");
  expect(await ask(lab.host(1), "cache.example")).toBe("404");
  expect(await ask(lab.host(2), "sample.example")).toBe("refused");
}, 60_000);

test("remove again finds nothing to do", async () => {
  await sample.must(["remove", "-y"]);
  expect(await inventory(lab.host(1))).toEqual(beside);
  for (const number of [2, 3]) expect(await inventory(lab.host(number))).toEqual(withoutProxy(pristine[number - 1]) as Inventory);
}, 60_000);

test("the other service can still be deployed, and with the last service the proxy goes too", async () => {
  await other.deploy("o2");
  expect(await ask(lab.host(1), "other.example")).toBe("o2");
  await other.must(["remove", "-y"]);
  expect(await inventory(lab.host(1))).toEqual(withoutProxy(pristine[0]) as Inventory);
}, 60_000);
