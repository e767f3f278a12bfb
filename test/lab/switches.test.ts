import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeLoadApp } from "./load-app.ts";
import { startMixedLoad, type MixedReport } from "./mixed-load.ts";
import { makeProject, type Project } from "./project.ts";

/** Everything at once, and a switch after the other: no request may be lost, and none may reach what was left behind. */
const drivers = [
  { driver: "kamal-proxy", config: { proxy: "{ buffering: { requests: false, responses: false } }" }, sockets: "closed at the switch" },
  { driver: "traefik", config: { proxy: "undefined", more: "traefik: {}, healthcheck: { port: 80 }, " }, sockets: "open until the old container stops" },
] as const;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ hosts: 1, proxies: ["kamal-proxy", "traefik"] });
}, 1_800_000);
afterAll(() => lab?.stop());

/** Images stay: they cannot be pulled again. */
const emptyHost = async (): Promise<void> => void (await lab.host(1).exec("docker rm -f $(docker ps -aq); docker volume prune -af; rm -rf .kamal"));

/** The project of one driver: stop and drain times that let a test end. */
const projectOf = (config: (typeof drivers)[number]["config"], service: string, more = ""): Promise<Project> =>
  makeProject(lab, { ...config, service, app: makeLoadApp, more: `${"more" in config ? config.more : ""} drainTimeout: 5, stopTimeout: 5, retainContainers: 2, ${more}` });

const requests = ({ sent }: MixedReport): number => Object.values(sent).reduce((sum, count) => sum + count, 0);
const figures = (report: MixedReport): string =>
  `${requests(report)} requests (${Object.entries(report.sent).map(([kind, count]) => `${count} ${kind}`).join(", ")}), errors ${JSON.stringify(report.errors)}; p50 ${report.p50} ms, p99 ${report.p99} ms, max ${report.max} ms; ${report.keptConnections} connections kept; finished by what was left behind ${JSON.stringify(report.drained)}; websockets ${JSON.stringify({ ...report.sockets, closed: report.sockets.closed.length })}`;
const range = (numbers: readonly number[]): string => `${Math.min(...numbers)} to ${Math.max(...numbers)}`;

describe.each(drivers)("20 switches of $driver", ({ driver, config, sockets }) => {
  test(`lose nothing; websockets are ${sockets}`, async () => {
    const project = await projectOf(config, "load");
    await project.must(["setup", "--version", "v0"], { VERSION: "v0" });
    await using load = startMixedLoad(`http://${lab.host(1).address}/`);
    await Bun.sleep(1_000);
    const returned: { version: string; at: number }[] = [];
    /** By version: when its container stopped, milliseconds since 1970. */
    const stopped: Record<string, number> = {};
    const seconds: number[] = [];
    for (let i = 1; i <= 20; i++) {
      const started = performance.now();
      await project.deploy(`v${i}`);
      seconds.push((performance.now() - started) / 1000);
      returned.push({ version: `v${i}`, at: Date.now() });
      stopped[`v${i - 1}`] = Date.parse((await lab.host(1).docker("inspect", "--format", "{{.State.FinishedAt}}", `load-web-v${i - 1}`)).stdout.trim());
    }
    await Bun.sleep(500);
    const report = await load.stop();
    const afterSwitch = report.sockets.closed.map(({ version, closedAt }) => closedAt - (report.firstAnswered[`v${Number(version.slice(1)) + 1}`] ?? NaN));
    const afterStop = report.sockets.closed.map(({ version, closedAt }) => closedAt - (stopped[version] ?? NaN));
    console.log(`${driver}, 20 switches: ${figures(report)}, closed ${range(afterSwitch)} ms after the switch and ${range(afterStop)} ms after the stop; ${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)} s a deploy`);
    expect(report.errors).toEqual({});
    expect(report.unfinished).toBe(0);
    expect(Object.keys(report.answers).sort()).toEqual(["v0", ...returned.map(({ version }) => version)].sort());
    // Whoever asks after the deploy has returned gets the new version.
    expect(returned.filter((_, i) => (report.lastSent[i === 0 ? "v0" : `v${i}`] ?? 0) > (returned[i]?.at ?? 0)).map(({ version }) => version)).toEqual([]);
    // One change: nobody gets the old version once somebody has got the new one, and connections of clients outlive it.
    expect(report.mixed).toBe(0);
    expect(report.keptConnections).toBe(16);
    expect(report.sent.kept).toBeGreaterThan(1_000);
    for (const kind of ["slow", "upload", "stream"] as const) expect(report.sent[kind]).toBeGreaterThan(5);
    // Requests were under way at switches, and came to their end.
    expect((report.drained.slow ?? 0) + (report.drained.upload ?? 0) + (report.drained.stream ?? 0)).toBeGreaterThan(20);
    // Four sockets, each closed once by every switch at its time, and nothing lost while they were open.
    expect(report.sockets.opened).toBe(4 * 21);
    expect(report.sockets.closed.length).toBe(4 * 20);
    expect(report.sockets.wrong).toBe(0);
    expect(report.sockets.closed.filter(({ unanswered }) => unanswered > 1)).toEqual([]);
    const isCut = sockets === "closed at the switch";
    expect((isCut ? afterSwitch : afterStop).filter((ms) => !(Math.abs(ms) < 1_000))).toEqual([]);
    if (!isCut) expect(afterSwitch.filter((ms) => !(ms > 1_000))).toEqual([]);
    await emptyHost();
  }, 900_000);
});

