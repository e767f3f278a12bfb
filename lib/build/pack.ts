import type { LocalStep } from "../ground/step.ts";
import type { Settings } from "../config/settings.ts";
import { platforms } from "./kinds.ts";
import { type BuildOrder, pushSteps, tagFlags } from "./tags.ts";

/** Adds labels to the image, which pack itself cannot. */
const labelsBuildpack = "paketo-buildpacks/image-labels";

/** Builds with Cloud Native Buildpacks, then pushes. Values of build secrets are in the environment of pack, which reads those that are named without a value. */
export function packBuild(settings: Settings, order: BuildOrder, cwd: string): readonly LocalStep[] {
  const { arch, pack, args, secrets, context } = settings.builder;
  const argv = [
    "pack", "build", settings.repository, "--platform", platforms(arch), "--creation-time", "now", "--builder", pack?.builder ?? "",
    ...[...(pack?.buildpacks ?? []), labelsBuildpack].flatMap((buildpack) => ["--buildpack", buildpack]), ...tagFlags(settings, order),
    ...(order.noCache ? ["--clear-cache"] : []), "--env", `BP_IMAGE_LABELS=service=${settings.service}`,
    ...Object.entries(args).flatMap(([key, value]) => ["--env", `${key}=${value}`]), ...Object.keys(secrets).flatMap((name) => ["--env", name]),
    "--path", context ?? ".",
  ];
  return [{ kind: "local", title: `Build ${settings.repository}:${order.version}${order.dev ? "-dirty" : ""}`, loud: true, program: { argv, env: secrets, cwd } }, ...pushSteps(settings, order)];
}

/** Keys of the config that say how a Dockerfile is built, and mean nothing to buildpacks. */
export function ignoredByPack({ builder }: Settings): readonly string[] {
  const { cache, target, ssh, provenance, sbom, pack } = builder;
  return pack === undefined ? [] : Object.entries({ cache, target, ssh, provenance, sbom }).flatMap(([key, value]) => (value === undefined ? [] : [`builder.${key}`]));
}
