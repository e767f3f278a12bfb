import { afterAll, expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { capstan, project, removeProjects } from "../config/project.ts";
import { fakeIo } from "./fake-io.ts";

afterAll(removeProjects);

test.each<[what: string, accessories: string, titles: readonly string[]]>([
  ["with an accessory", `{ cache: { image: "redis:7", host: "10.0.0.9" } }`, ["== Ask", "10.0.0.1:", "== Ask", "10.0.0.1:", "== Ask", "10.0.0.9:"]],
  ["without one", "{}", ["== Ask", "10.0.0.1:", "== Ask", "10.0.0.1:"]],
])("the plan of details has a question for proxy, app and accessories, %s", async (_, accessories, titles) => {
  const { folder } = project({ "deploy.config.ts": `${capstan}\nexport default defineConfig({ service: "shop", image: "acme/shop", servers: ["10.0.0.1"], registry: { username: "a", password: "b" }, accessories: ${accessories} });` });
  const { io, written } = fakeIo();
  expect([await main(["details", "--dry-run", "--offline"], { ...io, cwd: folder }, commands), written.stderr]).toEqual([0, ""]);
  expect(written.stdout.split("\n").filter((line) => /^\S/.test(line))).toEqual([...titles]);
});
