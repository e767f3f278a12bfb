import { afterAll, expect, test } from "bun:test";
import { systemClock } from "../../lib/world/clock.ts";
import { resolveConfig } from "../../lib/config/load.ts";
import { defineConfig } from "../../lib/config/define.ts";
import { kamalProxyOf } from "../support/settings.ts";
import { base, capstan, failure, project, realFiles, realPrograms, removeProjects } from "./project.ts";

afterAll(removeProjects);

const config = (rest: string): string => `${capstan}\nexport default defineConfig({\n  service: "shop",\n  image: "acme/shop",\n  servers: ["a"],\n  registry: { username: "u", password: secret("PW") },\n${rest}});\n`;

test("loadConfig loads deploy.config.ts with its imports", async () => {
  const settings = await project({
    "deploy.config.ts": `${capstan}\nimport { hosts } from "./hosts.ts";\nimport names from "./names.json";\nenum Port { App = 3000 }\nexport default defineConfig({ service: names.service, image: "acme/shop", servers: hosts, registry: { username: "u", password: secret("PW") }, proxy: { appPort: Port.App } });`,
    "hosts.ts": `export const hosts: string[] = ["a", "b"];`,
    "names.json": `{ "service": "shop" }`,
  }).load();
  expect([settings.service, settings.primaryHost, settings.roles[0]?.proxy?.appPort]).toEqual(["shop", "a", 3000]);
});

test.each([["deploy.config.js"], ["deploy.config.mjs"]])("loadConfig loads %s", async (name) => {
  expect((await project({ [name]: config("") }).load()).service).toBe("shop");
});

test("loadConfig loads the file that -c names, and paths are relative to it", async () => {
  const here = project({ "config/shop.ts": config(`ssh: { keys: ["key"] },\n`) });
  expect((await here.load({ configFile: "config/shop.ts" })).ssh.keys).toEqual([`${here.folder}/config/key`]);
});

test("loadConfig awaits a promise, and calls a function with what the run knows", async () => {
  expect((await project({ "deploy.config.ts": `${capstan}\nexport default defineConfig(Promise.resolve(${JSON.stringify(base)}));` }).load()).service).toBe("shop");
  const called = project({ "deploy.config.ts": `export default async (env) => ({ ...${JSON.stringify(base)}, labels: { is: [env.destination, env.command, env.version, env.env.REGION].join() } });` });
  expect((await called.load({ destination: "qa", version: "7", env: { REGION: "eu" } })).roles[0]?.labels).toEqual({ is: "qa,deploy,7,eu" });
});

test("loadConfig merges what differs for the destination: maps key by key, lists and values as a whole", async () => {
  const settings = await project({
    "deploy.config.ts": `${capstan}\nexport default defineConfig({ ...${JSON.stringify(base)}, servers: { web: ["a", "b"], jobs: { hosts: ["c"], cmd: "x" } }, env: { clear: { A: "1", B: "2" }, secret: ["S1"] }, proxy: { host: "shop.example" } });`,
    "deploy.qa.config.ts": `${capstan}\nexport default defineDestination({ servers: { web: ["d"] }, env: { clear: { B: "3" }, secret: ["S2"] }, proxy: { hosts: ["qa.example"] }, image: undefined });`,
  }).load({ destination: "qa" });
  expect(settings.roles.map(({ name, hosts, cmd }) => [name, [...hosts], cmd])).toEqual([["web", ["d"], undefined], ["jobs", ["c"], "x"]]);
  expect(settings.roles[0]?.env.clear).toEqual({ A: "1", B: "3" });
  expect(Object.keys(settings.roles[0]?.env.secret ?? {})).toEqual(["S2"]);
  expect([settings.repository, settings.destination, kamalProxyOf(settings.roles[0]).hosts]).toEqual(["acme/shop", "qa", ["qa.example"]]);
});

test("loadConfig lets a function and a file share the destination", async () => {
  const settings = await project({
    "deploy.config.ts": `export default ({ destination }) => ({ ...${JSON.stringify(base)}, service: "shop-" + destination });`,
    "deploy.qa.config.ts": `export default ({ destination }) => ({ labels: { stage: destination } });`,
  }).load({ destination: "qa" });
  expect([settings.service, settings.roles[0]?.labels]).toEqual(["shop-qa", { stage: "qa" }]);
});

