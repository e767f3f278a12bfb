import { inspect } from "node:util";
import { expect, test } from "bun:test";
import { holdsPlaceholder, isSecret, Secret } from "../../lib/ground/secret.ts";

const secret = new Secret("DB_PASSWORD", "hunter2");

test.each([
  ["a template", `${secret}`, "‹secret DB_PASSWORD›"],
  ["String()", String(secret), "‹secret DB_PASSWORD›"],
  ["concatenation", "x" + String(secret), "x‹secret DB_PASSWORD›"],
  ["JSON", JSON.stringify({ secret }), '{"secret":"‹secret DB_PASSWORD›"}'],
  ["node's inspect", inspect({ secret }), "{ secret: ‹secret DB_PASSWORD› }"],
  ["Bun's inspect", Bun.inspect(secret).includes("hunter2") ? "hunter2" : "hidden", "hidden"],
  ["an error", new Error(`Cannot use ${secret}`).message, "Cannot use ‹secret DB_PASSWORD›"],
])("a secret does not show in %s", (_title, text, expected) => {
  expect(text).toBe(expected);
  expect(text).not.toContain("hunter2");
});

test("the value is in no property that can be listed", () => {
  expect(Object.values(secret).flat()).toEqual(["DB_PASSWORD"]);
});

test("reveal() opens it, each time anew when it is a function", () => {
  let opened = 0;
  const lazy = new Secret("LAZY", () => `value ${++opened}`);
  expect(opened).toBe(0);
  expect([lazy.reveal(), lazy.reveal(), secret.reveal()]).toEqual(["value 1", "value 2", "hunter2"]);
});

test("join() and map() open nothing until the whole is opened", () => {
  let opened = 0;
  const lazy = new Secret("LAZY", () => (opened++, "a b"));
  const file = Secret.join("file", ["X=", lazy.map("UPPER", (value) => value.toUpperCase()), "\n"]);
  expect([String(file), opened]).toEqual(["‹secret file›", 0]);
  expect([file.reveal(), opened]).toEqual(["X=A B\n", 1]);
});

test("holds() tells of a value no more than whether something matches, and nothing before it is known", () => {
  const known = new Map<string, string>();
  const lazy = new Secret("LAZY", () => known.get("LAZY"));
  const file = Secret.join("file", ["X=", lazy.map("UPPER", (value) => value.toUpperCase()), "\n"]);
  expect([lazy, file, Secret.join("two", [secret, file])].map((one) => one.holds(/a/i))).toEqual([undefined, undefined, undefined]);
  expect(() => lazy.reveal()).toThrow("Secret LAZY was opened before the secrets were loaded");
  expect(() => file.reveal()).toThrow("Secret LAZY was opened before the secrets were loaded");
  known.set("LAZY", "a b");
  expect([lazy.holds(/a/), lazy.holds(/B/), file.holds(/B/), file.holds(/z/)]).toEqual([true, false, true, false]);
});

test("isSecret() knows a secret of another copy of the module by its brand", () => {
  expect([isSecret(secret), isSecret({ [Symbol.for("capstan/secret")]: true }), isSecret("x"), isSecret(null), isSecret(undefined)]).toEqual([true, true, false, false, false]);
});

test("holdsPlaceholder() finds a careless template", () => expect([holdsPlaceholder(`-p ${secret}`), holdsPlaceholder("-p x")]).toEqual([true, false]));
