import { afterAll, beforeAll, expect, test } from "bun:test";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { capstan, makeProject, served, type Project } from "./project.ts";
import { must, type Ran } from "./shell.ts";

/** A registry on the deploying machine, which is the lab's builder here: it has a loopback of its own, as have the hosts. */
const port = 5001;
let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  await makeRegistryImage();
  project = await makeProject(lab, { registry: `{ server: "localhost:${port}" }` });
}, 120_000);
afterAll(() => lab?.stop());

/** `registry:3` from the registry of this machine, since nothing can be pulled. */
async function makeRegistryImage(): Promise<void> {
  const folder = `${lab.folder}/registry-image`;
  await mkdir(folder, { recursive: true });
  const program = Bun.which("docker-registry") ?? "";
  const libraries = [...(await must(["ldd", program])).matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  for (const path of [program, ...libraries]) await cp(path, `${folder}/root${path}`, { dereference: true, recursive: true });
  await writeFile(`${folder}/config.yml`, `version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: /data}}\nhttp: {addr: ":5000"}\n`);
  await writeFile(`${folder}/Dockerfile`, `FROM scratch\nCOPY root /\nCOPY config.yml /config.yml\nENTRYPOINT ["${program}"]\nCMD ["serve", "/config.yml"]\n`);
  const built = await lab.builder.docker("build", "--quiet", "--tag", "registry:3", folder);
  if (built.status !== 0) throw new Error(built.stderr);
}

const run = (...args: string[]): Promise<Ran> => project.run(args, { VERSION: args.at(-1) }, lab.builder.inNetwork(capstan));

test("a deploy starts the registry here, and the hosts pull from it through SSH, which is all they reach it by", async () => {
  const first = await run("setup", "--version", "v1");
  expect([first.status, first.stderr.includes("Error")]).toEqual([0, false]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  expect((await lab.builder.docker("ps", "--format", "{{.Names}} {{.Ports}}")).stdout.trim()).toBe(`kamal-docker-registry 127.0.0.1:${port}->5000/tcp`);
  const { stdout } = await lab.host(1).docker("images", "--format", "{{.Repository}}:{{.Tag}}");
  expect(stdout).toContain(`localhost:${port}/acme/sample:v1`);
  expect((await lab.host(1).docker("pull", `localhost:${port}/acme/sample:v1`)).status).not.toBe(0);

  const second = await run("deploy", "--version", "v2");
  expect([second.status, await served(lab.hosts)]).toEqual([0, ["v2", "v2"]]);
}, 180_000);

test("a host on which something else has the port is told about, and nothing has changed", async () => {
  expect((await run("build", "push", "--version", "v3")).status).toBe(0);
  const other = (await lab.host(2).exec(`nohup busybox nc -ll -p ${port} -e busybox cat > /dev/null 2>&1 & echo $!; sleep 0.3`)).stdout.trim();
  const { status, stderr } = await run("deploy", "--skip-push", "--version", "v3");
  expect(status).toBe(4);
  expect(stderr).toContain(`Cannot make port ${port} of this machine reachable from ${lab.host(2).address}`);
  expect(stderr).toContain(`Next: Check that nothing else listens on port ${port} there`);
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  await lab.host(2).exec(`kill ${other}`);
}, 120_000);

test("it is removed by its command, and by nothing else", async () => {
  expect((await run("registry", "remove")).status).toBe(0);
  expect((await lab.builder.docker("ps", "--all", "--format", "{{.Names}}")).stdout).toBe("");
  expect((await run("registry", "setup")).status).toBe(0);
  expect((await lab.builder.docker("ps", "--format", "{{.Names}}")).stdout.trim()).toBe("kamal-docker-registry");
}, 60_000);
