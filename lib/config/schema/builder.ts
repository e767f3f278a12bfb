import { z } from "zod";
import { list, map, scalar, secretMap, text } from "./common.ts";

const platform = text("an architecture such as \"amd64\"").regex(/^[a-z0-9_]+(\/[a-z0-9]+)*$/, { error: "an architecture such as \"amd64\" or \"arm64\"" });

const Pack = z
  .strictObject({
    builder: text("an image of a Cloud Native Buildpacks builder").meta({ description: "Image of the builder.", example: `"heroku/builder:24"` }),
    buildpacks: list(text("a buildpack")).default([]).meta({ description: "Buildpacks in the order in which they are applied. `paketo-buildpacks/image-labels` is added, for the service label.", example: `["heroku/nodejs", "heroku/procfile"]`, fallback: "those that the builder detects" }),
  })
  .meta({ typeName: "PackConfig", description: "Building with Cloud Native Buildpacks: no Dockerfile is needed." });

const Cache = z
  .strictObject({
    type: z.enum(["gha", "registry"]).meta({ description: "Where layers are kept: the cache of GitHub Actions, or an image in the registry.", example: `"registry"` }),
    image: text("an image").optional().meta({ description: "Image of the cache in the registry, without the registry's host.", example: `"acme/shop-cache"`, fallback: "the image with `-build-cache` after it" }),
    options: text("options").regex(/^\S+$/, { error: `options with commas between them, such as "mode=max"` }).optional().meta({ description: "Further options of buildx's `--cache-to`. Those that say where the cache of GitHub Actions is go to `--cache-from` too.", example: `"mode=max,image-manifest=true"` }),
  })
  .meta({ typeName: "CacheConfig", description: "Where layers are kept between builds." });

const flagText = text(`true, false or a text such as "mode=max"`);

export const Builder = z
  .strictObject({
    arch: z.union([platform, list(platform).refine((archs) => archs.length > 0, { error: "at least one architecture" })]).default("amd64").meta({ description: "Architecture of the hosts, or several.", example: `["amd64", "arm64"]` }),
    remote: text("a URL").regex(/^[a-z][a-z0-9+.-]*:\/\/\S+$/i, { error: `the URL of a Docker daemon, such as "ssh://root@builder.example"` }).optional().meta({
      description: "Docker daemon of another machine that builds the architectures this machine does not have.",
      example: `"ssh://root@builder.example"`,
      fallback: "this machine builds all of them, emulating what it does not have",
    }),
    local: z.boolean().default(true).meta({ description: "Build this machine's own architecture here. With false the remote builder builds everything." }),
    pack: Pack.optional().meta({ description: "Build with Cloud Native Buildpacks instead of a Dockerfile.", example: `{ builder: "heroku/builder:24", buildpacks: ["heroku/nodejs"] }` }),
    cache: Cache.optional().meta({ description: "Where layers are kept between builds, for machines that keep nothing themselves.", example: `{ type: "registry", options: "mode=max" }`, fallback: "the builder's own" }),
    context: text("a folder").regex(/^[^-]/, { error: `a folder; one whose name begins with "-" is written "./-name"` }).optional().meta({
      description: "Folder that is sent to the builder, relative to the config file. Without it a clean clone of the git repository is built, so uncommitted changes stay out.",
      example: `"."`,
      fallback: "a clean clone of the git repository",
    }),
    dockerfile: text("a file").default("Dockerfile").meta({ description: "The Dockerfile, relative to the config file.", example: `"docker/Dockerfile"` }),
    target: text("the name of a build stage").optional().meta({ description: "Stage of the Dockerfile to build.", example: `"production"`, fallback: "the last stage" }),
    ssh: text("an SSH agent socket or keys").optional().meta({ description: "What `RUN --mount=type=ssh` may use, as buildx's `--ssh` takes it. Variables such as `$SSH_AUTH_SOCK` are filled in.", example: `"default=$SSH_AUTH_SOCK"` }),
    args: map(scalar).default({}).meta({ description: "Build arguments. They can be read in the image: not for secrets.", example: `{ NODE_VERSION: "22" }` }),
    secrets: secretMap.default([]).meta({ description: "Secrets for `RUN --mount=type=secret`: names, \"ID:SECRET\", or a map from id to secret.", example: `["NPM_TOKEN"]` }),
    driver: text("a buildx driver").regex(/^(?!cloud$)[\w-]+$|^cloud [\w.-]+\/[\w.-]+$/, { error: `a buildx driver such as "docker-container", or "cloud ORG/NAME"` }).default("docker-container").meta({ description: "Driver of docker buildx: `docker-container`, `docker`, or `cloud ORG/NAME`.", example: `"docker"` }),
    provenance: z.union([z.boolean(), flagText], { error: `true, false or a text such as "mode=max"` }).optional().meta({ description: "Attest how the image was made, as buildx's `--provenance` takes it.", example: `"mode=max"`, fallback: "none: the default attestation of buildx holds the time of the build, so that no image would ever be the one before" }),
    sbom: z.boolean().optional().meta({ description: "Attest what is in the image: a software bill of materials.", example: "true", fallback: "buildx's own" }),
  })
  .meta({ typeName: "BuilderConfig", description: "How the image is made." });
