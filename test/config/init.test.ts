import { afterAll, expect, test } from "bun:test";
import { ambientTypes } from "../../lib/config/ambient.ts";
import { ignoredPaths, starterFiles, withIgnored } from "../../lib/config/init.ts";
import { kamalProxyOf } from "../support/settings.ts";
import { capstan, project, removeProjects } from "./project.ts";

afterAll(removeProjects);

const starter = (service: string): Record<string, string> => Object.fromEntries(starterFiles(service).map(({ path, content }) => [path, content]));
/** With imports that work in this process. */
const loadable = (text: string): string => text.replace(/^import .*$/m, capstan);

test("starterFiles() are a config, secrets that only the user can read, and types", () => {
  expect(starterFiles("shop").map(({ path, mode }) => [path, mode.toString(8)])).toEqual([["deploy.config.ts", "644"], [".capstan/secrets", "600"], [".capstan/types.d.ts", "644"]]);
  expect(starter("shop")[".capstan/types.d.ts"]).toBe(ambientTypes());
});

test("the starter is a config that loads", async () => {
  const files = starter("shop");
  const settings = await project({ ...files, "deploy.config.ts": loadable(files["deploy.config.ts"] ?? "") }).load();
  expect([settings.service, settings.repository, settings.primaryHost, settings.roles[0]?.proxy?.appPort]).toEqual(["shop", "shop", "192.0.2.10", 3000]);
  await settings.secrets.load();
});

test("what the starter has in comments is valid too", async () => {
  const files = starter("shop");
  const all = loadable(files["deploy.config.ts"] ?? "").replaceAll(/^(\s*)\/\/ (?=[\w"]+: |\s|\},)/gm, "$1");
  const settings = await project({ "deploy.config.ts": all, ".capstan/secrets": "REGISTRY_PASSWORD=1\nDATABASE_URL=2" }).load();
  expect([settings.roles.length, settings.ssh.user, settings.boot.limit, typeof settings.hooks.postDeploy, kamalProxyOf(settings.roles[0]).tls, settings.builder.context]).toEqual([2, "deploy", "25%", "function", "automatic", "."]);
});

test.each([["My Shop!", "my-shop"], ["shop_2", "shop_2"], ["@acme/shop", "acme-shop"], ["ÄÖ", "app"], ["", "app"]])("starterFiles(%p) names the service %p", async (folder, service) => {
  expect(starter(folder)["deploy.config.ts"]).toContain(`  service: "${service}",\n`);
});

test.each<[string | undefined, string]>([
  [undefined, ".capstan/secrets*\n"],
  ["", ".capstan/secrets*\n"],
  ["dist", "dist\n.capstan/secrets*\n"],
  ["dist\n", "dist\n.capstan/secrets*\n"],
  [".capstan/secrets*\r\ndist\r\n", ".capstan/secrets*\r\ndist\r\n"],
])("withIgnored(%j) is %j", (before, after) => {
  expect(withIgnored(before)).toBe(after);
  expect(withIgnored(after)).toBe(after);
});

test("git ignores every secrets file and not the types", () => {
  const glob = new Bun.Glob(ignoredPaths[0] ?? "");
  expect([".capstan/secrets", ".capstan/secrets-common", ".capstan/secrets.qa", ".capstan/types.d.ts"].map((path) => glob.match(path))).toEqual([true, true, true, false]);
});
