import { afterAll, expect, test } from "bun:test";
import { ambientTypes } from "../../lib/config/ambient.ts";
import { starterFiles } from "../../lib/config/init.ts";
import { ambientSource } from "./generate.ts";
import { project, removeProjects } from "./project.ts";

afterAll(removeProjects);

/** What the compiler says of a folder that has no node_modules: `file(line): code`. */
async function typeErrors(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { folder } = project({ ...files, "tsconfig.json": JSON.stringify({ compilerOptions: { strict: true, noEmit: true, target: "ESNext", module: "Preserve", types: [] }, files: ["deploy.config.ts"] }) });
  const compiler = Bun.spawn([`${process.cwd()}/node_modules/.bin/tsc`, "-p", folder], { cwd: folder, stdout: "pipe" });
  const text = await new Response(compiler.stdout).text();
  return [...text.matchAll(/^([^\s(]+)\((\d+),\d+\): error (\w+)/gm)].map(([, file, line, code]) => `${file}(${line}): ${code}`);
}

test("ambient.txt is what the types say: else run `bun test/config/generate.ts`", async () => {
  expect(ambientTypes()).toBe(await ambientSource());
}, 30_000);

test("ambientTypes() imports nothing", () => {
  expect(ambientTypes()).not.toMatch(/\b(import|from) ["'(]/);
  expect(ambientTypes()).toStartWith("/** Types of capstan for deploy.config.ts.");
});

const sample = `/// <reference path="./.capstan/types.d.ts" />
import { Command, defineConfig, DeployError, isDeployError, secret, sh, type ConfigEnv, type DeployConfig, type HookContexts } from "capstan";

const audit = ({ event, log }: HookContexts["auditBroadcast"]): void => log(event.line);
const base: DeployConfig = { service: "shop", image: "acme/shop", servers: ["a"], registry: { username: "u", password: secret("PW") } };

export default defineConfig(async ({ destination, env }: ConfigEnv) => ({
  ...base,
  servers: { web: [env["WEB"] ?? "a"], jobs: { hosts: ["b"], cmd: "bin/work", stopTimeout: "90s" } },
  boot: { limit: destination === "qa" ? 1 : "25%" },
  hooks: {
    auditBroadcast: audit,
    async postDeploy({ run, hosts, runtimeSeconds, log, signal }) {
      const command: Command = sh\`du -sh \${["a b", "c"]}\`;
      for (const host of hosts) log((await run(host, command)).stdout + runtimeSeconds + signal.aborted);
    },
    onFailure: ({ error }) => { if (isDeployError(error) && error instanceof DeployError) throw new DeployError("hook", error.message, { hint: "?" }); },
  },
}));
`;

test("a config type-checks with nothing but the types that init writes", async () => {
  expect(await typeErrors({ "deploy.config.ts": sample, ".capstan/types.d.ts": ambientTypes() })).toEqual([]);
}, 30_000);

test("the starter type-checks with the types beside it", async () => {
  expect(await typeErrors(Object.fromEntries(starterFiles("shop").map(({ path, content }) => [path, content])))).toEqual([]);
}, 30_000);

test("the types that init writes refuse mistakes", async () => {
  const wrong = sample.replace(`service: "shop", `, "").replace("25%", "25").replace("\"90s\"", "\"90 s\"").replace("onFailure", "onFail").replace(`["a b", "c"]`, `secret("A")`);
  expect(await typeErrors({ "deploy.config.ts": wrong, ".capstan/types.d.ts": ambientTypes() })).toEqual(["deploy.config.ts(5): TS2741", "deploy.config.ts(7): TS2345", "deploy.config.ts(14): TS2345", "deploy.config.ts(17): TS7031"]);
}, 30_000);
