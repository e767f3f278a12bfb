import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { startLab, type Lab } from "./lab.ts";
import { ended, makeProject, served, type Project } from "./project.ts";
import { until } from "./shell.ts";

let lab: Lab;
let project: Project;
/** More than what counts as brief. */
const pullSeconds = 5;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  project = await makeProject(lab);
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  for (const version of ["v2", "v3"]) await project.must(["build", "push", "--version", version], { VERSION: version });
  await holdPulls(2);
}, 180_000);
afterAll(() => lab?.stop());

/** From now on each pull on a host notes that it has begun, and waits until it is let go on. */
async function holdPulls(number: number): Promise<void> {
  const [real, wrapper] = [`${lab.folder}/docker.real`, `${lab.folder}/docker.slow`];
  await writeFile(wrapper, `#!/bin/sh\n[ "$1" != pull ] || { touch "$HOME"/pulling; n=0; until [ -e "$HOME"/goon ] || [ $n -ge 300 ]; do n=$((n + 1)); sleep 0.1; done; }\nexec ${real} "$@"\n`, { mode: 0o755 });
  const { status, stderr } = await lab.host(number).exec(`cp -L "$(PATH=/usr/local/bin:$PATH command -v docker)" ${real} && for docker in /usr/local/bin/docker /usr/bin/docker; do [ ! -e $docker ] || mount --bind ${wrapper} $docker || exit; done`);
  if (status !== 0) throw new Error(`Cannot slow docker down: ${stderr}`);
}

const isPulling = async (): Promise<boolean> => (await lab.host(2).exec("test -e pulling")).status === 0;
const letGoOn = (): Promise<unknown> => lab.host(2).exec("touch goon");

test("a host whose pull takes long goes on behind it, each step told once", async () => {
  const run = project.start(["deploy", "--skip-push", "--version", "v2", "--json"]);
  await until("host 2 pulls", isPulling);
  await Bun.sleep(pullSeconds * 1000);
  await letGoOn();
  const { status, stdout } = await ended(run);
  expect(status).toBe(0);
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line) as { type: string; host?: string; phase?: string; title?: string; durationMs?: number });
  const steps = events.filter(({ type, host }) => type.startsWith("step-") && host !== undefined);
  const told = (type: string): string[] => steps.filter((step) => step.type === type).map(({ host, phase, title }) => `${host} ${phase}: ${title}`).sort();
  expect(told("step-start")).toEqual(told("step-end"));
  expect(told("step-start")).toEqual([...new Set(told("step-start"))]);
  const slow = steps.find(({ type, host, title = "" }) => type === "step-end" && host === lab.host(2).address && title.startsWith("Pull "));
  expect(slow?.durationMs).toBeGreaterThanOrEqual(pullSeconds * 1000);
}, 60_000);

test("a host whose pull takes long begins nothing behind it once the lock is lost", async () => {
  await lab.host(2).exec("rm -f pulling goon");
  const run = project.start(["deploy", "--skip-push", "--version", "v3"]);
  await until("host 2 pulls", isPulling);
  await until("the lock is ours", async () => (await project.run(["lock", "status"])).stdout.includes("version v3"));
  await project.must(["lock", "release"]);
  // The holder of the lock looks each second.
  await Bun.sleep(pullSeconds * 1000);
  await letGoOn();
  const { status, stderr } = await ended(run);
  expect(status).toBe(7);
  expect(stderr).toContain("was lost while the run was going on");
  // Whether the pull was ended or went on: by now the container would have been started.
  await Bun.sleep(2_000);
  expect(await lab.host(2).running("sample")).toEqual(["sample-web-v2"]);
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  await project.must(["deploy", "--skip-push", "--version", "v3"]);
  expect(await served(lab.hosts)).toEqual(["v3", "v3"]);
}, 60_000);
