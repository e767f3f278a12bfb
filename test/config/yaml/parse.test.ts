import { expect, test } from "bun:test";
import { plain } from "../../../lib/config/yaml/node.ts";
import { parseYaml } from "../../../lib/config/yaml/parse.ts";
import { failure } from "../project.ts";

const read = (text: string): unknown => plain(parseYaml({ text, sourceOffset: (offset) => offset }, { file: "/app/deploy.yml", text, cwd: "/app" }));

test.each<[yaml: string, value: unknown]>([
  ["1", 1], ["-7", -7], ["+7", 7], ["1_000", 1000], ["1,000", 1000], ["0644", 420], ["08", "08"], ["0", 0], ["0x1F", 31], ["0b11", 3], ["1:30", 90], ["8080:8080", "8080:8080"],
  ["3.0", "3.0"], ["3.10", 3.1], ["2.5", 2.5], [".5", 0.5], ["3.2.0", "3.2.0"], ["1e3", "1e3"], ["12345678901234567890", "12345678901234567890"],
  ["yes", true], ["On", true], ["TRUE", true], ["no", false], ["off", false], ["y", "y"], ["n", "n"], [`"yes"`, "yes"], ["'3'", "3"], ["!!str 3", "3"],
  ["~", null], ["null", null], ["", null], [":quiet", "quiet"], [`:"a b"`, "a b"], ["':80'", ":80"], ["a:b", "a:b"], ["25%", "25%"], ["|\n  a\n  b\n", "a\nb\n"], ["2024-01-02", "2024-01-02"],
])("%j is %j", (yaml, value) => {
  expect(read(`a: ${yaml}\n`)).toEqual({ a: value });
});

test.each<[title: string, yaml: string, value: unknown]>([
  ["an alias", "a: &x [1]\nb: *x", { a: [1], b: [1] }],
  ["a merge", "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3", { a: { p: 1, q: 2 }, b: { p: 1, q: 3 } }],
  ["a merge behind a key: the later one counts, as in Ruby", "a: &x {q: 2}\nb:\n  q: 3\n  <<: *x", { a: { q: 2 }, b: { q: 2 } }],
  ["several merges: the first counts", "a: &x {q: 1}\nb: &y {q: 2, r: 2}\nc:\n  <<: [*x, *y]", { a: { q: 1 }, b: { q: 2, r: 2 }, c: { q: 1, r: 2 } }],
  ["keys that are numbers and words", "1: a\nyes: b", { 1: "a", true: "b" }],
])("parseYaml reads %s", (_, yaml, value) => {
  expect(read(yaml)).toEqual(value);
});

test.each<[title: string, yaml: string, message: string, detail: string]>([
  ["a key that is there twice", "a: 1\nb: 2\na: 3", "Cannot read deploy.yml:3:1: it is not valid YAML", "deploy.yml:3:1: Map keys must be unique"],
  ["a bracket", "a: 1\nb: [1, 2\n", "Cannot read deploy.yml:3:1: it is not valid YAML", "deploy.yml:3:1: Flow sequence in block collection must be sufficiently indented and end with a ]"],
  ["an alias of nothing", "a: *x", "Cannot read deploy.yml:1:4: the alias *x leads nowhere", "> 1 | a: *x"],
  ["an alias of what it is in", "a: &x\n  b: *x", "Cannot read deploy.yml:2:6: the alias *x leads to itself", "  1 | a: &x"],
  ["a key that is a list", "a: 1\n? [b]\n: 2", "Cannot read deploy.yml:2:3: a key is a list or a map", "  1 | a: 1"],
])("parseYaml tells where %s is wrong", async (_, yaml, message, detail) => {
  const error = await failure(() => read(yaml));
  expect([error.message, error.details[0]]).toEqual([message, detail]);
});

test("parseYaml keeps places and comments", () => {
  const text = "# head\n\n# first\na: 1 # one\n\n# second\nb:\n  # in b\n  c: [x] # list\n  d:\n    - 1 # item\n    # - 2\n  # e: 3\n\n# last\n";
  const node = parseYaml({ text, sourceOffset: (offset) => offset }, { file: "/app/deploy.yml", text, cwd: "/app" });
  const [a, b] = node.kind === "map" ? node.entries : [];
  expect([a?.at, a?.comments]).toEqual([text.indexOf("a:"), { above: [" first"], behind: "one", spaced: true }]);
  expect(b?.comments).toEqual({ above: [" second"], behind: undefined, spaced: true });
  const [c, d] = b?.node.kind === "map" ? b.node.entries : [];
  expect([c?.at, c?.comments, d?.node.kind === "list" && d.node.items[0]?.comments]).toEqual([text.indexOf("c:"), { above: [" in b"], behind: "list", spaced: false }, { above: [], behind: "item", spaced: false }]);
});
