import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { makeApp } from "./app.ts";
import { startLab, type Lab } from "./lab.ts";
import { appSecret, makeProject, served, type Project } from "./project.ts";
import { must, run } from "./shell.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
}, 180_000);
afterAll(() => lab?.stop());

describe("from the packed npm tarball in an empty directory", () => {
  let project: Project;
  beforeAll(async () => {
    project = await makeProject(lab);
    const packed = (await must([process.execPath, "pm", "pack", "--destination", lab.folder, "--quiet"], { cwd: root })).trim().split("\n").at(-1) ?? "";
    await writeFile(`${project.folder}/package.json`, "{}");
    await must([process.execPath, "add", packed], { cwd: project.folder });
    // The shebang looks for bun on PATH.
    await mkdir(`${lab.folder}/bun`);
    await symlink(process.execPath, `${lab.folder}/bun/bun`);
  }, 120_000);

  test("capstan deploys", async () => {
    const program = [`${project.folder}/node_modules/.bin/capstan`];
    const env = { PATH: `${lab.folder}/bun:/usr/bin:/bin`, VERSION: "npm" };
    expect((await project.must(["version"], env, program)).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
    await project.must(["setup", "--version", "npm"], env, program);
    expect(await served(lab.hosts)).toEqual(["npm"]);
  }, 60_000);
});

describe("as one executable, without bun, node and node_modules", () => {
  let folder: string;
  let binary: string;
  let env: Record<string, string>;
  /** Nothing is inherited: only docker and git are on PATH. */
  const capstan = (args: readonly string[], more: Readonly<Record<string, string>> = {}, cwd = folder) =>
    run(["/usr/bin/env", "-i", ...Object.entries({ ...env, ...more }).map(([name, value]) => `${name}=${value}`), binary, ...args], { cwd });

  beforeAll(async () => {
    await must([process.execPath, "run", "build"], { cwd: root });
    const bin = `${lab.folder}/bin`;
    await mkdir(bin);
    binary = `${bin}/capstan`;
    await copyFile(`${root}/dist/capstan`, binary);
    for (const program of ["docker", "git"]) await symlink(`/usr/bin/${program}`, `${bin}/${program}`);
    expect((await readdir(bin)).sort()).toEqual(["capstan", "docker", "git"]);
    env = { PATH: bin, HOME: lab.env["HOME"] ?? "", DOCKER_HOST: lab.env["DOCKER_HOST"] ?? "", REGISTRY_PASSWORD: lab.registry.password, APP_SECRET: appSecret };
    folder = `${lab.folder}/binary`;
    await makeApp(folder);
    await writeFile(`${folder}/hosts.ts`, `export const hosts: readonly string[] = [${JSON.stringify(lab.host(1).address)}];\n`);
    await writeFile(`${folder}/registry.json`, JSON.stringify({ server: lab.registry.address }));
    await writeFile(`${folder}/env.yaml`, "GREETING: hello\nPORT: 80\n");
    await writeFile(`${folder}/deploy.config.ts`, `import { defineConfig, secret } from "capstan";
import { hosts } from "./hosts.ts";
import registry from "./registry.json";
import clear from "./env.yaml";

enum Place { Here = "." }

export default defineConfig(async ({ env }) => ({
  service: "binary",
  image: "acme/binary",
  servers: [...hosts],
  registry: { ...registry, username: ${JSON.stringify(lab.registry.username)}, password: secret("REGISTRY_PASSWORD") },
  env: { clear, secret: ["APP_SECRET"] },
  builder: { context: Place.Here, driver: "docker", args: { VERSION: env.VERSION ?? "unknown" } },
  proxy: { host: "binary.example", appPort: Number(clear.PORT) },
}));
`);
  }, 120_000);

  const answer = async (path = "/"): Promise<string> => (await (await fetch(`http://${lab.host(1).address}${path}`, { headers: { host: "binary.example" } })).text()).trim();

  test("it deploys, with TypeScript, JSON and YAML beside the config", async () => {
    const { status, stderr } = await capstan(["deploy", "--version", "one"], { VERSION: "one" });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(await answer()).toBe("one");
    expect(await answer("/cgi-bin/env?GREETING")).toBe("GREETING=hello");
  }, 60_000);

  test("it takes npm packages installed next to the config", async () => {
    await mkdir(`${folder}/node_modules/lab-names/lib`, { recursive: true });
    await writeFile(`${folder}/node_modules/lab-names/package.json`, JSON.stringify({ name: "lab-names", version: "1.0.0", type: "module", exports: { ".": "./lib/main.js" } }));
    await writeFile(`${folder}/node_modules/lab-names/lib/main.js`, `import { isDeployError } from "capstan";\nexport const service = typeof isDeployError === "function" ? "binary" : "wrong";\n`);
    const config = await Bun.file(`${folder}/deploy.config.ts`).text();
    await writeFile(`${folder}/npm.config.ts`, `import { service } from "lab-names";\n${config.replace('service: "binary"', "service")}`);
    const { status, stdout, stderr } = await capstan(["config", "-c", "npm.config.ts"]);
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).toContain("service: binary\n");
  });

  test("what it tells its engine, neither the config nor a program of the config hears", async () => {
    await writeFile(`${folder}/engine.config.ts`, `import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
const has = (text: string): string => String(text.includes("BUN_JSC_"));
export default {
  service: "engine", image: "acme/engine", servers: ["192.0.2.1"], builder: { arch: "amd64" },
  env: { clear: { engine: has(readFileSync("/proc/self/environ", "utf8")), config: has(Object.keys(process.env).join()), program: has(execFileSync("/usr/bin/env", { encoding: "utf8" })) } },
};
`);
    const { stdout, stderr } = await capstan(["config", "-c", "engine.config.ts"]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/engine: "?true"?\n\s+config: "?false"?\n\s+program: "?false"?\n/);
  });

  test("a mistake in the config shows the user's own file, line and code", async () => {
    await writeFile(`${folder}/broken.config.ts`, `import { defineConfig } from "capstan";\n\nexport default defineConfig({\n  service: "shop",\n  servres: ["a"],\n});\n`);
    const broken = await capstan(["deploy", "-c", "broken.config.ts"]);
    expect(broken.status).toBe(3);
    expect(broken.stderr).toMatch(/servres.*servers/);
    expect(broken.stderr).toMatch(/broken\.config\.ts:5/);
    await writeFile(`${folder}/throws.config.ts`, `const pick = (place: string): string[] => {\n  throw new Error("no hosts in " + place);\n};\nexport default { servers: pick("paris") };\n`);
    const throws = await capstan(["deploy", "-c", "throws.config.ts"]);
    expect(throws.status).toBe(3);
    expect(throws.stderr).toMatch(/throws\.config\.ts:2/);
    expect(throws.stderr).toContain("no hosts in paris");
    expect(throws.stderr).toContain('throw new Error("no hosts in " + place)');
  });

  test("it starts a new project whose types an editor knows", async () => {
    const empty = `${lab.folder}/fresh`;
    await mkdir(empty);
    expect((await capstan(["init"], {}, empty)).status).toBe(0);
    expect((await readdir(empty)).sort()).toEqual([".capstan", ".gitignore", "deploy.config.ts"]);
    expect((await capstan(["config"], {}, empty)).stdout).toContain("service: fresh\n");
    const check = ["--noEmit", "--strict", "--module", "preserve", "--target", "esnext", "--types", "", "--skipLibCheck"];
    const tsc = (file: string) => run([process.execPath, `${root}/node_modules/typescript/bin/tsc`, ...check, file], { cwd: empty });
    expect((await tsc("deploy.config.ts")).stdout).toBe("");
    await writeFile(`${empty}/wrong.config.ts`, (await Bun.file(`${empty}/deploy.config.ts`).text()).replace("servers:", "servres:"));
    expect((await tsc("wrong.config.ts")).stdout).toContain("servres");
  });

  test("it says its version, helps and completes in under 60 ms, and reads a config in under 150 ms", async () => {
    const greeting = `${lab.folder}/greeting`;
    await writeFile(`${greeting}.ts`, `console.log("hello");\n`);
    await must([process.execPath, "build", "--compile", "--minify", "--bytecode", "--format=esm", `${greeting}.ts`, "--outfile", greeting], { cwd: lab.folder });
    const none: readonly string[] = [];
    const wanted: readonly (readonly [line: readonly string[], mostMs: number])[] = [
      [["--version"], 60], [["--help"], 60], [["help", "deploy"], 60], [["completion", "bash"], 60], [["completion", "fish"], 60],
      [["config"], 150], [["deploy", "--dry-run", "--offline", "--version", "one"], 150],
    ];
    const timed = async (work: () => Promise<{ readonly status: number }>): Promise<number> => {
      const started = performance.now();
      expect((await work()).status).toBe(0);
      return performance.now() - started;
    };
    const times = new Map<readonly string[], number[]>([none, ...wanted.map(([line]) => line)].map((line) => [line, []]));
    // Side by side with a program that only says hello: what a busy machine adds to that, it adds to ours.
    for (let i = 0; i < 10; i++) for (const [line, all] of times) all.push(await timed(() => (line === none ? run([greeting]) : capstan(line))));
    const middle = (line: readonly string[]): number => times.get(line)?.toSorted((a, b) => a - b)[5] ?? 0;
    /** How many times slower this machine is now than a quiet one, which starts the greeting in 8 ms with all that `run` does around it. */
    const load = Math.max(1, middle(none) / 8);
    console.log(`in the middle of ten: hello ${middle(none).toFixed(0)} ms (${load.toFixed(1)} times a quiet machine's); ${wanted.map(([line]) => `${line.join(" ")} ${middle(line).toFixed(0)}`).join(", ")}`);
    expect(wanted.filter(([line, mostMs]) => middle(line) > mostMs * load).map(([line]) => line.join(" "))).toEqual([]);
  }, 60_000);
});

