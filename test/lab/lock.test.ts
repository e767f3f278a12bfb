import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { ended, makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

let lab: Lab;
let project: Project;
const lockDirectory = ".kamal/lock-sample";

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab, { more: "hooks: { preDeploy: async () => { await Bun.sleep(Number(process.env.HOLD ?? 0)); } }," });
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
}, 180_000);
afterAll(() => lab?.stop());

const isLocked = async (): Promise<boolean> => (await lab.host(1).exec(`test -d ${lockDirectory}`)).status === 0;

test("a second deploy is refused with who holds the lock, also with another host filter, and waits when asked to", async () => {
  const first = project.start(["deploy", "--skip-push", "--version", "v1"], { HOLD: "9000" });
  await until("the first deploy holds the lock", isLocked);
  await until("it waits in its hook", async () => (await project.run(["lock", "status"])).stdout.includes("Hook preDeploy"));
  const status = await project.must(["lock", "status"]);
  expect(status.stdout).toMatch(/^Held by .+, version v1, "Automatic deploy lock"; deploy from .+, at "Hook preDeploy", for \d+ s\n$/);
  const refused = await project.run(["deploy", "--skip-push", "--version", "v1", "-h", lab.host(2).address]);
  expect(refused.status).toBe(7);
  expect(refused.stderr).toMatch(/The deploy lock of sample is held on .*: .*; deploy from .*at "Hook preDeploy"/);
  expect(refused.stderr).toContain("Nothing was changed.");
  const waited = await project.must(["deploy", "--skip-push", "--version", "v1", "--lock-wait", "--lock-wait-interval", "1"]);
  expect(waited.stderr).toContain("Waiting for it");
  expect((await ended(first)).status).toBe(0);
  expect(await isLocked()).toBe(false);
  expect((await project.must(["lock", "status"])).stdout).toBe("There is no deploy lock.\n");
}, 60_000);

test("a lock taken by hand stays until it is released", async () => {
  await project.must(["lock", "acquire", "-m", "Moving the database"]);
  const again = await project.run(["lock", "acquire", "-m", "me too"]);
  expect(again.status).toBe(7);
  const refused = await project.run(["deploy", "--skip-push", "--version", "v1", "--lock-wait"]);
  expect(refused.status).toBe(7);
  expect(refused.stderr).toContain('"Moving the database"');
  expect(refused.stderr).toContain("capstan lock release");
  expect(await isLocked()).toBe(true);
  await project.must(["lock", "release"]);
  expect(await isLocked()).toBe(false);
}, 60_000);

test("Kamal's lock is respected, and Kamal sees ours", async () => {
  const details = Buffer.from("Locked by: Bob at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock").toString("base64");
  await lab.host(1).exec(`mkdir -p .kamal && mkdir ${lockDirectory} && echo "${details}" > ${lockDirectory}/details`);
  const refused = await project.run(["deploy", "--skip-push", "--version", "v1"]);
  expect(refused.status).toBe(7);
  expect(refused.stderr).toContain("Bob");
  // As Kamal releases it.
  expect((await lab.host(1).exec(`rm ${lockDirectory}/details && rm -r ${lockDirectory}`)).status).toBe(0);
  const held = project.start(["deploy", "--skip-push", "--version", "v1"], { HOLD: "2000" });
  await until("we hold the lock", isLocked);
  // As Kamal takes and reads it.
  const kamal = await lab.host(1).exec(`mkdir ${lockDirectory} && echo x`);
  expect(kamal.stderr).toMatch(/cannot create directory/i);
  await until("the details are there", async () => (await lab.host(1).exec(`test -s ${lockDirectory}/details`)).status === 0);
  const status = await lab.host(1).exec(`stat ${lockDirectory} > /dev/null && cat ${lockDirectory}/details | base64 -d`);
  expect(status.stdout).toMatch(/^Locked by: .+ at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\nVersion: v1\nMessage: Automatic deploy lock$/);
  expect((await ended(held)).status).toBe(0);
}, 60_000);

test("the lock frees itself after kill -9, and after the network is gone", async () => {
  const killed = project.start(["deploy", "--skip-push", "--version", "v1"], { HOLD: "20000" });
  await until("we hold the lock", isLocked);
  killed.kill("SIGKILL");
  let started = performance.now();
  await until("the lock is free after kill -9", async () => !(await isLocked()), 30_000);
  const afterKill = performance.now() - started;
  const cut = project.start(["deploy", "--skip-push", "--version", "v1"], { HOLD: "60000" });
  await until("we hold the lock", isLocked);
  await until("its details are there", async () => (await lab.host(1).exec(`test -s ${lockDirectory}/details`)).status === 0);
  await lab.host(1).cut();
  started = performance.now();
  await until("the lock is free after the network is gone", async () => !(await isLocked()), 30_000);
  console.log(`lock free ${Math.round(afterKill)} ms after kill -9, ${Math.round(performance.now() - started)} ms after the network was gone`);
  cut.kill("SIGKILL");
  await cut.exited;
  await lab.host(1).restore();
  await project.must(["deploy", "--skip-push", "--version", "v1"]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
}, 120_000);

test("a run that loses its lock stops, takes nothing back, and says so; the next one brings it right", async () => {
  const run = project.start(["deploy", "--skip-push", "--version", "v1"], { HOLD: "3000" });
  await until("it waits in its hook", async () => (await project.run(["lock", "status"])).stdout.includes("Hook preDeploy"));
  await project.must(["lock", "release"]);
  const { status, stderr } = await ended(run);
  expect(status).toBe(7);
  expect(stderr).toContain(`The deploy lock on ${lab.host(1).address} was lost while the run was going on`);
  expect(stderr).toContain("it was released by somebody else");
  expect(stderr).toContain("took nothing back: without the lock another run may be at work by now");
  expect(stderr).not.toContain("Taken back");
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  await project.must(["deploy", "--skip-push", "--version", "v1"]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  expect((await lab.host(2).containers("sample")).filter((name) => name.includes("_replaced_"))).toEqual([]);
}, 60_000);
