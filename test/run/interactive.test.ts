import { describe, expect, test } from "bun:test";
import { primaryOf } from "../../lib/config/scope.ts";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError, ConnectError } from "../../lib/ground/errors.ts";
import { planExec, prepareExec } from "../../lib/run/exec.ts";
import { interactiveSession, joinedTo } from "../../lib/run/interactive.ts";
import { settingsOf } from "../support/settings.ts";
import { obliging, taskOf } from "../support/task.ts";
import { fakeTerminal } from "../support/terminal.ts";
import { fakeWorld } from "../support/world.ts";

const { terminal } = fakeTerminal("xterm");
const hosts = { "10.0.0.1": obliging(), "10.0.0.2": obliging() };
const whole = taskOf(settingsOf(), { command: "app", subcommand: "exec", version: "77" });
const task = { ...whole, scope: primaryOf(whole.scope) };
const plan = await planExec(task, ["bash"], { reuse: false, env: {}, detach: false, interactive: joinedTo(terminal) }, { seed: "5eed", recordedAt: "2030-01-02T03:04:05Z", calling: true });
const [errand] = plan.errands;
if (errand === undefined) throw new Error("Nothing is planned");

test("joinedTo() gives docker a terminal where there is one", () => {
  expect([joinedTo(terminal), joinedTo(fakeTerminal(undefined).terminal)]).toEqual(["terminal", "pipe"]);
});

describe("a session in a new container", () => {
  test("prepares its host alone, then runs there and gives the status", async () => {
    const { world, ran, connected } = fakeWorld({ answers: hosts, sessionStatus: 7 });
    await prepareExec(world, task, plan);
    expect(await interactiveSession(world, terminal, errand)).toBe(7);
    expect(ran.map((text) => /docker login|docker network|Executed cmd|-it docker run .*|web\.env/.exec(text)?.[0].replace(/[0-9a-f]{6} /, "HEX "))).toEqual([
      "docker login", "docker network", "web.env", "Executed cmd",
      "-it docker run -it --rm --name shop-web-exec-77-HEX --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size=10m acme/shop:77 bash",
    ]);
    expect([...new Set(connected)]).toEqual(["10.0.0.1"]);
  });

  test("is taken away when it is cancelled", async () => {
    const { world, ran, abort } = fakeWorld({ answers: hosts, onSession: () => { abort(); throw new CancelledError(); } });
    expect(await interactiveSession(world, terminal, errand).catch((error: unknown) => error)).toBeInstanceOf(CancelledError);
    expect(ran.at(-1)).toMatch(/^10\.0\.0\.1 \$ docker rm --force shop-web-exec-77-[0-9a-f]{6}$/);
  });

  test("is cancelled all the same when it cannot be taken away", async () => {
    const { world, abort } = fakeWorld({ answers: hosts, onSession: () => { abort(); throw new CancelledError(); }, onRun: () => { throw new ConnectError("10.0.0.1", "lost", "gone"); } });
    expect(await interactiveSession(world, terminal, errand).catch((error: unknown) => error)).toBeInstanceOf(CancelledError);
  });

  test("may go on when the connection is lost, and the error says how to end it", async () => {
    const { world, ran } = fakeWorld({ answers: hosts, onSession: () => { throw new ConnectError("10.0.0.1", "lost", "Lost it", { hint: "Check that the host is up." }); } });
    const error = await interactiveSession(world, terminal, errand).catch((error: unknown) => error);
    expect(error).toMatchObject({ message: "Lost it", reason: "lost", hint: "Check that the host is up.", state: [`The command may still run on 10.0.0.1; this ends it there: ${errand.leftover}`] });
    expect(ran.filter((text) => text.includes("docker rm"))).toEqual([]);
  });
});

test("a session that leaves nothing behind fails with what happened", async () => {
  const lost = new ConnectError("10.0.0.1", "lost", "Lost it");
  const { world, ran } = fakeWorld({ answers: hosts, onSession: () => { throw lost; } });
  expect(await interactiveSession(world, terminal, { host: "10.0.0.1", command: sh`bash` }).catch((error: unknown) => error)).toBe(lost);
  expect(ran).toEqual(["10.0.0.1 -it bash"]);
});
