import { describe, expect, test } from "bun:test";
import { command, define, type CommandContext } from "../../lib/cli/command.ts";
import { refuseJson, runSession } from "../../lib/cli/interactive.ts";
import { main } from "../../lib/cli/main.ts";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError } from "../../lib/ground/errors.ts";
import { fakeTerminal } from "../support/terminal.ts";
import { fakeWorld } from "../support/world.ts";
import { fakeIo } from "./fake-io.ts";

const definition = define({ meta: { purpose: "Open a session" }, args: {}, changes: true });
const errand = { host: "web-1", command: sh`bash` };
/** Carries out a command line of one command. */
const carryOut = (argv: string[], io: ReturnType<typeof fakeIo>["io"], work: (context: CommandContext) => Promise<number | void>): Promise<number> =>
  main(["session", ...argv], io, { session: command(definition, async () => work) });

describe("a session", () => {
  test("passes its status on and keeps our own words off the screen meanwhile", async () => {
    const user = fakeTerminal("xterm");
    const { io, written } = fakeIo({ terminal: user.terminal });
    const status = await carryOut([], io, async (context) => {
      const { world } = fakeWorld();
      const interact = async (...[, , terminal]: Parameters<typeof world.transport.interact>): Promise<number> => {
        using lent = terminal.lend({ input: () => undefined, end: () => undefined, resize: () => undefined });
        context.report({ type: "notice", level: "warn", text: "disk is nearly full", at: "2026-03-01T14:03:07.000Z" });
        await lent.write("stdout", Buffer.from("$ "));
        user.log.push(`told: ${JSON.stringify(written.stderr)}`);
        return 7;
      };
      return await runSession(context, { ...world, transport: { ...world.transport, interact } }, errand);
    });
    expect(status).toBe(7);
    expect(user.log).toEqual(["lent", 'told: ""', "given back"]);
    expect(user.shown.stdout).toBe("$ ");
    expect(written.stderr).toBe("14:03:07  warning: disk is nearly full\n");
  });

  test("ends as a program in a pipe does when nobody reads any more", async () => {
    const closed = new AbortController();
    const fake = fakeIo();
    const io = { ...fake.io, stdout: { ...fake.io.stdout, closed: closed.signal } };
    const { world } = fakeWorld();
    const interact = async (...[, , , signal]: Parameters<typeof world.transport.interact>): Promise<number> => {
      closed.abort();
      throw signal.aborted ? new CancelledError() : new Error("It was not told");
    };
    expect(await carryOut([], io, (context) => runSession(context, { ...world, transport: { ...world.transport, interact } }, errand))).toBe(141);
    expect(fake.written.stderr).toBe("");
  });

  test("is cancelled by what cancels everything", async () => {
    const { io, written } = fakeIo();
    const { world, abort } = fakeWorld({ onSession: () => { abort(); throw new CancelledError("Stopped by SIGTERM"); } });
    expect(await carryOut([], io, (context) => runSession(context, world, errand))).toBe(130);
    expect(written.stderr).toContain("Stopped by SIGTERM");
  });
});

test("a session cannot be JSON, its plan can", async () => {
  const refuse = async (context: CommandContext): Promise<void> => refuseJson(context);
  const { io, written } = fakeIo();
  expect(await carryOut(["--json"], io, refuse)).toBe(2);
  expect(written.stdout).toContain('Cannot run \\"session\\": --json and --interactive exclude each other');
  expect(await carryOut(["--json", "--dry-run"], fakeIo().io, refuse)).toBe(0);
  expect(await carryOut([], fakeIo().io, refuse)).toBe(0);
});
