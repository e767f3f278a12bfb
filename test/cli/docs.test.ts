import { describe, expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { referenceSections } from "../../lib/config/reference.ts";
import { fakeIo } from "./fake-io.ts";

async function docs(...argv: string[]): Promise<string> {
  const { io, written } = fakeIo();
  const status = await main(["docs", ...argv], io, commands);
  expect(status).toBe(written.stderr === "" ? 0 : 2);
  return written.stdout + written.stderr;
}

test("docs shows every section and every key", async () => {
  const text = await docs();
  for (const { keys, description } of referenceSections()) {
    expect(text.replaceAll(/\s+/g, " ")).toContain(description);
    for (const { name } of keys) expect(text).toContain(`\n  ${name}\n      `);
  }
});

test("docs SECTION shows what is in it, and where else it may stand", async () => {
  expect(await docs("proxy.logging")).toBe(`\
proxy.logging
What the proxy logs of each request. Type ProxyLoggingConfig. The same keys:
servers.ROLE.proxy.logging, accessories.NAME.proxy.logging.
example: logging: { requestHeaders: ["X-Request-Id"] }

  requestHeaders
      Request headers in the proxy's log.
      type: readonly string[]
      default: ["Cache-Control","Last-Modified","User-Agent"]
      example: requestHeaders: ["X-Request-Id"]

  responseHeaders
      Response headers in the proxy's log.
      type: readonly string[]
      default: []
      example: responseHeaders: ["Content-Type"]
`);
});

test("docs KEY shows that key", async () => {
  expect(await docs("proxy.healthcheck.path")).toBe(`\
proxy.healthcheck.path
Asked with GET; any 2xx is healthy.
type: string
default: the proxy's own: "/up"
example: path: "/healthz"
`);
  expect(await docs("servers")).toEndWith("\n\nMore: capstan docs servers.ROLE\n");
  expect(await docs("service")).toContain("\ndefault: none, it is required\n");
});

test("docs --json gives Markdown", async () => {
  const [line = ""] = (await docs("boot", "--json")).split("\n");
  expect(JSON.parse(line)).toMatchObject({ type: "docs", markdown: expect.stringMatching(/^## `boot`\n\nRolling deploys\. Type `BootConfig`\.\n\n\| key \|/) });
});

describe("docs refuses what is not there", () => {
  test.each<[string, string]>([
    ["prxy", "Did you mean `capstan docs proxy`? `capstan docs` shows all of them."],
    ["app_port", "Did you mean `capstan docs proxy.appPort`? `capstan docs` shows all of them."],
    ["proxy.app_port", "Did you mean `capstan docs proxy.appPort`? `capstan docs` shows all of them."],
    ["appPort", "Did you mean `capstan docs proxy.appPort`? `capstan docs` shows all of them."],
    ["proxy.helthcheck.path", "Did you mean `capstan docs proxy.healthcheck.path`? `capstan docs` shows all of them."],
    ["zzzzzzzz", "`capstan docs` shows all of them."],
  ])("%p", async (section, hint) => expect(await docs(section)).toBe(`Error: There is no section or key "${section}" in the config\n\n  Next: ${hint}\n`));
});
