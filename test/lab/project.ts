import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { commitAll, makeApp } from "./app.ts";
import type { Lab } from "./lab.ts";
import type { LabHost } from "./host.ts";
import type { Ran } from "./shell.ts";

/** Value of the one secret that the sample app gets. */
export const appSecret = `app-canary-${crypto.randomUUID().slice(0, 8)}`;
/** How `capstan` is called. */
export const capstan: readonly string[] = [process.execPath, fileURLToPath(new URL("../../mod.ts", import.meta.url))];

/** What differs from the usual project. */
export interface ProjectOptions {
  readonly service?: string;
  readonly hosts?: readonly string[];
  /** Text of `servers`, instead of the list of hosts. */
  readonly servers?: string;
  /** More keys of the config, as TypeScript: `boot: { limit: 1 },`. */
  readonly more?: string;
  /** Text of `proxy`. */
  readonly proxy?: string;
  /** Text of `registry`, instead of the lab's; "none": the config names no registry. */
  readonly registry?: string;
  /** Text of `env.clear`. */
  readonly clear?: string;
  /** Makes the app's build context; default: the sample app's. */
  readonly app?: (folder: string) => Promise<void>;
}

/** A project folder as a user has it: config, app, git repository. */
export class Project {
  readonly folder: string;
  readonly lab: Lab;
  readonly service: string;

  constructor(folder: string, lab: Lab, service: string) {
    this.folder = folder;
    this.lab = lab;
    this.service = service;
  }

  get env(): Record<string, string> {
    return { ...this.lab.env, REGISTRY_PASSWORD: this.lab.registry.password, APP_SECRET: appSecret, CI: "true", NO_COLOR: "1" };
  }

  /** Starts `capstan` in the project and does not wait. @param program another way to run it */
  start(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}, program = capstan): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    return Bun.spawn([...program, ...args], { cwd: this.folder, env: { ...process.env, ...this.env, ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  }

  /** Runs `capstan` in the project. */
  async run(args: readonly string[], env?: Readonly<Record<string, string | undefined>>, program?: readonly string[]): Promise<Ran> {
    return ended(this.start(args, env, program));
  }

  /** As {@link run}. @throws Error with all output unless it ends with status 0 */
  async must(args: readonly string[], env?: Readonly<Record<string, string | undefined>>, program?: readonly string[]): Promise<Ran> {
    const ran = await this.run(args, env, program);
    if (ran.status !== 0) throw new Error(`capstan ${args.join(" ")} ended with status ${ran.status}:\n${ran.stdout}\n${ran.stderr}`);
    return ran;
  }

  /**
   * Deploys a version and does something to the run, or to a host, at a moment.
   * @param moment beginning of the name of a phase
   * @param withinMs how long after the phase has begun at most; when exactly is left to chance
   */
  async deployStruck(version: string, moment: string, strike: (child: Bun.Subprocess) => unknown, env: Readonly<Record<string, string>> = {}, withinMs = 150): Promise<Ran> {
    const child = this.start(["deploy", "--version", version, "--json"], { VERSION: version, ...env });
    let stdout = "";
    const decoder = new TextDecoder();
    let struck: unknown;
    const stderr = new Response(child.stderr).text();
    for await (const chunk of child.stdout) {
      stdout += decoder.decode(chunk, { stream: true });
      if (struck === undefined && new RegExp(`"type":"phase-start"[^\\n]*"phase":"${moment}`).test(stdout)) struck = Bun.sleep(Math.random() * withinMs).then(() => strike(child));
    }
    await struck;
    await child.exited;
    if (struck === undefined) throw new Error(`The deploy never came to ${moment}:\n${stdout}\n${await stderr}`);
    return { status: child.exitCode ?? 137, stdout, stderr: await stderr };
  }

  /** Commits a change, so that the next deploy has a version of its own. @returns the version */
  commit(message = "change"): Promise<string> {
    return commitAll(this.folder, message);
  }

  /** Deploys a version of that name. */
  deploy(version: string, ...more: readonly string[]): Promise<Ran> {
    return this.must(["deploy", "--version", version, ...more], { VERSION: version });
  }
}

/** What a started process printed. */
export async function ended(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<Ran> {
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return { status: child.exitCode ?? 128, stdout, stderr };
}

let made = 0;

/** Makes a project of the sample app for the hosts of a lab. */
export async function makeProject(lab: Lab, options: ProjectOptions = {}): Promise<Project> {
  const service = options.service ?? "sample";
  const folder = `${lab.folder}/project-${made++}`;
  await mkdir(folder, { recursive: true });
  await (options.app ?? makeApp)(folder);
  await writeFile(`${folder}/deploy.config.ts`, `import { defineConfig, secret } from "capstan";

export default defineConfig({
  service: ${JSON.stringify(service)},
  image: ${JSON.stringify(`acme/${service}`)},
  servers: ${options.servers ?? JSON.stringify(options.hosts ?? lab.hosts.map((host) => host.address))},
  ${options.registry === "none" ? "" : `registry: ${options.registry ?? `{ server: ${JSON.stringify(lab.registry.address)}, username: ${JSON.stringify(lab.registry.username)}, password: secret("REGISTRY_PASSWORD") }`},`}
  env: { clear: ${options.clear ?? "{}"}, secret: ["APP_SECRET"] },
  builder: { context: ".", driver: "docker", args: { VERSION: process.env.VERSION ?? "unknown" } },
  proxy: ${options.proxy ?? "{ buffering: { responses: false } }"},
  ${options.more ?? ""}
});
`);
  const project = new Project(folder, lab, service);
  await project.commit("first");
  return project;
}

/** What every host answers at `/`, trimmed; `failed` when it does not. */
export async function served(hosts: readonly LabHost[], path = "/"): Promise<string[]> {
  return Promise.all(hosts.map(async (host) => {
    const answer = await fetch(`http://${host.address}${path}`, { signal: AbortSignal.timeout(5_000), keepalive: false }).catch(() => undefined);
    return answer?.ok === true ? (await answer.text()).trim() : "failed";
  }));
}
