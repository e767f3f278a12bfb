import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { project, removeProjects } from "../config/project.ts";
import { fixtures, shop } from "../config/yaml/fixtures.ts";
import { folderOf } from "../config/yaml/project.ts";
import { fakeIo } from "./fake-io.ts";

afterAll(removeProjects);

async function run(folder: string, ...argv: readonly string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const { io, written } = fakeIo();
  return { status: await main(argv, { ...io, cwd: folder }, commands), ...written };
}

test("capstan import writes what it can, says what it cannot, and what comes next", async () => {
  const { folder } = project({ "config/deploy.yml": `${shop}run_directory: x\n`, "config/deploy.qa.yml": "servers: {web: [q]}\n", "config/deploy.yml.bak": "", "config/other.qa.yml": "" });
  expect(await run(folder, "import")).toEqual({
    status: 0, stderr: "",
    stdout: `wrote deploy.config.ts
wrote deploy.qa.config.ts
wrote .capstan/types.d.ts
look at config/deploy.yml:9:1: run_directory is left out: its folder on the hosts has a fixed name, as in Kamal 2
Next: settle what is named above, then compare \`capstan config\` with \`capstan -c config/deploy.yml config\`: they say the same. config/deploy.yml is not read any more unless -c names it.
`,
  });
  expect(readFileSync(join(folder, "deploy.qa.config.ts"), "utf8")).toContain(`  servers: { web: ["q"] },\n`);
});

test("capstan import writes over nothing without --force, and then nothing at all", async () => {
  const { folder } = project({ "ops/deploy.yml": shop, "ops/deploy.qa.yml": "", "deploy.qa.config.ts": "mine" });
  const refused = await run(folder, "import", "--from", "ops/deploy.yml");
  expect([refused.status, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("Cannot write deploy.qa.config.ts: it is there already");
  expect(refused.stderr).toContain("--force");
  expect([existsSync(join(folder, "deploy.config.ts")), readFileSync(join(folder, "deploy.qa.config.ts"), "utf8")]).toEqual([false, "mine"]);
  expect((await run(folder, "import", "--from", "ops/deploy.yml", "--force")).status).toBe(0);
  expect(readFileSync(join(folder, "deploy.qa.config.ts"), "utf8")).toContain("defineDestination({})");
});

test("capstan import --dry-run writes nothing", async () => {
  const { folder } = project({ "config/deploy.yml": shop });
  expect((await run(folder, "import", "--dry-run")).stdout).toStartWith("would write deploy.config.ts\n");
  expect(existsSync(join(folder, "deploy.config.ts"))).toBe(false);
});

test("capstan import says where it looked", async () => {
  const { folder } = project({});
  const { status, stderr } = await run(folder, "import");
  expect(status).toBe(2);
  expect(stderr).toContain(`Cannot find config/deploy.yml in ${folder}`);
});

/** The command line itself. What differs from run to run is cut out of the plan. */
async function planOf(folder: string, ...argv: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "../../mod.ts"), "deploy", "--dry-run", "--offline", "--json", "--version", "7", ...argv], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  expect([child.exitCode, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n").length).toBeGreaterThan(5);
  return stdout.replaceAll(/[0-9a-f]{12,}/g, "HEX").replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "NOW").replaceAll(/"durationMs":\d+/g, `"durationMs":0`);
}

test.each(["I1 a destination", "hooks", "C4 a role's proxy", "MRSK: the smallest", "MRSK: entry points"])("the plan of %p is the same as it stands and imported", async (name) => {
  const fixture = fixtures.find((one) => one.name === name);
  if (fixture === undefined) throw new Error(`there is no fixture ${name}`);
  const { folder } = folderOf(fixture);
  const destination = fixture.qa === undefined ? [] : ["-d", "qa"];
  const before = await planOf(folder, "-c", "config/deploy.yml", ...destination);
  expect((await run(folder, "import")).status).toBe(0);
  expect(await planOf(folder, ...destination)).toBe(before);
  writeFileSync(join(folder, "deploy.config.ts"), readFileSync(join(folder, "deploy.config.ts"), "utf8").replace(/image: "\w+\/\w+"/, `image: "acme/another"`));
  expect(await planOf(folder, ...destination)).not.toBe(before);
}, 20_000);
