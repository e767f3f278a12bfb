import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { makeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { capstan, ended, makeProject, served, type Project } from "./project.ts";
import type { Ran } from "./shell.ts";

/** A layer that stays the same and one that changes with each version. */
const [baseBytes, changeBytes] = [60_000_000, 1_000_000];
let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab, { registry: "none", app: makeLargeApp });
}, 120_000);
afterAll(() => lab?.stop());

/** The sample app with a large layer below what changes. */
async function makeLargeApp(folder: string): Promise<void> {
  await makeApp(folder);
  const dockerfile = await readFile(`${folder}/Dockerfile`, "utf8");
  await writeFile(`${folder}/base.bin`, randomBytes(baseBytes));
  await writeFile(`${folder}/change.bin`, randomBytes(changeBytes));
  await writeFile(`${folder}/Dockerfile`, `${dockerfile.replace(/^FROM scratch\n/m, "FROM scratch\nCOPY base.bin /base.bin\n").trimEnd()}\nCOPY change.bin /change.bin\n`);
}

const changed = (): Promise<void> => writeFile(`${project.folder}/change.bin`, randomBytes(changeBytes));
/** In the builder's own network the Docker there reaches our registry at 127.0.0.1; outside of it it does not. */
const run = (...args: string[]): Promise<Ran> => project.must(args, { VERSION: args.at(-1) }, lab.builder.inNetwork(capstan));
const runOutside = (...args: string[]): Promise<Ran> => project.must(args, { VERSION: args.at(-1) });

/** Bytes that came to a host over its network card. */
const received = async (host: LabHost): Promise<number> => Number(/eth0: *(\d+)/.exec((await host.exec("cat /proc/net/dev")).stdout)?.[1]);

interface Transfer { readonly type: string; readonly state: string; readonly host: string; readonly sentBytes: number; readonly thereBytes: number }
const transfers = (stdout: string): Transfer[] => stdout.split("\n").filter((line) => line.includes('"type":"transfer"') && line.includes('"state":"end"')).map((line) => JSON.parse(line) as Transfer);

/** What a delivery might leave on a host. */
const leftOn = async (host: LabHost): Promise<string> => (await host.exec("ss -Hltn | awk '{print $4}' | grep -v -e ':22$' -e ':80$' -e ':443$'; pgrep -x docker; pgrep -x tee; ls .kamal/apps/sample/images; true")).stdout.trim();

test("hosts get the image through SSH: all of it first, then only the layer that changed", async () => {
  const first = await run("setup", "--json", "--version", "v1");
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  expect(transfers(first.stdout).map(({ thereBytes }) => thereBytes)).toEqual([0, 0]);

  await changed();
  const before = await Promise.all(lab.hosts.map(received));
  const second = await run("deploy", "--json", "--version", "v2");
  const after = await Promise.all(lab.hosts.map(received));
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  const ends = transfers(second.stdout);
  console.log(`second delivery: ${ends.map(({ sentBytes }) => sentBytes).join(", ")} bytes sent; ${after.map((bytes, i) => bytes - (before[i] ?? 0)).join(", ")} bytes came to the hosts in all`);
  for (const { sentBytes, thereBytes } of ends) {
    expect(sentBytes).toBeGreaterThan(changeBytes * 0.9);
    expect(sentBytes).toBeLessThan(changeBytes * 1.1);
    expect(thereBytes).toBeGreaterThan(baseBytes * 0.9);
  }
  for (const [i, bytes] of after.entries()) expect(bytes - (before[i] ?? 0)).toBeLessThan(changeBytes * 1.1 + 200_000);
  expect(second.stdout).toContain('"delivered":{');
  expect(second.stdout).toContain("The push refers to repository [127.0.0.1:");
}, 180_000);

test("the image has its plain name, and nothing is left that listens, runs or lies about", async () => {
  for (const host of lab.hosts) {
    const { stdout } = await host.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
    expect(stdout.split("\n").filter((name) => name !== "" && !name.includes("proxy")).toSorted()).toEqual(["acme/sample:latest", "acme/sample:v1", "acme/sample:v2"]);
    expect(await leftOn(host)).toBe("");
  }
  expect((await lab.builder.docker("image", "ls", "--format", "{{.Repository}}")).stdout).not.toContain("127.0.0.1");
}, 30_000);

test("a Docker that does not reach us gives its image by `docker save`; hosts need not be sent what they have", async () => {
  await changed();
  const third = await runOutside("deploy", "--json", "--version", "v3");
  expect(await served(lab.hosts)).toEqual(["v3", "v3"]);
  for (const { sentBytes } of transfers(third.stdout)) expect(sentBytes).toBeLessThan(changeBytes * 1.1);
  expect(third.stdout).not.toContain("The push refers to repository");
}, 120_000);

test("a rollback needs nothing from here; one whose image is gone from a host gets it from the cache", async () => {
  await run("rollback", "v2");
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  await lab.host(1).exec("docker rm -f $(docker ps -aq --filter name=sample-web-v1); docker rmi acme/sample:v1");
  await lab.builder.docker("image", "rm", "acme/sample:v1");
  await run("rollback", "v1");
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  const again = await run("deploy", "--skip-push", "--json", "--version", "v1");
  expect(transfers(again.stdout).map(({ sentBytes, thereBytes }) => [sentBytes, thereBytes > baseBytes * 0.9])).toEqual([[0, true], [0, true]]);
}, 120_000);

test("what is nowhere is refused before anything changes", async () => {
  const { status, stderr } = await project.run(["deploy", "--skip-push", "--version", "v9"]);
  expect(status).toBe(11);
  expect(stderr).toContain("Cannot deliver acme/sample:v9: it is neither in the Docker of this machine nor in the cache");
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
}, 60_000);

test("a host that goes down while it is sent an image gets the rest of it the next time", async () => {
  await writeFile(`${project.folder}/base.bin`, randomBytes(baseBytes));
  await run("build", "push", "--version", "v4");
  const host = lab.host(2);
  const folder = `${lab.folder}/h2/root/.kamal/apps/sample/images`;
  const part = async (): Promise<number> => {
    const [name] = await readdir(folder).catch(() => []);
    return name === undefined ? 0 : ((await stat(`${folder}/${name}`).catch(() => undefined))?.size ?? 0);
  };
  const child = project.start(["deploy", "--skip-push", "--json", "--version", "v4"], { VERSION: "v4" });
  const over = ended(child);
  for (let tries = 0; tries < 30_000 && (await part()) < 5_000_000; tries++) await Bun.sleep(1);
  child.kill("SIGKILL");
  await host.powerOff();
  await over;
  const kept = await part();
  expect(kept).toBeGreaterThan(5_000_000);
  expect(kept).toBeLessThan(baseBytes);
  await host.powerOn();
  await host.ready();
  const again = await project.must(["deploy", "--skip-push", "--json", "--version", "v4"], { VERSION: "v4" });
  expect(await served(lab.hosts)).toEqual(["v4", "v4"]);
  const sent = transfers(again.stdout).find((one) => one.host === host.address)?.sentBytes ?? 0;
  console.log(`cut off with ${kept} bytes there; ${sent} bytes more the next time`);
  expect(kept + sent).toBeLessThan((baseBytes + changeBytes) * 1.05);
  for (const one of lab.hosts) expect(await leftOn(one)).toBe("");
}, 180_000);
