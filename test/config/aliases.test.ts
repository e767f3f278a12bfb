import { afterAll, expect, test } from "bun:test";
import { capstan, failure, project, realFiles, realPrograms, removeProjects } from "./project.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { loadConfig } from "../../lib/config/load.ts";

afterAll(removeProjects);

test("aliases are refused with their place: names of commands, other letters, command lines that are none", async () => {
  const { folder } = project({
    "deploy.config.ts": `${capstan}
export default defineConfig({
  service: "shop", image: "acme/shop", servers: ["a"], registry: { username: "u", password: secret("PW") },
  aliases: {
    console: "app exec -p bin/console",
    lock: "lock status",
    stale_containers: "app logs",
    up: "deploy",
    re: "redeploy",
    help: "docs",
    Shell: "app exec sh",
    open: "app exec 'sh",
    empty: " ",
  },
});
`,
  });
  const error = await failure(() => loadConfig({ files: realFiles, programs: realPrograms(), clock: systemClock, cwd: folder, env: {}, command: "deploy", commands: ["lock", "stale-containers", "upgrade", "redeploy", "remove"] }));
  expect(error.details).toEqual([
    "aliases.lock: expected another name: lock is a command of capstan (deploy.config.ts:6:5)",
    "aliases.stale_containers: expected another name: stale_containers is a command of capstan (deploy.config.ts:7:5)",
    "aliases.up: expected another name: up is short for its command upgrade (deploy.config.ts:8:5)",
    "aliases.help: expected another name: help is a command of capstan (deploy.config.ts:10:5)",
    `aliases.Shell: expected a name of small letters, digits, "_" and "-" as a key (deploy.config.ts:11:5)`,
    "aliases.open: expected a command line of capstan whose quotes are closed, found \"app exec 'sh\" (deploy.config.ts:12:5)",
    `aliases.empty: expected a command line of capstan whose quotes are closed, found " " (deploy.config.ts:13:5)`,
  ]);
});
