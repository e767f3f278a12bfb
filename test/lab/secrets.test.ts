import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { appSecret, makeProject, type Project } from "./project.ts";
import { run } from "./shell.ts";
import { watchProcesses } from "./watch.ts";

let lab: Lab;
let project: Project;
const fileSecret = "file-canary-41bd";

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab, { more: `hooks: { postDeploy: async ({ secret, log, run, hosts }) => { const value = await secret("FILE_SECRET"); log("hook has " + value); await run(hosts[0]!, "cat > /dev/null; echo printed " + value); } },`, clear: `{ PLAIN: "x" }` });
  await Bun.write(`${project.folder}/.capstan/secrets`, `FILE_SECRET=${fileSecret}\n`);
}, 180_000);
afterAll(() => lab?.stop());

test("no secret is in a process list, in any output, in the audit log or in files that others can read", async () => {
  const canaries = [lab.registry.password, appSecret];
  // The values come in by the environment of capstan itself, and the app has its own; these may have them, nobody else.
  await using watch = watchProcesses(canaries, (commandLine, where) => where === "environ" && (/mod\.ts|bun /.test(commandLine) || commandLine.includes("/busybox httpd") || commandLine.includes("runc") || commandLine.startsWith("git ") || commandLine.startsWith("docker ")));
  const outputs: string[] = [];
  for (const args of [["setup", "-v"], ["deploy", "--json", "-v"], ["deploy", "--dry-run"], ["deploy", "--dry-run", "--json"], ["config"], ["details", "-v"], ["audit"], ["observe", "--json"], ["app", "exec", "-v", "--", "/busybox", "true"]]) {
    const json = args.includes("-v") && args.includes("--json") ? args.filter((arg) => arg !== "-v") : args;
    const ran = await project.run([...json, "--version", "v1"], { VERSION: "v1" });
    expect([args.join(" "), ran.status, ran.status === 0 ? "" : ran.stderr]).toEqual([args.join(" "), 0, ""]);
    outputs.push(ran.stdout, ran.stderr);
  }
  // A failing login must not tell the password either.
  const failed = await project.run(["registry", "login"], { REGISTRY_PASSWORD: "wrong-canary-55" });
  expect(failed.status).not.toBe(0);
  outputs.push(failed.stdout, failed.stderr);
  const all = outputs.join("\n");
  for (const canary of [...canaries, fileSecret, "wrong-canary-55"]) expect(all).not.toContain(canary);
  expect(watch.sightings.map(({ where, commandLine, needle }) => `${needle} in ${where} of ${commandLine.slice(0, 200)}`)).toEqual([]);
  expect(watch.rounds()).toBeGreaterThan(20);
  for (const host of lab.hosts) {
    const found = (await host.exec(`grep -rlE '${canaries.join("|")}' /root --exclude-dir=.docker 2> /dev/null; true`)).stdout.trim().split("\n").filter(Boolean);
    expect(found).toEqual(["/root/.kamal/apps/sample/env/roles/web.env"]);
    expect((await host.exec("stat -c %a /root/.kamal/apps/sample/env/roles/web.env")).stdout.trim()).toBe("600");
    expect((await host.docker("history", "--no-trunc", `${lab.registry.address}/acme/sample:v1`)).stdout).not.toContain(appSecret);
  }
  expect((await run(["grep", "-rl", appSecret, project.folder, `${lab.folder}/home`])).stdout).toBe("");
}, 180_000);

test("the app gets its secret, and its container nothing else of ours", async () => {
  const address = lab.host(1).address;
  expect((await (await fetch(`http://${address}/cgi-bin/env?APP_SECRET`)).text()).trim()).toBe(`APP_SECRET=${appSecret}`);
  expect((await (await fetch(`http://${address}/cgi-bin/env?REGISTRY_PASSWORD`)).text()).trim()).toBe("");
  expect(await readdir(project.folder)).not.toContain("node_modules");
  expect(await readFile(`${project.folder}/deploy.config.ts`, "utf8")).not.toContain(appSecret);
});
