import { expect, test } from "bun:test";
import { configReference, sections, typesSource } from "../../lib/config/document.ts";
import { hookNames } from "../../lib/config/hooks.ts";

test("types.ts is what the schema says: else run `bun test/config/generate.ts`", async () => {
  expect(await Bun.file("lib/config/types.ts").text()).toBe(typesSource());
});

test("types.ts needs no zod", () => {
  expect(typesSource()).not.toContain("zod");
});

test("sections() walks the whole config", () => {
  expect(sections().map(({ typeName, paths }) => [typeName, [...paths]])).toEqual([
    ["DeployConfig", []],
    ["RoleConfig", ["servers.ROLE"]],
    ["EnvConfig", ["servers.ROLE.env", "env", "traefik.env"]],
    ["ProxyConfig", ["servers.ROLE.proxy", "proxy"]],
    ["CertificateConfig", ["servers.ROLE.proxy.ssl"]],
    ["HealthcheckConfig", ["servers.ROLE.proxy.healthcheck"]],
    ["BufferingConfig", ["servers.ROLE.proxy.buffering"]],
    ["ProxyLoggingConfig", ["servers.ROLE.proxy.logging"]],
    ["ProxyRunConfig", ["servers.ROLE.proxy.run"]],
    ["AppHealthcheckConfig", ["servers.ROLE.healthcheck", "healthcheck"]],
    ["LoggingConfig", ["servers.ROLE.logging", "logging"]],
    ["RegistryConfig", ["registry"]],
    ["BuilderConfig", ["builder"]],
    ["PackConfig", ["builder.pack"]],
    ["CacheConfig", ["builder.cache"]],
    ["TraefikConfig", ["traefik"]],
    ["SshConfig", ["ssh"]],
    ["BootConfig", ["boot"]],
  ]);
});

test("every key has a sentence", () => {
  const keys = sections().flatMap(({ typeName, keys }) => keys.map((key) => ({ ...key, at: `${typeName}.${key.name}` })));
  expect(keys.length).toBeGreaterThan(80);
  expect(keys.filter(({ description }) => !/^[A-Z`].*[.!]$/s.test(description)).map(({ at }) => at)).toEqual([]);
  expect(keys.filter(({ example }) => example !== undefined && !isCode(`({ key: ${example} })`)).map(({ at }) => at)).toEqual([]);
});

function isCode(text: string): boolean {
  try {
    new Bun.Transpiler({ loader: "ts" }).transformSync(text);
    return true;
  } catch {
    return false;
  }
}

test("configReference() has a heading for each section and a row for each key", () => {
  const text = configReference();
  expect(text).toContain("## Root\n\nWhat `deploy.config.ts` says. Type `DeployConfig`.\n\n| key | type | default | meaning |\n");
  expect(text).toContain("| `service` | `string` | required | Name of the service: first part of every container's name. Example: `service: \"shop\"` |\n");
  expect(text).toContain("| `retainContainers` | `number` | 5 | How many old containers are kept for rollback. |\n");
  expect(text).toContain("| `limit` | `number \\| '${number}%'` | all | How many hosts boot together, or the share of all hosts, at least one. Example: `limit: \"25%\"` |\n");
  expect(text).toContain("## `servers.ROLE.proxy`, `proxy`\n");
  expect(text.match(/^\| `/gm)?.length).toBe(sections().flatMap(({ keys }) => keys).length);
});

test("the hooks of the schema are the table of hooks", () => {
  expect(hookNames.length).toBe(11);
});
