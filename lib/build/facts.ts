import type { Program } from "../ground/command.ts";
import type { Settings } from "../config/settings.ts";
import type { GitFacts } from "./git.ts";

/** What a build needs to know of the user's own machine. */
export interface LocalFacts {
  /** As `docker --version` says it: `Docker version 28.2.2, build e6534b4`. Undefined: there is no docker. */
  readonly docker: string | undefined;
  /** As `docker buildx version` says it. Undefined: there is no buildx. */
  readonly buildx: string | undefined;
  /** As `pack --version` says it. Undefined: there is no pack, or the config does not build with it. */
  readonly pack: string | undefined;
  /** Architecture of this machine as images name it: `amd64`. Undefined: nobody needs to know. */
  readonly arch: string | undefined;
  readonly builder: BuilderState;
  readonly dockerfile: "there" | "missing" | "uncommitted";
  /** Values of the variables that `builder.ssh` names; those that are not set are left out. Undefined: they were not looked up, and stay as written. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  /** Undefined: the config is in no git repository. */
  readonly git: GitFacts | undefined;
  /** Files of the build context that differ from the commit. Only a build of the working tree looks for them. */
  readonly loose: LooseFiles | undefined;
  /** Folder of all clones, absolute. */
  readonly cloneRoot: string;
  /** The clone of this project is there. */
  readonly cloneExists: boolean;
}

/** Whether the buildx builder can be used as it is; `unknown` when it was not asked for. */
export type BuilderState = "ready" | "missing" | "unknown";

/** Files by their path in the build context. */
export interface LooseFiles {
  /** Known to git, and not as in the commit. */
  readonly changed: readonly string[];
  /** Not known to git, be it that it is told to ignore them. */
  readonly untracked: readonly string[];
}

/** Tools of a machine that was not asked: all are there. */
export const assumedTools = { docker: "assumed", buildx: "assumed", pack: "assumed", builder: "unknown", dockerfile: "there", variables: undefined, cloneExists: false } as const satisfies Partial<LocalFacts>;

/** Prints the version of the docker client; asks no daemon. */
export const dockerVersionProgram: Program = { argv: ["docker", "--version"] };
/** Prints the version of buildx. Fails when it is not there. */
export const buildxVersionProgram: Program = { argv: ["docker", "buildx", "version"] };
/** Prints the version of pack. */
export const packVersionProgram: Program = { argv: ["pack", "--version"] };
/** Prints the architecture that the Docker of this machine builds for, as the kernel names it. */
export const dockerArchProgram: Program = { argv: ["docker", "info", "--format", "{{.Architecture}}"] };
/** The same of this machine, for when its Docker does not answer. */
export const machineArchProgram: Program = { argv: ["uname", "-m"] };

const imageArchs: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", armv7l: "arm/v7", armv6l: "arm/v6", i686: "386" };

/** The name that images have for an architecture of the kernel: `x86_64` is `amd64`. */
export const imageArch = (kernel: string): string => imageArchs[kernel] ?? kernel;

/** True when the architecture of this machine decides who builds what. */
export const asksArch = ({ builder }: Settings): boolean => builder.remote !== undefined && builder.local;

/** True when the context is no folder of this machine, but fetched by the builder. */
export const isRemoteContext = (context: string): boolean => /^([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(context);

const variable = /\$(?:(\w+)|\{(\w+)\})/g;

/** Names of the variables in a text: `default=$SSH_AUTH_SOCK` has one. */
export const variablesIn = (text: string): readonly string[] => [...text.matchAll(variable)].map(([, bare, braced]) => bare ?? braced ?? "");

/** The text with its variables filled in. @param missing called for one that has no value */
export const fillIn = (text: string, values: Readonly<Record<string, string>>, missing: (name: string) => never): string =>
  text.replaceAll(variable, (_, bare: string | undefined, braced: string | undefined) => values[bare ?? braced ?? ""] ?? missing(bare ?? braced ?? ""));
