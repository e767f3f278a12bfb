import { describe, expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import { isDeployError } from "../../lib/ground/errors.ts";
import type { ContainerState, Readiness, WaitStep } from "../../lib/ground/step.ts";
import type { HttpAnswer } from "../../lib/ground/world.ts";
import { likelyCause } from "../../lib/run/diagnose.ts";
import { awaitReady, describeAnswer, describeState } from "../../lib/run/wait.ts";
import { fakeWorld } from "../support/world.ts";

const running: ContainerState = { status: "running", health: undefined, exitCode: 0, oomKilled: false, restartCount: 0, address: "172.18.0.2", exposedPorts: [80] };
const http: Readiness = { kind: "http", port: 80, path: "/up", keys: { path: "proxy.healthcheck.path", port: "proxy.appPort" }, intervalMs: 1_000, timeoutMs: 5_000 };
const settled: Readiness = { kind: "running", readinessDelayMs: 7_000 };

/** Waits for a container that goes through these states, one a look; the last one stays. */
async function waitFor(readiness: Readiness, states: readonly Partial<ContainerState>[], probe?: (attempt: number) => HttpAnswer | Promise<HttpAnswer>): Promise<{ error: unknown; seconds: number; probes: string[] }> {
  const { world, events } = fakeWorld({ answers: { h1: [[/./, ""]] }, ...(probe === undefined ? {} : { probe: (_host: string, attempt: number) => probe(attempt) }) });
  let look = 0;
  const step: WaitStep = { kind: "wait", title: "Wait", role: "web", container: "c", readiness, deadlineMs: 30_000, logs: sh`logs`, state: { command: sh`inspect`, parse: () => ({ ...running, ...states[Math.min(look++, states.length - 1)] }) } };
  const started = world.clock.now();
  const error: unknown = await awaitReady(world, "h1", step).then(() => undefined, (thrown: unknown) => thrown);
  return { error, seconds: (world.clock.now() - started) / 1000, probes: events.flatMap((event) => (event.type === "probe" ? [event.answer] : [])) };
}

describe("awaitReady()", () => {
  test("counts a container without a proxy as ready once it ran for the readiness delay", async () => {
    const { error, seconds } = await waitFor(settled, [{}]);
    expect(error).toBeUndefined();
    expect(seconds).toBeGreaterThanOrEqual(7);
    expect(seconds).toBeLessThan(9);
  });

  test("gives a question up whose container was started again meanwhile, and tells why it crashed before", async () => {
    const crashed = { status: "restarting", exitCode: 3, restartCount: 1 };
    const { error, probes } = await waitFor(http, [crashed, { restartCount: 1 }, { restartCount: 3 }], () => new Promise(() => undefined));
    expect(probes).toEqual(["restarting, exit code 3, restarted 1 times", "running, restarted 3 times"]);
    expect(isDeployError(error) && error.details.at(-1)).toBe("likely cause: the application starts and crashes again and again (exit code 3)");
  });

  test("does not ask again what the host has just said, and asks where that cannot be read", async () => {
    const state = { command: sh`inspect`, parse: (text: string) => { if (text === "") throw new Error("no answer"); return { ...running, status: text }; } };
    const step: WaitStep = { kind: "wait", title: "Wait", role: "web", container: "c", readiness: http, deadlineMs: 30_000, logs: sh`logs`, state };
    const looks = async (said?: string): Promise<readonly string[]> => {
      const { world, ran } = fakeWorld({ answers: { h1: [[/./, "running"]] } });
      await awaitReady(world, "h1", step, said);
      return ran;
    };
    expect(await looks("running")).toEqual([]);
    expect(await looks("")).toEqual(["h1 $ inspect"]);
    expect(await looks()).toEqual(["h1 $ inspect"]);
  });

  test("counts from the last start", async () => {
    const { error, seconds } = await waitFor(settled, [{}, {}, { status: "created" }, {}]);
    expect(error).toBeUndefined();
    expect(seconds).toBeGreaterThanOrEqual(10);
  });

  test("goes by the image's own healthcheck where there is one", async () => {
    const { error, seconds } = await waitFor(settled, [{ health: "starting" }, { health: "unhealthy" }, { health: "healthy" }]);
    expect(error).toBeUndefined();
    expect(seconds).toBeLessThan(3);
  });

  test("never counts a container that crashed once and was restarted", async () => {
    const { error } = await waitFor(settled, [{ restartCount: 1, exitCode: 1 }]);
    expect(error).toMatchObject({ failure: "health" });
    expect(isDeployError(error) ? error.details.at(-1) : "").toBe("likely cause: the application starts and crashes again and again (exit code 1)");
  });

  test("leaves the question to the proxy on a host that forbids forwarding", async () => {
    expect((await waitFor(http, [{}], () => ({ ok: false, reason: "forbidden", detail: "AllowTcpForwarding is off", durationMs: 1 }))).error).toBeUndefined();
  });

  test("asks nothing before the container runs, then often", async () => {
    const { probes, seconds } = await waitFor(http, [{ status: "created" }, { status: "created" }, {}]);
    expect(probes).toEqual(["created", "created", '200, body "ok"']);
    expect(seconds).toBeLessThan(0.5);
  });

  test("says that Docker does not answer when it does not", async () => {
    const { world } = fakeWorld({ answers: { h1: [[/./, 1]] } });
    const step: WaitStep = { kind: "wait", title: "Wait", container: "c", readiness: http, deadlineMs: 30_000, logs: sh`logs`, state: { command: sh`inspect`, parse: () => { throw new Error("empty"); } } };
    expect(await awaitReady(world, "h1", step).catch((error: unknown) => error)).toMatchObject({ failure: "command", host: "h1", message: "Cannot look at c on h1: Docker does not answer as expected" });
  });
});

const refused: HttpAnswer = { ok: false, reason: "refused", detail: "connection refused", durationMs: 1 };
const answered = (status: number, headers: Record<string, string> = {}): HttpAnswer => ({ ok: true, status, headers, body: "", durationMs: 1 });

test.each<[string, Readiness, Partial<ContainerState>, HttpAnswer | undefined, readonly string[], string | undefined]>([
  ["a wrong port", http, { exposedPorts: [3000] }, refused, [], "nothing listens on port 80; the image exposes 3000"],
  ["an application bound to 127.0.0.1", http, {}, refused, [], "nothing listens on port 80 of the container's address: a wrong port, or an application bound to 127.0.0.1"],
  ["a redirect", http, {}, answered(302, { location: "/login" }), [], "/up redirects to /login: a healthcheck counts only 2xx"],
  ["a missing path", http, {}, answered(404), [], "the application has no /up"],
  ["a login", http, {}, answered(403), [], "/up asks for a login or refuses the Host header"],
  ["an error of its own", http, {}, answered(500), [], "the application answers /up with an error of its own"],
  ["a blocked application", http, {}, { ok: false, reason: "timeout", detail: "", durationMs: 5000 }, [], "the application took the connection and did not answer within 5 s"],
  ["too little memory", http, { oomKilled: true, status: "exited", exitCode: 137 }, undefined, [], "the container was killed for using too much memory"],
  ["a crash loop", http, { restartCount: 3, exitCode: 1 }, undefined, [], "the application starts and crashes again and again (exit code 1)"],
  ["a command that is not there", http, { status: "exited", exitCode: 127 }, undefined, [], "the command of the image or of the role's cmd cannot be run (exit code 127)"],
  ["another architecture", http, { status: "exited", exitCode: 1 }, undefined, ["exec /app: exec format error"], "the image was built for another architecture than this host's"],
  ["an image's own healthcheck", settled, { health: "unhealthy" }, undefined, [], "Docker's own healthcheck of the image fails"],
  ["nothing usual", http, {}, { ok: false, reason: "reset", detail: "", durationMs: 1 }, [], undefined],
])("likelyCause() tells %s", (_title, readiness, state, answer, log, text) => {
  expect(likelyCause(readiness, [{ afterMs: 0, state: { ...running, ...state }, answer }], log)?.text).toBe(text);
});

test("describeAnswer() and describeState() fit on a line", () => {
  expect(describeAnswer({ ...answered(200), body: `a\n\n b ${"x".repeat(200)}` } as HttpAnswer)).toBe(`200, body "a b ${"x".repeat(116)}"`);
  expect(describeState({ ...running, status: "restarting", exitCode: 1, restartCount: 2 })).toBe("restarting, exit code 1, restarted 2 times");
});
