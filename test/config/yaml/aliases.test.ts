import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../lib/world/clock.ts";
import { loadAliases } from "../../../lib/config/load.ts";
import { createPrograms } from "../../../lib/world/programs.ts";
import { createRedactor } from "../../../lib/world/redact.ts";
import { project, realFiles, removeProjects } from "../project.ts";

afterAll(removeProjects);

const asks = "registry: {username: bot, password: <%= `echo asked >> asked.txt; echo pw` %>}";
const aliasesIn = async (files: Readonly<Record<string, string>>, destination?: string): Promise<readonly [unknown, string]> => {
  const { folder } = project(files);
  const programs = createPrograms({ env: { PATH: process.env["PATH"] }, cwd: folder, redactor: createRedactor(), clock: { now: () => 0, sleep: () => Promise.resolve() } });
  const found = await loadAliases({ files: realFiles, programs, clock: systemClock, env: { PATH: process.env["PATH"] }, cwd: folder, configFile: "config/deploy.yml", command: "console", ...(destination === undefined ? {} : { destination }) });
  return [found, await realFiles.exists(join(folder, "asked.txt")) ? readFileSync(join(folder, "asked.txt"), "utf8") : ""];
};

test.each<[string, Record<string, string>, string | undefined, unknown, string]>([
  ["are read without running a command", { "config/deploy.yml": `<%# the shop %>\n${asks}\naliases:\n  console: app exec -i --reuse bash\n` }, undefined, { console: "app exec -i --reuse bash" }, ""],
  ["of a destination go over them", { "config/deploy.yml": `${asks}\naliases: {a: details, b: audit}\n`, "config/deploy.qa.yml": "aliases: {b: app logs}\n" }, "qa", { a: "details", b: "app logs" }, ""],
  ["that Ruby gives need the command", { "config/deploy.yml": `service: shop\n${asks}\naliases: {who: "server exec <%= \`echo date\`.strip %>"}\n` }, undefined, { who: "server exec date" }, "asked\n"],
  ["are none where there are none", { "config/deploy.yml": `${asks}\n` }, undefined, {}, ""],
])("the aliases of a deploy.yml %s", async (_title, files, destination, aliases, asked) => {
  expect(await aliasesIn(files, destination)).toEqual([aliases, asked]);
});
