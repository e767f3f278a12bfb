import { describe, expect, test } from "bun:test";
import type { FileContext } from "../../lib/config/file-content.ts";
import type { AccessoryFile, Settings } from "../../lib/config/settings.ts";
import { isSecret, Secret } from "../../lib/ground/secret.ts";
import type { World } from "../../lib/ground/world.ts";
import { readContent, type Brings } from "../../lib/run/content.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { accessoryOf, settingsOf } from "../support/settings.ts";
import { fakeWorld } from "../support/world.ts";

const shop = settingsOf();
const file = (remote: string, source: AccessoryFile["source"]): AccessoryFile => ({ source, remote, hostPath: `shop-cache${remote}`, mode: "755", owner: undefined, options: undefined });
const bringing = (...files: AccessoryFile[]): Brings => ({ accessories: [accessoryOf("cache", { hosts: ["h1", "h2"], env: { clear: { PORT: 3000, ON: true }, secret: {} }, files })], errorPages: false });
/** A machine with these files, and folders by their names. */
function worldOf(files: Readonly<Record<string, string>> = {}): World {
  const { world } = fakeWorld();
  const inside = (folder: string): string[] => Object.keys(files).filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
  return { ...world, files: { ...world.files, bytes: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])), list: async (folder) => (inside(folder).length === 0 ? undefined : inside(folder)) } };
}
const read = async (brings: Brings, files = {}, settings: Settings = shop, calling = true) => readContent(worldOf(files), settings, brings, calling);

