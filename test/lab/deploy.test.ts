import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";

let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 3 });
  project = await makeProject(lab);
}, 180_000);
afterAll(() => lab?.stop());

describe("a deploy to three hosts", () => {
  test("takes bare hosts into service", async () => {
    const { stderr } = await project.must(["setup", "--version", "v0"], { VERSION: "v0" });
    expect(await served(lab.hosts)).toEqual(["v0", "v0", "v0"]);
    expect(stderr).toMatch(/setup of sample done in \d/);
    expect(await lab.host(1).running("sample")).toEqual(["sample-web-v0"]);
  });

  test("loses no request in ten deploys in a row, with slow requests in flight and streams open", async () => {
    await using load = startLoad(lab.urls, { rate: 100, slow: { count: 2, seconds: 2 }, streamTicks: 30 });
    await Bun.sleep(1_000);
    const seconds: number[] = [];
    for (let i = 1; i <= 10; i++) {
      const started = performance.now();
      await project.deploy(`v${i}`);
      seconds.push((performance.now() - started) / 1000);
      // Whoever comes after the deploy has returned gets the new version.
      expect(await served(lab.hosts)).toEqual([`v${i}`, `v${i}`, `v${i}`]);
    }
    await Bun.sleep(1_000);
    const report = await load.stop();
    console.log(`ten deploys: ${report.sent} requests, ${report.slowSent} slow, ${report.streams} streams; ${lost(report)} failed; p50 ${report.p50} ms, p99 ${report.p99} ms, max ${report.max} ms; ${seconds.map((one) => one.toFixed(1)).join(" ")} s each`);
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
    expect(report.sent).toBeGreaterThan(1_000);
    expect(report.streams).toBeGreaterThan(9);
    expect(Object.keys(report.bodies).sort()).toEqual(["v0", "v1", "v10", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"]);
  }, 300_000);

  test("leaves one running container, the retained ones, the latest tag and an audit log", async () => {
    for (const host of lab.hosts) {
      expect(await host.running("sample")).toEqual(["sample-web-v10"]);
      expect((await host.containers("sample")).length).toBe(6);
      expect((await host.docker("inspect", "--format", "{{.Config.Image}}", "sample-web-v10")).stdout.trim()).toBe(`${lab.registry.address}/acme/sample:v10`);
      const tags = (await host.docker("image", "inspect", "--format", "{{join .RepoTags \" \"}}", `${lab.registry.address}/acme/sample:latest`)).stdout;
      expect(tags).toContain("acme/sample:v10");
      expect((await host.exec("cat .kamal/sample-audit.log")).stdout).toMatch(/\[\d{4}-\d\d-\d\dT[\d:]+Z\] \[\S+\] \[web\] Booted app version v10\n/);
      expect((await host.exec("stat -c %a .kamal/apps/sample/env/roles/web.env")).stdout.trim()).toBe("600");
      expect((await host.exec("ls -d .kamal/lock-*")).stdout).toBe("");
    }
  });

  test("deploys the same version again and rolls back, without losing a request", async () => {
    await using load = startLoad(lab.urls, { rate: 100, slow: { count: 1, seconds: 1 } });
    await Bun.sleep(500);
    await project.deploy("v10");
    expect(await lab.host(2).containers("sample")).not.toContainEqual(expect.stringContaining("_replaced_"));
    const { stderr } = await project.must(["rollback"]);
    expect(stderr).toMatch(/v10 (→|->) v9/);
    expect(await served(lab.hosts)).toEqual(["v9", "v9", "v9"]);
    await project.must(["rollback", "v7"]);
    expect(await served(lab.hosts)).toEqual(["v7", "v7", "v7"]);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  }, 120_000);

  test("refuses a rollback to a version that is nowhere, with a status and a list", async () => {
    const { status, stderr } = await project.run(["rollback", "v77"]);
    expect(status).not.toBe(0);
    expect(stderr).toContain("v77");
    expect(stderr).toMatch(/v10|v9/);
    expect(await served(lab.hosts)).toEqual(["v7", "v7", "v7"]);
  }, 60_000);

  test("rolls in groups when the config says so", async () => {
    const rolling = await makeProject(lab, { more: "boot: { limit: 1, wait: 1 }," });
    const { stderr } = await rolling.deploy("g1");
    expect(stderr.match(/== Switch, group \d of 3/g)).toEqual(["== Switch, group 1 of 3", "== Switch, group 2 of 3", "== Switch, group 3 of 3"]);
    expect(await served(lab.hosts)).toEqual(["g1", "g1", "g1"]);
  }, 60_000);

  test("logs hosts in to the registry only where that changes anything", async () => {
    const host = lab.host(1);
    const logins = async (): Promise<string> => (await host.exec("stat -c '%i %y' .docker/config.json")).stdout;
    const before = await logins();
    await project.deploy("l1");
    expect(await logins()).toBe(before);
    await host.docker("logout", lab.registry.address);
    await project.deploy("l2");
    expect((await host.exec("grep -c auth.: .docker/config.json")).stdout.trim()).toBe("1");
    expect(await served(lab.hosts)).toEqual(["l2", "l2", "l2"]);
  }, 60_000);
});
