import { afterAll, expect, test } from "bun:test";
import { importProject, type ImportSource } from "../../../lib/config/yaml/import.ts";
import { failure, project, removeProjects } from "../project.ts";
import { loadable } from "./project.ts";

afterAll(removeProjects);

const source = (text: string, name = "deploy") => ({ file: `/app/config/${name}.yml`, text, cwd: "/app" });
const imported = (text: string, more: Partial<ImportSource> = {}) => importProject({ base: source(text), destinations: [], project: { dotenv: false, kamalSecrets: false, hooks: undefined }, ...more });
const codeOf = (text: string, more: Partial<ImportSource> = {}): string => imported(text, more).files[0]?.content ?? "";
const head = `/// <reference path="./.capstan/types.d.ts" />\n`;

test("importProject writes a config as people write it", () => {
  const yaml = `# The shop.
service: shop
image: acme/shop

# Where images are kept
registry:
  username: bot
  password: [REGISTRY_PASSWORD] # from the vault
builder:
  arch: amd64

servers:
  web:
    # in the cellar
    - 10.0.0.1 # left
    - 10.0.0.2
  jobs:
    hosts: [10.0.0.3]
    cmd: bin/work --queues "mail"
    stop_timeout: 90
env:
  clear: {PORT: 3000, "a-b": yes}
  secret: [API_KEY]
proxy:
  app_port: 3000
  ssl: {certificate_pem: CERT, private_key_pem: KEY}
  host: shop.example
`;
  expect(codeOf(yaml, { project: { dotenv: false, kamalSecrets: false, hooks: ".kamal/hooks" } })).toBe(`${head}import { defineConfig, secret, shellHooks } from "capstan";

export default defineConfig({
  // The shop.
  service: "shop",
  image: "acme/shop",

  // Where images are kept
  registry: {
    username: "bot",
    password: secret("REGISTRY_PASSWORD"), // from the vault
  },
  builder: { arch: "amd64" },

  servers: {
    web: [
      // in the cellar
      "10.0.0.1", // left
      "10.0.0.2",
    ],
    jobs: { hosts: ["10.0.0.3"], cmd: "bin/work --queues \\"mail\\"", stopTimeout: 90 },
  },
  env: { clear: { PORT: 3000, "a-b": true }, secret: ["API_KEY"] },
  proxy: {
    appPort: 3000,
    ssl: { certificatePem: secret("CERT"), privateKeyPem: secret("KEY") },
    host: "shop.example",
  },
  secretsPath: ".kamal/secrets",
  hooks: shellHooks(".kamal/hooks"),
});
`);
});

test("importProject writes what differs for destinations", () => {
  const { files } = imported("service: shop\nbuilder: {arch: amd64}\n", { destinations: [{ name: "qa", source: source("servers: {web: [d]}\nhooks_path: ops/qa\n", "deploy.qa") }, { name: "none", source: source("", "deploy.none") }] });
  expect(files.map(({ path }) => path)).toEqual(["deploy.config.ts", "deploy.qa.config.ts", "deploy.none.config.ts"]);
  expect(files[1]?.content).toBe(`${head}import { defineDestination, shellHooks } from "capstan";\n\nexport default defineDestination({\n  servers: { web: ["d"] },\n  hooks: shellHooks("ops/qa"),\n});\n`);
  expect(files[2]?.content).toBe(`${head}import { defineDestination } from "capstan";\n\nexport default defineDestination({});\n`);
});

test("importProject writes what MRSK means and does not say", () => {
  expect(codeOf("service: hey\nstop_wait_time: 30\naudit_broadcast_cmd: bin/audit\nhealthcheck: {port: 4000}\n")).toBe(`${head}import { defineConfig, shellHooks } from "capstan";

export default defineConfig({
  service: "hey",
  stopTimeout: 30,
  healthcheck: { port: 4000 },
  traefik: { image: "traefik:v2.11" },
  builder: {
    // MRSK builds for both unless it is told otherwise.
    arch: ["amd64", "arm64"],
  },
  secretsPath: ".env",
  hooks: shellHooks(".mrsk/hooks", { prefix: "MRSK", auditBroadcast: "bin/audit" }),
});
`);
});

