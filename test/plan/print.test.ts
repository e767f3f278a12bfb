import { describe, expect, test } from "bun:test";
import { Command, sh } from "../../lib/ground/command.ts";
import { Secret } from "../../lib/ground/secret.ts";
import type { Plan, WaitStep } from "../../lib/ground/step.ts";
import { planLines, printPlan } from "../../lib/plan/print.ts";

const secret = new Secret("DB_PASSWORD", "hunter2");
const wait: WaitStep = {
  kind: "wait", title: "Wait for shop-web-1", role: "web", container: "shop-web-1", deadlineMs: 30_000, logs: sh`logs`,
  readiness: { kind: "http", port: 3000, path: "/up", keys: { path: "proxy.healthcheck.path", port: "proxy.appPort" }, intervalMs: 1000, timeoutMs: 5000 }, state: { command: sh`docker inspect shop-web-1`, parse: () => { throw new Error("not asked"); } },
};
const plan: Plan = {
  notes: ["Hosts differ."],
  phases: [
    { title: "Build", lanes: [{ host: undefined, steps: [{ kind: "local", title: "Build image", program: { argv: ["docker", "buildx", "build", "a b"], cwd: "/clone", input: "FROM x" } }, { kind: "hook", title: "Call preBuild", hook: "preBuild", hosts: ["h1"] }] }] },
    { title: "Nothing", lanes: [{ host: "h1", steps: [] }] },
    {
      title: "Boot", limit: 2,
      lanes: ["h1", "h2"].map((host) => ({ host, steps: [
        { kind: "upload", title: "Write env file", role: "web", path: ".kamal/web.env", content: secret, mode: "0600" },
        { kind: "run", title: "Log in", command: sh`docker login --password-stdin`.stdin(secret) },
        { kind: "run", title: "Two lines", command: new Command("one\ntwo") },
        wait,
      ] })),
    },
    { title: "Prune", optional: true, committed: true, lanes: [{ host: undefined, steps: [{ kind: "pause", title: "Wait 2 s", durationMs: 2000 }] }, { host: "h2", steps: [{ ...wait, readiness: { kind: "running", readinessDelayMs: 7000 } }] }] },
  ],
};

test("printPlan() shows notes, phases, equal hosts once, and no secret", () => {
  expect(printPlan(plan)).toBe(`note: Hosts differ.

== Build
here:
  Build image
    % docker buildx build 'a b' < secret or text on standard input
  Call preBuild
    @ preBuild

== Boot (2 at once)
h1, h2:
  Write env file
    > .kamal/web.env (0600)
  Log in
    $ docker login --password-stdin < secret or text on standard input
  Two lines
    $ one
      two
  Wait for shop-web-1
    ? GET http://shop-web-1:3000/up, at most 30 s

== Prune (a failure here is only told)
here:
  Wait 2 s
    ~ sleep 2
h2:
  Wait for shop-web-1
    ? docker inspect shop-web-1, at most 30 s`);
});

test("printPlan() says when there is nothing to do", () => {
  expect(printPlan({ notes: [], phases: [{ title: "Stop", lanes: [{ host: "h1", steps: [] }] }] })).toBe("Nothing to do.");
});

describe("planLines()", () => {
  const lines = planLines(plan);

  test("gives one entry a step, in the order in which they are carried out", () => {
    expect(lines.map(({ phase, host, kind }) => [phase, host, kind])).toEqual([
      ["Build", null, "local"], ["Build", null, "hook"],
      ["Boot", "h1", "upload"], ["Boot", "h1", "run"], ["Boot", "h1", "run"], ["Boot", "h1", "wait"],
      ["Boot", "h2", "upload"], ["Boot", "h2", "run"], ["Boot", "h2", "run"], ["Boot", "h2", "wait"],
      ["Prune", null, "wait"], ["Prune", "h2", "wait"],
    ]);
  });

  test("has the documented keys for each kind", () => {
    expect(lines.slice(0, 6)).toEqual([
      { type: "step", phase: "Build", host: null, role: null, title: "Build image", kind: "local", command: "docker buildx build 'a b'", stdin: true, cwd: "/clone" },
      { type: "step", phase: "Build", host: null, role: null, title: "Call preBuild", kind: "hook", command: "preBuild", stdin: false },
      { type: "step", phase: "Boot", host: "h1", role: "web", title: "Write env file", kind: "upload", command: ".kamal/web.env", stdin: true, path: ".kamal/web.env", mode: "0600" },
      { type: "step", phase: "Boot", host: "h1", role: null, title: "Log in", kind: "run", command: "docker login --password-stdin", stdin: true },
      { type: "step", phase: "Boot", host: "h1", role: null, title: "Two lines", kind: "run", command: "one\ntwo", stdin: false },
      { type: "step", phase: "Boot", host: "h1", role: "web", title: "Wait for shop-web-1", kind: "wait", command: "GET http://shop-web-1:3000/up", stdin: false, deadlineSeconds: 30 },
    ]);
    expect(lines[10]).toEqual({ type: "step", phase: "Prune", host: null, role: null, title: "Wait 2 s", kind: "wait", command: "sleep 2", stdin: false, deadlineSeconds: 2 });
  });

  test("never holds a secret", () => {
    expect(JSON.stringify(lines)).not.toContain("hunter2");
  });
});

describe("what a local step needs beside its command line", () => {
  const build: Plan = {
    notes: [],
    phases: [{
      title: "Build", tunnels: [{ host: "b", port: 5001 }],
      lanes: [{ host: undefined, steps: [
        { kind: "local", title: "Start it", optional: true, program: { argv: ["docker", "start", "r"] } },
        { kind: "local", title: "Run it", fallback: true, program: { argv: ["docker", "run", "r"] } },
        { kind: "local", title: "Build", program: { argv: ["docker", "build"], env: { MODE: "1", TOK: secret } } },
      ] }],
    }, { title: "Pull", tunnels: [{ host: "h1", port: 5001 }, { host: "h2", port: 5001 }], lanes: ["h1", "h2", "h3"].map((host) => ({ host, steps: host === "h3" ? [] : [{ kind: "run", title: "Pull", command: sh`docker pull x` }] })) }],
  };

  test("printPlan() says it", () => expect(printPlan(build)).toBe(`== Build (port 5001 of this machine is port 5001 of b meanwhile)
here:
  Start it
    % docker start r
  Run it
    % docker run r, only if the step before fails
  Build
    % MODE=1 docker build, with TOK in its environment

== Pull (port 5001 of this machine is port 5001 of h1, h2 meanwhile)
h1, h2:
  Pull
    $ docker pull x`));

  test("planLines() has it as data", () => {
    const seen = planLines(build).map(({ command, secrets, fallback, tunnels }) => ({ command, secrets, fallback, tunnels }));
    const b = [{ host: "b", port: 5001 }];
    expect(seen).toEqual([
      { command: "docker start r", secrets: undefined, fallback: undefined, tunnels: b },
      { command: "docker run r", secrets: undefined, fallback: true, tunnels: b },
      { command: "MODE=1 docker build", secrets: ["TOK"], fallback: undefined, tunnels: b },
      ...["h1", "h2"].map((host) => ({ command: "docker pull x", secrets: undefined, fallback: undefined, tunnels: [{ host, port: 5001 }] })),
    ]);
  });
});