test("loadConfig reads secrets beside the config, those of the destination", async () => {
  const here = project({ "deploy.config.ts": config(""), "deploy.qa.config.ts": "export default {};", ".capstan/secrets": "PW=plain", ".capstan/secrets.qa": "PW=$(echo qa)" });
  for (const [destination, value] of [[undefined, "plain"], ["qa", "qa"]] as const) {
    const { registry, secrets } = await here.load(destination === undefined ? {} : { destination });
    await secrets.load();
    expect(registry.password?.reveal()).toBe(value);
  }
});

test("loadConfig follows secretsPath", async () => {
  const { registry, secrets } = await project({ "deploy.config.ts": config(`secretsPath: ".kamal/secrets",\n`), ".kamal/secrets-common": "PW=k" }).load();
  await secrets.load();
  expect(registry.password?.reveal()).toBe("k");
});

test("loadConfig says where it looked for a missing file", async () => {
  const empty = project({});
  expect(await empty.fail()).toMatchObject({ failure: "config", message: `Cannot find deploy.config.ts in ${empty.folder}`, hint: "Run `capstan init` to write one, or name a file with -c" });
  expect(await empty.fail({ configFile: "x.ts" })).toMatchObject({ message: `Cannot find x.ts in ${empty.folder}`, hint: "Correct the path after -c" });
});

test("loadConfig refuses a destination that nobody described", async () => {
  expect(await project({ "deploy.config.ts": config("") }).fail({ destination: "qa" })).toMatchObject({
    failure: "config",
    message: "Cannot find deploy.qa.config.ts, and deploy.config.ts is no function of the destination",
    hint: "Write deploy.qa.config.ts with what differs for qa, or export a function: defineConfig(({ destination }) => ({ ... }))",
  });
});

test("loadConfig refuses a destination that is no name", async () => {
  expect(await project({ "deploy.config.ts": config("") }).fail({ destination: "../x" })).toMatchObject({ failure: "usage", message: `Cannot use "../x" as a destination: it has only letters, digits, "-" and "_"` });
});

test("loadConfig refuses to run without a required destination", async () => {
  expect(await project({ "deploy.config.ts": config("requireDestination: true,\n") }).fail()).toMatchObject({ failure: "usage", message: "Cannot run without a destination: deploy.config.ts requires one", hint: "Add -d DESTINATION" });
});

test("loadConfig gives each problem the place of its key, in the order of the file", async () => {
  const error = await project({ "deploy.config.ts": config(`  // registri: comments do not count\n  retainContainers: 0,\n  proxy: {\n    healthcheck: { path: "up" },\n    "sll": true,\n  },\n  boot: { limit: 0 },\n`) }).fail();
  expect(error.message).toBe("Cannot use deploy.config.ts: it has 4 problems");
  expect(error.details).toEqual([
    "retainContainers: expected an integer of at least 1, found 0 (deploy.config.ts:8:3)",
    `proxy.healthcheck.path: expected a path that begins with "/", found "up" (deploy.config.ts:10:20)`,
    "proxy.sll: unknown key, did you mean ssl? (deploy.config.ts:11:5)",
    `boot.limit: expected how many hosts boot together: an integer of at least 1, or a share such as "25%", found 0 (deploy.config.ts:13:11)`,
  ]);
});

test("loadConfig places a missing key at the call of defineConfig", async () => {
  const error = await project({ "deploy.config.ts": `${capstan}\n\nexport default defineConfig({ image: "acme/shop", servers: ["a"], registry: { server: "localhost:5000" } });` }).fail();
  expect(error.message).toBe("Cannot use deploy.config.ts: it has a problem");
  expect(error.details).toEqual(["service: is missing: expected a name (deploy.config.ts:3:16)"]);
});

