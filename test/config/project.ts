import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { mkdirSync, writeFileSync } from "node:fs";
import { systemClock } from "../../lib/world/clock.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { type ConfigPlace, parseConfig } from "../../lib/config/parse.ts";
import type { Settings } from "../../lib/config/settings.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { DeployError, isDeployError } from "../../lib/ground/errors.ts";
import { isSecret } from "../../lib/ground/secret.ts";
import type { Files, Programs } from "../../lib/ground/world.ts";

const lib = resolve(import.meta.dir, "../../lib/config");

/** What configs of these tests import: the test process has no module "capstan". */
export const capstan = `import { defineConfig, defineDestination } from "${lib}/define.ts"; import { secret } from "${lib}/secret-ref.ts";`;

export const realFiles: Files = {
  read: async (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
  bytes: async (path) => (existsSync(path) ? readFileSync(path) : undefined),
  list: async (folder) => (existsSync(folder) ? readdirSync(folder) : undefined),
  exists: async (path) => existsSync(path),
  write: async () => undefined,
  append: async () => undefined,
};

/** Starts real programs and remembers their argument vectors. */
export function realPrograms(): Programs & { readonly ran: string[] } {
  const ran: string[] = [];
  return {
    ran,
    async run({ argv, env = {}, cwd }) {
      ran.push(argv.join(" "));
      const opened = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, isSecret(value) ? value.reveal() : value]));
      const child = Bun.spawn([...argv], { env: { ...process.env, ...opened }, ...(cwd === undefined ? {} : { cwd }), stdout: "pipe", stderr: "pipe" });
      const [stdout, stderr, status] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
      return { status, signal: undefined, stdout, stderr, durationMs: 1 };
    },
  };
}

export interface Project {
  readonly folder: string;
  load(options?: { readonly destination?: string; readonly configFile?: string; readonly env?: Record<string, string>; readonly version?: string }): Promise<Settings>;
  /** The error of a load that must fail. */
  fail(options?: Parameters<Project["load"]>[0]): Promise<DeployError>;
}

const folders: string[] = [];

/** A folder with files, to load a config from. */
export function project(files: Readonly<Record<string, string>>): Project {
  const folder = mkdtempSync(join(tmpdir(), "capstan-config-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const load: Project["load"] = ({ env = {}, ...options } = {}) => loadConfig({ files: realFiles, programs: realPrograms(), clock: systemClock, cwd: folder, env, command: "deploy", ...options });
  return { folder, load, fail: (options) => failure(() => load(options)) };
}

/** Takes the folders of {@link project} away. */
export function removeProjects(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** The DeployError that `work` must throw. */
export async function failure(work: () => unknown): Promise<DeployError> {
  try {
    await work();
  } catch (error) {
    if (isDeployError(error)) return error;
    throw error;
  }
  throw new Error("It did not fail");
}

const nowhere: ConfigPlace = { files: realFiles, programs: realPrograms(), env: {}, cwd: "/app", root: "/app", destination: undefined, sources: [] };

/** The smallest config of the reference: two roles, one secret. */
export const base = {
  service: "shop",
  image: "acme/shop",
  registry: { username: "bot", password: "pw" },
  servers: { web: ["10.0.0.1"], jobs: { hosts: ["10.0.0.2"], cmd: "bin/work" } },
  env: { secret: ["API_KEY"] },
} as const satisfies DeployConfig;

/** The settings of a config made by a program. */
export const settingsOf = (config: DeployConfig, place: Partial<ConfigPlace> = {}): Settings => parseConfig(config, { ...nowhere, ...place });

/** What is wrong with a config of any shape: one line a problem. Empty: nothing. */
export function problemsOf(config: unknown): readonly string[] {
  try {
    parseConfig(config as DeployConfig, nowhere);
    return [];
  } catch (error) {
    if (isDeployError(error)) return error.details;
    throw error;
  }
}
