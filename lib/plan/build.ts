import { dirname, join } from "node:path";
import type { Settings } from "../config/settings.ts";
import { sh } from "../ground/command.ts";
import type { LocalStep, Phase, Plan } from "../ground/step.ts";
import { accessSteps, buildsClone, buildSteps, requireDocker } from "../build/builder.ts";
import { claimOf } from "../build/clone.ts";
import type { LocalFacts } from "../build/facts.ts";
import { type Builder, builderOf, buildxName, createSteps, removeSteps, sshHostOf } from "../build/kinds.ts";
import { ignoredByPack } from "../build/pack.ts";
import type { BuildOrder } from "../build/tags.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { appHosts, hookPhase, requireDocker as requireDockerOn } from "./hosts.ts";
import type { Order } from "./order.ts";
import { collectStep, pullPhases } from "./pull.ts";
import { registryTunnels } from "./tunnels.ts";

/** What of a build is said on the command line. */
export interface BuildOptions {
  readonly noCache?: boolean;
  /** What becomes of the image, as buildx's `--output=type=` takes it; default: `registry`, and `docker` for a build of the working tree. */
  readonly output?: string;
}

/** Builds the image here and pushes it, or keeps it for hosts that get it without a registry. */
export function planBuildPush(order: Order, local: LocalFacts, { noCache = false, output = "registry" }: BuildOptions = {}): Plan {
  const { settings } = order;
  // Without a registry the image is left where it can be collected, and its layers are kept for the hosts.
  const collects = output === "registry" && settings.withoutRegistry === true;
  const archive = collects && needsArchive(settings) ? archiveOf(settings, order.version, local) : undefined;
  const build: BuildOrder = { version: order.version, facts: local, noCache, output: collects ? "docker" : output, dev: false, ...(archive === undefined ? {} : { archive }) };
  const image = `${settings.repository}:${order.version}`;
  const builder = builderOf(settings, local.arch);
  return {
    notes: [...dirtyNotes(order, build), ...packNotes(order)],
    phases: [
      { title: "Prepare the build", lanes: [{ host: undefined, steps: accessSteps(settings, local) }] },
      ...hookPhase(order, "preBuild", order.scope.hosts),
      ...reachPhase(builder, local.builder === "missing"),
      { title: output === "registry" && !collects ? "Build and push image" : "Build image", lanes: [{ host: undefined, steps: [...(archive === undefined ? [] : [folderStep(archive)]), ...buildSteps(settings, build)] }], ...registryTunnels(settings, [sshHostOf(builder) ?? []].flat()), ...(buildsClone(settings, build) ? { claims: claimOf(settings, local.cloneRoot) } : {}) },
      ...(collects ? [{ title: "Keep image", lanes: [{ host: undefined, steps: [archive === undefined ? collectStep(image) : { ...collectStep(image), archive }] }] }] : []),
    ],
    afterFailure,
  };
}

/** An image for several architectures, or with attestations, is too much for the store of most a Docker: it is built into a file, from which it is collected. */
const needsArchive = ({ builder: { arch, provenance, sbom } }: Settings): boolean => arch.length > 1 || sbom === true || (provenance !== undefined && provenance !== "false");
const archiveOf = ({ service }: Settings, version: string, { cloneRoot }: LocalFacts): string => join(dirname(cloneRoot), "builds", `${service}-${version}.tar`);
const folderStep = (archive: string): LocalStep => ({ kind: "local", title: "Make a folder for the image", program: { argv: ["mkdir", "-p", dirname(archive)] } });

const afterFailure = { takenBack: "Nothing was changed on any host.", committed: "" };

/** `build dev`: builds the working tree as it is, for use on this machine. */
export function planBuildDev(order: Order, local: LocalFacts, { noCache = false, output = "docker" }: BuildOptions = {}): Plan {
  const builder = builderOf(order.settings, local.arch);
  const { changed = [], untracked = [] } = local.loose ?? {};
  return {
    notes: [
      ...(changed.length === 0 ? [] : [`In the image, with changes that are not committed: ${some(changed)}`]),
      ...(untracked.length === 0 ? [] : [`In the image, although git does not know them: ${some(untracked)}`]),
      ...packNotes(order),
    ],
    phases: [
      ...reachPhase(builder, local.builder === "missing"),
      { title: "Build image", lanes: [{ host: undefined, steps: buildSteps(order.settings, { version: order.version, facts: local, noCache, output, dev: true }) }] },
    ],
    afterFailure,
  };
}

function dirtyNotes({ settings }: Order, build: BuildOrder): readonly string[] {
  const dirty = build.facts.git?.dirty ?? [];
  if (dirty.length === 0) return [];
  return [buildsClone(settings, build) ? `Not in the build, because they are not committed: ${some(dirty)}` : `In the build, although they are not committed: ${some(dirty)}`];
}

function packNotes({ settings }: Order): readonly string[] {
  const ignored = ignoredByPack(settings);
  return ignored.length === 0 ? [] : [`Ignored, since buildpacks build the image: ${ignored.join(", ")}.`];
}

const some = (files: readonly string[]): string => `${files.slice(0, 10).join(", ")}${files.length > 10 ? ` and ${files.length - 10} more` : ""}`;

/** Before a builder is made on another machine: whether that can be reached at all. Docker itself would only tell in the middle of the build. */
function reachPhase(builder: Builder, makes: boolean): readonly Phase[] {
  const host = sshHostOf(builder);
  if (!makes || host === undefined) return [];
  return [{ title: "Reach the remote builder", lanes: [{ host, steps: [{ kind: "run", title: "Check the connection", command: sh`true`, hint: "Check builder.remote, and that `ssh` gets there without a password." }] }] }];
}

/** `build create`: makes the builder that the config asks for. */
export function planBuildCreate({ settings }: Order, local: LocalFacts): Plan {
  requireDocker(local);
  const builder = builderOf(settings, local.arch);
  const name = buildxName(builder);
  if (name === undefined) return { notes: [builder.kind === "pack" ? "Buildpacks need no builder to be made." : "The driver docker is Docker's own builder: there is nothing to make."], phases: [] };
  if (local.builder === "ready") return { notes: [`Builder ${name} is there already.`], phases: [] };
  const clean = local.builder === "missing" ? removeSteps(builder, true) : [];
  return { notes: [], phases: [...reachPhase(builder, true), { title: "Create builder", lanes: [{ host: undefined, steps: [...clean, ...createSteps(settings, builder)] }] }], afterFailure };
}

/** `build remove`: removes the builder with its cache. */
export function planBuildRemove({ settings }: Order, local: LocalFacts): Plan {
  requireDocker(local);
  const builder = builderOf(settings, local.arch);
  const steps = removeSteps(builder, local.builder === "missing");
  return { notes: steps.length === 0 ? ["There is no builder to remove: Docker's own or pack is used."] : [], phases: [{ title: "Remove builder", lanes: [{ host: undefined, steps }] }], afterFailure };
}

/** `build pull`: brings the image to every host. */
export function planBuildPull(order: Order, facts: FleetFacts): Plan {
  const hosts = appHosts(order);
  requireDockerOn(facts, hosts);
  return { notes: [], phases: [...pullPhases(order, facts, hosts, { when: "always" })] };
}
