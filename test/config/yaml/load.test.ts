import { afterAll, describe, expect, test } from "bun:test";
import { stringify, parse } from "yaml";
import { project, removeProjects } from "../project.ts";
import { shop, textOf } from "./fixtures.ts";

afterAll(removeProjects);

const configFile = "config/deploy.yml";
const at = (files: Readonly<Record<string, string>>) => project(files);
const withChange = (yaml: string): string => textOf({ name: "", yaml });

describe("problems are told under the names and at the places of the YAML", () => {
  test.each<[change: string, problems: readonly string[]]>([
    ["foo: 1", ["foo: unknown key (config/deploy.yml:18:1)"]],
    ["foo: 1\nbar: 2", ["foo: unknown key (config/deploy.yml:18:1)", "bar: unknown key (config/deploy.yml:19:1)"]],
    ["x-foo: {any: thing}", []],
    ["service: []", ["service: expected a name, found an empty list (config/deploy.yml:1:1)"]],
    ["retain_containers: two", [`retain_containers: expected an integer of at least 1, found "two" (config/deploy.yml:18:1)`]],
    ["retainContainers: 2", ["retainContainers: unknown key, did you mean retain_containers? (config/deploy.yml:18:1)"]],
    ["servers: text", [`servers: expected a list or a map, found "text" (config/deploy.yml:8:1)`]],
    ["servers: {web: {hosts: h1}}", [`servers.web.hosts: expected a list, found "h1" (config/deploy.yml:10:5)`]],
    ["registry: {password: }", ["registry.password: expected [NAME] or a text, found null (config/deploy.yml:5:3)"]],
    ["registry: {password: [A, B]}", ["registry.password: expected [NAME] or a text, found a list of 2 (config/deploy.yml:5:3)"]],
    ["env: {clear: {A: []}}", ["env.clear.A: expected a text, a number, true or false, found an empty list (config/deploy.yml:19:5)"]],
    ["proxy: false", ["proxy: expected a map, found false (config/deploy.yml:18:1)"]],
    ["proxy: {app_port: 0, healthcheck: {path: up}, run: {http_prot: 1}}", [`proxy.app_port: expected a port: 1 to 65535, found 0 (config/deploy.yml:19:3)`, `proxy.healthcheck.path: expected a path that begins with "/", found "up" (config/deploy.yml:21:5)`, "proxy.run.http_prot: unknown key, did you mean http_port? (config/deploy.yml:23:5)"]],
    ["proxy: {ssl: true}", ["proxy.ssl: expected proxy.host too: a certificate is for a name (config/deploy.yml:19:3)"]],
    ["servers: {cron: []}", ["servers.cron: expected at least one host (or allow_empty_roles) (config/deploy.yml:15:3)"]],
    ["servers: {jobs: {stop_timeout: soon, options: {restart: no}}}", [`servers.jobs.stop_timeout: expected whole seconds, or a text such as "30s" or "2m", found "soon" (config/deploy.yml:15:5)`, `servers.jobs.options.restart: expected "no", "always", "unless-stopped", "on-failure" or "on-failure:N", found false: write "no" to disable restarts (config/deploy.yml:17:7)`]],
    ["env: {clear: {A: 1}, B: 2}", ["env.B: unknown key beside clear and secret: a variable belongs below clear (config/deploy.yml:20:3)"]],
    ["healthcheck: {cmd: bin/alive}", ["healthcheck.cmd: expected a path instead: a container behind Traefik is asked over HTTP, so give path and port of what answers 2xx once it is ready (config/deploy.yml:19:3)"]],
    ["stop_wait_time: 3\nvolume: []\nanything: 1", ["volume: unknown key, did you mean volumes? (config/deploy.yml:19:1)"]],
    ["stop_wait_time: long", [`stop_wait_time: expected whole seconds, or a text such as "30s" or "2m", found "long" (config/deploy.yml:18:1)`]],
  ])("%s", async (change, problems) => {
    const folder = at({ "config/deploy.yml": withChange(change) });
    if (problems.length === 0) return expect((await folder.load({ configFile })).service).toBe("shop");
    const error = await folder.fail({ configFile });
    expect([error.failure, error.details]).toEqual(["config", [...problems]]);
    expect(error.message).toBe(`Cannot use config/deploy.yml: it has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}`);
  });

  test("builder.arch is required", async () => {
    const { builder: _builder, ...rest } = parse(shop) as Record<string, unknown>;
    expect((await at({ "config/deploy.yml": stringify(rest) }).fail({ configFile })).details).toEqual([`builder.arch: is missing: expected the architecture of the hosts, such as "amd64" (config/deploy.yml:1:1)`]);
    expect((await at({ "config/deploy.yml": stringify({ ...rest, builder: {} }) }).fail({ configFile })).details).toEqual([`builder.arch: is missing: expected the architecture of the hosts, such as "amd64" (config/deploy.yml:16:1)`]);
  });

  test("those of a destination in its own file", async () => {
    const files = { "config/deploy.yml": `${shop}deploy_timeout: x\n`, "config/deploy.qa.yml": "# qa\nservers:\n  web: [d]\nboot: {limit: 0}\n" };
    expect((await at(files).fail({ configFile, destination: "qa" })).details).toEqual([
      `deploy_timeout: expected whole seconds, or a text such as "30s" or "2m", found "x" (config/deploy.yml:9:1)`,
      `boot.limit: expected how many hosts boot together: an integer of at least 1, or a share such as "25%", found 0 (config/deploy.qa.yml:4:8)`,
    ]);
  });

  test("behind Ruby that takes more or fewer lines", async () => {
    const error = await at({ "config/deploy.yml": `<%# nothing -%>\n${shop.replace("bot", `"<%= \`printf 'a\\n  b'\` %>"`)}deploy_timeout: x\n` }).fail({ configFile });
    expect(error.details).toEqual([`deploy_timeout: expected whole seconds, or a text such as "30s" or "2m", found "x" (config/deploy.yml:10:1)`]);
  });
});

