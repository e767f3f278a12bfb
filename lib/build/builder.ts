import type { Program } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import { latestTag } from "../ground/names.ts";
import type { LocalStep } from "../ground/step.ts";
import type { Settings } from "../config/settings.ts";
import { loginHere } from "../remote/registry.ts";
import { cloneOf, cloneSteps } from "./clone.ts";
import type { GitFacts } from "./git.ts";

/** What a build needs to know of the user's own machine. */
export interface LocalFacts {
  /** As `docker --version` says it: `Docker version 28.2.2, build e6534b4`. Undefined: there is no docker. */
  readonly docker: string | undefined;
  /** As `docker buildx version` says it. Undefined: there is no buildx. */
  readonly buildx: string | undefined;
  /** The builder of {@link builderName} is there. */
  readonly builderExists: boolean;
  /** Undefined: the config is in no git repository. */
  readonly git: GitFacts | undefined;
  /** Folder of all clones, absolute. */
  readonly cloneRoot: string;
  /** The clone of this project is there. */
  readonly cloneExists: boolean;
}

/** Tools of a machine that was not asked: all are there. */
export const assumedTools: Pick<LocalFacts, "docker" | "buildx" | "builderExists" | "cloneExists"> = { docker: "assumed", buildx: "assumed", builderExists: true, cloneExists: false };

/** Prints the version of the docker client; asks no daemon. */
export const dockerVersionProgram: Program = { argv: ["docker", "--version"] };
/** Prints the version of buildx. Fails when it is not there. */
export const buildxVersionProgram: Program = { argv: ["docker", "buildx", "version"] };
/** Fails when the builder is not there. */
export const builderInspectProgram = (settings: Settings): Program => ({ argv: ["docker", "buildx", "inspect", builderName(settings)] });

const isLocalRegistry = ({ registry }: Settings): boolean => registry.server?.startsWith("localhost:") === true;
const isCloud = ({ builder }: Settings): boolean => builder.driver.startsWith("cloud");

/** Name of the buildx builder. It is the one that Kamal uses for the same driver. */
export function builderName(settings: Settings): string {
  const { driver } = settings.builder;
  return isCloud(settings) ? driver.replaceAll(/[ /]/g, "-") : `kamal-local-${isLocalRegistry(settings) ? "registry-" : ""}${driver}`;
}

/** What is to be built. */
export interface BuildOrder {
  readonly version: string;
  readonly facts: LocalFacts;
  readonly noCache: boolean;
}

/**
 * Builds the image on the user's own machine and pushes it under its version and as latest.
 * @throws DeployError (missing) without docker, (build) when what the config asks for needs buildx and there is none
 */
export function buildSteps(settings: Settings, order: BuildOrder): readonly LocalStep[] {
  const { facts } = order;
  if (facts.docker === undefined) throw new DeployError("missing", "Docker is not installed here", { hint: "Install it to build the image, or build it elsewhere and use --skip-push." });
  const login = loginHere(settings.registry);
  const clones = facts.git !== undefined && settings.builder.context === undefined;
  const place = clones ? cloneOf(settings, facts.cloneRoot, facts.git) : undefined;
  const cwd = place?.build ?? settings.root;
  return [
    { kind: "local", title: "Check Docker", program: dockerVersionProgram },
    ...(facts.buildx === undefined ? [] : [{ kind: "local" as const, title: "Check buildx", program: buildxVersionProgram }]),
    ...(isLocalRegistry(settings) ? localRegistrySteps(settings) : []),
    ...(login === undefined || isLocalRegistry(settings) ? [] : [{ kind: "local" as const, title: "Log in to the registry", program: login, hint: "Check registry.username and registry.password." }]),
    ...(facts.git === undefined || place === undefined ? [] : cloneSteps(place, facts.git, facts.cloneExists)),
    ...(facts.buildx === undefined ? plainBuild(settings, order, facts.docker, cwd) : buildxBuild(settings, order, cwd)),
  ];
}

/** A registry on the user's own machine: started when it is there, else run. One of the two fails, and the push tells when both do. */
function localRegistrySteps({ registry }: Settings): readonly LocalStep[] {
  const port = registry.server?.split(":")[1] ?? "5000";
  const name = "kamal-docker-registry";
  return [
    { kind: "local", title: "Start the local registry", optional: true, program: { argv: ["docker", "start", name] } },
    { kind: "local", title: "Run the local registry", optional: true, program: { argv: ["docker", "run", "--detach", "-p", `127.0.0.1:${port}:5000`, "--name", name, "registry:3"] } },
  ];
}

