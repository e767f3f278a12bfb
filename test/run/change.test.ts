import { describe, expect, test } from "bun:test";
import { DeployError } from "../../lib/ground/errors.ts";
import type { Channel, World } from "../../lib/ground/world.ts";
import type { Task } from "../../lib/run/task.ts";
import { planChange, runChange, type Change } from "../../lib/run/change.ts";
import { changes } from "../../lib/run/changes.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { containerLine, factsAnswer, obliging, taskOf } from "../support/task.ts";
import { fakeWorld, type FakeOptions, type FakeWorld } from "../support/world.ts";

/** The working tree is built: there is no git repository. */
const shop = settingsOf({ builder: { ...settingsOf().builder, context: "." } });
const hosts = { "10.0.0.1": obliging([containerLine("web", "1", "a1")]), "10.0.0.2": obliging([containerLine("jobs", "1", "b1")]) };

async function failing(options: FakeOptions, task: Task, change: Change): Promise<{ error: DeployError; fake: FakeWorld }> {
  const fake = fakeWorld(options);
  const error = await runChange(fake.world, task, change).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DeployError);
  return { error: error as DeployError, fake };
}

/** What was done on hosts, without the questions. */
const onHosts = (ran: readonly string[]): string[] => ran.filter((text) => !text.startsWith("here") && !text.includes("docker version"));
/** The same without what is pulled ahead. */
const changed = (ran: readonly string[]): string[] => onHosts(ran).filter((text) => !/\$ docker (login|pull) /.test(text));

