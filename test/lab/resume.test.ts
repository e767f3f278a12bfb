import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

/** After a deploy that was interrupted anywhere: details says what is true, deploy finishes it, rollback undoes it. */
let lab: Lab;
let project: Project;
beforeAll(async () => {
  lab = await startLab({ hosts: 3 });
  const addresses = lab.hosts.map((host) => host.address);
  project = await makeProject(lab, {
    service: "again",
    servers: `{ web: ${JSON.stringify(addresses)}, jobs: { hosts: [${JSON.stringify(addresses[2])}], cmd: "/busybox sleep 100000", proxy: false } }`,
    more: "readinessDelay: 1, stopTimeout: 1, retainContainers: 9,",
  });
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  await project.deploy("v2");
}, 240_000);
afterAll(() => lab?.stop());

const address = (number: number): string => lab.host(number).address;

/** What details says: its first line, and all of it. */
async function glance(): Promise<{ status: number; headline: string; text: string }> {
  const { status, stdout, stderr } = await project.run(["details"]);
  return { status, headline: stdout.split("\n")[0] ?? "", text: stdout + stderr };
}

/** That version serves on all hosts, alone. */
async function alone(version: string): Promise<void> {
  expect(await served(lab.hosts)).toEqual([version, version, version]);
  expect(await Promise.all(lab.hosts.map((host) => host.running("again")))).toEqual([[`again-web-${version}`], [`again-web-${version}`], [`again-jobs-${version}`, `again-web-${version}`]]);
  for (const host of lab.hosts) expect((await host.containers("again")).filter((name) => name.includes("_replaced_"))).toEqual([]);
  const { status, headline } = await glance();
  expect([status, headline]).toEqual([0, `All is well: version ${version} serves on all 3 hosts.`]);
}

const lockIsFree = (): Promise<void> => until("the lock is free", async () => (await lab.host(1).exec("ls -d .kamal/lock-again 2> /dev/null; true")).stdout === "", 40_000);
const killedAt = async (version: string, moment: string): Promise<void> => {
  await project.deployStruck(version, moment, (child) => child.kill("SIGKILL"));
  await lockIsFree();
};

test("a deploy that was interrupted anywhere is told, finished and undone, without losing a request", async () => {
  await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 10 });
  await alone("v2");

  await killedAt("b2", "Boot jobs");
  const booted = await glance();
  expect(booted.headline).toContain("A deploy of b2 was begun and not finished.");
  expect(booted.text).toContain("again-web-b2 is running and gets no requests");
  expect(booted.text).toMatch(/Next: +capstan deploy +finishes it/);
  expect(booted.text).toMatch(/capstan rollback +undoes it: back to v2 on every host/);
  const records = (await project.run(["details", "--json"])).stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records.find(({ type }) => type === "fleet")).toMatchObject({ ok: false, pending: ["b2"], rollback: { version: "v2" } });
  const undone = await project.must(["rollback"]);
  expect(undone.stderr).toContain("Rolling back to v2: it is the last release that all hosts served; b2 was not finished");
  await alone("v2");

  // The state between two switches, which is too short to be struck by chance.
  await killedAt("b3", "Boot jobs");
  const id = (await lab.host(2).docker("ps", "--quiet", "--filter", "name=^again-web-b3$")).stdout.trim();
  await lab.host(2).docker("exec", "kamal-proxy", "kamal-proxy", "deploy", "again-web", "--target", `${id}:80`, "--health-check-path", "/up");
  const mixed = await glance();
  expect(mixed.headline).toStartWith("Hosts differ: v2 on ");
  expect(mixed.headline).toContain(`b3 on ${address(2)}`);
  await project.must(["deploy", "--skip-push", "--version", "b3"], { VERSION: "b3" });
  await alone("b3");
  const dry = await project.must(["rollback", "--dry-run"]);
  expect(dry.stdout).toContain("note: Rolling back to v2: it is the release before b3 that all hosts served");
  await project.must(["rollback"]);
  await alone("v2");

  await killedAt("b4", "Retire");
  await project.must(["rollback"]);
  await alone("v2");

  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
}, 240_000);

test("a host that is lost when all have switched is told, and nothing is lost of what the others say", async () => {
  await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 10 });
  const { status, stdout } = await project.deployStruck("c1", "Retire", () => lab.host(3).killSshd(), {}, 0);
  const seen = await glance();
  expect(seen.status).toBe(4);
  expect(seen.headline).toContain("1 host could not be looked at.");
  expect(seen.text).toMatch(new RegExp(`${address(3)} +could not be looked at: Cannot connect to ${address(3)}: nothing listens on port 22`));
  expect(seen.text).toMatch(new RegExp(`${address(1)} +web +c1 serves`));
  await lab.host(3).startSshd();
  await lockIsFree();
  expect([status, stdout.includes("Version c1 serves on every host")]).toEqual([4, true]);
  await project.must(["rollback"]);
  await alone("v2");
  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
}, 120_000);

test("a rollback starts anew what is gone from a host, goes further back each time, and refuses before anything is changed", async () => {
  await using load = startLoad(lab.urls, { rate: 60, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
  const image = `${lab.registry.address}/acme/again`;
  await lab.host(2).docker("rm", "--force", "again-web-v1");
  await lab.host(2).docker("rmi", `${image}:v1`);
  const nowhere = await project.run(["rollback", "v77"]);
  expect(nowhere.status).not.toBe(0);
  expect(nowhere.stderr).toContain(`${image}:v77 is not on ${address(3)}, ${address(1)}, ${address(2)} and could not be pulled`);
  await alone("v2");
  await project.must(["rollback"]);
  await alone("v1");
  expect((await lab.host(2).exec("grep -c 'Pulled image with version v1' .kamal/again-audit.log")).stdout.trim()).toBe("2");
  const again = await project.run(["rollback"]);
  expect([again.status, again.stderr]).toEqual([11, expect.stringContaining("There is no earlier version to roll back to")]);
  await alone("v1");
  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
}, 120_000);
