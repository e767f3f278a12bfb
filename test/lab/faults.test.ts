import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad, type LoadReport } from "./load.ts";
import { ended, makeProject, served, type Project, type ProjectOptions } from "./project.ts";
import { until } from "./shell.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 3, diskMb: 400 });
}, 180_000);
afterAll(() => lab?.stop());

/** The projects of the test that runs: their routes would be in the way of the next one's. */
const projects: Project[] = [];

async function newProject(options: ProjectOptions): Promise<Project> {
  const project = await makeProject(lab, options);
  projects.push(project);
  return project;
}

/** Deploys v1, then v2 while the third host is made to fail. */
async function failingThird(project: Project, args: readonly string[] = []): Promise<{ status: number; stderr: string; report: LoadReport }> {
  const healthy = lab.urls.slice(0, 2);
  await using load = startLoad(healthy, { rate: 60, slow: { count: 1, seconds: 1 } });
  await Bun.sleep(500);
  const { status, stderr } = await project.run(["deploy", "--version", "v2", ...args], { VERSION: "v2" });
  await Bun.sleep(500);
  return { status, stderr, report: await load.stop() };
}

const third = (): string => lab.host(3).address;

describe("when one host of three fails, the others keep serving the old version", () => {
  afterEach(async () => {
    await lab.host(3).freeDisk();
    for (const project of projects.splice(0)) await project.run(["app", "stop"]);
  }, 60_000);

  test("an image that never gets healthy there", async () => {
    const project = await newProject({ service: "sick", clear: `{ SICK_HOST: process.env.SICK_HOST ?? "" }`, proxy: `{ healthcheck: { path: "/cgi-bin/health", interval: 1 } }`, more: "deployTimeout: 4," });
    await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 0 });
    await Bun.sleep(300);
    const { status, stderr } = await project.run(["deploy", "--version", "v2"], { VERSION: "v2", SICK_HOST: third() });
    const report = await load.stop();
    expect(status).toBe(6);
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    expect(Object.keys(report.bodies)).toEqual(["v1"]);
    expect(stderr).toContain(`sick-web-v2 did not become ready on ${third()}`);
    expect(stderr).toMatch(/500, body "no database"/);
    expect(stderr).toContain("cannot reach the database");
    expect(stderr).toContain("likely cause: the application answers /cgi-bin/health with an error of its own");
    expect(stderr).toContain("Every host serves what it served before: v1.");
    for (const host of lab.hosts) expect(await host.containers("sick")).toEqual(["sick-web-v1"]);
    await project.deploy("v2");
    expect(await served(lab.hosts)).toEqual(["v2", "v2", "v2"]);
    for (const host of lab.hosts) expect(await host.running("sick")).toEqual(["sick-web-v2"]);
  }, 120_000);

  test("an image that crashes there, a port nobody listens on, a command that is not there", async () => {
    const project = await newProject({ service: "crash", servers: `{ web: { hosts: ${JSON.stringify(lab.hosts.map((host) => host.address))}, cmd: process.env.CMD } }`, proxy: `{ appPort: Number(process.env.APP_PORT ?? 80) }`, more: "deployTimeout: 3," });
    await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
    const crash = await project.run(["deploy", "--version", "v2"], { VERSION: "v2", CMD: "/busybox httpd --no-such-option" });
    expect(crash.status).toBe(6);
    expect(crash.stderr).toMatch(/likely cause: the application (starts and crashes again and again|ended by itself) \(exit code 1\)/);
    const port = await project.run(["deploy", "--version", "v3"], { VERSION: "v3", APP_PORT: "3000" });
    expect(port.status).toBe(6);
    expect(port.stderr).toContain("likely cause: nothing listens on port 3000; the image exposes 80");
    expect(port.stderr).toContain("Set proxy.appPort to 80.");
    expect(await served(lab.hosts)).toEqual(["v1", "v1", "v1"]);
  }, 120_000);

  test("its disk is full", async () => {
    const project = await newProject({ service: "full" });
    await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
    await lab.host(3).fillDisk();
    const { status, stderr, report } = await failingThird(project);
    await lab.host(3).freeDisk();
    expect(status).not.toBe(0);
    expect(lost(report)).toBe(0);
    expect(Object.keys(report.bodies)).toEqual(["v1"]);
    expect(stderr).toContain(third());
    expect(stderr).toMatch(/no space left on device/i);
    expect(stderr).toContain("serves what it served before: v1");
    expect(await served(lab.hosts.slice(0, 2))).toEqual(["v1", "v1"]);
    await project.deploy("v3");
    expect(await served(lab.hosts)).toEqual(["v3", "v3", "v3"]);
    for (const host of lab.hosts) expect(await host.running("full")).toEqual(["full-web-v3"]);
  }, 120_000);

  test("its dockerd is dead", async () => {
    const project = await newProject({ service: "dead" });
    await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
    await lab.host(3).killDockerd();
    const { status, stderr, report } = await failingThird(project);
    await lab.host(3).startDockerd();
    expect(status).toBe(11);
    expect(lost(report)).toBe(0);
    expect(Object.keys(report.bodies)).toEqual(["v1"]);
    expect(stderr).toContain(`Docker is missing or not running on ${third()}`);
    expect(stderr).toContain("Nothing was changed");
    await project.deploy("v3");
    expect(await served(lab.hosts)).toEqual(["v3", "v3", "v3"]);
    for (const host of lab.hosts) expect(await host.running("dead")).toEqual(["dead-web-v3"]);
  }, 120_000);

  test("its cable is out: the message tells it from a refusal, nothing is changed", async () => {
    const project = await newProject({ service: "cable", more: "ssh: { connectTimeout: 3 }," });
    await project.must(["setup", "--version", "v3"], { VERSION: "v3" });
    await lab.host(3).cut();
    const cut = await failingThird(project);
    await lab.host(3).restore();
    expect(cut.status).toBe(4);
    expect(cut.stderr).toContain(third());
    expect(cut.stderr).toMatch(/did not answer|timed? ?out|no route|unreachable/i);
    expect(Object.keys(cut.report.bodies)).toEqual(["v3"]);
    await lab.host(3).killSshd();
    const refused = await failingThird(project);
    await lab.host(3).startSshd();
    expect(refused.status).toBe(4);
    expect(refused.stderr).toMatch(/refused/i);
    expect(lost(cut.report) + lost(refused.report)).toBe(0);
    await project.deploy("v4");
    expect(await served(lab.hosts)).toEqual(["v4", "v4", "v4"]);
  }, 120_000);
});

