import type { Settings } from "../config/settings.ts";
import { assumedTools, builderInspectProgram, buildxVersionProgram, dockerVersionProgram, type LocalFacts } from "../build/builder.ts";
import { cloneOf } from "../build/clone.ts";
import { gitConfigProgram, gitFactsProgram, gitStatusProgram, parseGit, type GitFacts } from "../build/git.ts";
import { versionFrom } from "../build/version.ts";
import type { Program } from "../ground/command.ts";
import type { World } from "../ground/world.ts";
import type { Task } from "./task.ts";

const askMs = 30_000;

/** What a program printed, or undefined when it failed or is not there. */
async function printed(world: World, program: Program): Promise<string | undefined> {
  const exit = await world.programs.run(program, { timeoutMs: askMs, signal: world.signal }).catch((error: unknown) => {
    if (world.signal.aborted) throw error;
    return undefined;
  });
  return exit?.status === 0 ? exit.stdout.trimEnd() : undefined;
}

async function gitFacts(world: World, settings: Settings): Promise<GitFacts | undefined> {
  const [revParse, status] = await Promise.all([printed(world, gitFactsProgram(settings.root)), printed(world, gitStatusProgram(settings.root))]);
  return revParse === undefined ? undefined : parseGit(revParse, status ?? "");
}

/** The version a task works on. @throws DeployError (usage) when nothing names one */
export async function builtVersion(world: World, task: Task): Promise<string> {
  const named = task.version ?? world.env["VERSION"];
  const git = named === undefined ? await gitFacts(world, task.settings) : undefined;
  return versionFrom({ named: task.version, env: world.env["VERSION"], git, buildsWorkTree: task.settings.builder.context !== undefined, hex: world.randomHex(8) });
}

/** What this machine has, for a build. */
export async function localFacts(world: World, task: Task): Promise<LocalFacts> {
  const { settings } = task;
  const [docker, buildx, git] = await Promise.all([printed(world, dockerVersionProgram), printed(world, buildxVersionProgram), gitFacts(world, settings)]);
  const cloneRoot = cloneRootOf(world);
  const [builderExists, cloneExists] = await Promise.all([
    buildx === undefined || settings.builder.driver === "docker" ? true : printed(world, builderInspectProgram(settings)).then((text) => text !== undefined),
    git === undefined ? false : world.files.exists(`${cloneOf(settings, cloneRoot, git).folder}/.git`),
  ]);
  return { docker, buildx, builderExists, git, cloneRoot, cloneExists };
}

/** Facts to plan a build from without asking Docker. */
export async function offlineFacts(world: World, task: Task): Promise<LocalFacts> {
  return { ...assumedTools, git: await gitFacts(world, task.settings), cloneRoot: cloneRootOf(world) };
}

const cloneRootOf = (world: World): string => `${world.env["XDG_CACHE_HOME"] ?? `${world.env["HOME"] ?? "/tmp"}/.cache`}/capstan/clones`;

/** Who runs the tool: git's user.email, else the login name; and the name to show on a lock. */
export async function performerOf(world: World, settings: Settings): Promise<{ readonly performer: string; readonly performerName: string }> {
  const [email, name] = await Promise.all([printed(world, gitConfigProgram(settings.root, "user.email")), printed(world, gitConfigProgram(settings.root, "user.name"))]);
  const performer = email ?? (await printed(world, { argv: ["whoami"] })) ?? "unknown";
  return { performer, performerName: name ?? performer };
}