test("importProject makes a constant of what an anchor has in several places", () => {
  const code = codeOf(`x-limits: &run-limits\n  memory: 512m\n  cpus: 2\nbuilder: {arch: amd64}\nservers:\n  web: {hosts: [a], options: *run-limits}\n  jobs: {hosts: [b], options: *run-limits}\n  mail: {hosts: [c], options: {<<: *run-limits, cpus: 1}}\n`);
  expect(code).toContain(`\nconst runLimits = { memory: "512m", cpus: 2 } as const;\n\nexport default defineConfig({\n`);
  expect(code).toContain(`    web: { hosts: ["a"], options: runLimits },\n    jobs: { hosts: ["b"], options: runLimits },\n    mail: { hosts: ["c"], options: { memory: "512m", cpus: 1 } },\n`);
});

test.each(["if", "public", "static", "delete", "enum", "for", "with", "await", "eval", "default", "undefined", "defineConfig", "shellHooks", "secret", "env", "scalar", "list", "Bun"])("importProject calls no constant %s", (anchor) => {
  const code = codeOf(`builder: {arch: amd64}\nservers:\n  web: {hosts: [a], options: &${anchor} {memory: 512m, cpus: 2}}\n  jobs: {hosts: [b], options: *${anchor}}\n`);
  expect(code).toContain(`\nconst ${anchor}s = { memory: "512m", cpus: 2 } as const;\n`);
  expect(code).toContain(`web: { hosts: ["a"], options: ${anchor}s }`);
});

test.each<[ruby: string, line: string, begin: string]>([
  [`<%= ENV["X"] %>`, `env["X"] ?? ""`, "({ env }) => ({"],
  [`"a <%= ENV['X'] || "b" %>\${c}"`, `\`a \${env["X"] ?? "b"}\\\${c}\``, "({ env }) => ({"],
  [`<%= ENV.fetch("X") %>`, `env["X"] ?? unset("X")`, "({ env }) => ({"],
  [`<%= ENV["KAMAL_DESTINATION"] %>`, `destination ?? ""`, "({ destination }) => ({"],
  [`"<%= ENV["MRSK_DESTINATION"] %>-<%= ENV["X"] %>"`, `\`\${destination ?? ""}-\${env["X"] ?? ""}\``, "({ env, destination }) => ({"],
  ["<%= `git rev-parse HEAD`.strip %>", `(await output("git rev-parse HEAD")).trim()`, "async () => ({"],
  ["<%= `echo #{ENV['X']}`.chomp %>", `(await output(\`echo \${env["X"] ?? ""}\`)).replace(/\\r?\\n$/, "")`, "async ({ env }) => ({"],
  ["<%= Rails.application.name %>", `unconverted("<%= Rails.application.name %>")`, "() => ({"],
])("importProject writes %s as %s", (ruby, line, begin) => {
  const code = codeOf(`builder: {arch: amd64}\nimage: ${ruby}\n`);
  expect(code).toContain(`  image: ${line},\n`);
  expect(code).toContain(`export default defineConfig(${begin}\n`);
});

test("importProject reads .env where the YAML does", () => {
  const ruby = `image: <%= ENV["X"] || "a" %>-<%= ENV.fetch("Y") %>\nlabels: {d: "<%= ENV["KAMAL_DESTINATION"] %>"}\n`;
  const lines = `export default defineConfig(async ({ dotenv, destination }) => ({\n  builder: { arch: "amd64" },\n  image: \`\${await dotenv("X") ?? "a"}-\${await dotenv("Y") ?? unset("Y")}\`,\n  labels: { d: destination ?? "" },\n`;
  expect(codeOf(`builder: {arch: amd64}\n${ruby}`, { project: { dotenv: true, kamalSecrets: false, hooks: undefined } })).toContain(lines);
  const { notes, files } = imported(`<% require "dotenv"; Dotenv.load(".env") %>\nbuilder: {arch: amd64}\n${ruby}`);
  expect(files[0]?.content).toContain(lines);
  expect(files[0]?.content).not.toContain("Not converted");
  expect(notes).toEqual([]);
});