test("loadConfig places problems of a destination in its own file", async () => {
  const error = await project({ "deploy.config.ts": config("deployTimeout: -1,\n"), "deploy.qa.config.ts": `export default {\n  retainContainers: 0,\n};` }).fail({ destination: "qa" });
  expect(error.details).toEqual([
    `deployTimeout: expected whole seconds, or a text such as "30s" or "2m", found -1 (deploy.config.ts:7:1)`,
    "retainContainers: expected an integer of at least 1, found 0 (deploy.qa.config.ts:2:3)",
  ]);
});

test("loadConfig places problems of the function form too", async () => {
  const error = await project({ "deploy.config.ts": `${capstan}\nexport default defineConfig(async ({ destination }) => {\n  const labels = { a: destination ?? "none" };\n  return {\n    service: "shop", image: "acme/shop", labels,\n    servers: ["a"], regisrty: { server: "localhost:5000" },\n  };\n});` }).fail();
  expect(error.details).toEqual(["regisrty: unknown key, did you mean registry? (deploy.config.ts:6:21)"]);
});

test.each<[title: string, files: Record<string, string>, message: string, details: readonly string[], hint: string]>([
  [
    "a syntax error", { "deploy.config.ts": "export default {\n  a: [1, 2,\n};\n" }, "Cannot read deploy.config.ts: it is not valid TypeScript",
    [`deploy.config.ts:3:1: Unexpected }`, "  1 | export default {", "  2 |   a: [1, 2,", "> 3 | };", "    | ^", "  4 |"], "Correct the code at the first place: the others may follow from it",
  ],
  [
    "several syntax errors", { "deploy.config.ts": "export default {\n  a: 1\n  b: 2,\n};" }, "Cannot read deploy.config.ts: it is not valid TypeScript",
    [
      `deploy.config.ts:3:3: Expected "}" but found "b"`, "  1 | export default {", "  2 |   a: 1", "> 3 |   b: 2,", "    |   ^", "  4 | };",
      `deploy.config.ts:3:4: Expected ";" but found ":"`, "  1 | export default {", "  2 |   a: 1", "> 3 |   b: 2,", "    |    ^", "  4 | };",
      "deploy.config.ts:4:1: Unexpected }", "  2 |   a: 1", "  3 |   b: 2,", "> 4 | };", "    | ^",
    ],
    "Correct the code at the first place: the others may follow from it",
  ],
  [
    "a syntax error in a file it imports", { "deploy.config.ts": `import "./h.ts";\nexport default {};`, "h.ts": "let a = [1;" }, "Cannot read h.ts: it is not valid TypeScript",
    [`h.ts:1:11: Expected "]" but found ";"`, "> 1 | let a = [1;", "    |           ^"], "Correct the code at the first place: the others may follow from it",
  ],
  [
    "a missing file", { "deploy.config.ts": `\nimport x from './missing.ts';\nexport default x;` }, `Cannot load deploy.config.ts: it imports "./missing.ts", which cannot be found`,
    ["deploy.config.ts:2:15:", "  1 |", "> 2 | import x from './missing.ts';", "    |               ^", "  3 | export default x;"], "Correct the path: it is relative to the file that imports it",
  ],
  [
    "a missing package", { "deploy.config.ts": `import x from "@acme/nowhere/x";\nexport default x;`, "node_modules/.keep": "" }, `Cannot load deploy.config.ts: it imports "@acme/nowhere/x", which cannot be found`,
    ["deploy.config.ts:1:15:", `> 1 | import x from "@acme/nowhere/x";`, "    |               ^", "  2 | export default x;"], "Install it beside the config: bun add @acme/nowhere",
  ],
  [
    "a missing export", { "deploy.config.ts": `import { nope } from "./h.ts";\nexport default nope;`, "h.ts": "export const yes = 1;" }, `Cannot load deploy.config.ts: "h.ts" exports no "nope"`,
    ["deploy.config.ts:1:10:", `> 1 | import { nope } from "./h.ts";`, "    |          ^", "  2 | export default nope;"], "Correct the name in the import",
  ],
  [
    "a throw", { "deploy.config.ts": `interface Typed { a: string }\n\nthrow new TypeError("no region");` }, "Cannot load deploy.config.ts: TypeError: no region",
    ["deploy.config.ts:3:11:", "  1 | interface Typed { a: string }", "  2 |", `> 3 | throw new TypeError("no region");`, "    |           ^"], "Correct deploy.config.ts, or what it asks",
  ],
  [
    "a throw of a function it calls", { "deploy.config.ts": `import { ask } from "./h.ts";\nexport default () => {\n  return ask() ?? {};\n};`, "h.ts": `export function ask(): never {\n  throw new Error("no answer");\n}` }, "Cannot load deploy.config.ts: Error: no answer",
    ["h.ts:2:13:", "  1 | export function ask(): never {", `> 2 |   throw new Error("no answer");`, "    |             ^", "  3 | }", "called from deploy.config.ts:3:10"], "Correct deploy.config.ts, or what it asks",
  ],
  [
    "a rejection", { "deploy.config.ts": `export default async () => {\n  throw new Error("later");\n};` }, "Cannot load deploy.config.ts: Error: later",
    ["deploy.config.ts:2:13:", "  1 | export default async () => {", `> 2 |   throw new Error("later");`, "    |             ^", "  3 | };"], "Correct deploy.config.ts, or what it asks",
  ],
  ["a text that is thrown", { "deploy.config.ts": `throw "no region";` }, `Cannot load deploy.config.ts: it threw "no region"`, [], "Throw an Error instead: it knows where it was thrown"],
  ["nothing that is thrown", { "deploy.config.ts": "throw undefined;" }, "Cannot load deploy.config.ts: it threw undefined", [], "Throw an Error instead: it knows where it was thrown"],
  ["no default export", { "deploy.config.ts": "export const config = {};" }, "Cannot use deploy.config.ts: it has no default export", [], "Write `export default defineConfig({ ... })`"],
  ["an export that is no config", { "deploy.config.ts": "export default [];" }, "Cannot use deploy.config.ts: expected a config, found an empty list", [], "Write `export default defineConfig({ ... })`"],
  ["a function that forgets to return", { "deploy.config.ts": "export default () => {};" }, "Cannot use deploy.config.ts: expected a config, found nothing", [], "Return the config from the function"],
])("loadConfig shows the place of %s", async (_, files, message, details, hint) => {
  const error = await project(files).fail();
  expect([error.failure, error.message, error.hint]).toEqual(["config", message, hint]);
  expect(error.details).toEqual([...details]);
});

