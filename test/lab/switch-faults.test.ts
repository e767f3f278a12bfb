import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { makeLoadApp } from "./load-app.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

/** Whatever happens around a switch: a version serves, the one that is told, and the next deploy converges. */
let lab: Lab;
let host: LabHost;
beforeAll(async () => {
  lab = await startLab({ hosts: 1, proxies: ["kamal-proxy", "traefik"] });
  host = lab.host(1);
}, 1_800_000);
afterAll(() => lab?.stop());

const drivers = [
  { driver: "kamal-proxy", container: "kamal-proxy", proxy: "{ run: process.env.BAD_PROXY ? { version: \"none\", registry: \"127.0.0.1:1\" } : {} }", more: "" },
  { driver: "traefik", container: "traefik", proxy: "undefined", more: "traefik: { args: process.env.BAD_PROXY ? { \"no.such.argument\": 1 } : {} }," },
] as const;
const clear = `{ HEALTH: process.env.HEALTH ?? "ok", START_DELAY: process.env.START_DELAY ?? "0", DIE_AFTER: process.env.DIE_AFTER ?? "", IGNORE_TERM: process.env.IGNORE_TERM ?? "" }`;

const emptyHost = async (): Promise<void> => void (await host.exec("docker rm -f $(docker ps -aq) > /dev/null 2>&1; docker volume prune -af > /dev/null; rm -rf .kamal; true"));