describe("runChange()", () => {
  test("connects, locks, builds, looks, deploys and gives the lock back", async () => {
    const { world, ran, events, connected, beats } = fakeWorld({ answers: hosts });
    const outcome = await runChange(world, taskOf(shop), changes.deploy({}));
    expect(connected).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(outcome).toMatchObject({ command: "deploy", service: "shop", from: ["1"], to: "2", hosts: ["10.0.0.1", "10.0.0.2"] });
    expect(outcome.phases.map(({ phase }) => phase)).toEqual([
      "Read secrets", "Connect", "Take the lock", "Prepare the build", "Build and push image", "Look at hosts", "Pull image", "Prepare hosts", "Boot web", "Boot jobs", "Switch", "Retire old containers", "Prune",
    ]);
    const changing = ran.findIndex((text) => /docker (login|pull)/.test(text) && !text.startsWith("here"));
    expect(ran.indexOf("10.0.0.1 $ take the lock")).toBeGreaterThanOrEqual(0);
    expect(changing).toBeGreaterThan(ran.indexOf("10.0.0.1 $ take the lock"));
    expect(changing).toBeGreaterThan(ran.findIndex((text) => text.startsWith("here $ docker buildx build")));
    expect(ran.at(-1)).toBe("10.0.0.1 $ release the lock");
    expect(beats).toContain("Boot web\n");
    expect(events.flatMap((event) => (event.type === "lock" ? [event.state] : []))).toEqual(["taken", "released"]);
    expect(events[0]).toMatchObject({ type: "start", command: "deploy", version: "2" });
    expect(events.at(-1)).toMatchObject({ type: "summary", ok: true, from: ["1"], to: "2" });
  });

  test("gives the lock back when the build fails, with nothing changed on a host", async () => {
    const { error, fake: { ran, events } } = await failing({ answers: hosts, here: [[/^git /, 128], [/buildx build/, 1], [/./, ""]] }, taskOf(shop), changes.deploy({}));
    expect(error.failure).toBe("build");
    expect(error.state).toEqual(["Nothing was changed on any host."]);
    expect(ran.filter((text) => !text.startsWith("here"))).toEqual(["10.0.0.1 $ take the lock", "10.0.0.1 $ release the lock"]);
    expect(events.at(-1)).toMatchObject({ type: "summary", ok: false });
  });

  test("gives the lock back when a host fails, after what was begun is taken back", async () => {
    const { error, fake: { ran } } = await failing({ answers: { ...hosts, "10.0.0.2": [[/docker run .*jobs/, 125], ...obliging()] } }, taskOf(shop), changes.deploy({ skipPush: true }));
    expect(error.state).toEqual(["Taken back on 10.0.0.2: Remove shop-jobs-2", "Taken back on 10.0.0.1: Remove shop-web-2", "Every host serves what it served before: 1."]);
    expect(ran.at(-1)).toBe("10.0.0.1 $ release the lock");
    expect(ran.filter((text) => /kamal-proxy deploy|docker stop/.test(text))).toEqual([]);
  });

  test("takes the lock on the primary host of the service, whatever filters say", async () => {
    const { world, ran, connected } = fakeWorld({ answers: hosts });
    await runChange(world, taskOf(shop, { scope: { hosts: ["10.0.0.2"], roles: [roleOf("jobs", { hosts: ["10.0.0.2"] })], accessories: [], rolesNamed: false, primaryHost: "10.0.0.2" } }), changes.deploy({ skipPush: true }));
    expect(connected).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(ran.filter((text) => text.startsWith("10.0.0.1"))).toEqual(["10.0.0.1 $ take the lock", "10.0.0.1 $ release the lock"]);
  });

  test("works under the lock of the run whose hook called it", async () => {
    const { world, ran } = fakeWorld({ answers: hosts });
    const locked: boolean[] = [];
    await runChange({ ...world, env: { KAMAL_LOCK: "true" } }, taskOf({ ...shop, hooks: { preConnect: (context) => void locked.push(context.locked) } }), changes.deploy({ skipPush: true }));
    expect([locked, ran.filter((text) => text.includes("the lock"))]).toEqual([[true], []]);
    await runChange({ ...world, env: { KAMAL_LOCK: "false" } }, taskOf(shop), changes.deploy({ skipPush: true }));
    expect(ran.filter((text) => text.includes("the lock"))).toEqual(["10.0.0.1 $ take the lock", "10.0.0.1 $ release the lock"]);
  });

  test("refuses missing secrets before any connection", async () => {
    const missing = new DeployError("config", "Cannot find the secrets A and B");
    const { error, fake } = await failing({}, taskOf({ ...shop, secrets: { ...shop.secrets, load: () => Promise.reject(missing) } }), changes.deploy({}));
    expect(error).toBe(missing);
    expect(fake.connected).toEqual([]);
    expect(fake.ran).toEqual([]);
  });

  test("names a host that cannot be reached before it takes the lock", async () => {
    const { error, fake } = await failing({ onConnect: (host) => { if (host === "10.0.0.2") throw new DeployError("connect", "10.0.0.2 refused the connection", { host }); } }, taskOf(shop), changes.deploy({}));
    expect(error).toMatchObject({ failure: "connect", host: "10.0.0.2" });
    expect(onHosts(fake.ran)).toEqual([]);
  });

  test("builds while hosts are connected to, and stops the build when one cannot be reached", async () => {
    const building = Promise.withResolvers<void>();
    const { world, ran, events } = fakeWorld({ onRun: (_host, text) => { if (text.startsWith("docker buildx build")) building.resolve(); } });
    const failing: World = {
      ...world,
      programs: {
        run: async (program, limits) => {
          const exit = await world.programs.run(program, limits);
          if (program.argv.join(" ").startsWith("docker buildx build")) await new Promise((_, fail) => limits.signal.addEventListener("abort", () => fail(limits.signal.reason as Error)));
          return exit;
        },
      },
      transport: { ...world.transport, connect: async (host) => {
        await building.promise;
        throw new DeployError("connect", `${host} refused the connection`, { host, state: ["Nothing was changed."] });
      } },
    };
    const error: unknown = await runChange(failing, taskOf({ ...shop, roles: shop.roles.slice(0, 1) }), changes.deploy({})).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "connect", state: ["Nothing was changed on any host."] });
    expect(onHosts(ran)).toEqual([]);
    expect(events.findLast((event) => event.type === "step-end")).toMatchObject({ ok: false });
  });

  test("calls onFailure when the build fails, also where no host is connected to by then, and not when a host cannot be reached", async () => {
    const called = async (here: FakeOptions["here"], connect: World["transport"]["connect"]): Promise<string[]> => {
      const { world } = fakeWorld({ answers: hosts, ...(here === undefined ? {} : { here }) });
      const heard: string[] = [];
      await runChange({ ...world, transport: { ...world.transport, connect } }, taskOf({ ...shop, hooks: { onFailure: async ({ error, run }) => void heard.push(error.failure, (await run("10.0.0.1", "true")).stdout) } }), changes.deploy({})).catch(() => undefined);
      return heard;
    };
    const never: World["transport"]["connect"] = (_host, signal) => new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason as Error)));
    expect(await called([[/^git /, 128], [/buildx build/, 1], [/./, ""]], never)).toEqual(["build", ""]);
    expect(await called(undefined, async (host) => { throw new DeployError("connect", `${host} refused the connection`, { host }); })).toEqual([]);
  });

  test("gives up the lock that it is about to get when the build fails meanwhile", async () => {
    const { error, fake } = await failing({ answers: hosts, here: [[/^git /, 128], [/^docker --version/, 1], [/./, ""]] }, taskOf(shop), changes.deploy({}));
    expect(error.failure).toBe("missing");
    expect(onHosts(fake.ran).filter((text) => !text.includes("the lock"))).toEqual([]);
  });

  test("waits with the build for the lock where a hook comes before it, which may count on it", async () => {
    const { world, ran } = fakeWorld({ answers: hosts });
    await runChange(world, taskOf({ ...shop, hooks: { preBuild: ({ locked }) => void ran.push(`hook, locked: ${locked}`) } }), changes.deploy({}));
    expect(ran.slice(0, 2)).toEqual(["10.0.0.1 $ take the lock", "here $ docker --version"]);
    expect(ran.indexOf("hook, locked: true")).toBeLessThan(ran.findIndex((text) => text.startsWith("here $ docker buildx build")));
  });

  test("counts on what hosts said while the lock was taken only if it had been free since", async () => {
    const looks = async (lock: string): Promise<number> => {
      const { world, ran } = fakeWorld({ answers: hosts, locks: [lock] });
      await runChange(world, taskOf(shop), changes.deploy({ skipPush: true }));
      return ran.filter((text) => text.startsWith("10.0.0.1") && text.includes("docker version")).length;
    };
    expect([await looks("taken 999"), await looks("taken 0"), await looks("taken")]).toEqual([1, 2, 2]);
  });

  test("names a host without Docker, and gives the lock back", async () => {
    const { error, fake } = await failing({ answers: { ...hosts, "10.0.0.2": [[/docker version/, factsAnswer().replace("28.0.4\n", "")], [/./, ""]] } }, taskOf(shop), changes.deploy({ skipPush: true }));
    expect(error).toMatchObject({ failure: "missing", host: "10.0.0.2", state: ["Nothing was changed."] });
    expect(fake.ran.at(-1)).toBe("10.0.0.1 $ release the lock");
  });

  test("says that nothing was changed when Ctrl-C comes before the first stage", async () => {
    const fake = fakeWorld({ answers: hosts, onConnect: () => fake.abort() });
    const error: unknown = await runChange(fake.world, taskOf(shop), changes.deploy({})).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled", message: "Cancelled before anything was changed", state: ["Nothing was changed."] });
    expect(fake.ran).toEqual(["10.0.0.1 $ take the lock", "10.0.0.1 $ release the lock"]);
  });

  test("says that nothing was changed when the lock is lost while it looks at the hosts", async () => {
    const fake = fakeWorld({ answers: hosts });
    const { transport } = fake.world;
    let holder: Channel | undefined;
    const error: unknown = await runChange({ ...fake.world, transport: {
      ...transport,
      open: async (...call) => (holder = await transport.open(...call)),
      run: async (host, command, limits) => {
        holder?.end();
        await new Promise((done) => setTimeout(done, 1));
        if (limits.signal.aborted) throw limits.signal.reason;
        return transport.run(host, command, limits);
      },
    } }, taskOf(shop), changes.deploy({ skipPush: true })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "lock", host: "10.0.0.1", state: ["Nothing was changed."] });
  });

  test("is cancelled by Ctrl-C in the clean-up too, and says that the new version serves", async () => {
    const fake = fakeWorld({ answers: hosts, onRun: (_host, text) => { if (text.startsWith("docker image prune")) fake.abort(); } });
    const error: unknown = await runChange(fake.world, taskOf(shop), changes.deploy({ skipPush: true })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled", state: ["Version 2 serves on every host; only the clean-up after it failed."] });
    expect(fake.ran.filter((text) => text.includes("docker rmi"))).toEqual([]);
  });
});

