import type { Program } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import type { LocalStep } from "../ground/step.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import { asksArch, type BuilderState } from "./facts.ts";

/** Who builds, with the names that Kamal has for the same: builders of either tool are found by the other. */
export type Builder =
  /** This machine, for all architectures. No name: Docker's own builder. */
  | { readonly kind: "local"; readonly name: string | undefined }
  | Remote
  | { readonly kind: "cloud"; readonly name: string }
  | { readonly kind: "pack"; readonly image: string };

/** Another machine, alone or for what this one does not have. */
interface Remote {
  readonly kind: "remote" | "hybrid";
  readonly name: string;
  /** Docker context of the other machine. */
  readonly context: string;
  readonly url: string;
  /** Architectures that each of the two builds. */
  readonly here: readonly string[];
  readonly there: readonly string[];
}

/**
 * The builder that the config asks for.
 * @param localArch architecture of this machine; needed only where {@link asksArch} says so
 * @throws DeployError (missing) when it is needed and not known
 */
export function builderOf(settings: Settings, localArch: string | undefined): Builder {
  const { arch, remote, driver, pack } = settings.builder;
  if (asksArch(settings) && localArch === undefined) {
    throw new DeployError("missing", "Cannot tell the architecture of this machine, which decides what is built here", { hint: "Start Docker, or set builder.local to false to build all of it on the remote builder." });
  }
  const here = remote === undefined ? arch : asksArch(settings) ? arch.filter((one) => one === localArch) : [];
  const there = arch.filter((one) => !here.includes(one));
  const local = isLocalRegistry(settings.registry.server);
  if (remote !== undefined && there.length > 0) {
    const kind = here.length > 0 ? "hybrid" : "remote";
    const suffix = `${remote.replaceAll(/[^a-z0-9_-]/g, "-")}${local ? "-local-registry" : ""}`;
    const name = kind === "hybrid" ? `kamal-hybrid-${driver}-${suffix}` : `kamal-remote-${suffix}`;
    return { kind, name, context: `${name}-context`, url: remote, here, there };
  }
  if (pack !== undefined) return { kind: "pack", image: pack.builder };
  if (driver.startsWith("cloud")) return { kind: "cloud", name: driver.replaceAll(/[ /]/g, "-") };
  return { kind: "local", name: driver === "docker" ? undefined : `kamal-local-${local ? "registry-" : ""}${driver}` };
}

/** Name of the buildx builder. Undefined: Docker's own, or none. */
export const buildxName = (builder: Builder): string | undefined => (builder.kind === "pack" ? undefined : builder.name);

/** `[user@]host[:port]` of a remote builder that is reached by SSH. */
export function sshHostOf(builder: Builder): string | undefined {
  const url = builder.kind === "remote" || builder.kind === "hybrid" ? builder.url : "";
  return /^ssh:\/\/([^/]+)/.exec(url)?.[1];
}

/** Asks for a builder: what buildx knows of it, and the daemon behind its context. */
export interface Inspection {
  readonly buildx: Program;
  readonly context: Program | undefined;
}

/** How to look at the builder. Undefined: there is nothing to look at. */
export function inspectionOf(builder: Builder): Inspection | undefined {
  const name = buildxName(builder);
  if (name === undefined) return undefined;
  return {
    buildx: { argv: ["docker", "buildx", "inspect", name] },
    context: "context" in builder ? { argv: ["docker", "context", "inspect", builder.context, "--format", "{{.Endpoints.docker.Host}}"] } : undefined,
  };
}

/** What buildx says of a builder or a context that is not there. Whatever else it fails with, the builder is left as it is: removing it would lose the build cache. Source: Kamal. */
const notThere = /no builder|not found|no compatible builder|does not exist/i;

/**
 * What the answers to {@link inspectionOf} mean. A remote builder that leads to another daemon than the config's is as good as none.
 * @param buildx what was printed, or what a look that failed complained of
 * @param context undefined: the look failed
 */
export function builderState(builder: Builder, buildx: { readonly ok: boolean; readonly text: string }, context: string | undefined): BuilderState {
  if (buildxName(builder) === undefined) return "ready";
  if (!buildx.ok) return buildx.text.trim() === "" || notThere.test(buildx.text) ? "missing" : "unknown";
  if (!("context" in builder)) return "ready";
  const leadsThere = buildx.text.split("\n").some((line) => /^\s*Endpoint:/.test(line) && line.trim().endsWith(` ${builder.context}`));
  return leadsThere && context?.trim() === builder.url ? "ready" : "missing";
}

/** Looks at a builder that is there. */
export function inspectSteps(builder: Builder): readonly LocalStep[] {
  const inspection = inspectionOf(builder);
  if (inspection === undefined) return [];
  return [inspection.buildx, ...(inspection.context === undefined ? [] : [inspection.context])].map((program) => ({ kind: "local", title: `Look at builder ${buildxName(builder)}`, program }));
}

/** Makes the builder. Empty for those that need no making. */
export function createSteps(settings: Settings, builder: Builder): readonly LocalStep[] {
  const options = isLocalRegistry(settings.registry.server) ? ["--driver-opt", "network=host"] : [];
  const { driver } = settings.builder;
  const create = (...argv: readonly string[]): LocalStep => ({ kind: "local", title: `Create builder ${buildxName(builder)}`, program: { argv: ["docker", "buildx", "create", ...argv] } });
  if (builder.kind === "pack" || (builder.kind === "local" && builder.name === undefined)) return [];
  if (builder.kind === "cloud") return [create("--driver", ...driver.split(" "))];
  if (builder.kind === "local") return [create("--name", builder.name ?? "", `--driver=${driver}`, ...options)];
  const { name, context, url, here, there } = builder;
  const contextStep: LocalStep = {
    kind: "local", title: `Create the context of ${url}`, hint: `Look at \`docker context ls\`; \`capstan build remove\` removes what is left of an earlier one.`,
    program: { argv: ["docker", "context", "create", context, "--description", `${name} host`, "--docker", `host=${url}`] },
  };
  if (builder.kind === "remote") return [contextStep, create("--name", name, ...options, context)];
  return [
    create("--platform", platforms(here), "--name", name, `--driver=${driver}`, ...options),
    contextStep,
    create("--platform", platforms(there), "--append", "--name", name, ...options, context),
  ];
}

/** Removes the builder. @param optional it may be gone, or only parts of it be there */
export function removeSteps(builder: Builder, optional: boolean): readonly LocalStep[] {
  const name = buildxName(builder);
  if (name === undefined) return [];
  const remove = (title: string, argv: readonly string[]): LocalStep => ({ kind: "local", title, program: { argv }, ...(optional ? { optional } : {}) });
  return [
    remove(optional ? `Remove what is left of builder ${name}` : `Remove builder ${name}`, ["docker", "buildx", "rm", name]),
    ...("context" in builder ? [remove(`Remove the context of ${builder.url}`, ["docker", "context", "rm", builder.context])] : []),
  ];
}

/** What shows the builders of this machine. */
export function detailsPrograms(builder: Builder): readonly Program[] {
  if (builder.kind === "pack") return [{ argv: ["pack", "builder", "inspect", builder.image] }];
  return [{ argv: ["docker", "context", "ls"] }, { argv: ["docker", "buildx", "ls"] }];
}

/** `linux/amd64,linux/arm64`. */
export const platforms = (archs: readonly string[]): string => archs.map((arch) => `linux/${arch}`).join(",");
