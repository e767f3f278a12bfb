import { expect, test } from "bun:test";
import { commandsMeant } from "../../lib/ground/command-words.ts";
import { shellWords } from "../../lib/ground/shell-words.ts";

const lines: readonly (readonly [string, readonly string[] | undefined])[] = [
  ["app exec -p", ["app", "exec", "-p"]],
  ["  app \t logs\n-f ", ["app", "logs", "-f"]],
  ["app exec 'bin/rails console'", ["app", "exec", "bin/rails console"]],
  [`app exec "say \\"hi\\" to \\$USER"`, ["app", "exec", `say "hi" to $USER`]],
  [`a'b c'"d e"f`, ["ab cd ef"]],
  [`a\\ b 'c\\d' "e\\f"`, ["a b", "c\\d", "e\\f"]],
  [`'' ""`, ["", ""]],
  ["echo $HOME | cat # all", ["echo", "$HOME", "|", "cat", "#", "all"]],
  ["", []],
  ["app 'exec", undefined],
  [`app "exec`, undefined],
  ["app \\", undefined],
];

test.each(lines)("shellWords(%j) is %j", (line, words) => expect(shellWords(line)).toEqual(words));

test("shellWords() splits as sh does", () => {
  const plain = lines.filter(([line, words]) => words !== undefined && words.length > 0 && !/[|#$]/.test(line) && !line.includes("\n"));
  expect(plain.length).toBeGreaterThan(4);
  for (const [line, words] of plain) expect(Bun.spawnSync(["sh", "-c", `for word in ${line}; do printf '%s\\0' "$word"; done`]).stdout.toString()).toBe(`${words?.join("\0")}\0`);
});

test.each<[string, readonly string[]]>([["lock", ["lock"]], ["de", ["deploy", "details"]], ["dep", ["deploy"]], ["stale_c", ["stale-containers"]], ["x", []], ["", []]])("commandsMeant(%j) is %j", (typed, meant) =>
  expect(commandsMeant(typed, ["deploy", "details", "lock", "lock-all", "stale-containers"])).toEqual(meant),
);