describe("readContent()", () => {
  test("reads a file once for each host, byte by byte", async () => {
    const { files } = await read(bringing(file("/etc/my.cnf", { path: "/app/my.cnf" })), { "/app/my.cnf": "a\0é" });
    expect([...files]).toEqual(["h1", "h2"].map((host) => [`cache ${host} /etc/my.cnf`, { content: Buffer.from("a\0é").toString("base64"), encoding: "base64" }]));
  });

  test("renders a file that ends with .erb once, with the variables of the accessory over those of the environment", async () => {
    const reads: string[] = [];
    const world = worldOf();
    const erb = { ...world, env: { PORT: "1", HOME: "/home/ann" }, files: { ...world.files, read: async (path: string) => (reads.push(path), "port=<%= ENV[\"PORT\"] %>\npw=<%= ENV.fetch(\"PW\") %>\nhome=<%= ENV[\"HOME\"] %>\n<% if ENV[\"ON\"] == \"true\" %>on\n<% end %>") } };
    const brings = { accessories: [accessoryOf("cache", { hosts: ["h1", "h2"], env: { clear: { PORT: 3000, ON: true }, secret: { PW: new Secret("CACHE_PW", "") } }, files: [file("/etc/my.cnf", { path: "/app/my.cnf.erb" })] })], errorPages: false };
    const { files } = await readContent(erb, shop, brings, true);
    const bodies = ["h1", "h2"].map((host) => files.get(`cache ${host} /etc/my.cnf`)?.content);
    expect(bodies.map((body) => (isSecret(body) ? body.reveal() : body))).toEqual(Array(2).fill("port=3000\npw=value of CACHE_PW\nhome=/home/ann\non\n"));
    expect(reads).toEqual(["/app/my.cnf.erb"]);
    expect(String((await readContent(erb, shop, brings, false)).files.get("cache h1 /etc/my.cnf")?.content)).toBe("‹secret /app/my.cnf.erb›");
  });

  test("takes a text as it is", async () => expect((await read(bringing(file("/a", { content: "x" })))).files.get("cache h1 /a")).toEqual({ content: "x" }));

  test("calls a function for each host with clear variables as texts and secrets on request; what it gives is a secret", async () => {
    const seen: FileContext[] = [];
    const content = async (context: FileContext): Promise<string> => {
      seen.push(context);
      return `${context.host} ${context.env["PORT"]} ${await context.secret("PW")}`;
    };
    const { files } = await read(bringing(file("/a", { content })));
    const bodies = ["h1", "h2"].map((host) => files.get(`cache ${host} /a`)?.content);
    expect(bodies.map((body) => (isSecret(body) ? body.reveal() : body))).toEqual(["h1 3000 value of PW", "h2 3000 value of PW"]);
    expect(bodies.map(String)).toEqual(["‹secret content of /a for cache›", "‹secret content of /a for cache›"]);
    expect(seen.map(({ host, env }) => [host, env])).toEqual([["h1", { PORT: "3000", ON: "true" }], ["h2", { PORT: "3000", ON: "true" }]]);
  });

  test("a text is a secret by the secrets in it alone: a line of it that a program prints is shown", async () => {
    const secretive = (await read(bringing(file("/a", { content: async ({ secret }) => `max_connections = 200\npassword = ${await secret("PW")}\n` })))).files.get("cache h1 /a")?.content;
    const redactor = createRedactor();
    redactor.open(secretive ?? "");
    expect(redactor.scrub("max_connections = 200, value of PW")).toBe("max_connections = 200, ‹secret PW›");
    expect((await read(bringing(file("/a", { content: ({ host }) => `# ${host}\n` })))).files.get("cache h1 /a")?.content).toBe("# h1\n");
  });

  test("calls none for a plan that is not carried out", async () => {
    const content = (): string => {
      throw new Error("it was called");
    };
    const body = (await read(bringing(file("/a", { content })), {}, shop, false)).files.get("cache h1 /a")?.content;
    expect(isSecret(body)).toBe(true);
    expect(() => (isSecret(body) ? body.reveal() : "")).toThrow("content of /a for cache was not made");
  });

  test("names every file that is missing, once, before anything is connected to", async () => {
    const pages = settingsOf({ errorPagesPath: "/app/pages" });
    const missing = read({ ...bringing(file("/a", { path: "/app/a" }), file("/b", { path: "/app/b" }), file("/c", { path: "/app/c" })), errorPages: true }, { "/app/c": "" }, pages);
    await expect(missing).rejects.toMatchObject({
      failure: "config", message: "Cannot find 3 files that should go to hosts", state: ["Nothing was changed."],
      details: ["/app/a (accessories.cache.files, for /a)", "/app/b (accessories.cache.files, for /b)", "/app/pages/502.html, or any other page of errors (errorPagesPath)"],
    });
    await expect(read(bringing(file("/a", { path: "/app/a" })))).rejects.toMatchObject({ message: "Cannot find a file that should go to hosts" });
  });

  test.each<[string, () => unknown, string]>([
    ["throws", () => { throw new Error("no template"); }, `Cannot make /a of cache: its function in the config threw "no template"`],
    ["rejects", () => Promise.reject(new Error("later")), `Cannot make /a of cache: its function in the config threw "later"`],
    ["throws a text", () => { throw "x"; }, "Cannot make /a of cache: its function in the config threw something that is no Error"],
    ["gives nothing", () => undefined, "Cannot make /a of cache: its function in the config gave nothing instead of a text"],
    ["gives a number", () => 3, "Cannot make /a of cache: its function in the config gave a number instead of a text"],
  ])("names the file of a function that %s", async (_title, content, message) => {
    await expect(read(bringing(file("/a", { content: content as () => string })))).rejects.toMatchObject({ failure: "config", message });
  });

  test("brings error pages of the proxy alone, and only where they are wanted", async () => {
    const files = { "/app/pages/502.html": "<h1>", "/app/pages/404.html": "", "/app/pages/200.html": "x", "/app/pages/index.html": "x", "/app/pages/503.html.bak": "x" };
    const pages = settingsOf({ errorPagesPath: "/app/pages" });
    expect([...(await read({ accessories: [], errorPages: true }, files, pages)).errorPages]).toEqual([["502.html", { content: "PGgxPg==", encoding: "base64" }], ["404.html", { content: "", encoding: "base64" }]]);
    expect((await read({ accessories: [], errorPages: false }, files, pages)).errorPages.size).toBe(0);
    expect((await read({ accessories: [], errorPages: true }, files)).errorPages.size).toBe(0);
  });
});
