import { describe, expect, test } from "bun:test";
import { Command, sh } from "../../lib/ground/command.ts";
import { CancelledError, ConnectError, DeployError } from "../../lib/ground/errors.ts";
import type { ContainerState, HostStep, Phase, Plan, RunStep, WaitStep } from "../../lib/ground/step.ts";
import type { Images, World } from "../../lib/ground/world.ts";
import { apply, stretches, type Conductor } from "../../lib/run/apply.ts";
import { fakeWorld, type Answers, type FakeOptions, type FakeWorld } from "../support/world.ts";

const running: ContainerState = { status: "running", health: undefined, exitCode: 0, oomKilled: false, restartCount: 0, address: "172.18.0.2", exposedPorts: [80] };
const run = (text: string, undo?: string): RunStep => ({ kind: "run", title: text, command: sh`${sh`echo ${text}`}`, ...(undo === undefined ? {} : { undo: sh`echo ${undo}`, undoTitle: undo }) });
const wait = (state: Partial<ContainerState> = {}): WaitStep => ({
  kind: "wait", title: "Wait for shop-web-2", role: "web", container: "shop-web-2", deadlineMs: 3_000,
  readiness: { kind: "http", port: 80, path: "/up", keys: { path: "proxy.healthcheck.path", port: "proxy.appPort" }, intervalMs: 1_000, timeoutMs: 5_000 },
  state: { command: sh`inspect`, parse: () => ({ ...running, ...state }) }, logs: sh`logs`,
});
const phase = (title: string, hosts: Readonly<Record<string, readonly HostStep[]>>, more: Partial<Phase> = {}): Phase => ({ title, lanes: Object.entries(hosts).map(([host, steps]) => ({ host, steps })), ...more });
const plan = (...phases: Phase[]): Plan => ({ notes: [], phases, afterFailure: { takenBack: "Every host serves what it served before: 1.", committed: "Version 2 serves on every host; only the clean-up after it failed." } });

function conductor(): Conductor & { audits: string[]; phases: string[]; hooks: string[] } {
  const audits: string[] = [];
  const phases: string[] = [];
  const hooks: string[] = [];
  return { audits, phases, hooks, callHook: async (step) => void hooks.push(step.hook), onAudit: (host, role, { text }) => void audits.push(`${host} ${role} ${text}`), onPhase: (title) => void phases.push(title) };
}

async function failing(options: FakeOptions, ...phases: Phase[]): Promise<{ error: DeployError; ran: string[] }> {
  const fake = fakeWorld(options);
  const error = await apply(fake.world, plan(...phases), conductor()).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DeployError);
  return { error: error as DeployError, ran: fake.ran };
}

const always = [[/./, ""]] as const;

