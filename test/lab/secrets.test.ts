import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { appSecret, makeProject, type Project } from "./project.ts";
import { run } from "./shell.ts";
import { watchProcesses } from "./watch.ts";

let lab: Lab;
let project: Project;
const fileSecret = `file-canary-${crypto.randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab, { more: `hooks: { postDeploy: async ({ secret, log, run, hosts }) => { const value = await secret("FILE_SECRET"); log("hook has " + value); await run(hosts[0]!, "cat > /dev/null; echo printed " + value); } },`, clear: `{ PLAIN: "x" }` });
  await Bun.write(`${project.folder}/.capstan/secrets`, `FILE_SECRET=${fileSecret}\nREGISTRY_PASSWORD=${lab.registry.password}\nAPP_SECRET=${appSecret}\n`);
}, 180_000);
afterAll(() => lab?.stop());

test("no secret is in a process list, in any output, in the audit log or in files that others can read", async () => {
  const canaries = [lab.registry.password, appSecret];
  // The secrets stand in a file: no process may have them but the app itself, which gets its own in its environment.
  const inFile = { REGISTRY_PASSWORD: undefined, APP_SECRET: undefined };
  await using watch = watchProcesses(canaries, (commandLine, where) => where === "environ" && /^(\/busybox |runc |\S*runc\S* init)/.test(commandLine));
  const outputs: string[] = [];
  for (const args of [["setup", "-v"], ["deploy", "--json", "-v"], ["deploy", "--dry-run"], ["deploy", "--dry-run", "--json"], ["config"], ["details", "-v"], ["audit"], ["observe", "--json"], ["app", "exec", "-v", "--", "/busybox", "true"]]) {
    const json = args.includes("-v") && args.includes("--json") ? args.filter((arg) => arg !== "-v") : args;
    const ran = await project.run([...json, "--version", "v1"], { ...inFile, VERSION: "v1" });
    expect([args.join(" "), ran.status, ran.status === 0 ? "" : ran.stderr]).toEqual([args.join(" "), 0, ""]);
    outputs.push(ran.stdout, ran.stderr);
  }
  await Bun.write(`${project.folder}/wrong/deploy.config.ts`, await Bun.file(`${project.folder}/deploy.config.ts`).text());
  await Bun.write(`${project.folder}/wrong/.capstan/secrets`, "REGISTRY_PASSWORD=wrong-canary-55\nAPP_SECRET=x\n");
  // A failing login must not tell the password either.
  const failed = await project.run(["registry", "login", "-c", "wrong/deploy.config.ts"], inFile);
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
  expect((await run(["grep", "-rl", appSecret, project.folder, `${lab.folder}/home`])).stdout).toBe(`${project.folder}/.capstan/secrets\n`);
}, 180_000);

test("the app gets its secret, and its container nothing else of ours", async () => {
  const address = lab.host(1).address;
  expect((await (await fetch(`http://${address}/cgi-bin/env?APP_SECRET`)).text()).trim()).toBe(`APP_SECRET=${appSecret}`);
  expect((await (await fetch(`http://${address}/cgi-bin/env?REGISTRY_PASSWORD`)).text()).trim()).toBe("");
  expect(await readdir(project.folder)).not.toContain("node_modules");
  expect(await readFile(`${project.folder}/deploy.config.ts`, "utf8")).not.toContain(appSecret);
});