test("loadConfig keeps the original error as the cause", async () => {
  expect((await project({ "deploy.config.ts": `throw new RangeError("x");` }).fail()).cause).toBeInstanceOf(RangeError);
});

test("loadConfig passes on a DeployError of the config", async () => {
  const error = await project({ "deploy.config.ts": `import { DeployError } from "${import.meta.dir}/../../lib/ground/errors.ts";\nthrow new DeployError("usage", "Cannot deploy on a Friday");` }).fail();
  expect([error.failure, error.message]).toEqual(["usage", "Cannot deploy on a Friday"]);
});

const from = { files: realFiles, programs: realPrograms(), clock: systemClock, cwd: "/app", env: {}, command: "deploy" };

test("resolveConfig takes a config, a promise and a function", async () => {
  for (const each of [base, Promise.resolve(base), () => base, async () => base]) expect((await resolveConfig(each, from)).service).toBe("shop");
  expect((await resolveConfig(({ destination }) => ({ ...base, labels: { d: destination ?? "" } }), { ...from, destination: "qa" })).roles[0]?.labels).toEqual({ d: "qa" });
});

test("resolveConfig tells problems like a file's", async () => {
  const plain = await failure(() => resolveConfig({ ...base, retainContainers: 0 }, from));
  expect([plain.message, ...plain.details]).toEqual(["Cannot use the config: it has a problem", "retainContainers: expected an integer of at least 1, found 0"]);
  const defined = await failure(() => resolveConfig(defineConfig({ ...base, drainTimeout: -1 }), { ...from, cwd: import.meta.dir }));
  expect(defined.details[0]).toMatch(/^drainTimeout: expected .*, found -1 \(load\.test\.ts:\d+:\d+\)$/);
});
