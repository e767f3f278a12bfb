import { expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError, CommandError, ConnectError, DeployError } from "../../lib/ground/errors.ts";
import { errorJson, errorText, exitStatusOf } from "../../lib/report/error.ts";
import { createStyle, plain } from "../../lib/report/style.ts";

const failed = (host: string, status = 125): CommandError =>
  new CommandError(host, sh`docker run --hostname ${`${host}-0a1b2c3d4e5f`} shop`, { status, signal: undefined, stdout: "", stderr: "docker: no space left\non \x1b[2Jdevice\n", durationMs: 5 });
const text = (error: unknown): string => errorText(error, plain);

test("errorText() shows the sentence, the last lines and what to do next", () => {
  expect(text(new DeployError("health", "shop-web-77 did not become ready on web-1 in 30.0 s", { host: "web-1", details: ["probe 1-12: refused", "log:", "  boom"], hint: "Set proxy.appPort to 3000.", state: ["Every host serves 76 as before."] }))).toBe(`\
Error: shop-web-77 did not become ready on web-1 in 30.0 s

    probe 1-12: refused
    log:
      boom

  State now: Every host serves 76 as before.

  Next: Set proxy.appPort to 3000.`);
});

test("errorText() makes what hosts say harmless", () => {
  expect(text(failed("web-1"))).toBe(`\
Error: Cannot run "docker run --hostname web-1-0a1b2c3d4e5f shop" on web-1: it ended with status 125

    docker: no space left
    on device`);
});

test("errorText() names the host when the sentence does not", () => {
  expect(text(new DeployError("command", "Docker is not running", { host: "web-1" }))).toBe("Error: Docker is not running\n  on web-1");
});

test("errorText() tells equal errors of several hosts once", () => {
  const error = new DeployError("fleet", 'Cannot finish "Boot" on 4 of 5 hosts: web-1, web-10, web-3, web-4', {
    cause: new AggregateError([failed("web-1"), failed("web-10"), new ConnectError("web-4", "lost", "The connection to web-4 was lost", { cause: new Error("read ECONNRESET"), hint: "Check its network." }), failed("web-3")]),
    state: ["Every host serves 76 as before.", "Taken back on web-1: Remove shop-web-77"],
    hint: "Mend the cause and run the same command again.",
  });
  expect(text(error)).toBe(`\
Error: Cannot finish "Boot" on 4 of 5 hosts: web-1, web-10, web-3, web-4

  ✗ Cannot run "docker run --hostname web-1-0a1b2c3d4e5f shop" on web-1, web-10, web-3: it ended with status 125
    web-1 says:
      docker: no space left
      on device

  ✗ The connection to web-4 was lost
    because: read ECONNRESET
    → Check its network.

  State now: Every host serves 76 as before.
             Taken back on web-1: Remove shop-web-77

  Next: Mend the cause and run the same command again.`);
});

test("errorText() keeps errors apart that differ in more than the host", () => {
  const error = new DeployError("fleet", "Cannot boot", { cause: new AggregateError([failed("web-1", 125), failed("web-2", 137)]) });
  expect(text(error).match(/✗/g)).toHaveLength(2);
});

test("errorText() puts hosts under a sentence that has no place for them", () => {
  const error = new DeployError("fleet", "Cannot connect", { cause: new AggregateError(["a", "b"].map((host) => new ConnectError(host, "refused", "Connection refused", { host }))) });
  expect(text(error)).toBe("Error: Cannot connect\n\n  ✗ Connection refused\n    on a, b");
});

test("errorText() follows the causes, each once", () => {
  const root = new Error("getaddrinfo ENOTFOUND db");
  const error = new DeployError("config", "Cannot load deploy.config.ts", { cause: new Error("Cannot reach the vault", { cause: root }) });
  root.cause = root;
  expect(text(error)).toBe("Error: Cannot load deploy.config.ts\n\n  because: Cannot reach the vault\n  because: getaddrinfo ENOTFOUND db");
});

test("errorText() does not repeat a cause that the sentence quotes", () => {
  expect(text(new DeployError("connect", "Cannot reach web-1: timeout", { cause: new Error("timeout") }))).toBe("Error: Cannot reach web-1: timeout");
});

test("errorText() shows the stack of a hook: it is the user's own code", () => {
  const cause = new Error("the tests are red");
  cause.stack = "Error: the tests are red\n    at preDeploy (/app/deploy.config.ts:12:9)";
  expect(text(new DeployError("hook", "The hook preDeploy failed", { cause }))).toBe(`\
Error: The hook preDeploy failed

    Error: the tests are red
        at preDeploy (/app/deploy.config.ts:12:9)`);
});

test("errorText() says Cancelled for Ctrl-C", () => {
  expect(text(new CancelledError())).toBe("Cancelled");
  expect(text(new CancelledError("Cancelled while doing: Switch on web-1", { state: ["Every host serves 76."] }))).toBe("Cancelled while doing: Switch on web-1\n\n  State now: Every host serves 76.");
});

test("errorText() shows a bug with its stack and asks for a report", () => {
  const bug = new TypeError("x is not a function");
  bug.stack = "TypeError: x is not a function\n    at plan (lib/plan/deploy.ts:3:1)";
  expect(text(bug)).toBe(`\
Error: x is not a function

    TypeError: x is not a function
        at plan (lib/plan/deploy.ts:3:1)

  This is a bug in capstan. Please report it with the lines above, the command line and the output of \`capstan version\`.`);
  expect(text("just a string")).toStartWith("Error: just a string\n");
});

test("errorText() colours the sentence only", () => {
  expect(errorText(new DeployError("usage", "No", { hint: "Yes" }), createStyle(true))).toBe("\x1b[31m\x1b[1mError\x1b[22m: No\x1b[39m\n\n  \x1b[1mNext:\x1b[22m Yes");
});

test("errorJson() gives kind, exit status, causes and state", () => {
  const error = new DeployError("fleet", "Cannot boot on 2 of 3 hosts: a, b", { state: ["s"], cause: new AggregateError([failed("a")]) });
  expect(JSON.parse(JSON.stringify(errorJson(error)))).toEqual({
    type: "error", status: 9, failure: "fleet", message: "Cannot boot on 2 of 3 hosts: a, b", state: ["s"],
    causes: [{ failure: "command", message: 'Cannot run "docker run --hostname a-0a1b2c3d4e5f shop" on a: it ended with status 125', host: "a", details: ["docker: no space left", "on \x1b[2Jdevice"] }],
  });
  expect(errorJson(new TypeError("x"))).toMatchObject({ status: 1, failure: "bug", message: "x" });
});

test.each<[string, unknown, number]>([
  ["a mistake on the command line", new DeployError("usage", ""), 2], ["a lost connection", new ConnectError("a", "lost", ""), 4], ["Ctrl-C", new CancelledError(), 130], ["a bug", new Error(), 1], ["nothing at all", undefined, 1],
])("exitStatusOf() %s", (_, error, status) => expect(exitStatusOf(error)).toBe(status));
