import { expect, test } from "bun:test";
import { sections, typesSource } from "../../lib/config/document.ts";

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
    ["EnvConfig", ["servers.ROLE.env", "accessories.NAME.env", "env.tags.NAME", "traefik.env"]],
    ["ProxyConfig", ["servers.ROLE.proxy", "accessories.NAME.proxy", "proxy"]],
    ["CertificateConfig", ["servers.ROLE.proxy.ssl", "accessories.NAME.proxy.ssl", "proxy.ssl"]],
    ["HealthcheckConfig", ["servers.ROLE.proxy.healthcheck", "accessories.NAME.proxy.healthcheck", "proxy.healthcheck"]],
    ["BufferingConfig", ["servers.ROLE.proxy.buffering", "accessories.NAME.proxy.buffering", "proxy.buffering"]],
    ["ProxyLoggingConfig", ["servers.ROLE.proxy.logging", "accessories.NAME.proxy.logging", "proxy.logging"]],
    ["ProxyRunConfig", ["servers.ROLE.proxy.run", "accessories.NAME.proxy.run", "proxy.run"]],
    ["AppHealthcheckConfig", ["servers.ROLE.healthcheck", "healthcheck"]],
    ["LoggingConfig", ["servers.ROLE.logging", "logging"]],
    ["AccessoryConfig", ["accessories.NAME"]],
    ["RegistryConfig", ["accessories.NAME.registry", "registry"]],
    ["AccessoryFileConfig", ["accessories.NAME.files"]],
    ["AccessoryDirectoryConfig", ["accessories.NAME.directories"]],
    ["DeliveryConfig", ["delivery"]],
    ["HandOnConfig", ["delivery.handOn"]],
    ["RootEnvConfig", ["env"]],
    ["BuilderConfig", ["builder"]],
    ["PackConfig", ["builder.pack"]],
    ["CacheConfig", ["builder.cache"]],
    ["TraefikConfig", ["traefik"]],
    ["SshConfig", ["ssh"]],
    ["BootConfig", ["boot"]],
    ["OutputConfig", ["output"]],
    ["FileOutputConfig", ["output.file"]],
    ["OtelOutputConfig", ["output.otel"]],
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
