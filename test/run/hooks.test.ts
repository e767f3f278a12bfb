import { describe, expect, test } from "bun:test";
import { hookNames, type HookContext, type HookName, type Hooks } from "../../lib/config/hooks.ts";
import { DeployError } from "../../lib/ground/errors.ts";
import { changes } from "../../lib/run/changes.ts";
import { runChange, type Change } from "../../lib/run/change.ts";
import type { Task } from "../../lib/run/task.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { containerLine, obliging, taskOf } from "../support/task.ts";
import { fakeWorld, type FakeOptions, type FakeWorld } from "../support/world.ts";

const shop = settingsOf({ builder: { ...settingsOf().builder, context: "." } });
const hosts = { "10.0.0.1": obliging([containerLine("web", "1", "a1")]), "10.0.0.2": obliging([containerLine("jobs", "1", "b1")]) };

interface Ended {
  readonly fake: FakeWorld;
  readonly error: DeployError | undefined;
}

async function runWith(hooks: Hooks, change: Change = changes.deploy({ skipPush: true }), more: Partial<Task> & { readonly options?: FakeOptions } = {}): Promise<Ended> {
  const { options, ...rest } = more;
  const fake = fakeWorld({ answers: hosts, ...options });
  const error = await runChange(fake.world, taskOf({ ...shop, hooks }, rest), change).then(() => undefined, (thrown: unknown) => thrown);
  if (error !== undefined) expect(error).toBeInstanceOf(DeployError);
  return { fake, error: error as DeployError | undefined };
}

/** All hooks, each of which writes down its name and what `about` makes of its context. */
function recording(about: (context: HookContext) => string = () => ""): { hooks: Hooks; calls: string[] } {
  const calls: string[] = [];
  const hooks = Object.fromEntries(hookNames.map((name) => [name, (context: HookContext) => void calls.push(`${name}${about(context)}`)])) as Hooks;
  return { hooks, calls };
}

const withoutBroadcasts = (calls: readonly string[]): string[] => calls.filter((call) => !call.startsWith("auditBroadcast"));

describe("hooks of a deploy", () => {
  test("are called in this order, with what is known by then", async () => {
    const { hooks, calls } = recording(({ hosts, locked }) => ` ${hosts.join(",")}${locked ? " locked" : ""}`);
    await runWith(hooks, changes.setup({}));
    expect(withoutBroadcasts(calls)).toEqual([
      "preConnect 10.0.0.1,10.0.0.2",
      "dockerSetup 10.0.0.1,10.0.0.2 locked",
      "preBuild 10.0.0.1,10.0.0.2 locked",
      "preDeploy 10.0.0.1,10.0.0.2 locked",
      "preAppBoot 10.0.0.1,10.0.0.2 locked",
      "postAppBoot 10.0.0.1,10.0.0.2 locked",
      "postDeploy 10.0.0.1,10.0.0.2",
    ]);
  });

  test("around the boot are called once for each group, with the hosts of the group", async () => {
    const { hooks, calls } = recording(({ hosts }) => ` ${hosts.join(",")}`);
    const rolling = { ...shop, roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })], boot: { limit: 1, waitSeconds: 0, parallelRoles: false } };
    const fake = fakeWorld({ answers: hosts });
    await runChange(fake.world, taskOf({ ...rolling, hooks }), changes.redeploy({ skipPush: true }));
    expect(calls.filter((call) => call.includes("AppBoot"))).toEqual(["preAppBoot 10.0.0.1", "postAppBoot 10.0.0.1", "preAppBoot 10.0.0.2", "postAppBoot 10.0.0.2"]);
  });

  test("around a rolling reboot of the proxy are called once for each host", async () => {
    const { hooks, calls } = recording(({ hosts, version }) => ` ${hosts.join(",")} ${version}`);
    await runWith(hooks, changes.proxyReboot(), { command: "proxy", subcommand: "reboot", version: undefined });
    expect(withoutBroadcasts(calls)).toEqual(["preConnect 10.0.0.1,10.0.0.2 ", "preProxyReboot 10.0.0.1 ", "postProxyReboot 10.0.0.1 "]);
  });

  test("are all left out with -H", async () => {
    const { hooks, calls } = recording();
    const { error } = await runWith(hooks, changes.setup({}), { hooks: false });
    expect(error).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test("see the run they belong to", async () => {
    let seen: HookContext | undefined;
    await runWith({ preDeploy: (context) => { seen = context; } }, undefined, { version: "0123456789abcdef" });
    expect(seen).toMatchObject({ service: "shop", serviceVersion: "shop@0123456", version: "0123456789abcdef", destination: undefined, performer: "ann@acme.example", roles: ["web", "jobs"], command: "deploy", subcommand: undefined, recordedAt: "2030-01-02T03:04:05Z" });
  });

  test("run commands on hosts, here and in the container that serves", async () => {
    const { fake, error } = await runWith({
      preDeploy: async ({ run, local, exec, secret, log }) => {
        await run("10.0.0.2", "uptime");
        await local(["say", "hello"]);
        await exec("bin/migrate");
        log(await secret("TOKEN"));
      },
    });
    expect(error).toBeUndefined();
    expect(fake.ran).toContain("10.0.0.2 $ uptime");
    expect(fake.ran).toContain("here $ say hello");
    expect(fake.ran).toContain("10.0.0.1 $ docker exec shop-web-1 bin/migrate");
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toContain("value of TOKEN");
  });
});

