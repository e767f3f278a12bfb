import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { makeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { capstan, ended, makeProject, served, type Project } from "./project.ts";
import { until, type Ran } from "./shell.ts";

const largeBytes = 25_000_000;
let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 3 });
  project = await makeProject(lab, { registry: "none", app: makeLargeApp, more: "delivery: { handOn: true }," });
}, 120_000);
afterAll(() => lab?.stop());

async function makeLargeApp(folder: string): Promise<void> {
  await makeApp(folder);
  await writeFile(`${folder}/large.bin`, randomBytes(largeBytes));
  await writeFile(`${folder}/Dockerfile`, (await readFile(`${folder}/Dockerfile`, "utf8")).replace(/^FROM scratch\n/m, "FROM scratch\nCOPY large.bin /large.bin\n"));
}

/** From the builder's own network: what leaves its card is what this machine sends. */
const run = (...args: string[]): Promise<Ran> => project.must(args, { VERSION: args.at(-1) }, lab.builder.inNetwork(capstan));

/** Bytes that a host's card has sent so far. */
const sentBy = async (host: LabHost): Promise<number> => Number(/eth0:(?: *\d+){8} +(\d+)/.exec((await host.exec("cat /proc/net/dev")).stdout)?.[1]);

interface Transfer { readonly type: string; readonly state: string; readonly host: string; readonly sentBytes: number; readonly from?: string }
const transfers = (stdout: string): Transfer[] => stdout.split("\n").filter((line) => line.includes('"type":"transfer"') && line.includes('"state":"end"')).map((line) => JSON.parse(line) as Transfer);

/** What handing on might leave on a host. */
const leftOn = async (host: LabHost): Promise<string> => (await host.exec("pgrep -ax ssh; pgrep -ax docker; pgrep -ax cat; ls .kamal/apps/sample/images; ls .ssh 2> /dev/null; true")).stdout.trim();

test("this machine sends the image once, and the hosts hand it on", async () => {
  const before = await sentBy(lab.builder);
  const { stdout } = await run("setup", "--json", "--version", "v1");
  const sent = (await sentBy(lab.builder)) - before;
  const all = transfers(stdout);
  console.log(`${sent} bytes left this machine for ${lab.hosts.length} hosts; handed on by ${all.map(({ from }) => from ?? "here").join(", ")}`);
  expect(await served(lab.hosts)).toEqual(["v1", "v1", "v1"]);
  expect(all.filter(({ from }) => from === undefined).length).toBe(1);
  expect(all.filter(({ from, sentBytes }) => from !== undefined && sentBytes === 0).length).toBe(2);
  expect(sent).toBeGreaterThan(largeBytes);
  expect(sent).toBeLessThan(largeBytes * 1.2);
  for (const host of lab.hosts) expect(await leftOn(host)).toBe("");
}, 180_000);

test("a run that is killed while a host hands it on leaves only what the next one goes on from", async () => {
  await writeFile(`${project.folder}/large.bin`, randomBytes(largeBytes));
  await run("build", "push", "--version", "v2");
  const folders = lab.hosts.map(({ name }) => `${lab.folder}/${name}/root/.kamal/apps/sample/images`);
  const filesOf = async (folder: string): Promise<readonly string[]> => await readdir(folder).catch(() => []);
  const child = project.start(["build", "pull", "--version", "v2"], { VERSION: "v2" }, lab.builder.inNetwork(capstan));
  const over = ended(child);
  let handed: readonly string[] = [];
  for (let tries = 0; tries < 30_000 && handed.length === 0; tries++) {
    await Bun.sleep(1);
    handed = (await Promise.all(folders.map(filesOf))).flat().filter((name) => name.endsWith(".handed"));
  }
  child.kill("SIGKILL");
  await over;
  expect(handed.length).toBeGreaterThan(0);
  const isResumable = (left: string): boolean => left.split("\n").every((name) => name === "" || name.endsWith(".part"));
  await until("only unfinished archives are left", async () => (await Promise.all(lab.hosts.map(leftOn))).every(isResumable), 20_000).catch(() => undefined);
  expect((await Promise.all(lab.hosts.map(leftOn))).filter((left) => !isResumable(left))).toEqual([]);
  await run("build", "pull", "--version", "v2");
  expect(await Promise.all(lab.hosts.map(leftOn))).toEqual(["", "", ""]);
}, 120_000);

test("hosts that do not reach each other get it from this machine", async () => {
  await writeFile(`${project.folder}/large.bin`, randomBytes(largeBytes));
  for (const host of lab.hosts) for (const other of lab.hosts) if (other !== host) await host.exec(`ip route add unreachable ${other.address}`);
  const { stdout } = await run("deploy", "--json", "--version", "v3");
  expect(await served(lab.hosts)).toEqual(["v3", "v3", "v3"]);
  expect(transfers(stdout).map(({ from }) => from)).toEqual([undefined, undefined, undefined]);
  expect(stdout).toMatch(/10\.97\.\d+\.1\d cannot hand acme\/sample:v3 on to it, so that it comes from here: .*No route to host/);
  for (const host of lab.hosts) expect(await leftOn(host)).toBe("");
}, 180_000);