test("a destination without its file is refused, by the name of the file", async () => {
  expect(await at({ "config/deploy.yml": shop }).fail({ configFile, destination: "qa" })).toMatchObject({ failure: "config", message: "Cannot find config/deploy.qa.yml", hint: "Write it with what differs for qa, or correct the destination after -d" });
});

test("a required destination is asked for", async () => {
  expect(await at({ "config/deploy.yml": `${shop}require_destination: true\n` }).fail({ configFile })).toMatchObject({ failure: "usage", message: "Cannot run without a destination: config/deploy.yml requires one" });
});

test.each(["", "- a\n", "just text"])("a file with %j is refused", async (text) => {
  expect(await at({ "config/deploy.yml": text }).fail({ configFile })).toMatchObject({ failure: "config", message: "Cannot use config/deploy.yml: expected a map" });
});

test("other names of the file work too, and its destinations have its ending", async () => {
  const settings = await at({ "ops/shop.yaml": shop, "ops/shop.qa.yaml": "servers: {web: [q]}\n" }).load({ configFile: "ops/shop.yaml", destination: "qa" });
  expect([settings.primaryHost, settings.destination]).toEqual(["q", "qa"]);
});

test("without -c a project of Kamal is told how to go on", async () => {
  const folder = at({ "config/deploy.yml": shop });
  expect(await folder.fail()).toMatchObject({ message: `Cannot find deploy.config.ts in ${folder.folder}, but there is config/deploy.yml`, hint: "Run it as it stands with `capstan -c config/deploy.yml …`, or `capstan import` to write deploy.config.ts from it" });
});

test("paths are relative to the project, not to config/", async () => {
  const folder = at({ "config/deploy.yml": `${shop}ssh: {keys: [keys/id], config: ssh_config}\n` });
  const { root, ssh } = await folder.load({ configFile });
  expect([root, ssh.keys, ssh.config]).toEqual([folder.folder, [`${folder.folder}/keys/id`], [`${folder.folder}/ssh_config`]]);
});