describe("a hook that throws", () => {
  const stopping: readonly HookName[] = ["preConnect", "dockerSetup", "preBuild", "preDeploy", "preAppBoot", "postAppBoot"];

  test.each(stopping)("stops the run: %s", async (name) => {
    const own = new Error("the queue is not empty");
    const { hooks, calls } = recording();
    const { error, fake } = await runWith({ ...hooks, [name]: () => { throw own; } }, changes.setup({}));
    expect(error).toMatchObject({ failure: "hook", message: `Hook ${name} failed: the queue is not empty`, hint: "Mend the hook in the config, or run the command with -H to leave hooks out." });
    expect(error?.cause).toBe(own);
    expect(own.stack).toContain("hooks.test.ts");
    expect(calls).not.toContain("postDeploy");
    expect(fake.ran.filter((text) => text.includes("docker stop"))).toEqual([]);
    expect(fake.ran.at(-1)).toBe(name === "preConnect" ? undefined : "10.0.0.1 $ release the lock");
  });

  test("after the switch takes the switch back", async () => {
    const { error, fake } = await runWith({ postAppBoot: () => Promise.reject(new Error("smoke test")) });
    expect(error?.state).toEqual(["Taken back on 10.0.0.1: Switch shop-web back", "Taken back on 10.0.0.2: Remove shop-jobs-2", "Taken back on 10.0.0.1: Remove shop-web-2", "Every host serves what it served before: 1."]);
    expect(fake.events.flatMap((event) => (event.type === "undo" ? [event.title] : []))).toEqual(["Switch shop-web back", "Remove shop-jobs-2", "Remove shop-web-2"]);
  });

  test("after the deploy fails the run and says that the new version serves", async () => {
    const { error } = await runWith({ postDeploy: () => { throw new Error("chat is down"); } });
    expect(error).toMatchObject({ failure: "hook", state: ["Version 2 serves on every host."] });
  });

  test("keeps what a command in it said", async () => {
    const { error } = await runWith({ preDeploy: ({ local }) => local(["bin/check"]).then(() => undefined) }, undefined, { options: { here: [[/bin\/check/, 3], [/./, ""]] } });
    expect(error?.cause).toMatchObject({ name: "ProgramError", message: 'Cannot run "bin/check" here: it ended with status 3' });
  });

  test.each<[string, (signal: AbortSignal) => Promise<void>]>([
    ["does not look at its signal", () => new Promise(() => undefined)],
    ["throws because its signal was aborted", (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))))],
  ])("is cancelled, not failed, when Ctrl-C comes while it %s", async (_title, work) => {
    const fake = fakeWorld({ answers: hosts });
    const hooks: Hooks = { preDeploy: ({ signal }) => { const end = work(signal); fake.abort(); return end; } };
    const error: unknown = await runChange(fake.world, taskOf({ ...shop, hooks }), changes.deploy({ skipPush: true })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled" });
    expect(fake.ran.at(-1)).toBe("10.0.0.1 $ release the lock");
  });
});