describe("apply()", () => {
  test("runs phases one after another and tells each step", async () => {
    const { world, ran, events } = fakeWorld({ answers: { h1: always, h2: always } });
    const conduct = conductor();
    await apply(world, plan(phase("Pull", { h1: [run("pull1")], h2: [run("pull2")] }), phase("Boot", { h1: [run("boot1")], h2: [run("boot2")] })), conduct);
    expect(ran).toEqual(["h1 $ echo pull1", "h2 $ echo pull2", "h1 $ echo boot1", "h2 $ echo boot2"]);
    expect(events.filter((event) => event.type === "step-end").map((event) => [event.host, event.title, event.ok])).toEqual([["h1", "pull1", true], ["h2", "pull2", true], ["h1", "boot1", true], ["h2", "boot2", true]]);
    expect(conduct.phases).toEqual(["Pull", "Boot"]);
  });

  test("waits with a phase until what it claims is to be had, and gives it back behind it", async () => {
    let [tries, held] = [0, false];
    const claims = (path: string): Disposable | undefined => {
      fake.ran.push(`claim ${path}`);
      if (++tries < 3) return undefined;
      held = true;
      return { [Symbol.dispose]: () => { held = false; fake.ran.push("give back"); } };
    };
    const fake = fakeWorld({ answers: { h1: always }, claims, onRun: (_host, text) => { if (text.startsWith("echo")) expect(held).toBe(text === "echo build"); } });
    await apply(fake.world, plan(phase("Build", { h1: [run("build")] }, { claims: "/c" }), phase("Boot", { h1: [run("boot")], h2: [] })), conductor());
    expect(fake.ran.slice(0, 5)).toEqual(["claim /c", "claim /c", "claim /c", "h1 $ echo build", "give back"]);
    expect(fake.events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual(["Another run builds in the clone of this project: waiting until it is done (/c)"]);
  });

  test("stops waiting for a claim on Ctrl-C", async () => {
    const fake = fakeWorld({ answers: { h1: always }, claims: () => { fake.abort(); return undefined; } });
    await expect(apply(fake.world, plan(phase("Build", { h1: [run("build")] }, { claims: "/c" })), conductor())).rejects.toMatchObject({ failure: "cancelled" });
    expect(fake.ran).toEqual([]);
  });

  test("an image that this machine has not is no failure where all hosts have it, and is told", async () => {
    const images: Images = { ...fakeWorld().world.images, collect: async (image) => { throw new DeployError(image === "shop:1" ? "missing" : "build", `Cannot deliver ${image}`); } };
    const collect = (image: string, isSpare: boolean): Phase => ({ title: "Deliver", lanes: [{ host: undefined, steps: [{ kind: "collect", title: "Collect", image, ...(isSpare ? { isSpare } : {}) }] }] });
    const { world, events } = fakeWorld({ images });
    await apply(world, plan(collect("shop:1", true)), conductor());
    expect(events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual(["shop:1 is not on this machine: hosts run the one that they have"]);
    await expect(apply(world, plan(collect("shop:1", false)), conductor())).rejects.toThrow("Cannot deliver shop:1");
    await expect(apply(world, plan(collect("shop:2", true)), conductor())).rejects.toThrow("Cannot deliver shop:2");
  });

  test("records an audit entry only once it is written", async () => {
    const conduct = conductor();
    const step: RunStep = { ...run("log"), role: "web", audit: { line: "[..] Booted", text: "Booted" } };
    await apply(fakeWorld({ answers: { h1: always } }).world, plan(phase("Boot", { h1: [step] })), conduct);
    expect(conduct.audits).toEqual(["h1 web Booted"]);
    const failed = conductor();
    await apply(fakeWorld({ answers: { h1: [[/./, 1]] } }).world, plan(phase("Boot", { h1: [step] })), failed).catch(() => undefined);
    expect(failed.audits).toEqual([]);
  });

  test("takes back what all hosts began, newest phase first, when one host fails", async () => {
    const { error, ran } = await failing(
      { answers: { h1: always, h2: [[/echo switch/, 76], [/./, ""]] } },
      phase("Boot", { h1: [run("boot", "rm")], h2: [run("boot", "rm")] }),
      phase("Switch", { h1: [run("switch", "back")], h2: [run("switch", "back")] }),
      phase("Retire", { h1: [run("stop")], h2: [run("stop")] }, { committed: true }),
    );
    expect(ran.slice(4).sort()).toEqual(["h1 $ echo back", "h1 $ echo rm", "h2 $ echo back", "h2 $ echo rm"]);
    expect(ran.indexOf("h1 $ echo rm")).toBeGreaterThan(ran.indexOf("h2 $ echo back"));
    expect(ran).not.toContain("h1 $ echo stop");
    expect(error.message).toBe('Cannot run "echo switch" on h2: it ended with status 76');
    expect(error.state).toEqual(["Taken back on h1, h2: back", "Taken back on h1, h2: rm", "Every host serves what it served before: 1."]);
    expect(error.hint).toBeDefined();
  });

  describe("a phase that follows", () => {
    /** Two hosts, the second of which waits until the first one has done something. */
    const slow = (until: string, answers: FakeOptions["answers"] = { h1: always, h2: always }): { fake: ReturnType<typeof fakeWorld>; world: ReturnType<typeof fakeWorld>["world"] } => {
      const seen = Promise.withResolvers<void>();
      const fake = fakeWorld({ answers, onRun: (_host, text) => { if (text === until) seen.resolve(); } });
      const { transport } = fake.world;
      return { fake, world: { ...fake.world, transport: { ...transport, run: async (host, command, limits) => {
        if (host === "h2" && command.text.includes("echo pull")) await seen.promise;
        return transport.run(host, command, limits);
      } } } };
    };
    const pull = phase("Pull", { h1: [run("pull")], h2: [run("pull")] });
    const boot = phase("Boot", { h1: [run("boot", "rm")], h2: [run("boot", "rm")] }, { follows: true });

    test("is begun by a host that is done, however far the others are, and travels with the one before", async () => {
      const { fake, world } = slow("echo boot");
      await apply(world, plan(pull, boot, phase("Switch", { h1: [run("switch")], h2: [run("switch")] })), conductor());
      expect(fake.ran).toEqual(["h1 $ echo pull", "h1 $ echo boot", "h2 $ echo pull", "h2 $ echo boot", "h1 $ echo switch", "h2 $ echo switch"]);
      expect(fake.events.flatMap((event) => (event.type === "phase-start" || event.type === "phase-end" ? [`${event.type} ${event.phase}`] : []))).toEqual(["phase-start Pull", "phase-start Boot", "phase-end Pull", "phase-end Boot", "phase-start Switch", "phase-end Switch"]);
    });

    test("is not begun once another host has failed before it, and what was begun of it is taken back", async () => {
      const { fake, world } = slow("echo boot", { h1: always, h2: [[/echo pull/, 1], [/./, ""]] });
      const long = phase("Boot", { h1: [run("boot", "rm"), run("more")], h2: [run("boot", "rm")] }, { follows: true });
      const error: unknown = await apply(world, plan(pull, long, phase("Switch", { h1: [run("switch")] })), conductor()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ failure: "command", host: "h2", state: ["Taken back on h1: rm", "Every host serves what it served before: 1."] });
      expect(fake.ran).not.toContain("h2 $ echo boot");
      expect(fake.ran).not.toContain("h1 $ echo switch");
    });

    test("all hosts that fail in the same phase are told, under its name", async () => {
      const { error } = await failing({ answers: { h1: [[/echo pull/, 1]], h2: [[/echo pull/, 1]] } }, pull, boot);
      expect(error.message).toBe('Cannot finish "Pull" on 2 of 2 hosts: h1, h2');
    });

    /** The host's first step comes to its end once others have said that it may. */
    const held = (answers: Answers): { fake: FakeWorld; world: World; go: () => void } => {
      const fake = fakeWorld({ answers });
      const gate = Promise.withResolvers<void>();
      const world: World = { ...fake.world, transport: { ...fake.world.transport, run: async (host, command, limits) => {
        if (host === "h1") await gate.promise;
        return fake.world.transport.run(host, command, limits);
      } } };
      return { fake, world, go: gate.resolve };
    };

    test("several hosts that fail in different phases are told under the name of each", async () => {
      const { world, fake, go } = held({ h1: [[/echo pull/, 1]], h2: [[/echo boot/, 1], [/./, ""]], h3: [[/echo boot/, 1], [/./, ""]] });
      const three = (title: string, text: string, more: Partial<Phase> = {}): Phase => phase(title, { h1: [run(text)], h2: [run(text)], h3: [run(text)] }, more);
      const applying = apply(world, plan(three("Pull", "pull"), three("Boot", "boot", { follows: true })), conductor()).catch((thrown: unknown) => thrown);
      while (fake.events.filter((event) => event.type === "step-end" && !event.ok).length < 2) await Bun.sleep(0);
      go();
      expect(await applying).toMatchObject({ message: 'Cannot finish "Pull" on 1 of 3 hosts: h1; "Boot" on 2 of 3 hosts: h2, h3' });
    });

    test("is not begun by a host that is behind where another has failed in a later one", async () => {
      const { world, fake, go } = held({ h1: always, h2: [[/echo boot/, 1], [/./, ""]] });
      const boot = phase("Boot", { h1: [run("boot", "rm")], h2: [run("boot", "rm")] }, { follows: true });
      const applying = apply(world, plan(phase("Pull", { h1: [run("pull"), run("check")], h2: [run("pull")] }), phase("Prepare", { h1: [run("prepare")], h2: [] }, { follows: true }), boot), conductor()).catch((thrown: unknown) => thrown);
      while (!fake.events.some((event) => event.type === "step-end" && !event.ok)) await Bun.sleep(0);
      go();
      expect(await applying).toMatchObject({ failure: "command", host: "h2" });
      expect(fake.ran).toContain("h1 $ echo check");
      expect(fake.ran).not.toContain("h1 $ echo boot");
    });

    test("is not begun along with what took long, and not at all where the lock was lost meanwhile", async () => {
      const pulling = phase("Pull", { h1: [{ ...run("pull"), lasts: true }, run("check")] });
      const booting = phase("Boot", { h1: [run("boot"), run("more")] }, { follows: true });
      /** @param isLong the host ends its script where it is to go on only after a brief beginning */
      const scripts = async (first: Phase, isLong: boolean, sure: () => Promise<void>): Promise<{ sent: string[]; ran: string[]; told: string[] }> => {
        const fake = fakeWorld({ answers: { h1: always } });
        const sent: string[] = [];
        const world: World = { ...fake.world, transport: { ...fake.world.transport, async run(host, command, limits) {
          sent.push([...command.text.matchAll(/^echo (\w+)$/gm)].map(([, word]) => word).join(" "));
          const [brief = ""] = command.text.split('[ -z "$stop" ] || over\nlook\n');
          return fake.world.transport.run(host, isLong ? new Command(brief) : command, limits);
        } } };
        await apply(world, plan(first, booting), { ...conductor(), lock: { sure, lost: new AbortController().signal } }).catch(() => undefined);
        return { sent, ran: fake.ran, told: fake.events.flatMap((event) => (event.type === "step-end" ? [event.title] : [])) };
      };
      const held = async (): Promise<void> => undefined;
      expect((await scripts(pulling, false, held)).sent).toEqual(["pull check boot more"]);
      expect(await scripts(pulling, true, held)).toEqual({ sent: ["pull check boot more", "boot more"], ran: ["pull", "check", "boot", "more"].map((word) => `h1 $ echo ${word}`), told: ["pull", "check", "boot", "more"] });
      expect((await scripts(phase("Pull", { h1: [run("pull")] }), true, held)).sent).toEqual(["pull boot more"]);
      let asked = 0;
      expect((await scripts(pulling, true, async () => { if (++asked > 1) throw new CancelledError(); })).ran).toEqual(["h1 $ echo pull", "h1 $ echo check"]);
    });

    test("waits for a hook before it", () => {
      const hook: Phase = { title: "Hook", lanes: [{ host: undefined, steps: [{ kind: "hook", title: "Call preDeploy", hook: "preDeploy", hosts: ["h1"] }] }] };
      expect(stretches([pull, hook, boot]).map((stretch) => stretch.map(({ title }) => title))).toEqual([["Pull"], ["Hook"], ["Boot"]]);
      expect(stretches([pull, boot]).map((stretch) => stretch.map(({ title }) => title))).toEqual([["Pull", "Boot"]]);
    });

    test("is taken back last phase first on every host, in whatever order hosts went through them", async () => {
      const { fake, world } = slow("echo boot", { h1: [[/echo boot/, 1], [/./, ""]], h2: [[/echo late/, 1], [/./, ""]] });
      await apply(world, plan(phase("Pull", { h1: [run("pull", "unpull")], h2: [run("pull", "unpull"), run("late", "unlate")] }), boot), conductor()).catch(() => undefined);
      expect(fake.ran.filter((text) => text.startsWith("h1")).slice(-2)).toEqual(["h1 $ echo rm", "h1 $ echo unpull"]);
    });
  });

  test("a phase that failed on one host is told as failed, though another host ends it last", async () => {
    const { world, events } = fakeWorld({ answers: { h1: [[/boot/, 1]], h2: always } });
    await apply(world, plan(phase("Boot", { h1: [run("boot")], h2: [run("boot"), run("more")] })), conductor()).catch(() => undefined);
    expect(events.flatMap((event) => (event.type === "phase-end" ? [[event.phase, event.ok]] : []))).toEqual([["Boot", false]]);
  });

  test("says so when something could not be taken back", async () => {
    const { error } = await failing({ answers: { h1: [[/echo boot/, 1], [/echo rm/, 1]] } }, phase("Boot", { h1: [run("boot", "rm")] }));
    expect(error.state).toEqual(['Could not take back "boot" on h1: it ended with status 1']);
  });

  test("tells what was done where the plan has no sentence of its own for it", async () => {
    const { afterFailure: _, ...bare } = plan(
      phase("Stop", { h1: [run("stop"), run("note")], h2: [run("stop"), run("note")], h3: [run("begin", "end")] }),
      phase("Remove", { h1: ["a", "b", "c", "d", "e", "f"].map((title) => run(title)), h2: [run("fail")] }),
    );
    const told = async (answers: FakeOptions["answers"] = {}): Promise<unknown> => apply(fakeWorld({ answers }).world, bare, conductor()).catch((thrown: unknown) => (thrown as DeployError).state);
    expect(await told({ h1: always, h2: [[/fail/, 1], [/./, ""]], h3: always })).toEqual([
      "Taken back on h3: end", "Done on h1, and left as it is: 2 more; a; b; c; d; e; f", "Done on h2, and left as it is: stop; note",
    ]);
    expect(await told({ h1: [[/./, 1]], h2: [[/./, 1]], h3: [[/./, 1]] })).toContain("No step on a host was done before it.");
  });

  test("takes nothing back once a committed phase has begun", async () => {
    const { error, ran } = await failing({ answers: { h1: [[/echo stop/, 1], [/./, ""]] } }, phase("Boot", { h1: [run("boot", "rm")] }), phase("Retire", { h1: [run("stop")] }, { committed: true }));
    expect(ran).not.toContain("h1 $ echo rm");
    expect(error.state).toEqual(["Version 2 serves on every host; only the clean-up after it failed."]);
  });

  test("passes over the failure of an optional phase and tells it", async () => {
    const { world, ran, events } = fakeWorld({ answers: { h1: [[/echo prune/, 1], [/./, ""]] } });
    await apply(world, plan(phase("Prune", { h1: [run("prune"), run("more")] }, { optional: true }), phase("Last", { h1: [run("last")] })), conductor());
    expect(ran).toEqual(["h1 $ echo prune", "h1 $ echo more", "h1 $ echo last"]);
    expect(events.flatMap((event) => (event.type === "notice" ? [event.text] : []))).toEqual(['prune failed: Cannot run "echo prune" on h1: it ended with status 1']);
  });

  test.each<[what: string, hosts: readonly string[]]>([["one host, where its steps travel with those before it", ["h1"]], ["several hosts", ["h1", "h2"]]])("passes over what ends an optional phase on %s", async (_what, hosts) => {
    const on = (...steps: readonly HostStep[]): Readonly<Record<string, readonly HostStep[]>> => Object.fromEntries(hosts.map((host) => [host, steps]));
    const { world, ran, events } = fakeWorld({
      answers: { h1: always, h2: always },
      onRun: (host, text) => { if (host === "h1" && text === "echo prune") throw new ConnectError(host, "lost", "Lost the connection to h1"); },
    });
    const conduct = conductor();
    await apply(world, plan(phase("Switch", on(run("switch"))), phase("Retire", on(run("stop")), { committed: true }), phase("Prune", on(run("prune")), { optional: true }), { title: "Call postDeploy", lanes: [{ host: undefined, steps: [{ kind: "hook", title: "postDeploy", hook: "postDeploy", hosts }] }] }), conduct);
    expect(ran.filter((text) => text === "h1 $ echo switch" || text === "h1 $ echo stop")).toEqual(["h1 $ echo switch", "h1 $ echo stop"]);
    expect(conduct.hooks).toEqual(["postDeploy"]);
    expect(events.flatMap((event) => (event.type === "notice" && event.level === "warn" ? [event.text] : [])).at(-1)).toBe("Lost the connection to h1");
  });

  test("does not pass over what ends a step before the optional ones, nor Ctrl-C in one of those", async () => {
    const prune = [phase("Retire", { h1: [run("stop")] }, { committed: true }), phase("Prune", { h1: [run("prune")] }, { optional: true })];
    const lose = (at: string) => (host: string, text: string): void => { if (text === `echo ${at}`) throw new ConnectError(host, "lost", "Lost the connection to h1"); };
    expect((await failing({ answers: { h1: always }, onRun: lose("stop") }, ...prune)).error).toMatchObject({ failure: "connect", message: "Lost the connection to h1" });
    const fake = fakeWorld({ answers: { h1: always }, onRun: (_host, text) => { if (text === "echo prune") fake.abort(); } });
    expect(await apply(fake.world, plan(...prune, phase("Last", { h1: [run("last")] })), conductor()).then(() => undefined, (thrown: unknown) => thrown)).toMatchObject({ failure: "cancelled" });
  });

  test("counts a step that failed as done when what it is for is there all the same", async () => {
    const stop: RunStep = { ...run("stop"), passIf: sh`is-stopped` };
    const { world, ran } = fakeWorld({ answers: { h1: [[/^is-stopped/, ""], [/echo stop/, 123], [/./, ""]] } });
    await apply(world, plan(phase("Retire", { h1: [stop, run("next")] })), conductor());
    expect(ran).toEqual(["h1 $ echo stop", "h1 $ is-stopped", "h1 $ echo next"]);
    expect((await failing({ answers: { h1: [[/^is-stopped/, 1], [/echo stop/, 123], [/./, ""]] } }, phase("Retire", { h1: [stop, run("next")] }))).error.message).toBe('Cannot run "echo stop" on h1: it ended with status 123');
  });

  test("leaves a step out where what it is for is there, and counts it as done", async () => {
    const login: RunStep = { ...run("login"), unless: sh`is-there` };
    const { world, ran, events } = fakeWorld({ answers: { h1: always, h2: always }, needless: (host, question) => host === "h1" && question === "is-there" });
    await apply(world, plan(phase("Pull", { h1: [login, run("pull")], h2: [login, run("pull")] })), conductor());
    expect(ran.toSorted()).toEqual(["h1 $ echo pull", "h2 $ echo login", "h2 $ echo pull"]);
    expect(events.flatMap((event) => (event.type === "step-end" && event.host === "h1" ? [`${event.title} ${event.ok}`] : []))).toEqual(["login true", "pull true"]);
  });

  test("names every host that failed, and keeps each one's error as cause", async () => {
    const { error } = await failing({ answers: { h1: [[/./, 1]], h2: always, h3: [[/./, 2]] } }, phase("Boot", { h1: [run("boot")], h2: [run("boot")], h3: [run("boot")] }));
    expect(error.message).toBe('Cannot finish "Boot" on 2 of 3 hosts: h1, h3');
    expect((error.cause as AggregateError).errors).toHaveLength(2);
  });

  test("waits until a container answers with 2xx", async () => {
    const answers = [{ ok: false, reason: "refused", detail: "connection refused", durationMs: 1 }, { ok: true, status: 503, headers: {}, body: "", durationMs: 2 }, { ok: true, status: 204, headers: {}, body: "", durationMs: 2 }] as const;
    const { world, events } = fakeWorld({ answers: { h1: always }, probe: (_host, attempt) => answers[attempt - 1] ?? answers[2] });
    await apply(world, plan(phase("Boot", { h1: [run("start"), wait()] })), conductor());
    expect(events.flatMap((event) => (event.type === "probe" ? [`${event.ok} ${event.answer}`] : []))).toEqual(["false refused: connection refused", "false 503", "true 204"]);
  });

  test("explains a container that never gets ready: probes, state, log, likely cause", async () => {
    const { error, ran } = await failing(
      { answers: { h1: [[/logs/, "listening on 127.0.0.1:80\n"], [/./, ""]] }, probe: () => ({ ok: false, reason: "refused", detail: "connection refused", durationMs: 1 }) },
      phase("Boot", { h1: [run("start", "rm"), wait()] }),
    );
    expect(error.failure).toBe("health");
    expect(error.message).toMatch(/^shop-web-2 did not become ready on h1 in 3\.\d s \(GET \/up on port 80\)$/);
    expect(error.details[0]).toBe("container: running");
    expect(error.details[1]).toMatch(/^probes 1-\d+, at 0\.0-3\.\d s: refused: connection refused \(1 ms\)$/);
    expect(error.details.slice(2)).toEqual(["log:", "  listening on 127.0.0.1:80", "likely cause: nothing listens on port 80 of the container's address: a wrong port, or an application bound to 127.0.0.1"]);
    expect(ran).toContain("h1 $ echo rm");
  });

  test.each([
    [{ status: "exited", exitCode: 3 }, "container: exited, exit code 3", "likely cause: the application ended by itself (exit code 3)"],
    [{ status: "exited", exitCode: 137, oomKilled: true }, "container: exited, exit code 137, killed for using too much memory", "likely cause: the container was killed for using too much memory"],
    [{ status: "restarting", exitCode: 1, restartCount: 3 }, "container: restarting, exit code 1, restarted 3 times", "likely cause: the application starts and crashes again and again (exit code 1)"],
    [{ status: "missing" }, "container: missing", "likely cause: the container was removed while it was starting"],
  ])("gives up at once on a container that is %j", async (state, container, cause) => {
    const { error } = await failing({ answers: { h1: [[/logs/, ""], [/./, ""]] } }, phase("Boot", { h1: [wait(state)] }));
    expect(error.message).toContain("in 0.0 s");
    expect(error.details[0]).toBe(container);
    expect(error.details.at(-1)).toBe(cause);
  });

  test("names the place a healthcheck was redirected to", async () => {
    const { error } = await failing({ answers: { h1: always }, probe: () => ({ ok: true, status: 301, headers: { location: "https://shop.example/up" }, body: "", durationMs: 1 }) }, phase("Boot", { h1: [wait()] }));
    expect(error.details.at(-1)).toBe("likely cause: /up redirects to https://shop.example/up: a healthcheck counts only 2xx");
  });

  test("begins nothing after Ctrl-C", async () => {
    const fake = fakeWorld({ answers: { h1: always, h2: always } });
    const conduct = conductor();
    const error: unknown = await apply(fake.world, plan(phase("Boot", { h1: [run("boot", "rm")], h2: [run("boot", "rm")] }), phase("Switch", { h1: [run("switch")], h2: [run("switch")] })), {
      ...conduct, onPhase: (title) => { if (title === "Switch") throw new Error("must not begin"); fake.abort(); },
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "cancelled" });
    expect((error as DeployError).state).toEqual(["Every host serves what it served before: 1."]);
    expect(fake.ran).toEqual([]);
  });
});

describe("apply() under a lock", () => {
  const phases = [phase("Boot", { h1: [run("boot", "rm"), wait(), run("more")] }), phase("Switch", { h1: [run("switch", "back")] })];
  const lostReason = new DeployError("lock", "The deploy lock was lost");

  test("begins nothing on a host, calls no hook and takes nothing back before the lock is sure", async () => {
    const hook: Phase = { title: "Hook", lanes: [{ host: undefined, steps: [{ kind: "hook", title: "Call", hook: "preDeploy", hosts: [] }] }] };
    const fake = fakeWorld({ answers: { h1: [[/switch/, 1], [/./, ""]] } });
    const seen: string[] = [];
    const sure = async (): Promise<void> => void seen.push(`${fake.ran.length}`);
    const conduct = conductor();
    await apply(fake.world, plan(hook, ...phases), { ...conduct, lock: { sure, lost: new AbortController().signal } }).catch(() => undefined);
    expect(fake.ran).toEqual(["h1 $ echo boot", "h1 $ inspect", "h1 $ echo more", "h1 $ echo switch", "h1 $ echo back", "h1 $ echo rm"]);
    // The hook, the first batch, the wait, the second batch; then the end of it all, and each undo.
    expect(seen).toEqual(["0", "0", "2", "2", "4", "4", "5"]);
  });

  test("takes nothing back once the lock is lost, and says what is true then", async () => {
    const lost = new AbortController();
    const fake = fakeWorld({ answers: { h1: always }, probe: () => { lost.abort(lostReason); return { ok: false, reason: "refused", detail: "", durationMs: 1 }; } });
    const error: unknown = await apply({ ...fake.world, signal: lost.signal }, plan(...phases), { ...conductor(), lock: { sure: async () => undefined, lost: lost.signal } }).catch((thrown: unknown) => thrown);
    expect(fake.ran).toEqual(["h1 $ echo boot", "h1 $ inspect"]);
    expect((error as DeployError).state).toEqual(["This run stopped where it was and took nothing back: without the lock another run may be at work by now. `capstan details` tells what is there, and what to type next."]);
  });

  test("takes nothing more back once the lock is lost meanwhile", async () => {
    const lost = new AbortController();
    const fake = fakeWorld({ answers: { h1: [[/switch/, 1], [/./, ""]] }, onRun: (_host, text) => { if (text === "echo back") lost.abort(lostReason); } });
    const error: unknown = await apply(fake.world, plan(...phases), { ...conductor(), lock: { sure: async () => undefined, lost: lost.signal } }).catch((thrown: unknown) => thrown);
    expect(fake.ran.slice(-2)).toEqual(["h1 $ echo switch", "h1 $ echo back"]);
    expect((error as DeployError).state).toEqual(['Could not take back "boot" on h1: the deploy lock was lost meanwhile, and another run may be at work', "Taken back on h1: back"]);
  });
});

test("stretches() joins neighbouring phases of one and the same host only", () => {
  const one = phase("a", { h1: [run("a")] });
  const two = phase("b", { h1: [run("b")] });
  const other = phase("c", { h2: [run("c")] });
  const many = phase("d", { h1: [run("d")], h2: [run("d")] });
  const hook: Phase = { title: "hook", lanes: [{ host: undefined, steps: [{ kind: "hook", title: "Call", hook: "preDeploy", hosts: [] }] }] };
  expect(stretches([one, two, other, many, one, hook, two, phase("empty", { h1: [] }), one]).map((stretch) => stretch.map(({ title }) => title))).toEqual([["a", "b"], ["c"], ["d"], ["a"], ["hook"], ["b", "a"]]);
});
