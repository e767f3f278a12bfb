import { expect, test } from "bun:test";
import { parseDotenv, type Part } from "../../lib/config/dotenv.ts";
import { failure } from "./project.ts";

/** Parts as one text: variables in angle brackets, commands in double ones. */
const shown = (parts: readonly Part[]): string => parts.map((part) => (part.kind === "text" ? part.text : part.kind === "variable" ? `<${part.name}>` : `<<${shown(part.parts)}>>`)).join("");
const read = (text: string): [string, string][] => parseDotenv(text, "secrets").map(({ name, value }) => [name, shown(value)]);

test.each<[title: string, text: string, entries: [string, string][]]>([
  ["a plain value", "A=abc", [["A", "abc"]]],
  ["an empty value", "A=\nB=", [["A", ""], ["B", ""]]],
  ["blanks around", "  A = abc  ", [["A", "abc"]]],
  ["export", "export A=abc", [["A", "abc"]]],
  ["export alone", "export A", []],
  ["a colon", "A: abc", [["A", "abc"]]],
  ["dots and digits in names", "a.b_2=x", [["a.b_2", "x"]]],
  ["comments and empty lines", "# one\n\n  # two\nA=1 # three", [["A", "1"]]],
  ["a comment without a blank", "A=one#two", [["A", "one"]]],
  ["a comment behind quotes", `A="one#two" # three`, [["A", "one#two"]]],
  ["Windows line ends", "A=1\r\nB=2\r\n", [["A", "1"], ["B", "2"]]],
  ["a byte order mark", "\uFEFFA=1", [["A", "1"]]],
  ["an equals sign in the value", "A=b=c==", [["A", "b=c=="]]],
  ["single quotes", "A='$B ${C} $(d) \\n # x'", [["A", "$B ${C} $(d) \\n # x"]]],
  ["single quotes over lines", "A='one\ntwo'\nB=3", [["A", "one\ntwo"], ["B", "3"]]],
  ["double quotes over lines", `A="one\ntwo"\nB=3`, [["A", "one\ntwo"], ["B", "3"]]],
  ["escapes in double quotes", `A="a\\"b\\\\c\\xd"`, [["A", `a"b\\cxd`]]],
  ["\\n in double quotes stays two characters", `A="a\\nb"`, [["A", "a\\nb"]]],
  ["escapes without quotes", "A=a\\ b\\#c", [["A", "a b\\"]]],
  ["variables", "A=$B-${C}d", [["A", "<B>-<C>d"]]],
  ["variables in double quotes", `A="$B \${C}"`, [["A", "<B> <C>"]]],
  ["literal dollars", "A=\\$B\nC=\\${D}\nE=a$\nF=$1", [["A", "$B"], ["C", "${D}"], ["E", "a$"], ["F", "$1"]]],
  ["commands", "A=$(echo y)", [["A", "<<echo y>>"]]],
  ["commands in double quotes", `A="x $(echo y) z"`, [["A", "x <<echo y>> z"]]],
  ["quotes inside commands inside quotes", `A="x $(echo "a b") z"`, [["A", `x <<echo "a b">> z`]]],
  ["quotes inside commands", `A=$(op read "op://a/b")`, [["A", `<<op read "op://a/b">>`]]],
  ["nested commands, left to the shell", "A=$(echo $(echo (y)))", [["A", "<<echo $(echo (y))>>"]]],
  ["backslashes in commands", "A=$(printf 'a\\n' \\$x)", [["A", "<<printf 'a\\n' \\$x>>"]]],
  ["escaped quotes in commands in double quotes", `A="$(op read \\"op://a b\\")"`, [["A", `<<op read "op://a b">>`]]],
  ["variables in commands", "A=$(extract NAME ${ALL})", [["A", "<<extract NAME <ALL>>>"]]],
  ["awk's own variables in commands", "A=$(awk '{print $1}' f)", [["A", "<<awk '{print $1}' f>>"]]],
  ["a literal command", "A=\\$(echo y) z", [["A", "$(echo y) z"]]],
  ["quotes that end too early", `A="a" b "c"`, [["A", `a" b "c`]]],
])("parseDotenv reads %s", (_, text, entries) => {
  expect(read(text)).toEqual(entries);
});

test("parseDotenv remembers file and line", () => {
  expect(parseDotenv(`\nA="1\n2"\n\nB=3`, "x/secrets").map(({ name, file, line }) => `${name} ${file}:${line}`)).toEqual(["A x/secrets:2", "B x/secrets:5"]);
});

test.each([
  ["A=1\nnonsense", "Cannot read secrets:2: it is not NAME=value"],
  ["A B=1", "Cannot read secrets:1: it is not NAME=value"],
  ["A='one", "Cannot read secrets:1: a single quote in the value of A is not closed"],
  [`\nA="one`, "Cannot read secrets:2: a double quote in the value of A is not closed"],
  ["A=$(echo", "Cannot read secrets:1: $( in the value of A is not closed"],
])("parseDotenv refuses %p", async (text, message) => {
  expect(await failure(() => parseDotenv(text, "secrets"))).toMatchObject({ failure: "config", message });
});