function buildxBuild(settings: Settings, order: BuildOrder, cwd: string): readonly LocalStep[] {
  const { driver, arch } = settings.builder;
  const name = builderName(settings);
  if (driver === "docker" && arch.length > 1) throw new DeployError("build", "The driver docker builds for one architecture only", { hint: "Set builder.driver to docker-container, or leave one entry in builder.arch." });
  const prepare: LocalStep[] = driver === "docker" ? [] : order.facts.builderExists
    ? [{ kind: "local", title: `Look at builder ${name}`, program: builderInspectProgram(settings) }]
    : [
        { kind: "local", title: `Remove what is left of builder ${name}`, optional: true, program: { argv: ["docker", "buildx", "rm", name] } },
        { kind: "local", title: `Create builder ${name}`, program: { argv: ["docker", "buildx", "create", ...createFlags(settings, name)] } },
      ];
  const argv = [
    "docker", "buildx", "build", "--output=type=registry", ...platformFlags(settings),
    ...(driver === "docker" ? [] : ["--builder", name]), ...commonFlags(settings, order), settings.builder.context ?? ".",
  ];
  return [...prepare, { kind: "local", title: `Build and push ${settings.repository}:${order.version}`, loud: true, program: { argv, env: settings.builder.secrets, cwd } }];
}

function createFlags(settings: Settings, name: string): readonly string[] {
  const { driver } = settings.builder;
  if (isCloud(settings)) return ["--driver", ...driver.split(" ")];
  return ["--name", name, `--driver=${driver}`, ...(isLocalRegistry(settings) ? ["--driver-opt", "network=host"] : [])];
}

/** Without buildx: docker's own BuildKit up to version 22, after that its old builder is all there is. */
function plainBuild(settings: Settings, order: BuildOrder, docker: string, cwd: string): readonly LocalStep[] {
  const { arch, secrets } = settings.builder;
  const hasBuildKit = Number(/\d+/.exec(docker)?.[0] ?? 0) < 23;
  const needs = [
    ...(arch.length > 1 ? [`several architectures (${arch.join(", ")})`] : []),
    ...(Object.keys(secrets).length > 0 && !hasBuildKit ? ["builder.secrets"] : []),
    ...(isCloud(settings) ? [`driver "${settings.builder.driver}"`] : []),
  ];
  if (needs.length > 0) throw new DeployError("build", `Docker has no buildx here, which is needed for ${needs.join(", ")}`, { hint: "Install the buildx plugin of Docker (package docker-buildx or docker-buildx-plugin)." });
  const argv = ["docker", "build", ...platformFlags(settings), ...commonFlags(settings, order), settings.builder.context ?? "."];
  const push = (tag: string): LocalStep => ({ kind: "local", title: `Push ${tag}`, loud: true, program: { argv: ["docker", "push", tag] } });
  return [
    { kind: "local", title: `Build ${settings.repository}:${order.version}`, loud: true, program: { argv, env: { DOCKER_BUILDKIT: hasBuildKit ? "1" : "0", ...secrets }, cwd } },
    ...tagsOf(settings, order.version).map(push),
  ];
}

const tagsOf = (settings: Settings, version: string): readonly string[] => [`${settings.repository}:${version}`, `${settings.repository}:${latestTag(settings)}`];
const platformFlags = ({ builder }: Settings): readonly string[] => ["--platform", builder.arch.map((arch) => `linux/${arch}`).join(",")];

/** Flags that both ways of building know, in Kamal's order. Build secrets are taken from the environment of the program. */
function commonFlags(settings: Settings, { version, noCache }: BuildOrder): readonly string[] {
  const { args, secrets, dockerfile, target } = settings.builder;
  return [
    ...tagsOf(settings, version).flatMap((tag) => ["-t", tag]), "--label", `service=${settings.service}`,
    ...Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.keys(secrets).flatMap((name) => ["--secret", `id=${name}`]),
    "--file", dockerfile, ...(target === undefined ? [] : ["--target", target]), ...(noCache ? ["--no-cache"] : []),
  ];
}
