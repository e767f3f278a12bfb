import { describe, expect, test } from "bun:test";
import { appExec, commandOf, planExec, planExecInServing, type ExecOptions } from "../../lib/run/exec.ts";
import type { Offline } from "../../lib/run/change.ts";
import type { Release } from "../../lib/remote/releases.ts";
import { planLogs, serving } from "../../lib/run/looks.ts";
import { settingsOf } from "../support/settings.ts";
import { containerLine, obliging, taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const shop = settingsOf();
const task = taskOf(shop, { command: "app", subcommand: "exec", version: undefined });
const options: ExecOptions = { reuse: false, env: {}, detach: false, interactive: "no" };
const hosts = { "10.0.0.1": obliging([containerLine("web", "2", "a2"), containerLine("web", "1", "a1")]), "10.0.0.2": obliging([containerLine("jobs", "1", "b1")]) };

describe("commandOf()", () => {
  test("takes one word as shell text and several as words", () => {
    expect(commandOf(["echo $HOME | wc -c"]).text).toBe("echo $HOME | wc -c");
    expect(commandOf(["echo", "$HOME", "a b"]).text).toBe("echo '$HOME' 'a b'");
  });

  test.each([[[]], [[""]], [["  "]]])("refuses %j", (words: string[]) => {
    expect(() => commandOf(words)).toThrow(expect.objectContaining({ failure: "usage", hint: "For example: `capstan app exec bin/check`." }));
  });
});

const plan = await planExec(task, ["bin/check"], { ...options, env: { DEBUG: "1" } }, { seed: "5eed", recordedAt: "2030-01-02T03:04:05Z", calling: true });

describe("appExec()", () => {
  test("signs in, writes env files and records before it runs anything", async () => {
    const { world, ran } = fakeWorld({ answers: hosts });
    const outputs = await appExec(world, task, plan);
    expect(outputs.map(({ host, role, status }) => [host, role, status])).toEqual([["10.0.0.1", "web", 0], ["10.0.0.2", "jobs", 0]]);
    const first = ran.findIndex((text) => text.includes("docker run"));
    expect(ran.slice(0, first).filter((text) => text.startsWith("10.0.0.1")).map((text) => /docker login|docker network|web\.env|Executed cmd/.exec(text)?.[0])).toEqual(["docker login", "docker network", "web.env", "Executed cmd"]);
    expect(ran[first]).toMatch(/^10\.0\.0\.1 \$ docker run --rm --name shop-web-exec-latest-[0-9a-f]{6} .*--env DEBUG=1 .*acme\/shop:latest bin\/check$/);
  });

  test("runs nothing anywhere when a host cannot be prepared", async () => {
    const { world, ran } = fakeWorld({ answers: { ...hosts, "10.0.0.2": [[/docker login/, 1], [/./, ""]] } });
    expect(await appExec(world, task, plan).catch((error: unknown) => error)).toMatchObject({ failure: "command", host: "10.0.0.2", message: "Cannot prepare 10.0.0.2 for the command" });
    expect(ran.filter((text) => text.includes("docker run"))).toEqual([]);
  });

  test("keeps secrets out of every command", () => {
    expect([...plan.prepare, ...plan.errands].map(({ command }) => command.text).join("\n")).not.toMatch(/k1|pw/);
  });

  test("with --reuse runs in the container that serves", async () => {
    const { world, ran } = fakeWorld({ answers: hosts });
    await appExec(world, task, await planExecInServing(world, task, ["bin/check"], { ...options, reuse: true }));
    expect(ran.filter((text) => / \$ docker exec /.test(text))).toEqual(["10.0.0.1 $ docker exec shop-web-2 bin/check", "10.0.0.2 $ docker exec shop-jobs-1 bin/check"]);
  });

  test("with --reuse names what is not running", async () => {
    const { world } = fakeWorld({ answers: { ...hosts, "10.0.0.2": obliging() } });
    expect(await planExecInServing(world, task, ["bin/check"], options).catch((error: unknown) => error)).toMatchObject({ failure: "missing", message: "Nothing is running of jobs on 10.0.0.2" });
  });
});

describe("planExecInServing()", () => {
  const exec = (more: Partial<ExecOptions>, version: string | undefined, offline?: Offline) =>
    planExecInServing(fakeWorld({ answers: hosts }).world, { ...task, version }, ["bin/check"], { ...options, ...more }, offline).then(
      ({ prepare, errands }) => [...prepare, ...errands].map(({ host, command }) => `${host} $ ${command}`),
      (error: unknown) => error,
    );
  const known: Offline = { facts: new Map([["10.0.0.1", { docker: "28", network: true, proxy: undefined, accessories: [], images: [], containers: [{ id: "a1", name: "shop-web-1", role: "web", version: "1", state: "running", status: "Up", image: "acme/shop:1" }] }]]) };

  test("takes the container of a version that was asked for", async () => {
    expect(await exec({}, "1")).toEqual(["10.0.0.1 $ docker exec shop-web-1 bin/check", "10.0.0.2 $ docker exec shop-jobs-1 bin/check"]);
    expect(await exec({}, "2")).toMatchObject({ failure: "missing", message: "Nothing is running of jobs at version 2 on 10.0.0.2" });
  });

  test("takes the container that a release left in place as the version, by either name", async () => {
    const left = (releases: readonly Release[]): Offline => ({ facts: new Map([...known.facts].map(([host, facts]) => [host, { ...facts, releases }])) });
    const kept = left([{ version: "2", at: "", kept: { web: "1" } }]);
    for (const version of ["1", "2"]) expect(await exec({}, version, kept)).toEqual(["10.0.0.1 $ docker exec shop-web-1 bin/check", `10.0.0.2 $ docker exec shop-jobs-${version} bin/check`]);
    expect(await exec({}, "2", left([{ version: "2", at: "" }]))).toMatchObject({ failure: "missing" });
  });

  test("joins the user's input to it", async () => {
    expect(await exec({ interactive: "terminal", env: { A: "1" } }, "1")).toContain("10.0.0.1 $ docker exec -it --env A=1 shop-web-1 bin/check");
    expect(await exec({ interactive: "pipe" }, "1")).toContain("10.0.0.1 $ docker exec -i shop-web-1 bin/check");
  });

  test("without asking takes what the facts tell, and else the version for granted", async () => {
    expect(await exec({}, "7", { facts: new Map() })).toEqual(["10.0.0.1 $ docker exec shop-web-7 bin/check", "10.0.0.2 $ docker exec shop-jobs-7 bin/check"]);
    expect(await exec({}, "1", known)).toEqual(["10.0.0.1 $ docker exec shop-web-1 bin/check", "10.0.0.2 $ docker exec shop-jobs-1 bin/check"]);
    expect(await exec({}, "7", known)).toMatchObject({ failure: "missing", message: "Nothing is running of web at version 7 on 10.0.0.1" });
    expect(await exec({}, undefined, known)).toMatchObject({ failure: "usage", message: "Cannot tell which container serves on 10.0.0.2 without asking it" });
  });
});

test("serving() names version and container of every role on every host", async () => {
  const { world } = fakeWorld({ answers: { ...hosts, "10.0.0.2": obliging() } });
  expect((await serving(world, task)).map(({ host, role, version }) => [host, role, version])).toEqual([["10.0.0.1", "web", "2"], ["10.0.0.2", "jobs", undefined]]);
});

test("planLogs() asks where something serves, and refuses when nothing does", async () => {
  const some = fakeWorld({ answers: { ...hosts, "10.0.0.2": obliging() } });
  expect(planLogs(task, { timestamps: true }, undefined, await serving(some.world, task)).errands.map(({ host }) => host)).toEqual(["10.0.0.1"]);
  const none = fakeWorld({ answers: { "10.0.0.1": obliging(), "10.0.0.2": obliging() } });
  const nothing = await serving(none.world, task);
  expect(() => planLogs(task, { timestamps: true }, undefined, nothing)).toThrow("Nothing of shop is running on 10.0.0.1, 10.0.0.2");
});
