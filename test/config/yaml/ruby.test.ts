import { expect, test } from "bun:test";
import { parseErb } from "../../../lib/config/yaml/erb.ts";
import { renderErb } from "../../../lib/config/yaml/render.ts";
import { parseRuby } from "../../../lib/config/yaml/ruby.ts";
import { failure, realFiles, realPrograms } from "../project.ts";

const env = { X: "x y", EMPTY: "", PORT: "3000" };
const render = (text: string, destination?: string) => renderErb({ file: "/app/config/deploy.yml", text, cwd: "/app" }, { files: realFiles, programs: realPrograms(), env, cwd: "/", destination, signal: undefined, dotenv: false });

test.each<[template: string, text: string]>([
  [`a: <%= ENV["X"] %>`, "a: x y"],
  [`a: <%= ENV['X'] %>b`, "a: x yb"],
  [`a: <%= ENV["NONE"] %>`, "a: "],
  [`a: <%= ENV["NONE"] || 'd' %>`, "a: d"],
  [`a: <%= ENV["EMPTY"] || "d" %>`, "a: "],
  [`a: <%= ENV["NONE"] || ENV["NONE2"] || "e" %>`, "a: e"],
  [`a: <%= ENV.fetch("X") %>`, "a: x y"],
  [`a: <%= ENV.fetch("NONE", "d") %>`, "a: d"],
  [`a: <%= ENV.fetch("NONE", 80) %>`, "a: 80"],
  [`a: <%= ENV.fetch "NONE", nil %>`, "a: "],
  [`a: <%= ENV.fetch("NONE") { "block" } %>`, "a: block"],
  [`a: <%= ENV.fetch("NONE", ENV["X"]) %>`, "a: x y"],
  ["a: <%= `echo hi` %>b", "a: hi\nb"],
  ["a: <%= `echo ' hi '`.strip %>", "a: hi"],
  ["a: <%= `echo ' hi '`.chomp %>", "a:  hi "],
  ["a: <%= `echo #{ENV['X']} | wc -w`.strip.to_s %>", "a: 2"],
  ["a: <%= %x(echo hi).strip %>", "a: hi"],
  ["a: <%= %x{echo ${HOME:+{home}}}.chomp %>", "a: {home}"],
  ["a: <%= %x[echo [#{ENV['PORT']}] \\] ].strip %>", "a: [3000] ]"],
  ["a: <%= %x(echo $(echo $(echo b))).strip %>", "a: b"],
  ["a: <%= %x<echo hi>.strip %> <%= %x|echo b|.strip %>", "a: hi b"],
  [`a: <%= "v#{ENV["PORT"]}-\\n'" %>`, "a: v3000-\n'"],
  [`a: <%= 'v#{ENV["PORT"]}\\n' %>`, `a: v#{ENV["PORT"]}\\n`],
  [`a: <%= ("x") # why %>`, "a: x"],
  ["a: <%= `echo $KAMAL_DESTINATION`.strip %>", "a: qa"],
  [`a: <%= ENV["KAMAL_DESTINATION"] %> <%= ENV["MRSK_DESTINATION"] %>`, "a: qa qa"],
  ["a: 1 <%# a comment %>", "a: 1 "],
  ["<%# a comment -%>\na: 1", "a: 1"],
  ["a: 1\n  <%- # nothing -%>\nb: 2", "a: 1\nb: 2"],
  [`<% require "date" -%>\na: 1`, "a: 1"],
  [`# <%= Rails.whatever %>\na: 1`, `# <%= Rails.whatever %>\na: 1`],
  ["a: <%% b %%>", "a: <% b %>"],
  [`a: <%= ENV["X"] -%>\nb`, "a: x yb"],
])("%j is %j", async (template, text) => {
  expect((await render(template, "qa")).text).toBe(text);
});

test.each(["Rails.env", `ENV["X"].split(",")`, `ENV["X"] + "a"`, `"a`, "`a", "%x(a", "%x(a (b)", "%w(a b)", `ENV["A" ]]`, `ENV.fetch("X"`, "x ? 1 : 2", `File.read("x")`, `"#{x}"`, "", `"a" "b"`])("%j is not evaluated", (source) => {
  expect(parseRuby(source)).toBeUndefined();
});

test("what cannot be evaluated is told at its place, all at once", async () => {
  const error = await failure(() => render(`a: 1\nb: <%= Rails.env %>\n<% if x %>\nc: <%= ENV.fetch("NONE") %>\nd: <%= \`echo no >&2; exit 3\` %>\n<% end %>`));
  expect(error).toMatchObject({
    failure: "config",
    message: "Cannot read config/deploy.yml: it has 5 expressions without a value",
    details: [
      "config/deploy.yml:2:4: <%= Rails.env %> cannot be evaluated without Ruby",
      "config/deploy.yml:3:1: <% if x %> cannot be evaluated without Ruby",
      `config/deploy.yml:4:4: <%= ENV.fetch("NONE") %>: NONE is not set in the environment`,
      "config/deploy.yml:5:4: <%= `echo no >&2; exit 3` %>: the command ended with status 3; no",
      "config/deploy.yml:6:1: <% end %> cannot be evaluated without Ruby",
    ],
    hint: `Ruby is evaluated as far as ENV["NAME"], ENV.fetch with or without a default, texts and \`command\` go. What is more becomes TypeScript: run \`capstan import\``,
  });
  expect(await failure(() => render(`b: <%= ENV.fetch("NONE") %>`))).toMatchObject({ message: `Cannot read config/deploy.yml:1:4: <%= ENV.fetch("NONE") %>: NONE is not set in the environment`, details: [], hint: "Set what is missing, or run the command by hand to see what is wrong" });
});

test("places behind Ruby are those of the template", async () => {
  const text = "a: <%= ENV[\"X\"] %>\nb: <%= `echo 1; echo 2` %>\nc: 3";
  const rendered = await render(text);
  expect(rendered.text).toBe("a: x y\nb: 1\n2\n\nc: 3");
  expect(rendered.sourceOffset(rendered.text.indexOf("c:"))).toBe(text.indexOf("c:"));
  expect(rendered.sourceOffset(rendered.text.indexOf("2"))).toBe(text.indexOf("<%= `"));
  expect(parseErb(text).map(({ kind, at }) => [kind, at])).toEqual([["text", 0], ["output", 3], ["text", 18], ["output", 22], ["text", 45]]);
});