describe("takeLock()", () => {
  const details = Buffer.from("Locked by: Bob at 2030-01-02T03:00:00Z\nVersion: 1\nMessage: Automatic deploy lock").toString("base64");
  const held = `held\ndetails ${details}\ntoken ab\nfrom ci-3\ncommand deploy\ntaken 1000\nstep Boot web\nbeat 1039\nnow 1040`;
  const manual = `held\ndetails ${Buffer.from("Locked by: Bob at 2030-01-02T03:00:00Z\nVersion: 1\nMessage: Migration").toString("base64")}`;

  test("names the holder of a held lock and changes nothing", async () => {
    const { error, fake } = await failing({ locks: [held] }, taskOf(shop), changes.deploy({ skipPush: true }));
    expect(error).toMatchObject({
      failure: "lock", host: "10.0.0.1", state: ["Nothing was changed.", "Hosts may have begun to pull the image: that was ended."],
      message: 'The deploy lock of shop is held on 10.0.0.1: Bob, version 1, "Automatic deploy lock"; deploy from ci-3, at "Boot web", for 40 s',
      hint: "Wait for the other run, or use --lock-wait. If it is dead: `capstan lock release`.",
    });
    expect(changed(fake.ran)).toEqual(["10.0.0.1 $ take the lock"]);
  });

  test("asks again until the lock is free", async () => {
    const { world, ran, events } = fakeWorld({ answers: hosts, locks: [held, held, "taken"] });
    await runChange(world, taskOf(shop, { lockWait: { timeoutMs: 60_000, intervalMs: 10_000 } }), changes.deploy({ skipPush: true }));
    expect(ran.filter((text) => text.endsWith("take the lock"))).toHaveLength(3);
    expect(events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual(['The deploy lock is held: Bob, version 1, "Automatic deploy lock"; deploy from ci-3, at "Boot web", for 40 s. Waiting for it.']);
  });

  test("stops asking when the time to wait is over", async () => {
    const { error, fake } = await failing({ locks: [held] }, taskOf(shop, { lockWait: { timeoutMs: 25_000, intervalMs: 10_000 } }), changes.deploy({ skipPush: true }));
    expect(error.failure).toBe("lock");
    expect(changed(fake.ran)).toHaveLength(4);
  });

  test("does not wait for a lock that was taken by hand", async () => {
    const { error, fake } = await failing({ locks: [manual] }, taskOf(shop, { lockWait: { timeoutMs: 60_000, intervalMs: 10_000 } }), changes.deploy({ skipPush: true }));
    expect(error).toMatchObject({ failure: "lock", hint: "Ask who took it, or release it with `capstan lock release`." });
    expect(changed(fake.ran)).toHaveLength(1);
  });

  test("stops waiting on Ctrl-C", async () => {
    const fake = fakeWorld({ locks: [held] });
    const run = runChange({ ...fake.world, report: (event) => { fake.world.report(event); if (event.type === "notice") fake.abort(); } }, taskOf(shop, { lockWait: { timeoutMs: 60_000, intervalMs: 10_000 } }), changes.deploy({ skipPush: true }));
    expect(await run.catch((thrown: unknown) => thrown)).toMatchObject({ failure: "cancelled" });
  });
});

describe("a pull while the lock is taken and hosts are looked at", () => {
  const pulls = (ran: readonly string[]): string[] => ran.filter((text) => text.includes("$ docker pull "));
  const deploy = changes.deploy({ skipPush: true });

  test("is the one of the plan: once a host, told in its place, as long as it took", async () => {
    const { world, ran, events } = fakeWorld({ answers: hosts, locks: ["taken 600"] });
    await runChange(world, taskOf(shop), deploy);
    expect(pulls(ran)).toEqual(["10.0.0.1 $ docker pull acme/shop:2", "10.0.0.2 $ docker pull acme/shop:2"]);
    expect(ran.indexOf("10.0.0.2 $ docker pull acme/shop:2")).toBeLessThan(ran.findIndex((text) => text.includes("docker inspect -f")));
    const told = events.flatMap((event) => (event.type === "step-end" && event.title.startsWith("Pull ") ? [[event.host, event.phase, event.ok]] : []));
    expect(told).toEqual([["10.0.0.1", "Pull image", true], ["10.0.0.2", "Pull image", true]]);
    expect(events.findIndex((event) => event.type === "step-start")).toBeGreaterThan(events.findIndex((event) => event.type === "phase-end" && event.phase === "Look at hosts"));
  });

  test("does not count when somebody else had the lock meanwhile: that run may have removed the image", async () => {
    const held = `held\ndetails ${Buffer.from("Locked by: Bob at 2030-01-02T03:00:00Z\nVersion: 1\nMessage: Automatic deploy lock").toString("base64")}\ntoken ab\nfrom ci-3\ncommand deploy\ntaken 1000\nstep Boot web\nbeat 1039\nnow 1040`;
    const { world, ran } = fakeWorld({ answers: hosts, locks: [held, "taken"] });
    await runChange(world, taskOf(shop, { lockWait: { timeoutMs: 60_000, intervalMs: 10_000 } }), deploy);
    expect(pulls(ran)).toHaveLength(4);
    expect(ran.lastIndexOf("10.0.0.1 $ docker pull acme/shop:2")).toBeGreaterThan(ran.lastIndexOf("10.0.0.1 $ take the lock"));
  });

  test("fails as the pull of the plan does, with nothing changed", async () => {
    const { error, fake } = await failing({ answers: { ...hosts, "10.0.0.2": [[/docker pull/, 1], ...obliging()] }, locks: ["taken 600"] }, taskOf(shop), deploy);
    expect(error).toMatchObject({ failure: "command", host: "10.0.0.2", hint: expect.stringContaining("Check that the image was pushed") });
    expect(fake.ran.filter((text) => text.includes("docker run"))).toEqual([]);
    expect(pulls(fake.ran)).toHaveLength(2);
  });

  test("waits for the look where hosts wait for their turn to be looked at", async () => {
    const many = settingsOf({ ...shop, ssh: { ...shop.ssh, maxConcurrentStarts: 1 } });
    const { world, ran } = fakeWorld({ answers: hosts, locks: ["taken 600"] });
    await runChange(world, taskOf(many), deploy);
    expect(pulls(ran)).toHaveLength(2);
    expect(ran.findIndex((text) => text.includes("$ docker pull "))).toBeGreaterThan(ran.findLastIndex((text) => text.includes("docker version")));
    const { error } = await failing({ locks: [`held\ndetails ${Buffer.from("Locked by: Bob at 2030-01-02T03:00:00Z").toString("base64")}`] }, taskOf(many), deploy);
    expect(error.state).toEqual(["Nothing was changed."]);
  });

  test("is not begun without a registry, through a tunnel, nor before a build", async () => {
    const ahead = (change: Change, settings = shop) => (change.stages[0]?.sees === "hosts" ? change.stages[0].ahead?.(orderOf(settings, "2")).size : undefined);
    expect(ahead(deploy)).toBe(2);
    expect(ahead(changes.deploy({ skipPush: true, ifChanged: true }))).toBe(2);
    expect(ahead(deploy, settingsOf({ withoutRegistry: true }))).toBe(0);
    expect(ahead(deploy, settingsOf({ registry: { ...shop.registry, server: "localhost:5000" } }))).toBe(0);
    expect(ahead(changes.deploy({}))).toBeUndefined();
    expect(ahead(changes.rollback("1"))).toBeUndefined();
  });
});

describe("planChange()", () => {
  test("asks the hosts and changes nothing", async () => {
    const { world, ran, connected, events } = fakeWorld({ answers: hosts });
    const plan = await planChange(world, taskOf(shop), changes.deploy({ skipPush: true }), undefined);
    expect(connected).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(ran).toHaveLength(2);
    expect(ran.every((text) => text.includes("docker version"))).toBe(true);
    expect(events).toEqual([]);
    expect(printPlan(plan)).toContain("Stop shop-web-1");
  });

  test("offline connects to nothing and plans for fresh hosts, the build included", async () => {
    const { world, ran, connected } = fakeWorld();
    const plan = await planChange(world, taskOf(shop), changes.deploy({}), { facts: new Map() });
    expect(connected).toEqual([]);
    expect(ran.filter((text) => !text.startsWith("here $ git"))).toEqual([]);
    expect(plan.phases.map(({ title }) => title)).toEqual(["Prepare the build", "Build and push image", "Pull image", "Prepare hosts", "Boot web", "Boot jobs", "Switch", "Retire old containers", "Prune"]);
  });

  test("plans from the facts that are given", async () => {
    const plan = await planChange(fakeWorld().world, taskOf(shop), changes.rollback("1"), { facts: fleetOf({ "10.0.0.1": hostOf([], { images: ["acme/shop:1"] }), "10.0.0.2": hostOf([], { images: ["acme/shop:1"] }) }) });
    expect(plan.phases[0]?.lanes.every((lane) => lane.steps.length === 0)).toBe(true);
  });

  test("of `setup` plans the deploy of a bare host as it is once Docker is there", async () => {
    const plan = await planChange(fakeWorld().world, taskOf(shop), changes.setup({ skipPush: true }), { facts: fleetOf({ "10.0.0.1": hostOf([], { docker: undefined }), "10.0.0.2": hostOf([]) }) });
    expect(plan.phases.slice(0, 2).map(({ title, lanes }) => [title, lanes.map(({ host }) => host)])).toEqual([["Install Docker", ["10.0.0.1"]], ["Pull image", ["10.0.0.1", "10.0.0.2"]]]);
  });

  test("prints the very steps that a run carries out", async () => {
    const planned = await planChange(fakeWorld({ answers: hosts }).world, taskOf(shop), changes.deploy({ skipPush: true }), undefined);
    const { world, events } = fakeWorld({ answers: hosts });
    await runChange(world, taskOf(shop), changes.deploy({ skipPush: true }));
    const done = events.flatMap((event) => (event.type === "step-start" ? [`${event.phase} ${event.host} ${event.title}`] : []));
    expect(done.sort()).toEqual(planned.phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps.map((step) => `${phase.title} ${lane.host} ${step.title}`))).sort());
  });
});
