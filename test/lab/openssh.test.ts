import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, readdir } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { ended, makeProject, served, type Project } from "./project.ts";
import { must, until } from "./shell.ts";

/** Everything over the system's OpenSSH: nothing else may differ. */
let lab: Lab;
let project: Project;
let temporary: string;
const lockDirectory = ".kamal/lock-sample";

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  temporary = `${lab.folder}/tmp`;
  await mkdir(temporary);
  project = await makeProject(lab, { more: `ssh: { transport: "openssh", strictHostKeyChecking: "yes" }, hooks: { preDeploy: async () => { await Bun.sleep(Number(process.env.HOLD ?? 0)); } },` });
}, 180_000);
afterAll(() => lab?.stop());

/** Masters that run, and what lies where they had their sockets. */
async function leftBehind(): Promise<string[]> {
  const masters = (await must(["ps", "-eo", "args"])).split("\n").filter((line) => line.startsWith("ssh -M ") && line.includes(temporary));
  // What ssh_config was read with holds no secret and no connection; whoever is killed cannot take it away.
  return [...masters, ...(await readdir(temporary)).filter((name) => !name.startsWith("capstan-ssh-"))];
}

test("a deploy to two hosts under load loses no request and leaves no master", async () => {
  const env = { TMPDIR: temporary };
  await project.must(["setup", "--version", "v1"], { ...env, VERSION: "v1" });
  expect(await leftBehind()).toEqual([]);
  await using load = startLoad(lab.urls, { rate: 100, slow: { count: 2, seconds: 1 }, streamTicks: 20 });
  await Bun.sleep(500);
  const { stdout } = await project.must(["deploy", "--version", "v2", "--json"], { ...env, VERSION: "v2" });
  await Bun.sleep(500);
  const report = await load.stop();
  console.log(`over OpenSSH: ${report.sent} requests, ${report.slowSent} slow, ${report.streams} streams; ${lost(report)} failed`);
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
  expect(Object.keys(report.bodies).sort()).toEqual(["v1", "v2"]);
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  expect(stdout.match(/"type":"connect"[^\n]*"state":"ready"/g)?.length).toBe(2);
  expect(await leftBehind()).toEqual([]);
}, 120_000);

test("kill -9 frees the lock and ends the masters", async () => {
  const isLocked = async (): Promise<boolean> => (await lab.host(1).exec(`test -d ${lockDirectory}`)).status === 0;
  const run = project.start(["deploy", "--skip-push", "--version", "v2"], { TMPDIR: temporary, HOLD: "30000" });
  await until("we hold the lock", isLocked);
  expect((await leftBehind()).filter((line) => line.startsWith("ssh -M ")).length).toBeGreaterThan(0);
  run.kill("SIGKILL");
  await ended(run);
  await until("the lock is free", async () => !(await isLocked()), 30_000);
  await until("no master is left", async () => (await leftBehind()).length === 0, 10_000);
  await project.must(["app", "exec", "--version", "v2", "-p", "/busybox echo hello"], { TMPDIR: temporary });
  expect(await leftBehind()).toEqual([]);
}, 120_000);