describe("secrets", () => {
  const valuesOf = async (files: Readonly<Record<string, string>>, names: readonly string[], options: { destination?: string; env?: Record<string, string> } = {}): Promise<string[]> => {
    const { secrets } = await at({ "config/deploy.yml": shop, "config/deploy.qa.yml": "", "config/deploy.other.yml": "", ...files }).load({ configFile, ...options });
    return Promise.all(names.map((name) => secrets.value(name)));
  };
  const files = { ".kamal/secrets-common": "A=1\nB=2", ".kamal/secrets": "B=3", ".kamal/secrets.qa": "B=4" };

  test.each<[destination: string | undefined, values: readonly string[]]>([[undefined, ["1", "3"]], ["qa", ["1", "4"]], ["other", ["1", "2"]]])("J1 with -d %p are %j", async (destination, values) => {
    expect(await valuesOf(files, ["A", "B"], { env: { B: "9" }, ...(destination === undefined ? {} : { destination }) })).toEqual([...values]);
  });

  test("J2 substitution", async () => {
    const text = "A=abc\nB=${A}def\nC=$HOME_KEY\nD='$A'\nE=\"x $(echo y) z\"\nF=one#two\nH=\\$A\n";
    expect(await valuesOf({ ".kamal/secrets": text }, ["A", "B", "C", "D", "E", "F", "H"], { env: { HOME_KEY: "hk" } })).toEqual(["abc", "abcdef", "hk", "$A", "x y z", "one", "$A"]);
  });

  test("J3 a missing one is told when it is needed, with every place", async () => {
    const { secrets } = await at({ "config/deploy.yml": shop, ".kamal/secrets-common": "" }).load({ configFile });
    expect(await secrets.load().catch((error: unknown) => error)).toMatchObject({ message: "Cannot find secret API_KEY", details: ["API_KEY", "Looked in .kamal/secrets-common, .kamal/secrets (there is no such file), the environment"] });
  });

  test.each<[title: string, destination: string | undefined, env: Record<string, string>, values: readonly string[]]>([
    ["the file", undefined, {}, ["1", "2"]],
    ["the file of a destination over it", "qa", {}, ["1", "3"]],
    ["the environment over both", "qa", { A: "e", B: "" }, ["e", "3"]],
  ])("of MRSK come from .env: %s", async (_, destination, env, values) => {
    const mrsk = { "config/deploy.yml": `${shop}stop_wait_time: 1\n`, ".env": "A=1\nB=2", ".env.qa": "B=3" };
    expect(await valuesOf(mrsk, ["A", "B"], { env, ...(destination === undefined ? {} : { destination }) })).toEqual([...values]);
  });

  test("all of them are had at once", async () => {
    const { secrets } = await at({ "config/deploy.yml": shop, ...files }).load({ configFile, env: { API_KEY: "k1", OTHER: "x" } });
    expect(await secrets.all()).toEqual({ A: "1", B: "3", API_KEY: "k1" });
  });

  test("of MRSK come from Kamal's files where those are there", async () => {
    expect(await valuesOf({ "config/deploy.yml": `${shop}stop_wait_time: 1\n`, ".env": "A=1", ".kamal/secrets": "A=2" }, ["A"])).toEqual(["2"]);
  });

  test.each([`<% require "dotenv"; Dotenv.load(".env") %>`, "<% Dotenv.load -%>", `<% require 'dotenv'\n   Dotenv.load '.env' %>`])("of .env are seen by Ruby where it loads them: %s", async (code) => {
    const { labels } = (await at({ "config/deploy.yml": `${code}\n${shop}labels: {a: <%= ENV["FROM_FILE"] %>}\n`, ".env": "FROM_FILE=f", ".kamal/secrets": "" }).load({ configFile })).roles[0] ?? {};
    expect(labels).toEqual({ a: "f" });
  });

  test("of .env are seen by Ruby in the config", async () => {
    const { labels } = (await at({ "config/deploy.yml": `${shop}labels: {a: <%= ENV["FROM_FILE"] %>}\n`, ".env": "FROM_FILE=f" }).load({ configFile })).roles[0] ?? {};
    expect(labels).toEqual({ a: "f" });
  });
});
