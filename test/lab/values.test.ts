import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, type Project } from "./project.ts";

/** What a config may say, and a shell, docker or a terminal could take for something else. `${NAME}` is not among them: the host fills it in. */
const values: Readonly<Record<string, string>> = {
  SINGLE: "it's", DOUBLE: `say "hi"`, BOTH: `'"'"`, LINES: "one\ntwo\n\nfour", CR: "a\rb\r\n", TAB: "a\tb", BLANKS: "  a  b  ", COMMAND: "$(touch /tmp/hacked)", TICKS: "`touch /tmp/hacked`", DOLLAR: "$HOME $ $$ $1",
  UNCLOSED: "${A:-x", BACKSLASH: "a\\b\\\\n\\", DASH: "-x", OPTION: "--privileged", EQUALS: "a=b==c", SEMICOLON: "a; touch /tmp/hacked", PIPE: "a | b && c || d > e < f &", GLOB: "* ? [a-z] {a,b}", HASH: "# none", TILDE: "~/x",
  BANG: "!! !x", EMOJI: "😀 👩‍👩‍👧 naïve 漢字", BIDI: "a\u202eb\u200bc", ESCAPES: "\u001b[31m\u001b]0;x\u0007", CONTROLS: "\u0001\u0002\u007f", TEMPLATE: "{{.ID}} {{json .}}", PERCENT: "%s %n %%", LONG: `${"x'".repeat(1_500)}${"y".repeat(30_000)}`, EMPTY: "", ZERO: "0",
};

let lab: Lab;
let project: Project;
beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
  project = await makeProject(lab, { clear: JSON.stringify(values), more: `labels: { words: ${JSON.stringify(values["BOTH"] + "\n$(id) `id` -x")} }, readinessDelay: 1, stopTimeout: 1,` });
}, 180_000);
afterAll(() => lab?.stop());

test("values of all kinds are in the container as they are in the config, byte for byte", async () => {
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  const host = lab.host(1);
  const { stdout } = await host.docker("exec", "sample-web-v1", "/busybox", "sh", "-c", "/busybox base64 /proc/1/environ");
  const environment = Object.fromEntries(Buffer.from(stdout, "base64").toString("utf8").split("\0").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
  expect(Object.fromEntries(Object.keys(values).map((name) => [name, environment[name]]))).toEqual(values);
  expect((await host.docker("inspect", "--format", `{{json (index .Config.Labels "words")}}`, "sample-web-v1")).stdout.trim()).toBe(JSON.stringify(`${values["BOTH"]}\n$(id) \`id\` -x`));
  expect((await host.exec("ls /tmp/hacked")).status).not.toBe(0);
}, 180_000);

test("what cannot get there is refused with its place, before anything is connected", async () => {
  const path = `${project.folder}/deploy.config.ts`;
  const config = await Bun.file(path).text();
  await Bun.write(path, config.replace(`"SINGLE":"it's"`, `"SINGLE":"a\\u0000b","HALF":"\\ud800","HUGE":"x".repeat(1_000_000)`));
  const ran = await project.run(["deploy", "--version", "v2", "--json"], { VERSION: "v2" });
  await Bun.write(path, config);
  expect(ran.status).toBe(3);
  const { details } = JSON.parse(ran.stdout.trim().split("\n").at(-1) ?? "") as { readonly details: readonly string[] };
  expect(details.map((line) => line.replace(/: expected.*(?= \()/s, ""))).toEqual(["SINGLE", "HALF", "HUGE"].map((name) => expect.stringMatching(new RegExp(`^env\\.clear\\.${name} \\(deploy\\.config\\.ts:\\d+:\\d+\\)$`))));
  expect(ran.stdout).not.toContain(`"type":"connect"`);
}, 60_000);