describe.each(drivers)("around a switch of $driver", ({ container, proxy, more }) => {
  let project: Project;
  beforeAll(async () => {
    await emptyHost();
    project = await makeProject(lab, { service: "app", app: makeLoadApp, proxy, clear, more: `${more} deployTimeout: 6, drainTimeout: 3, stopTimeout: 2, retainContainers: 2,` });
  }, 60_000);

  /** That version serves, alone, and a later deploy of another one goes well. */
  async function converges(version: string): Promise<void> {
    await project.deploy(version);
    expect(await served([host])).toEqual([version]);
    expect(await host.running("app")).toEqual([`app-web-${version}`]);
  }

  const quietly = async (work: () => Promise<void>): Promise<void> => {
    await using load = startLoad([`http://${host.address}/`], { rate: 60, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
    await Bun.sleep(300);
    await work();
    await Bun.sleep(300);
    const report = await load.stop();
    expect(report.errors).toEqual({});
    expect(lost(report)).toBe(0);
  };

  test("a proxy that cannot start fails the run before anything else is started, and shows why", async () => {
    const { status, stderr } = await project.run(["setup", "--version", "s0"], { VERSION: "s0", BAD_PROXY: "1" });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(container === "traefik" ? /no.such.argument|field not found/ : /127\.0\.0\.1:1/);
    expect(await host.containers("app")).toEqual([]);
    await emptyHost();
    await project.must(["setup", "--version", "s1"], { VERSION: "s1" });
    expect(await served([host])).toEqual(["s1"]);
  }, 120_000);

  test.each([["answers 500", { HEALTH: "500" }, /500/], ["never answers", { HEALTH: "never" }, /did not answer|timeout/], ["redirects", { HEALTH: "redirect" }, /redirects to \/login/], ["starts too slowly", { START_DELAY: "30" }, /nothing listens/]] as const)(
    "a new version that %s is not switched to, and goes away", async (_what, env, message) => {
      await converges("h1");
      await quietly(async () => {
        const { status, stderr } = await project.run(["deploy", "--version", "sick"], { VERSION: "sick", ...env });
        expect(status).toBe(6);
        expect(stderr).toMatch(message);
        expect(await served([host])).toEqual(["h1"]);
        expect((await host.containers("app")).filter((name) => name.includes("sick"))).toEqual([]);
      });
    }, 60_000);

  test("a new version that starts slowly, ignores TERM, or dies soon after it was healthy", async () => {
    await converges("g1");
    await quietly(async () => {
      await project.must(["deploy", "--version", "late"], { VERSION: "late", START_DELAY: "2", IGNORE_TERM: "1" });
      await converges("g2");
    });
    await project.run(["deploy", "--version", "dies"], { VERSION: "dies", DIE_AFTER: "1" });
    await converges("g3");
  }, 60_000);

  test("kill -9 of the tool before, during and after the switch loses nothing", async () => {
    await converges("k0");
    await quietly(async () => {
      for (const [i, [moment, within]] of ([["Boot web", 300], ["Switch", 200], ["Switch", 800], ["Retire old", 50]] as const).entries()) {
        await project.deployStruck(`x${i}`, moment, (child) => child.kill("SIGKILL"), {}, within);
        await until("the lock is free", async () => (await host.exec("ls -d .kamal/lock-app 2> /dev/null; true")).stdout === "", 30_000);
        expect(await served([host])).not.toContain("failed");
        await converges(`k${i + 1}`);
      }
    });
  }, 180_000);

  test("a connection lost during the switch loses nothing", async () => {
    await converges("l0");
    await quietly(async () => {
      for (const [i, within] of [100, 700].entries()) {
        const { status } = await project.deployStruck(`y${i}`, "Switch", async () => {
          await host.killSshd();
          await host.startSshd();
        }, {}, within);
        // What Traefik's files say cannot be asked for afterwards: there the run may also have been taken back.
        if (container === "kamal-proxy") expect(status).toBe(0);
        expect([status, ...(await served([host]))]).toEqual(status === 0 ? [0, `y${i}`] : [4, `l${i}`]);
        await converges(`l${i + 1}`);
      }
    });
  }, 120_000);

  test("the proxy restarts before, during and after the switch", async () => {
    await converges("r0");
    for (const [i, [moment, within]] of ([["Boot web", 100], ["Switch", 300], ["Retire old", 10]] as const).entries()) {
      const { status } = await project.deployStruck(`p${i}`, moment, () => host.docker("restart", "--time", "1", container), { START_DELAY: "1" }, within);
      await until("somebody serves", async () => (await served([host]))[0] !== "failed", 20_000);
      const [now] = await served([host]);
      expect([status === 0, now]).toEqual(status === 0 ? [true, `p${i}`] : [false, i === 0 ? "r0" : `r${i}`]);
      await converges(`r${i + 1}`);
    }
    await host.docker("restart", "--time", "1", container);
    await until("it serves again", async () => (await served([host]))[0] === "r3", 20_000);
  }, 180_000);

  test("the old container is dead already", async () => {
    await converges("o1");
    await host.docker("kill", "app-web-o1");
    await converges("o2");
  }, 60_000);

  test("the host reboots after a deploy", async () => {
    await converges("b1");
    await host.powerOff();
    await host.powerOn();
    await host.ready();
    await until("it serves again", async () => (await served([host]))[0] === "b1", 30_000);
    await converges("b2");
  }, 120_000);

  test("two deploys at once: one goes through, the other says who holds the lock", async () => {
    await quietly(async () => {
      const ran = await Promise.all(["t1", "t2"].map((version) => project.run(["deploy", "--version", version], { VERSION: version, START_DELAY: "1" })));
      expect(ran.map(({ status }) => status).sort()).toEqual([0, 7]);
      expect(await served([host])).toEqual([ran[0]?.status === 0 ? "t1" : "t2"]);
    });
  }, 60_000);
});

test("kamal-proxy cannot save its state: the run fails and says what it saw, somebody serves all the time, and the next deploy converges", async () => {
  await emptyHost();
  const project = await makeProject(lab, { service: "app", app: makeLoadApp, more: "deployTimeout: 6, drainTimeout: 3, stopTimeout: 2," });
  await project.must(["setup", "--version", "w1"], { VERSION: "w1" });
  const state = (code: string): Promise<unknown> => host.docker("exec", "--user", "0", "kamal-proxy", "sh", "-c", `cd /home/kamal-proxy/.config/kamal-proxy && ${code}`);
  await state("chown 0 . kamal-proxy.state && chmod 444 kamal-proxy.state && chmod 555 .");
  await using load = startLoad([`http://${host.address}/`], { rate: 60, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
  const { status, stderr } = await project.run(["deploy", "--version", "w2"], { VERSION: "w2" });
  expect(status).toBe(5);
  expect(stderr).toContain("Cannot confirm the switch of app-web");
  await state("chown 1001 . kamal-proxy.state && chmod 644 kamal-proxy.state && chmod 755 .");
  await project.deploy("w3");
  expect(await served([host])).toEqual(["w3"]);
  expect(await host.running("app")).toEqual(["app-web-w3"]);
  const report = await load.stop();
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
}, 120_000);

describe("Traefik's files", () => {
  const traefik = (service: string, more: string): Promise<Project> => makeProject(lab, { service, app: makeLoadApp, proxy: "undefined", more: `${more} drainTimeout: 2, stopTimeout: 2,` });
  let project: Project;
  beforeAll(async () => {
    await emptyHost();
    // A small file system for its folder alone, which can be filled.
    await host.exec("mkdir -p .kamal/traefik && mount -t tmpfs -o size=200k tmpfs .kamal/traefik");
    project = await traefik("one", "traefik: {},");
    await project.must(["setup", "--version", "f1"], { VERSION: "f1" });
  }, 120_000);

  test("another app's broken file: the new version is refused, the file is named, nothing changes", async () => {
    await host.exec(`echo 'http: {routers: {x: {rul: "a"}}}' > .kamal/traefik/dynamic/other.yml; sleep 1`);
    const { status, stderr } = await project.run(["deploy", "--version", "f2"], { VERSION: "f2" });
    expect(status).toBe(5);
    expect(stderr).toContain("Traefik does not take the new route of one-web. Nothing was switched.");
    expect(stderr).toContain("other.yml");
    expect(await served([host])).toEqual(["f1"]);
    await host.exec("rm .kamal/traefik/dynamic/other.yml");
    await project.deploy("f3");
    expect(await served([host])).toEqual(["f3"]);
  }, 60_000);

  test("a rule that Traefik refuses: the message of its API is shown, nothing changes", async () => {
    const typo = await traefik("one", 'labels: { "traefik.http.routers.one.rule": "Hots(`a.example`)" },');
    const { status, stderr } = await typo.run(["deploy", "--version", "f4"], { VERSION: "f4" });
    expect(status).toBe(5);
    expect(stderr).toMatch(/unsupported function: Hots|Hots/);
    expect(await served([host])).toEqual(["f3"]);
    expect((await host.exec("ls .kamal/traefik/dynamic")).stdout).toBe("one-web.yml\n");
  }, 60_000);

  test("a full disk: the old route stays", async () => {
    await host.exec("dd if=/dev/zero of=.kamal/traefik/filler bs=1k 2> /dev/null");
    const { status, stderr } = await project.run(["deploy", "--version", "f5"], { VERSION: "f5" });
    await host.exec("rm .kamal/traefik/filler");
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/no space left/i);
    expect(await served([host])).toEqual(["f3"]);
    await project.deploy("f6");
    expect(await served([host])).toEqual(["f6"]);
  }, 60_000);

  test("a name that another app has: refused before anything is changed", async () => {
    const other = await traefik("two", 'labels: { "traefik.http.routers.one-web.rule": "Host(`two.example`)", "traefik.http.routers.one-web.service": "two-web" },');
    const { status, stderr } = await other.run(["deploy", "--version", "f7"], { VERSION: "f7" });
    expect(status).not.toBe(0);
    expect(stderr).toContain("http.routers.one-web");
    expect(stderr).toContain("Nothing was changed");
    expect(await served([host])).toEqual(["f6"]);
  }, 60_000);
});