test("importProject writes numbers and switches that come from Ruby as such", () => {
  const code = codeOf(`retain_containers: <%= ENV["KEEP"] || 5 %>\nproxy: {ssl: <%= ENV["SSL"] %>, app_port: <%= \`echo 3000\` %>}\n`);
  expect(code).toContain(`  retainContainers: Number(env["KEEP"] ?? "5"),\n`);
  expect(code).toContain(`    ssl: /^(true|yes|on)$/i.test(env["SSL"] ?? ""),\n    appPort: Number(await output("echo 3000")),\n`);
});

test("importProject writes what YAML would make of a text", () => {
  const code = codeOf(`builder: {arch: amd64, provenance: <%= ENV["P"] %>}\nservers:\n  web: [<%= ENV["WEB"] %>, "<%= ENV["ONE"] %>"]\n  jobs: {hosts: <%= ENV["JOBS"] %>}\nboot: {limit: <%= ENV["LIMIT"] || 10 %>}\nlabels: {a: <%= ENV["A"] %>, b: "<%= ENV["B"] %>", c: <%= ENV["C"] %> x}\nregistry: {password: [<%= ENV["PW"] %>]}\n`);
  for (const line of [
    `provenance: scalar(env["P"] ?? "") }`, `web: [...list(env["WEB"] ?? ""), env["ONE"] ?? ""],`, `jobs: { hosts: list(env["JOBS"] ?? "") },`, `boot: { limit: scalar(env["LIMIT"] ?? "10") },`,
    `labels: { a: scalar(env["A"] ?? ""), b: env["B"] ?? "", c: \`\${env["C"] ?? ""} x\` },`, `registry: { password: [env["PW"] ?? ""] },`, "const scalar = <T>(text: string): T =>", "const list = (text: string): string[] =>",
  ]) expect(code).toContain(line);
});

test("importProject names what it could not take along, with its place", () => {
  const { notes, files } = imported(`service: <%= Foo.bar %>\nbuilder: {arch: amd64}\n<% if ENV["X"] %>\nretain_containers: 3\n<% end %>\nrun_directory: x\nretainContainer: 2\nhealthcheck: {cord: false}\n`, { destinations: [{ name: "qa", source: source("foo: 1\n", "deploy.qa") }] });
  expect(notes).toEqual([
    "config/deploy.yml:1:10: <%= Foo.bar %> has no counterpart: write it in TypeScript",
    `config/deploy.yml:3:1: <% if ENV["X"] %> has no counterpart: write it in TypeScript`,
    "config/deploy.yml:5:1: <% end %> has no counterpart: write it in TypeScript",
    "config/deploy.yml:7:1: retainContainer: unknown key, did you mean retain_containers?",
    "config/deploy.yml:6:1: run_directory is left out: its folder on the hosts has a fixed name, as in Kamal 2",
    "config/deploy.yml:8:15: healthcheck.cord is left out: requests are switched at the proxy, so no container has to be made unhealthy",
    "config/deploy.qa.yml:1:1: foo is left out: MRSK passes over it too",
  ]);
  expect(files[0]?.content).toContain(`// Not converted, from config/deploy.yml:3:1: <% if ENV["X"] %>\n// Not converted, from config/deploy.yml:5:1: <% end %>\n`);
});

test("what has no counterpart stops the run and says what it was", async () => {
  const { files } = imported("service: <%= Foo.bar %>\nbuilder: {arch: amd64}\n");
  const error = await failure(() => project({ "deploy.config.ts": loadable(files[0]?.content ?? "") }).load());
  expect(error.message).toBe("Cannot load deploy.config.ts: Error: Not converted yet: <%= Foo.bar %>");
});