test("as a library: a program builds a deployer from a config object and awaits a typed result", async () => {
  const folder = `${lab.folder}/library`;
  await makeApp(folder);
  await writeFile(`${folder}/program.ts`, `import { createDeployer, isDeployError, secret, type ConfigExport, type Event } from ${JSON.stringify(`${root}/mod.ts`)};
const config: ConfigExport = {
  service: "library",
  image: "acme/library",
  servers: [${JSON.stringify(lab.host(1).address)}],
  registry: { server: ${JSON.stringify(lab.registry.address)}, username: ${JSON.stringify(lab.registry.username)}, password: secret("REGISTRY_PASSWORD") },
  builder: { context: ".", driver: "docker" },
  proxy: { host: "library.example", healthcheck: { path: process.argv[2] ?? "/up" } },
  deployTimeout: 2,
};
const seen = new Set<Event["type"]>();
await using deployer = await createDeployer({ config, version: process.argv[3] ?? "1", onEvent: (event) => seen.add(event.type) });
try {
  const plan = await deployer.plan({ skipPush: true }, { facts: new Map() });
  const { from, to, hosts, durationMs, phases } = await deployer.deploy();
  const serving = await deployer.serving();
  console.log(JSON.stringify({ from, to, hosts, took: durationMs > 0, phases: phases.map(({ phase }) => phase), planned: plan.phases.length, serving: serving.map(({ version }) => version), seen: [...seen].sort() }));
} catch (error) {
  console.log(JSON.stringify({ isDeployError: isDeployError(error), failure: isDeployError(error) ? error.failure : String(error), state: isDeployError(error) ? error.state : [] }));
}
`);
  const env = { ...lab.env, REGISTRY_PASSWORD: lab.registry.password };
  const deploy = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await must([process.execPath, "program.ts", ...args], { cwd: folder, env })).trim());
  expect(await deploy("/up", "1")).toMatchObject({ from: [], to: "1", hosts: [lab.host(1).address], took: true, planned: expect.any(Number), serving: ["1"], seen: expect.arrayContaining(["start", "phase-start", "step-start", "step-end", "probe", "audit", "lock", "summary"]) });
  expect(await deploy("/up", "2")).toMatchObject({ from: ["1"], to: "2", serving: ["2"] });
  expect(await deploy("/nowhere", "3")).toEqual({ isDeployError: true, failure: "health", state: expect.arrayContaining(["Every host serves what it served before: 2."]) });
}, 120_000);
