import { describe, expect, test } from "bun:test";
import { sh, type Query } from "../../lib/ground/command.ts";
import type { World } from "../../lib/ground/world.ts";
import { ask, askScript } from "../../lib/run/ask.ts";
import { run, shells } from "../support/shell.ts";
import { fakeWorld } from "../support/world.ts";

const text = (command: Query<string>["command"]): Query<string> => ({ command, parse: (stdout) => stdout.trimEnd() });

/** A world whose hosts are a real shell on this machine. */
const shellWorld = (shell: readonly string[] = ["sh"]): World => {
  const { world } = fakeWorld();
  return { ...world, transport: { ...world.transport, run: async (_host, command) => ({ ...(await run(command.text, { shell })), signal: undefined, durationMs: 0 }) } };
};

describe.each(shells)("ask() in %s", (...shell) => {
  const world = shellWorld(shell.filter((word) => typeof word === "string"));

  test("gives each query its own answer, in one script", async () => {
    const answers = await ask(world, "h1", { one: text(sh`echo ${"it's \\one"}`), none: text(sh`true`), many: { command: sh`printf '1\n2\n3\n'`, parse: (stdout) => stdout.trim().split("\n").map(Number) }, pipe: text(sh`echo b | tr b c; :`) });
    expect(answers).toEqual({ one: "it's \\one", none: "", many: [1, 2, 3], pipe: "c" });
  });

  test("keeps a query from ending or changing the shell of the next one", async () => {
    expect(await ask(world, "h1", { exits: text(sh`echo a; exit 0`), moves: text(sh`cd /; x=1; echo b`), sees: text(sh`echo "c$x"`) })).toEqual({ exits: "a", moves: "b", sees: "c" });
  });

  test("keeps a query from reading what belongs to others", async () => {
    expect(await ask(world, "h1", { reads: text(sh`cat`), next: text(sh`echo next`) })).toEqual({ reads: "", next: "next" });
  });

  test("names the query that failed", async () => {
    const error: unknown = await ask(world, "h1", { fine: text(sh`echo a`), broken: text(sh`echo why >&2; exit 3`), never: text(sh`echo c`) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "command", host: "h1", message: 'Cannot run "echo why >&2; exit 3" on h1: it ended with status 3', details: ["why"] });
  });
});

test("ask() shows an answer that it cannot read", async () => {
  const odd: Query<never> = { command: sh`echo odd`, parse: () => { throw new Error("not a number"); } };
  const error: unknown = await ask(shellWorld(), "h1", { age: odd }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ failure: "command", host: "h1", message: 'Cannot read the answer of h1 to "echo odd"', details: ["odd", ""] });
});

test("askScript() is one command with a separator after each answer, and says all at once", () => {
  expect(askScript([sh`docker version`, sh`true`]).text).toBe("said=$(\n(\ndocker version\n) </dev/null || exit\nprintf '\\036'\n(\ntrue\n) </dev/null || exit\nprintf '\\036'\n)\nstatus=$?\nprintf %s \"$said\"\nexit $status\n");
});
