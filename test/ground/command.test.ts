import { describe, expect, test } from "bun:test";
import { Command, programText, quote, secretVariables, sh } from "../../lib/ground/command.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { run, shells } from "../support/shell.ts";

const nasty = ["", " ", "'", "''", '"', "$HOME", "${HOME}", "$(id)", "`id`", "a\nb", "\n", "\t", "*", "?", "[a]", "~", "-n", "--", "é漢", "\\", "\\n", "a'b\"c$d`e", "a;b", "a&&b", "a|b", "#x", "!x", "{a,b}", "a=b", "=", "%s", "(x)", "<x>", "\x01\x7f"];

test.each([
  [sh`docker stop ${"a b"}`, "docker stop 'a b'"],
  [sh`docker stop -t ${30} ${"web"}`, "docker stop -t 30 web"],
  [sh`docker run ${["--label", "note=two  spaces"]} ${"shop:1"}`, "docker run --label 'note=two  spaces' shop:1"],
  [sh`docker run ${[["--a"], [["--b", "c d"]]]}`, "docker run --a --b 'c d'"],
  [sh`docker ps ${[]} --all`, "docker ps --all"],
  [sh`docker ps ${[]}`, "docker ps"],
  [sh`${[]} docker`, " docker"],
  [sh`${sh`docker ps --quiet`} | xargs docker stop`, "docker ps --quiet | xargs docker stop"],
  [sh`printf '%s\n' "$HOME"/${"a b"}`, `printf '%s\\n' "$HOME"/'a b'`],
  [sh`echo ${""}`, "echo ''"],
])("sh renders %s", (command, text) => expect(command.text).toBe(text));

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test("every nasty word survives, alone and in company", async () => {
    expect((await run(sh`printf ${"%s\\0"} ${nasty}`.text, { shell })).stdout.split("\0").slice(0, -1)).toEqual(nasty);
    expect((await run(sh`sh -c ${sh`printf ${"%s\\0"} ${nasty}`.text}`.text, { shell })).stdout.split("\0").slice(0, -1)).toEqual(nasty);
  });
});

test("sh refuses quotes around a word", () => {
  expect(() => sh`echo "${"x"}"`).toThrow("sh quotes it already");
  expect(() => sh`echo '${"x"}'`).toThrow("sh quotes it already");
  expect(sh`test "$a" = ${"x"}`.text).toBe('test "$a" = x');
});

test("sh takes no secret, neither for the compiler nor at run time", () => {
  // @ts-expect-error a Secret is not a Word
  expect(() => sh`docker login -p ${new Secret("TOKEN", "t")}`).toThrow(`Cannot put secret "TOKEN" on a command line: pass it with .stdin()`);
  // @ts-expect-error nor in an array
  expect(() => sh`docker login ${["-p", new Secret("TOKEN", "t")]}`).toThrow("Cannot put secret");
});

test("quote() leaves plain words bare and refuses what no argument can carry", () => {
  expect(["--x=y", "a/b:c", "user@host", "50%", "a+b,c", "a_b.c-d"].map(quote)).toEqual(["--x=y", "a/b:c", "user@host", "50%", "a+b,c", "a_b.c-d"]);
  expect(() => quote("a\0b")).toThrow("Cannot pass a NUL character to a shell");
});

test("stdin() keeps the text and adds an input that is not printed", () => {
  const command = sh`docker login --password-stdin`.stdin(new Secret("PW", "p"));
  expect([command.text, String(command), JSON.stringify({ command })]).toEqual(["docker login --password-stdin", "docker login --password-stdin", '{"command":"docker login --password-stdin"}']);
  expect(new Command("x").input).toBeUndefined();
  expect(String(command.input)).toBe("‹secret PW›");
});

test("programText() can be pasted into a shell and shows no secret", () => {
  expect(programText({ argv: ["docker", "build", "-t", "a b", "."], env: { A: "x y", TOKEN: new Secret("TOKEN", "t") } })).toBe("A='x y' docker build -t 'a b' .");
  expect(secretVariables({ argv: ["docker"], env: { A: "x y", TOKEN: new Secret("TOKEN", "t") } })).toEqual(["TOKEN"]);
});
