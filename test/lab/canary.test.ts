import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeLoadApp } from "./load-app.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";

/** What both proxies do with the same words: maintenance, a canary, a reboot of a fleet. */
let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: 2, proxies: ["kamal-proxy", "traefik"] });
}, 1_800_000);
afterAll(() => lab?.stop());

const drivers = [
  // The app of this row would set the cookie: a visitor is a value of it. Values that look alike would share one half of the hash.
  { driver: "kamal-proxy", container: "kamal-proxy", config: {}, visitor: (): Record<string, string> => ({ cookie: `kamal-rollout=${crypto.randomUUID()}` }) },
  { driver: "traefik", container: "traefik", config: { proxy: "undefined", more: "traefik: {}," }, visitor: (): Record<string, string> => ({}) },
] as const;

describe.each(drivers)("$driver", ({ driver, container, config, visitor }) => {
  let project: Project;
  beforeAll(async () => {
    const servers = { web: lab.hosts.map((host) => host.address), job: { hosts: [lab.host(2).address], cmd: "/app" } };
    project = await makeProject(lab, { service: "app", app: makeLoadApp, ...config, servers: JSON.stringify(servers), more: `${"more" in config ? config.more : ""} drainTimeout: 3, stopTimeout: 2, readinessDelay: 1,` });
    await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
    await project.must(["build", "push", "--version", "v2"], { VERSION: "v2" });
  }, 120_000);
  afterAll(async () => {
    for (const host of lab.hosts) await host.exec("docker rm -f $(docker ps -aq); docker volume prune -af; rm -rf .kamal");
  }, 60_000);

  /** How many of a hundred visitors each version gets, on the first host. */
  async function shares(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let i = 0; i < 100; i++) {
      const version = (await (await fetch(lab.urls[0] ?? "", { headers: visitor(), keepalive: false })).text()).trim();
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  }
  const get = async (): Promise<{ status: number; text: string; type: string | null }> => {
    const answer = await fetch(lab.urls[1] ?? "", { keepalive: false });
    return { status: answer.status, text: await answer.text(), type: answer.headers.get("content-type") };
  };

  test("maintenance is a 503 page with the message, live ends it, and a deploy meanwhile leaves it up", async () => {
    await project.must(["app", "maintenance", "--message", "Back at <b>10:30</b> UTC & \"soon\""]);
    const down = await get();
    expect(down.status).toBe(503);
    expect(down.type).toContain("text/html");
    expect(down.text).toContain("Back at &lt;b&gt;10:30&lt;/b&gt; UTC &amp;");
    const { stderr } = await project.must(["deploy", "--skip-push", "--version", "v1"]);
    expect(stderr).toContain("In maintenance, and it stays so: web on");
    expect((await get()).status).toBe(503);
    await project.must(["app", "live"]);
    expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
    expect((await project.must(["app", "live"])).stderr).toContain("Nothing is in maintenance.");
    for (const host of lab.hosts) expect((await host.docker("ps", "-a", "--filter", "name=maintenance", "--quiet")).stdout).toBe("");
  }, 120_000);

  test("a canary gets its share, is promoted, and nothing is lost on the way", async () => {
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
    const { stderr } = await project.must(["canary", "start", "v2", "--percent", "30"]);
    expect(stderr).toContain(driver === "traefik" ? "The share is one of visitors" : "kamal-rollout");
    const first = await shares();
    expect(first["v2"]).toBeGreaterThan(driver === "traefik" ? 27 : 15);
    expect(first["v2"]).toBeLessThan(driver === "traefik" ? 33 : 45);
    expect((await project.must(["app", "version"])).stdout).toMatch(/web +v1/);
    expect((await project.run(["canary", "start", "v3"])).stderr).toContain("There is a canary already");
    await project.must(["canary", "set", "--percent", "80"]);
    expect((await shares())["v2"]).toBeGreaterThan(60);
    await project.must(["canary", "set", "--percent", "0"]);
    expect(await shares()).toEqual({ v1: 100 });
    await project.must(["canary", "promote"]);
    expect(await shares()).toEqual({ v2: 100 });
    expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
    expect(await lab.host(1).running("app")).toEqual(["app-web-v2"]);
    expect((await lab.host(2).running("app")).sort()).toEqual(["app-job-v2", "app-web-v2"]);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  }, 120_000);

  test("a canary that is aborted, and one that a deploy ends", async () => {
    await using load = startLoad(lab.urls, { rate: 60, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
    await project.must(["canary", "start", "v1", "--percent", "50"]);
    await project.must(["canary", "abort"]);
    expect(await shares()).toEqual({ v2: 100 });
    expect(await lab.host(1).running("app")).toEqual(["app-web-v2"]);
    expect((await project.run(["canary", "promote"])).status).toBe(11);
    await project.must(["canary", "start", "v1", "--percent", "50"]);
    const { stderr } = await project.must(["deploy", "--skip-push", "--version", "v2"]);
    expect(stderr).toContain("There is a canary of web on");
    expect(await shares()).toEqual({ v2: 100 });
    expect(await lab.host(1).running("app")).toEqual(["app-web-v2"]);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  }, 120_000);

  test("a canary that never gets healthy leaves everything as it was", async () => {
    const sick = await project.run(["canary", "start", "missing", "--percent", "50"]);
    expect(sick.status).not.toBe(0);
    expect(await shares()).toEqual({ v2: 100 });
    for (const host of lab.hosts) expect((await host.containers("app")).filter((name) => name.includes("missing"))).toEqual([]);
  }, 60_000);

  test("a reboot goes host after host, tells the gap, and there is always one that serves", async () => {
    let dark = 0;
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        const answers = await served(lab.hosts);
        if (answers.every((answer) => answer === "failed")) dark++;
        await Bun.sleep(20);
      }
    })();
    const before = (await Promise.all(lab.hosts.map((host) => host.docker("inspect", "--format", "{{.Id}}", container)))).map(({ stdout }) => stdout);
    const { stderr } = await project.must(["proxy", "reboot", "-y"]);
    over.abort();
    await watching;
    expect(dark).toBe(0);
    expect(stderr.match(/== Reboot proxy, host \d of 2/g)).toEqual(["== Reboot proxy, host 1 of 2", "== Reboot proxy, host 2 of 2"]);
    const gaps = [...stderr.matchAll(/The proxy was away for (\d+) ms/g)].map((match) => Number(match[1]));
    console.log(`${driver}: a reboot keeps each host without its proxy for ${gaps.join(" and ")} ms`);
    expect(gaps.length).toBe(2);
    const after = (await Promise.all(lab.hosts.map((host) => host.docker("inspect", "--format", "{{.Id}}", container)))).map(({ stdout }) => stdout);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  }, 120_000);
});
