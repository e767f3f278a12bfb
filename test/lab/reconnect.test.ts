import { afterAll, beforeAll, expect, test } from "bun:test";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";

/** A connection that breaks, a host that falls silent: what is worth waiting for is waited for, and nothing longer. */
let lab: Lab;
let first: LabHost;
let second: LabHost;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  [first, second] = [lab.host(1), lab.host(2)];
  project = await makeProject(lab, { more: "deployTimeout: 20, drainTimeout: 3, stopTimeout: 2, ssh: { connectTimeout: 5 }," });
  await project.must(["setup", "--version", "v0"], { VERSION: "v0" });
}, 180_000);
afterAll(() => lab?.stop());

/** Processes of a batch that nobody took the record of. */
const records = async (host: LabHost): Promise<string> => (await host.exec("grep -ls CAPSTAN_DID= /proc/[0-9]*/environ; true")).stdout.trim();

test("a connection that is cut at any moment of a deploy is made again, and the deploy goes through", async () => {
  await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 20 });
  for (const [i, [moment, host]] of ([["Boot web", first], ["Switch", second]] as const).entries()) {
    const { status, stdout, stderr } = await project.deployStruck(`c${i}`, moment, async () => {
      await host.killSshd();
      await host.startSshd();
    });
    expect([moment, status, status === 0 ? "" : stderr + stdout]).toEqual([moment, 0, ""]);
    expect(await served(lab.hosts)).toEqual([`c${i}`, `c${i}`]);
    for (const one of lab.hosts) expect([await one.running("sample"), await records(one)]).toEqual([[`sample-web-c${i}`], ""]);
  }
  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
}, 120_000);

test("a host that is silent for eight seconds is waited for", async () => {
  const { status, stdout, stderr } = await project.deployStruck("s1", "Boot web", async () => {
    await second.cut();
    await Bun.sleep(8_000);
    await second.restore();
  });
  expect([status, status === 0 ? "" : stderr + stdout]).toEqual([0, ""]);
  expect(stdout).toMatch(/"type":"waiting"|"type":"phase-end"/);
  expect(await served(lab.hosts)).toEqual(["s1", "s1"]);
}, 60_000);

test("a host that stays silent ends the deploy in bounded time, and the other one serves", async () => {
  const started = performance.now();
  const { status, stdout, stderr } = await project.deployStruck("g1", "Boot web", () => second.cut());
  const seconds = (performance.now() - started) / 1000;
  await second.restore();
  console.log(`a host silent for good: the deploy ended after ${seconds.toFixed(0)} s`);
  expect(status).toBe(4);
  expect(seconds).toBeLessThan(110);
  expect(stderr + stdout).toContain(`Lost the connection to ${second.address}`);
  expect(stderr + stdout).toContain("the host does not answer any more");
  expect(stdout).toMatch(new RegExp(`"type":"waiting"[^\\n]*"host":"${second.address}"`));
  expect(await served([first])).toEqual(["s1"]);
  await second.ready(20_000).catch(async (error: unknown) => {
    throw new Error(`${String(error)}\n${(await second.exec("ps -e -o pid,ppid,stat,args")).stdout}\n${(await second.sshdLog()).slice(-2_000)}`);
  });
  await project.deploy("after");
  expect(await served(lab.hosts)).toEqual(["after", "after"]);
}, 180_000);
