import { basename, dirname, resolve } from "node:path";
import type { Settings } from "../config/settings.ts";
import { cloneOf } from "../build/clone.ts";
import {
  asksArch, assumedTools, buildxVersionProgram, dockerArchProgram, dockerVersionProgram, imageArch, isRemoteContext, machineArchProgram, packVersionProgram, variablesIn, type BuilderState, type LocalFacts, type LooseFiles,
} from "../build/facts.ts";
import { changedFilesProgram, committedProgram, gitConfigProgram, gitFactsProgram, gitStatusProgram, parseGit, untrackedFilesProgram, type GitFacts } from "../build/git.ts";
import { contextFilter } from "../build/ignore.ts";
import { builderOf, builderState, detailsPrograms, inspectionOf, type Builder } from "../build/kinds.ts";
import { versionFrom } from "../build/version.ts";
import type { Program } from "../ground/command.ts";
import { ProgramError } from "../ground/errors.ts";
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

/** What a program printed, or what it complained of. */
async function answered(world: World, program: Program): Promise<{ readonly ok: boolean; readonly text: string }> {
  const exit = await world.programs.run(program, { timeoutMs: askMs, signal: world.signal }).catch((error: unknown) => {
    if (world.signal.aborted) throw error;
    return { status: undefined, stdout: "", stderr: error instanceof Error ? error.message : String(error) };
  });
  return exit.status === 0 ? { ok: true, text: exit.stdout } : { ok: false, text: exit.stderr };
}

async function gitFacts(world: World, settings: Settings): Promise<GitFacts | undefined> {
  const [revParse, status] = await Promise.all([printed(world, gitFactsProgram(settings.root)), printed(world, gitStatusProgram(settings.root))]);
  return revParse === undefined ? undefined : parseGit(revParse, status ?? "");
}

/** The version a task works on. @throws DeployError (usage) when nothing names one */
export async function builtVersion(world: World, task: Task): Promise<string> {
  const named = task.version ?? world.env["VERSION"];
  const git = named === undefined || named === "" ? await gitFacts(world, task.settings) : undefined;
  return versionFrom({ named: task.version, env: world.env["VERSION"], git, buildsWorkTree: task.settings.builder.context !== undefined, hex: world.randomHex(8) });
}

/** What this machine has, for a build. @param dev the working tree is to be built as it is */
export async function localFacts(world: World, task: Task, dev = false): Promise<LocalFacts> {
  const { settings } = task;
  const [docker, buildx, pack, arch, git] = await Promise.all([
    printed(world, dockerVersionProgram), printed(world, buildxVersionProgram), settings.builder.pack === undefined ? undefined : printed(world, packVersionProgram), archOf(world, settings), gitFacts(world, settings),
  ]);
  const cloneRoot = cloneRootOf(world);
  const [builder, cloneExists, dockerfile, loose] = await Promise.all([
    buildx === undefined ? ("ready" as const) : stateOf(world, builderOf(settings, arch)),
    git === undefined ? false : world.files.exists(`${cloneOf(settings, cloneRoot, git).folder}/.git`),
    dockerfileOf(world, settings, git !== undefined && !dev),
    dev && git !== undefined ? looseFiles(world, settings) : undefined,
  ]);
  return { docker, buildx, pack, arch, builder, dockerfile, variables: variablesOf(world, settings), git, loose, cloneRoot, cloneExists };
}

/** Facts to plan a build from where Docker is asked for nothing but the architecture, and that only when it decides who builds what. Git is asked as ever. */
export async function offlineFacts(world: World, task: Task, dev = false): Promise<LocalFacts> {
  const { settings } = task;
  const [git, arch] = await Promise.all([gitFacts(world, settings), archOf(world, settings)]);
  return { ...assumedTools, arch, git, loose: dev && git !== undefined ? await looseFiles(world, settings) : undefined, cloneRoot: cloneRootOf(world) };
}

/** The builder of the config. @throws DeployError (missing) when the architecture of this machine decides and cannot be found out */
export const builderHere = async (world: World, { settings }: Task): Promise<Builder> => builderOf(settings, await archOf(world, settings));

/** What shows a builder. @throws ProgramError for the first program that fails */
export async function builderOutputs(world: World, builder: Builder): Promise<readonly string[]> {
  const outputs: string[] = [];
  for (const program of detailsPrograms(builder)) {
    const exit = await world.programs.run(program, { timeoutMs: askMs, signal: world.signal });
    if (exit.status !== 0) throw new ProgramError(program, exit);
    outputs.push(exit.stdout);
  }
  return outputs;
}

async function archOf(world: World, settings: Settings): Promise<string | undefined> {
  if (!asksArch(settings)) return undefined;
  const kernel = (await printed(world, dockerArchProgram)) || (await printed(world, machineArchProgram));
  return kernel === undefined || kernel === "" ? undefined : imageArch(kernel);
}

async function stateOf(world: World, builder: Builder): Promise<BuilderState> {
  const inspection = inspectionOf(builder);
  if (inspection === undefined) return "ready";
  const [buildx, context] = await Promise.all([answered(world, inspection.buildx), inspection.context === undefined ? undefined : printed(world, inspection.context)]);
  return builderState(builder, buildx, context);
}

async function dockerfileOf(world: World, { builder, root }: Settings, inRepository: boolean): Promise<LocalFacts["dockerfile"]> {
  if (builder.pack !== undefined || isRemoteContext(builder.context ?? "")) return "there";
  const path = resolve(root, builder.dockerfile);
  const clones = inRepository && builder.context === undefined;
  // Asked in its own folder, which may be that of a submodule.
  if (clones && (await printed(world, committedProgram(dirname(path), basename(path)))) !== undefined) return "there";
  if (!(await world.files.exists(path))) return "missing";
  return clones ? "uncommitted" : "there";
}

async function looseFiles(world: World, { builder, root }: Settings): Promise<LooseFiles | undefined> {
  if (isRemoteContext(builder.context ?? "")) return undefined;
  const context = resolve(root, builder.context ?? ".");
  const [changed, untracked, own, common] = await Promise.all([
    printed(world, changedFilesProgram(context)), printed(world, untrackedFilesProgram(context)), world.files.read(resolve(root, `${builder.dockerfile}.dockerignore`)), world.files.read(resolve(context, ".dockerignore")),
  ]);
  const isSent = contextFilter(builder.pack === undefined ? (own ?? common ?? "") : "");
  const files = (list: string | undefined): readonly string[] => (list ?? "").split("\0").filter((file) => file !== "" && isSent(file)).toSorted();
  return { changed: files(changed), untracked: files(untracked) };
}

function variablesOf(world: World, { builder }: Settings): Readonly<Record<string, string>> {
  return Object.fromEntries(variablesIn(builder.ssh ?? "").flatMap((name) => (world.env[name] === undefined || world.env[name] === "" ? [] : [[name, world.env[name]]])));
}

const cloneRootOf = (world: World): string => `${world.env["XDG_CACHE_HOME"] ?? `${world.env["HOME"] ?? "/tmp"}/.cache`}/capstan/clones`;

/** Who runs the tool: git's user.email, else the login name; and the name to show on a lock. */
export async function performerOf(world: World, settings: Settings): Promise<{ readonly performer: string; readonly performerName: string }> {
  const [email, name] = await Promise.all([printed(world, gitConfigProgram(settings.root, "user.email")), printed(world, gitConfigProgram(settings.root, "user.name"))]);
  const performer = email ?? (await printed(world, { argv: ["whoami"] })) ?? "unknown";
  return { performer, performerName: name ?? performer };
}