describe("what a version brings along", () => {
  test("a deploy that changes rule, middlewares, entry points, health path or port loses nothing", async () => {
    const project = await makeProject(lab, {
      service: "load", app: makeLoadApp, proxy: "undefined", clear: `{ PORTS: process.env.PORT ?? "80" }`,
      more: `drainTimeout: 5, stopTimeout: 5, retainContainers: 2,
  labels: JSON.parse(process.env.LABELS ?? "{}"),
  healthcheck: { path: process.env.HEALTH_PATH ?? "/up", port: Number(process.env.PORT ?? 80) },
  traefik: {},`,
    });
    await project.must(["setup", "--version", "c0"], { VERSION: "c0" });
    const own = "traefik.http.routers.load";
    const changes: readonly Readonly<Record<string, string>>[] = [
      { HEALTH_PATH: "/healthz" },
      { LABELS: JSON.stringify({ [`${own}.rule`]: "PathPrefix(`/`) && !Path(`/nowhere`)" }) },
      { LABELS: JSON.stringify({ [`${own}.rule`]: `Host(\`${lab.host(1).address}\`)`, [`${own}.middlewares`]: "mark,tries", "traefik.http.middlewares.mark.headers.customresponseheaders.X-Mark": "a", "traefik.http.middlewares.tries.retry.attempts": "3" }) },
      { LABELS: JSON.stringify({ [`${own}.rule`]: `Host(\`${lab.host(1).address}\`)`, [`${own}.middlewares`]: "mark@docker", [`${own}.entrypoints`]: "http", "traefik.http.middlewares.mark.headers.customresponseheaders.X-Mark": "b" }), PORT: "8000" },
      { LABELS: JSON.stringify({ "traefik.http.routers.other.rule": "PathPrefix(`/up`)", [`${own}.priority`]: "5" }), PORT: "3000", HEALTH_PATH: "/healthz" },
      {},
    ];
    await using load = startMixedLoad(`http://${lab.host(1).address}/`);
    await Bun.sleep(500);
    for (const [i, env] of changes.entries()) await project.must(["deploy", "--version", `c${i + 1}`], { VERSION: `c${i + 1}`, ...env });
    await Bun.sleep(500);
    const report = await load.stop();
    console.log(`traefik, ${changes.length} switches with other labels: ${figures(report)}`);
    expect(report.errors).toEqual({});
    expect(report.unfinished).toBe(0);
    expect(Object.keys(report.answers).sort()).toEqual(["c0", ...changes.map((_, i) => `c${i + 1}`)]);
    await emptyHost();
  }, 400_000);

  test("a deploy that changes health path and port behind kamal-proxy loses nothing", async () => {
    const project = await makeProject(lab, {
      service: "load", app: makeLoadApp, clear: `{ PORTS: process.env.PORT ?? "80" }`, more: "drainTimeout: 5, stopTimeout: 5, retainContainers: 2,",
      proxy: `{ appPort: Number(process.env.PORT ?? 80), healthcheck: { path: process.env.HEALTH_PATH ?? "/up" }, buffering: { requests: false, responses: false } }`,
    });
    await project.must(["setup", "--version", "c0"], { VERSION: "c0" });
    await using load = startMixedLoad(`http://${lab.host(1).address}/`);
    await Bun.sleep(500);
    for (const [i, env] of [{ HEALTH_PATH: "/healthz" }, { PORT: "8000" }, { PORT: "3000", HEALTH_PATH: "/healthz" }, {}].entries()) await project.must(["deploy", "--version", `c${i + 1}`], { VERSION: `c${i + 1}`, ...env });
    const report = await load.stop();
    console.log(`kamal-proxy, 4 switches with other settings: ${figures(report)}`);
    expect(report.errors).toEqual({});
    expect(report.unfinished).toBe(0);
    await emptyHost();
  }, 300_000);
});
