import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { capstan, makeProject, served, type Project } from "./project.ts";
import type { Ran } from "./shell.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
}, 180_000);
afterAll(() => lab?.stop());

interface Line { readonly type: string; readonly title?: string; readonly text?: string; readonly sentBytes?: number; readonly unchanged?: readonly { readonly host: string; readonly version: string }[] }
const lines = ({ stdout }: Ran): readonly Line[] => stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
const steps = (ran: Ran): readonly string[] => lines(ran).flatMap(({ type, title = "" }) => (type === "step-end" ? [title] : []));
const container = async (name = "sample-web"): Promise<string> => (await lab.host(1).docker("ps", "--no-trunc", "--filter", `name=${name}`, "--format", "{{.ID}} {{.Names}}")).stdout.trim();

/** The image's content is that of VERSION, which stays; its version is another one each time. */
const deploying = (project: Project) => (version: string, ...more: readonly string[]): Promise<Ran> => project.must(["deploy", "--json", "--version", version, ...more], { VERSION: "one" }, lab.builder.inNetwork(capstan));

async function change(project: Project, from: string, to: string): Promise<void> {
  const path = `${project.folder}/deploy.config.ts`;
  await writeFile(path, (await readFile(path, "utf8")).replace(from, to));
}

describe("with a registry", () => {
  let project: Project;
  test("the same image under another version is pushed and pulled by name alone", async () => {
    project = await makeProject(lab, { clear: "{ GREETING: 'hello' }" });
    const deploy = deploying(project);
    const first = await project.must(["setup", "--json", "--version", "v1"], { VERSION: "one" });
    const repository = `${lab.registry.address}/acme/sample`;
    expect(steps(first)).toContain(`Pull ${repository}:v1`);
    const second = await deploy("v2");
    expect(steps(second).filter((title) => title.startsWith("Pull ") || title.startsWith("Name "))).toEqual([`Name the image that is there ${repository}:v2`]);
    expect(second.stdout).toContain("Layer already exists");
    expect(second.stdout).not.toMatch(/"line":"[0-9a-f]{12}: Pushed"/);
    const again = await deploy("v2");
    expect(lines(again).flatMap(({ text = "" }) => (text.endsWith("it is not pushed") ? [text] : []))).toEqual(["v2", "latest"].map((tag) => `The registry has ${repository}:${tag} as it was built: it is not pushed`));
    expect(await container()).toContain(" sample-web-v2");
    await project.must(["rollback", "v1"]);
    expect([await container(), ...await served(lab.hosts)]).toEqual([expect.stringContaining(" sample-web-v1"), "one"]);
  }, 120_000);

  test("--if-changed leaves the container alone until something changes", async () => {
    const deploy = deploying(project);
    const before = await container();
    const same = await deploy("v3", "--if-changed");
    expect(await container()).toBe(before);
    expect(lines(same).find(({ type }) => type === "summary")?.unchanged).toEqual([expect.objectContaining({ host: lab.host(1).address, version: "v1" })]);
    await change(project, "'hello'", "'good day'");
    const other = await deploy("v4", "--if-changed");
    expect(lines(other).find(({ type }) => type === "summary")?.unchanged).toBeUndefined();
    expect(await container()).toContain(" sample-web-v4");
    await project.must(["deploy", "--if-changed", "--version", "v5"], { VERSION: "one", APP_SECRET: "another 'secret'\nöf mine" });
    expect(await container()).toContain(" sample-web-v5");
    await project.must(["deploy", "--if-changed", "--skip-push", "--version", "v4"], { APP_SECRET: "another 'secret'\nöf mine" });
    expect(await container()).toContain(" sample-web-v5");
  }, 120_000);
});

test("without a registry nothing is sent, and the container goes on", async () => {
  const project = await makeProject(lab, { registry: "none", service: "bare", proxy: "{ host: 'bare.example', buffering: { responses: false } }" });
  const deploy = deploying(project);
  await deploy("v1");
  const before = await container("bare-web");
  const second = await deploy("v2", "--if-changed");
  expect(lines(second).filter(({ type }) => type === "transfer")).toEqual([]);
  expect(await container("bare-web")).toBe(before);
  const third = await deploy("v3");
  expect(lines(third).flatMap(({ type, sentBytes }) => (type === "transfer" ? [sentBytes] : []))).toEqual([0]);
  expect(await container("bare-web")).toContain(" bare-web-v3");
}, 120_000);
