import { expect, test } from "bun:test";
import { CommandError, DeployError, exitStatus, isDeployError, ProgramError } from "../../lib/ground/errors.ts";
import { sh } from "../../lib/ground/command.ts";
import { derivedHex } from "../../lib/ground/derive.ts";

const exit = { status: 125, signal: undefined, stdout: "out\n", stderr: "one\n\ntwo\n", durationMs: 1 };

test("CommandError says what can be pasted into a shell, and keeps the last lines", () => {
  const error = new CommandError("web-1", sh`docker run ${"a b"}`, exit);
  expect(error.message).toBe(`Cannot run "docker run 'a b'" on web-1: it ended with status 125`);
  expect([error.failure, error.host, error.details]).toEqual(["command", "web-1", ["one", "two"]]);
  expect(new CommandError("web-1", sh`x`, { ...exit, status: undefined, signal: "KILL", stderr: "" })).toMatchObject({ message: 'Cannot run "x" on web-1: it ended with signal KILL', details: ["out"] });
});

test("ProgramError is a failure of the build", () => expect(new ProgramError({ argv: ["git", "fetch"] }, exit).message).toBe('Cannot run "git fetch" here: it ended with status 125'));

test("isDeployError() knows an error of another copy of the module", () => {
  expect([new DeployError("lock", "x"), { [Symbol.for("capstan/deploy-error")]: true }, new Error("x"), undefined].map(isDeployError)).toEqual([true, true, false, false]);
});

test("every failure has an exit status of its own, and none is 0 or 1", () => {
  const all = Object.values(exitStatus);
  expect(new Set(all).size).toBe(all.length);
  expect(all.filter((status: number) => status < 2)).toEqual([]);
});

test("derivedHex() depends on seed and label, and on where one ends and the other begins", () => {
  expect(derivedHex("seed", "label", 12)).toBe(derivedHex("seed", "label", 12));
  expect(derivedHex("seed", "label", 12)).toMatch(/^[0-9a-f]{12}$/);
  expect(derivedHex("seed", "label", 12)).not.toBe(derivedHex("seedl", "abel", 12));
});