describe("auditBroadcast", () => {
  test("gets every line of the audit log, once it is written", async () => {
    const lines: string[] = [];
    await runWith({ auditBroadcast: ({ event }) => void lines.push(`${event.host} ${event.role ?? "-"} ${event.text}`) });
    expect(lines.filter((line) => line.startsWith("10.0.0.1"))).toEqual(["10.0.0.1 - Pulled image with version 2", "10.0.0.1 web Booted app version 2", "10.0.0.1 - Released version 2 on all hosts", "10.0.0.1 - Tagging acme/shop:2 as the latest image"]);
  });

  test("that hangs delays neither the run nor the lock", async () => {
    const timed = async (hooks: Hooks): Promise<string[]> => {
      const { error, fake } = await runWith(hooks);
      expect(error).toBeUndefined();
      return fake.events.flatMap((event) => (event.type === "summary" || (event.type === "lock" && event.state === "released") ? [`${event.type} at ${event.at}`] : []));
    };
    expect(await timed({ auditBroadcast: () => new Promise(() => undefined) })).toEqual(await timed({}));
  });

  test.each<[string, () => void | Promise<void>]>([
    ["throws", () => { throw new Error("chat is down"); }],
    ["rejects", () => Promise.reject(new Error("chat is down"))],
  ])("that %s is told and fails nothing", async (_title, auditBroadcast) => {
    const { error, fake } = await runWith({ auditBroadcast });
    expect(error).toBeUndefined();
    expect(new Set(fake.events.flatMap((event) => (event.type === "notice" ? [`${event.level} ${event.text}`] : [])))).toEqual(new Set(["warn Hook auditBroadcast failed: chat is down"]));
  });

  test("that is slow has arrived when the run is over", async () => {
    let arrived = 0;
    const fake = fakeWorld({ answers: hosts });
    const clock = fake.world.clock;
    await runChange(fake.world, taskOf({ ...shop, hooks: { auditBroadcast: async () => { await clock.sleep(500, fake.world.signal); arrived++; } } }), changes.deploy({ skipPush: true }));
    expect(arrived).toBe(fake.events.filter((event) => event.type === "audit").length);
  });
});

describe("onFailure", () => {
  const broken: FakeOptions = { answers: { ...hosts, "10.0.0.1": [[/docker run .*shop-web-2/, 125], ...obliging()] } };

  test("is told of the error after what could be taken back was taken back, and can reach hosts", async () => {
    const seen: string[] = [];
    const { fake, error } = await runWith({ onFailure: async (context) => { seen.push(`${context.error.failure} ${context.locked}`, ...context.error.state); await context.run("10.0.0.1", "df -h"); } }, undefined, { options: broken });
    expect(seen).toEqual(["command false", "Taken back on 10.0.0.1: Remove shop-web-2", "Every host serves what it served before: 1."]);
    expect(fake.ran.at(-1)).toBe("10.0.0.1 $ df -h");
    expect(error?.failure).toBe("command");
  });

  test("that throws leaves the run's own error as it is", async () => {
    const { fake, error } = await runWith({ onFailure: () => { throw new Error("chat is down"); } }, undefined, { options: broken });
    expect(error?.failure).toBe("command");
    expect(fake.events.flatMap((event) => (event.type === "notice" && event.level === "warn" ? [event.text] : []))).toEqual(["Hook onFailure failed: chat is down"]);
  });

  test("is called after Ctrl-C too", async () => {
    const fake = fakeWorld({ answers: hosts });
    const seen: string[] = [];
    const hooks: Hooks = { preDeploy: () => fake.abort(), onFailure: ({ error, signal }) => void seen.push(`${error.failure} ${signal.aborted}`) };
    await runChange(fake.world, taskOf({ ...shop, hooks }), changes.deploy({ skipPush: true })).catch(() => undefined);
    expect(seen).toEqual(["cancelled false"]);
  });

  test("is not called when all went well", async () => {
    const { hooks, calls } = recording();
    await runWith(hooks);
    expect(calls).not.toContain("onFailure");
  });
});