describe("a deploy that is stopped half way", () => {
  let project: Project;
  beforeAll(async () => {
    project = await makeProject(lab, { service: "dead" });
    await project.must(["setup", "--version", "s0"], { VERSION: "s0" });
  }, 60_000);

  /** Moments of a deploy, by what it has just told. */
  const moments = ["Connect", "Take the lock", "Look at hosts", "Build and push", "Pull image", "Prepare hosts", "Boot web", "Switch", "Retire old", "Prune"];

  const stoppedAt = (version: string, moment: string, signal: NodeJS.Signals): Promise<{ status: number; stderr: string }> => struckAt(version, moment, (child) => child.kill(signal));

  async function struckAt(version: string, moment: string, strike: (child: Bun.Subprocess) => unknown): Promise<{ status: number; stderr: string }> {
    const { status, stdout, stderr } = await project.deployStruck(version, moment, strike);
    return { status, stderr: stderr + stdout };
  }

  const lockLeft = async (): Promise<string> => (await lab.host(1).exec("ls -d .kamal/lock-dead 2> /dev/null; true")).stdout.trim();

  test("kill -9 at ten moments loses no request, leaves no lock, and the next deploy converges", async () => {
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 20 });
    await Bun.sleep(500);
    const unlocked: number[] = [];
    for (const [i, moment] of moments.entries()) {
      await stoppedAt(`k${i}`, moment, "SIGKILL");
      const started = performance.now();
      await until(`the lock is free after ${moment}`, async () => (await lockLeft()) === "", 30_000);
      unlocked.push(Math.round(performance.now() - started));
      expect(await served(lab.hosts)).not.toContain("failed");
      await project.deploy(`n${i}`);
      expect(await served(lab.hosts)).toEqual([`n${i}`, `n${i}`, `n${i}`]);
      for (const host of lab.hosts) expect(await host.running("dead")).toEqual([`dead-web-n${i}`]);
    }
    const report = await load.stop();
    console.log(`kill -9 at ${moments.length} moments: ${report.sent + report.slowSent + report.streams} requests, ${lost(report)} failed; lock free after ${unlocked.join(", ")} ms`);
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  }, 400_000);

  test("Ctrl-C leaves a serving fleet, says what was done, and ends with 130", async () => {
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 20 });
    for (const [i, moment] of ["Take the lock", "Build and push", "Pull image", "Boot web", "Switch"].entries()) {
      const { status, stderr } = await stoppedAt(`c${i}`, moment, "SIGINT");
      expect([moment, status]).toEqual([moment, 130]);
      expect(stderr).toMatch(/"type":"error"/);
      expect(await served(lab.hosts)).toEqual(["n9", "n9", "n9"]);
      expect(await lockLeft()).toBe("");
      for (const host of lab.hosts) expect(await host.running("dead")).toEqual(["dead-web-n9"]);
    }
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    await project.deploy("after");
    expect(await served(lab.hosts)).toEqual(["after", "after", "after"]);
  }, 180_000);

  test("a connection lost in the middle is made again, and the deploy goes through; one that does not come back takes the fleet back", async () => {
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 20 });
    for (const [i, moment] of ["Pull image", "Switch"].entries()) {
      const { status, stderr } = await struckAt(`l${i}`, moment, async () => {
        await lab.host(3).killSshd();
        await lab.host(3).startSshd();
      });
      expect([moment, status, status === 0 ? "" : stderr]).toEqual([moment, 0, ""]);
      expect(await served(lab.hosts)).toEqual([`l${i}`, `l${i}`, `l${i}`]);
      for (const host of lab.hosts) expect(await host.running("dead")).toEqual([`dead-web-l${i}`]);
    }
    const { status, stderr } = await struckAt("gone", "Boot web", () => lab.host(3).killSshd());
    await lab.host(3).startSshd();
    expect(status).toBe(4);
    expect(stderr).toContain(`"host":"${third()}"`);
    expect(await served(lab.hosts)).toEqual(["l1", "l1", "l1"]);
    for (const host of [lab.host(1), lab.host(2)]) expect((await host.containers("dead")).filter((name) => name.includes("-gone"))).toEqual([]);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  }, 240_000);

  test("a second Ctrl-C leaves at once", async () => {
    const child = project.start(["deploy", "--version", "twice"], { VERSION: "twice" });
    await Bun.sleep(1_000);
    child.kill("SIGINT");
    await Bun.sleep(50);
    child.kill("SIGINT");
    const started = performance.now();
    expect((await ended(child)).status).toBe(130);
    expect(performance.now() - started).toBeLessThan(2_000);
    await project.deploy("again");
    expect(await served(lab.hosts)).toEqual(["again", "again", "again"]);
  }, 60_000);
});
