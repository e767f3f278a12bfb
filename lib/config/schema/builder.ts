import { z } from "zod";
import { list, map, scalar, secretMap, text } from "./common.ts";

const platform = text("an architecture such as \"amd64\"").regex(/^[a-z0-9]+(\/[a-z0-9]+)*$/, { error: "an architecture such as \"amd64\" or \"arm64\"" });

export const Builder = z
  .strictObject({
    arch: z.union([platform, list(platform).refine((archs) => archs.length > 0, { error: "at least one architecture" })]).default("amd64").meta({ description: "Architecture of the hosts, or several.", example: `["amd64", "arm64"]` }),
    context: text("a folder").optional().meta({
      description: "Folder that is sent to the builder, relative to the config file. Without it a clean clone of the git repository is built, so uncommitted changes stay out.",
      example: `"."`,
      fallback: "a clean clone of the git repository",
    }),
    dockerfile: text("a file").default("Dockerfile").meta({ description: "The Dockerfile, relative to the context.", example: `"docker/Dockerfile"` }),
    target: text("the name of a build stage").optional().meta({ description: "Stage of the Dockerfile to build.", example: `"production"`, fallback: "the last stage" }),
    args: map(scalar).default({}).meta({ description: "Build arguments. They can be read in the image: not for secrets.", example: `{ NODE_VERSION: "22" }` }),
    secrets: secretMap.default([]).meta({ description: "Secrets for `RUN --mount=type=secret`: names, \"ID:SECRET\", or a map from id to secret.", example: `["NPM_TOKEN"]` }),
    driver: text("a buildx driver").default("docker-container").meta({ description: "Driver of docker buildx: `docker-container`, `docker`, or `cloud ORG/NAME`.", example: `"docker"` }),
  })
  .meta({ typeName: "BuilderConfig", description: "How the image is made." });
