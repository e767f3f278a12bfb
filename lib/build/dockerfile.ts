import { DeployError } from "../ground/errors.ts";
import type { LocalStep } from "../ground/step.ts";
import type { CacheSettings, Settings } from "../config/settings.ts";
import { fillIn, type LocalFacts } from "./facts.ts";
import { pushedDigest } from "./identity.ts";
import { buildxName, builderOf, createSteps, inspectSteps, platforms, removeSteps } from "./kinds.ts";
import { type BuildOrder, pushSteps, tagFlags } from "./tags.ts";

/** Builds a Dockerfile with buildx, and brings the image to where it is to go. */
export function buildxBuild(settings: Settings, order: BuildOrder, cwd: string): readonly LocalStep[] {
  const { arch, cache, secrets, provenance, sbom } = settings.builder;
  const builder = builderOf(settings, order.facts.arch);
  const name = buildxName(builder);
  const argv = [
    "docker", "buildx", "build", `--output=type=${order.archive === undefined ? order.output : `oci,dest=${order.archive}`}`, "--platform", platforms(arch), ...(name === undefined ? [] : ["--builder", name]),
    ...tagFlags(settings, order), ...(cache === undefined ? [] : cacheFlags(cache)), ...sourceFlags(settings, order.facts),
    ...(provenance === undefined ? [] : ["--provenance", provenance]), ...(sbom === undefined ? [] : ["--sbom", String(sbom)]),
    ...(order.noCache ? ["--no-cache"] : []), settings.builder.context ?? ".",
  ];
  const pushes = order.output === "registry" && order.archive === undefined;
  // The machine of a remote builder asks the registry itself, with the credentials of this one: a token of the client would be bound to the wrong side.
  const env = { ...("context" in builder ? { BUILDKIT_NO_CLIENT_TOKEN: "1" } : {}), ...secrets };
  const prepare = order.facts.builder === "missing" ? [...removeSteps(builder, true), ...createSteps(settings, builder)] : order.dev ? [] : inspectSteps(builder);
  return [...prepare, { kind: "local", title: titleOf(settings, order), loud: true, ...hintOf(settings, order), program: { argv, env, cwd, ...(pushes && provenance === undefined && sbom === undefined ? { preferences: withoutAttestations } : {}) }, ...(pushes ? { digestIn: pushedDigest } : {}) }];
}

/**
 * Unless something is said of attestations buildx adds one to what it pushes, with the time of the build: no image would ever be the one before.
 * Source: `BUILDX_NO_DEFAULT_ATTESTATIONS`, buildx 0.10.4 and later.
 */
const withoutAttestations = { BUILDX_NO_DEFAULT_ATTESTATIONS: "1" };

const titleOf = (settings: Settings, { version, output, dev }: BuildOrder): string => `${output === "registry" ? "Build and push" : "Build"} ${settings.repository}:${version}${dev ? "-dirty" : ""}`;

const hintOf = ({ builder }: Settings, { output, archive }: BuildOrder): { hint?: string } =>
  output === "docker" && archive === undefined && builder.arch.length > 1 ? { hint: "The store of the local Docker may take images of one architecture only: leave one in builder.arch, or add `--output registry`." } : {};

/** Options of a GitHub Actions cache that say where it is; the others are for writing it. */
const ghaPlace = /^(url|url_v2|token|scope|timeout)=/;

function cacheFlags({ type, image, options }: CacheSettings): readonly string[] {
  const all = options === undefined ? [] : options.split(",");
  const place = type === "gha" ? ["type=gha"] : ["type=registry", `ref=${image}`];
  const read = type === "gha" ? all.filter((option) => ghaPlace.test(option)) : [];
  return ["--cache-to", [...place, ...all].join(","), "--cache-from", [...place, ...read].join(",")];
}

/**
 * Builds a Dockerfile without buildx: docker's own BuildKit up to version 22, after that its old builder is all there is.
 * @throws DeployError (build) when what is asked for needs buildx
 */
export function plainBuild(settings: Settings, order: BuildOrder, cwd: string): readonly LocalStep[] {
  const { arch, secrets, driver, remote, cache, ssh, provenance, sbom } = settings.builder;
  const hasBuildKit = Number(/\d+/.exec(order.facts.docker ?? "")?.[0] ?? 0) < 23;
  const needs = [
    ...(arch.length > 1 ? [`several architectures (${arch.join(", ")})`] : []),
    ...(remote === undefined ? [] : ["builder.remote"]),
    ...(cache === undefined ? [] : ["builder.cache"]),
    ...(Object.keys(secrets).length > 0 && !hasBuildKit ? ["builder.secrets"] : []),
    ...(ssh !== undefined && !hasBuildKit ? ["builder.ssh"] : []),
    ...(provenance === undefined ? [] : ["builder.provenance"]),
    ...(sbom === undefined ? [] : ["builder.sbom"]),
    ...(driver.startsWith("cloud") ? [`driver "${driver}"`] : []),
    ...(["registry", "docker"].includes(order.output) ? [] : [`--output ${order.output}`]),
  ];
  if (needs.length > 0) throw new DeployError("build", `Docker has no buildx here, which is needed for ${needs.join(", ")}`, { hint: "Install the buildx plugin of Docker (package docker-buildx or docker-buildx-plugin)." });
  const argv = ["docker", "build", "--platform", platforms(arch), ...tagFlags(settings, order), ...sourceFlags(settings, order.facts), ...(order.noCache ? ["--no-cache"] : []), settings.builder.context ?? "."];
  return [
    { kind: "local", title: titleOf(settings, { ...order, output: "docker" }), loud: true, program: { argv, env: { DOCKER_BUILDKIT: hasBuildKit ? "1" : "0", ...secrets }, cwd } },
    ...pushSteps(settings, order),
  ];
}

/** Flags that both ways of building know, in Kamal's order. Build secrets are taken from the environment of the program. */
function sourceFlags({ service, builder }: Settings, facts: LocalFacts): readonly string[] {
  const { args, secrets, dockerfile, target, ssh } = builder;
  return [
    "--label", `service=${service}`,
    ...Object.entries(args).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.keys(secrets).flatMap((name) => ["--secret", `id=${name}`]),
    "--file", dockerfile, ...(target === undefined ? [] : ["--target", target]), ...(ssh === undefined ? [] : ["--ssh", filledIn(ssh, facts)]),
  ];
}

/** There is no shell that would do it. */
function filledIn(ssh: string, { variables }: LocalFacts): string {
  if (variables === undefined) return ssh;
  return fillIn(ssh, variables, (name) => {
    throw new DeployError("config", `Cannot build: builder.ssh names $${name}, which is not set`, { hint: name === "SSH_AUTH_SOCK" ? "Start an SSH agent: `eval \"$(ssh-agent)\" && ssh-add`." : `Set ${name}, or write the value into the config.` });
  });
}
