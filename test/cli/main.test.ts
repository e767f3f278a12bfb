import { describe, expect, test } from "bun:test";
import { command, define, group, type CommandContextOf, type Tree } from "../../lib/cli/command.ts";
import { main } from "../../lib/cli/main.ts";
import { toolVersion } from "../../lib/cli/version.ts";
import { CancelledError, DeployError } from "../../lib/ground/errors.ts";
import { fakeIo } from "./fake-io.ts";

const greet = define({
  meta: { purpose: "Greet" },
  args: { name: { type: "positional", valueHint: "NAME" }, times: { type: "number", default: 1 }, loud: { type: "boolean" }, title: { type: "string" } },
  changes: true,
});
type Greet = CommandContextOf<typeof greet>;
/** A tree of one command that does `work`. */
const tree = (work: (context: Greet) => Promise<number | void>): Tree => ({ greet: command(greet, async () => work), lock: group("Lock", {}) });
const at = "2026-03-01T14:03:07.000Z";

test("main() hands over typed options and arguments", async () => {
  const { io } = fakeIo();
  let seen: unknown;
  const status = await main(["greet", "Ada", "--times", "3", "-d", "staging"], io, tree(async ({ args, options, path }) => {
    const { name, times, loud, title }: { name: string; times: number; loud: boolean; title: string | undefined } = args;
    seen = [path, name, times, loud, title, options.destination];
    return 3;
  }));
  expect(status).toBe(3);
  expect(seen).toEqual([["greet"], "Ada", 3, false, undefined, "staging"]);
});

test("main() writes results to standard output and progress to standard error", async () => {
  const { io, written } = fakeIo();
  const status = await main(["greet", "Ada"], io, tree(async ({ print, report }) => {
    report({ at, type: "notice", level: "warn", host: "web-1", text: "disk is nearly full" });
    print("Hello Ada", { type: "greeting", name: "Ada" });
  }));
  expect(status).toBe(0);
  expect(written).toEqual({ stdout: "Hello Ada\n", stderr: "14:03:07  web-1  warning: disk is nearly full\n" });
});

test("main() prints events, results and the end as JSON, one a line", async () => {
  const { io, written } = fakeIo();
  await main(["greet", "Ada", "--json"], io, tree(async ({ print, report }) => {
    report({ at, type: "lock", host: "web-1", state: "taken" });
    print("Hello Ada", { type: "greeting", name: "Ada" });
    print("Bye");
  }));
  expect(written).toEqual({
    stdout: `\
{"v":1,"type":"lock","at":"${at}","host":"web-1","state":"taken"}
{"v":1,"type":"greeting","name":"Ada"}
{"v":1,"type":"text","text":"Bye"}
{"v":1,"type":"result","ok":true,"command":"greet","status":0,"durationMs":250}
`,
    stderr: "",
  });
});

describe("main() tells errors", () => {
  const failing = tree(async () => {
    throw new DeployError("lock", "Cannot take the lock on web-1: ann holds it", { host: "web-1", hint: "Wait, or add --lock-wait." });
  });

  test("on standard error, with the failure's exit status", async () => {
    const { io, written } = fakeIo();
    expect(await main(["greet", "Ada"], io, failing)).toBe(7);
    expect(written).toEqual({ stdout: "", stderr: "Error: Cannot take the lock on web-1: ann holds it\n\n  Next: Wait, or add --lock-wait.\n" });
  });

  test("as the last line of JSON", async () => {
    const { io, written } = fakeIo();
    expect(await main(["greet", "Ada", "--json"], io, failing)).toBe(7);
    expect(written).toEqual({ stdout: '{"v":1,"type":"error","status":7,"failure":"lock","message":"Cannot take the lock on web-1: ann holds it","host":"web-1","hint":"Wait, or add --lock-wait."}\n', stderr: "" });
  });

  test("of the command line with status 2, in JSON too", async () => {
    const { io, written } = fakeIo();
    expect(await main(["greet", "Ada", "--lout"], io, failing)).toBe(2);
    expect(written.stderr).toBe('Error: Cannot run "greet": there is no option --lout\n\n  Next: Did you mean --loud? `capstan help greet` says what it takes.\n');
    expect(await main(["greet", "Ada", "--json", "--lout"], io, failing)).toBe(2);
    expect(JSON.parse(written.stdout)).toMatchObject({ v: 1, type: "error", failure: "usage", status: 2 });
  });

  test("that are bugs with status 1 and a stack", async () => {
    const { io, written } = fakeIo();
    expect(await main(["greet", "Ada"], io, tree(async () => { throw new TypeError("x is not a function"); }))).toBe(1);
    expect(written.stderr).toStartWith("Error: x is not a function\n\n    TypeError: x is not a function\n");
    expect(written.stderr).toContain("This is a bug in capstan. Please report it");
  });

  test("that follow Ctrl-C with status 130", async () => {
    const { io, abort } = fakeIo();
    const stopped = tree(async () => {
      abort.abort(new CancelledError());
      throw new Error("The operation was aborted");
    });
    expect(await main(["greet", "Ada"], io, stopped)).toBe(130);
  });
});

test("main() paints a live view on a terminal and leaves it clean", async () => {
  const { io, written, exits } = fakeIo({ stderrTerminal: true, env: { NO_COLOR: "1" } });
  await main(["greet", "Ada"], io, tree(async ({ report, print }) => {
    report({ at, type: "notice", level: "info", text: "First deploy" });
    expect(exits.size).toBe(1);
    print("Hello");
  }));
  expect(written).toEqual({ stdout: "Hello\n", stderr: "\x1b[?25lFirst deploy\n\x1b[?25h" });
  expect(exits.size).toBe(0);
});

test.each<[string, { env?: Record<string, string>; stderrTerminal: boolean }]>([
  ["in CI", { env: { CI: "true" }, stderrTerminal: true }],
  ["on a dumb terminal", { env: { TERM: "dumb" }, stderrTerminal: true }],
  ["into a pipe", { stderrTerminal: false }],
])("main() prints lines %s", async (_, options) => {
  const { io, written } = fakeIo({ ...options, env: { ...options.env, NO_COLOR: "1" } });
  await main(["greet", "Ada"], io, tree(async ({ report }) => report({ at, type: "notice", level: "info", text: "First deploy" })));
  expect(written.stderr).toBe("14:03:07  First deploy\n");
});

test("main() prints help and version without running anything", async () => {
  const { io, written } = fakeIo();
  const never = tree(async () => { throw new Error("ran"); });
  expect(await main(["--version"], io, never)).toBe(0);
  expect(written.stdout).toBe(`${toolVersion}\n`);
  expect(await main(["greet", "--help"], io, never)).toBe(0);
  expect(written.stdout).toContain("Usage: capstan greet [OPTIONS] NAME\n");
  expect(written.stderr).toBe("");
});
