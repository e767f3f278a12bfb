import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, type Project } from "./project.ts";
import { pushSideImage } from "./side-image.ts";

/** What a config may say, and a shell, docker or a terminal could take for something else. `${NAME}` is not among them: the host fills it in. */
const values: Readonly<Record<string, string>> = {
  SINGLE: "it's", DOUBLE: `say "hi"`, BOTH: `'"'"`, LINES: "one\ntwo\n\nfour", CR: "a\rb\r\n", TAB: "a\tb", BLANKS: "  a  b  ", COMMAND: "$(touch /tmp/hacked)", TICKS: "`touch /tmp/hacked`", DOLLAR: "$HOME $ $$ $1",
  UNCLOSED: "${A:-x", BACKSLASH: "a\\b\\\\n\\", DASH: "-x", OPTION: "--privileged", EQUALS: "a=b==c", SEMICOLON: "a; touch /tmp/hacked", PIPE: "a | b && c || d > e < f &", GLOB: "* ? [a-z] {a,b}", HASH: "# none", TILDE: "~/x",
  BANG: "!! !x", EMOJI: "😀 👩‍👩‍👧 naïve 漢字", BIDI: "a\u202eb\u200bc", ESCAPES: "\u001b[31m\u001b]0;x\u0007", CONTROLS: "\u0001\u0002\u007f", TEMPLATE: "{{.ID}} {{json .}}", PERCENT: "%s %n %%", LONG: `${"x'".repeat(1_500)}${"y".repeat(30_000)}`, EMPTY: "", ZERO: "0",
};

/** The same as secrets, which travel in files; and what files and shells like to cut off, or to fill in. An empty secret is none. */
const some: Readonly<Record<string, string>> = { ...values, PEM: "-----BEGIN KEY-----\nab+/=\n-----END KEY-----\n", LAST_CR: "a\r", LAST_LINES: "a\n\n\n", FIRST_LINE: "\n a", ONLY_LINE: "\n", WINDOWS: "c:\\new\\table\r\nd:\\\r\n", REFERENCE: "${HOME} ${S_TAB}", QUOTED_LINES: "'\n'\\''\n\"", CSI: "\u009b31m\u0085" };
const secrets = Object.fromEntries(Object.entries(some).flatMap(([name, value]) => (value === "" ? [] : [[`S_${name}`, value] as const])));
const names = JSON.stringify(Object.keys(secrets));

let lab: Lab;
let project: Project;
beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
  await pushSideImage(lab, "acme/store", "1");
  project = await makeProject(lab, {
    clear: JSON.stringify(values),
    servers: `{ web: { hosts: [${JSON.stringify(lab.host(1).address)}], env: { secret: ${names} } } }`,
    more: `labels: { words: ${JSON.stringify(values["BOTH"] + "\n$(id) `id` -x")} }, readinessDelay: 1, stopTimeout: 1,
  accessories: { store: { image: ${JSON.stringify(`${lab.registry.address}/acme/store:1`)}, host: ${JSON.stringify(lab.host(1).address)}, env: { secret: ${names} } } },
  secrets: Object.fromEntries(Object.entries(${JSON.stringify(secrets)}).map(([name, value]) => [name, () => (process.env.PLAIN === undefined ? value : "plain")])),`,
  });
}, 180_000);
afterAll(() => lab?.stop());

/** The environment of a container's first process: each variable once, for not every program takes the last one. */
async function environmentOf(container: string): Promise<Record<string, string>> {
  const { stdout } = await lab.host(1).docker("exec", container, "/busybox", "sh", "-c", "/busybox base64 /proc/1/environ");
  const pairs = Buffer.from(stdout, "base64").toString("utf8").split("\0").slice(0, -1).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);
  const environment = Object.fromEntries(pairs);
  expect(Object.keys(environment)).toHaveLength(pairs.length);
  return environment;
}
const of = (environment: Record<string, string>, wanted: Readonly<Record<string, string>>): unknown => Object.fromEntries(Object.keys(wanted).map((name) => [name, environment[name]]));

test("values of all kinds are in the container as they are in the config, byte for byte", async () => {
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  const host = lab.host(1);
  expect(of(await environmentOf("sample-web-v1"), values)).toEqual(values);
  expect((await host.docker("inspect", "--format", `{{json (index .Config.Labels "words")}}`, "sample-web-v1")).stdout.trim()).toBe(JSON.stringify(`${values["BOTH"]}\n$(id) \`id\` -x`));
  expect((await host.exec("ls /tmp/hacked")).status).not.toBe(0);
}, 180_000);

test("secrets of all kinds are in the containers of roles and accessories, byte for byte", async () => {
  const host = lab.host(1);
  for (const container of ["sample-web-v1", "sample-store"]) expect(of(await environmentOf(container), secrets)).toEqual(secrets);
  expect((await host.exec("stat -c '%a %n' .kamal/apps/sample/env/*/*")).stdout.trim().split("\n").map((line) => line.replace(" .kamal/apps/sample/env/", " "))).toEqual([
    "600 accessories/store.env", "600 accessories/store.values", "600 roles/web.env", "644 roles/web.made-with", "600 roles/web.values",
  ]);
  expect((await host.exec("grep -x 'S_WINDOWS=.*' .kamal/apps/sample/env/roles/web.env")).stdout).toBe("S_WINDOWS=c:\\\\new\\\\table\\r\\nd:\\\\\\r\\n\n");
}, 60_000);

test("a command in a new container has them too", async () => {
  const command = `/busybox sh -c 'for name in "$@"; do eval "printf %s \\"\\$$name\\"" | /busybox md5sum; done' sh ${Object.keys(secrets).join(" ")}`;
  const sums = Object.values(secrets).map((value) => `${new Bun.CryptoHasher("md5").update(value).digest("hex")}  -`);
  for (const words of [["app", "exec", "--raw", "--version", "v1", command], ["accessory", "exec", "--raw", "store", command]]) expect((await project.must(words)).stdout.trim().split("\n")).toEqual(sums);
}, 120_000);

test("the file of them goes when it is needed no more", async () => {
  const host = lab.host(1);
  await project.must(["app", "boot", "--version", "v1"], { VERSION: "v1", PLAIN: "1" });
  await project.must(["accessory", "reboot", "store"], { PLAIN: "1" });
  expect((await host.exec("cd .kamal/apps/sample/env && ls roles accessories")).stdout).toBe("accessories:\nstore.env\n\nroles:\nweb.env\nweb.made-with\n");
  for (const container of ["sample-web-v1", "sample-store"]) expect(await environmentOf(container)).toMatchObject({ S_PEM: "plain", S_WINDOWS: "plain" });
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
