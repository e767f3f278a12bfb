import { z } from "zod";
import { secretInput, text } from "./common.ts";

export const Registry = z
  .strictObject({
    server: text("a registry: host[:port]").regex(/^[a-z0-9.-]+(:\d+)?(\/[\w./-]+)?$/i, { error: "a registry without scheme: host[:port]" }).optional().meta({
      description: "Host of the registry. `localhost:PORT` is one on this machine: it is run as a container, hosts reach it through SSH, and no credentials are needed.",
      example: `"ghcr.io"`,
      fallback: "Docker Hub",
    }),
    username: z.union([text("a user name"), secretInput], { error: `a user name, secret("NAME") or ["NAME"]` }).optional().meta({ description: "Who logs in.", example: `"acme-bot"` }),
    password: z.union([text("a password"), secretInput], { error: `secret("NAME"), ["NAME"] or a text` }).optional().meta({
      description: "Password or access token. Name a secret; a password written as text is in your repository, but is at least never printed.",
      example: `secret("REGISTRY_PASSWORD")`,
    }),
  })
  .meta({ typeName: "RegistryConfig", description: "Where images are kept." });
