import { describe, expect, test } from "bun:test";
import { allPaths, configReference, entryMarkdown, entryOf, exampleLine, referenceSections, sectionPaths } from "../../lib/config/reference.ts";
import { hookDescriptions } from "../../lib/config/hooks.ts";

test("configReference() has a heading for each section and a row for each key", () => {
  const text = configReference();
  expect(text).toContain("## Root\n\nWhat `deploy.config.ts` says. Type `DeployConfig`.\n\n| key | type | default | meaning | example |\n");
  expect(text).toContain("| `service` | `string` | required | Name of the service: first part of every container's name. | `service: \"shop\"` |\n");
  expect(text).toContain("| `retainContainers` | `number` | 5 | How many old containers are kept for rollback. | `retainContainers: 3` |\n");
  expect(text).toContain("| `limit` | `` number \\| `${number}%` `` | all | How many hosts boot together, or the share of all hosts, at least one. | `limit: \"25%\"` |\n");
  expect(text).toContain("## `proxy`, `servers.ROLE.proxy`, `accessories.NAME.proxy`\n");
  expect(text).toContain("## `hooks`\n");
  expect(text.match(/^\| `/gm)?.length).toBe(referenceSections().flatMap(({ keys }) => keys).length);
});

test("every key has an example that is TypeScript", () => {
  const keys = referenceSections().flatMap(({ typeName, keys }) => keys.map((key) => ({ at: `${typeName}.${key.name}`, line: exampleLine(key) })));
  expect(keys.filter(({ line }) => line === undefined).map(({ at }) => at)).toEqual([]);
  for (const { line } of keys) expect(() => new Bun.Transpiler({ loader: "ts" }).transformSync(`({ ${line} })`)).not.toThrow();
});

test("the sentences of the hooks are their doc comments", async () => {
  const source = await Bun.file("lib/config/hooks.ts").text();
  const table = source.slice(source.indexOf("export interface HookContexts"), source.indexOf("export type HookName"));
  expect(Object.fromEntries([...table.matchAll(/\/\*\* (.*) \*\/\n  (\w+):/g)].map(([, sentence, name]) => [name, sentence]))).toEqual({ ...hookDescriptions });
});

describe("entryOf() finds", () => {
  test.each<[string, { section?: string; key?: string; below?: readonly string[] }]>([
    ["proxy", { section: "ProxyConfig", key: "proxy", below: ["proxy.ssl", "proxy.healthcheck", "proxy.buffering", "proxy.logging", "proxy.run"] }],
    ["proxy.healthcheck", { section: "HealthcheckConfig", key: "healthcheck" }],
    ["proxy.healthcheck.path", { key: "path" }],
    ["servers", { key: "servers", below: ["servers.ROLE"] }],
    ["servers.web", { section: "RoleConfig", below: ["servers.web.env", "servers.web.proxy", "servers.web.healthcheck", "servers.web.logging"] }],
    ["servers.web.proxy.run", { section: "ProxyRunConfig", key: "run" }],
    ["servers.jobs.cmd", { key: "cmd" }],
    ["service", { key: "service" }],
    ["hooks", { section: "Hooks", key: "hooks" }],
    ["hooks.preDeploy", { key: "preDeploy" }],
    ["ProxyRunConfig", { section: "ProxyRunConfig", key: "run" }],
  ])("%p", (path, { section, key, below = [] }) => {
    const entry = entryOf(path);
    expect([entry?.section?.typeName, entry?.key?.name, entry?.below]).toEqual([section, key, below]);
  });

  test("the root", () => expect(entryOf("")?.section?.typeName).toBe("DeployConfig"));

  test.each(["", "DeployConfig"])("with the sections of the first level below the root: %p", (path) => expect(entryOf(path)?.below).toContain("builder"));

  test.each(["prxy", "proxy.healthcheck.pth", "servers..cmd", "proxy.web", "service.x"])("nothing for %p", (path) => expect(entryOf(path)).toBeUndefined());

  test("every path it names", () => {
    expect(allPaths().length).toBeGreaterThan(150);
    expect(allPaths().filter((path) => entryOf(path) === undefined)).toEqual([]);
    expect(sectionPaths().slice(0, 4)).toEqual(["servers.ROLE", "traefik.env", "servers.ROLE.env", "accessories.NAME.env"]);
  });
});

test("entryMarkdown() shows one key", () => {
  expect(entryMarkdown(entryOf("proxy.appPort") ?? expect.unreachable())).toBe(
    "## `proxy.appPort`\n\n| key | type | default | meaning | example |\n|---|---|---|---|---|\n| `appPort` | `number` | 80 | Port the app listens on in its container. | `appPort: 3000` |\n",
  );
});
