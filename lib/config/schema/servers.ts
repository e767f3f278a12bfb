import { z } from "zod";
import { Env } from "./env.ts";
import { assetPath, hostOrTagged, hostsFunction, labels, list, Logging, options, seconds, serversFunction, text } from "./common.ts";
import { Proxy } from "./proxy.ts";
import { Healthcheck } from "./traefik.ts";

export const RoleMap = z
  .strictObject({
    hosts: z.union([list(hostOrTagged), hostsFunction]).default([]).meta({ description: "Hosts of the role, each as a text, or with tags as `{ \"host\": [\"tag\"] }`; or a function that gives them, called once a run.", example: `["10.0.0.2"]` }),
    cmd: text("a command line").optional().meta({ description: "What the containers of this role run instead of the image's own command.", example: `"bin/work --queues mail"` }),
    env: Env.optional().meta({ description: "Environment of this role, over that of the root.", example: `{ clear: { QUEUES: "mail" } }` }),
    labels: labels.optional().meta({ description: "Labels of this role's containers, over those of the root. With one that begins with `traefik.` the role is behind Traefik." }),
    options: options.optional().meta({ description: "Further options of `docker run`: `true` is a bare flag, a list repeats the flag.", example: `{ memory: "512m", restart: "always" }` }),
    proxy: z.union([z.boolean(), Proxy]).optional().meta({ description: "Whether the role is behind the proxy; a map says so and goes over the proxy of the root.", example: "false", fallback: "true for the primary role, else false" }),
    traefik: z.boolean().optional().meta({ description: "Whether the role is behind Traefik.", example: "true", fallback: "true for the primary role where the config chooses Traefik, else false" }),
    healthcheck: Healthcheck.optional().meta({ description: "Over the healthcheck of the root." }),
    assetPath: assetPath.optional().meta({ description: "Over the assetPath of the root.", example: `"/app/public/assets"` }),
    stopTimeout: seconds.optional().meta({ description: "How long a container may take to stop before it is killed.", example: `"90s"`, fallback: "stopTimeout of the root; else, behind no proxy, drainTimeout; else docker's own" }),
    logging: Logging.optional().meta({ description: "Over the logging of the root." }),
    volumes: list(text("a volume: source:path[:options]")).optional().meta({ description: "Volumes of this role, besides those of the root.", example: `["media:/media"]` }),
  })
  .meta({ typeName: "RoleConfig", description: "Hosts that run one command of the image." });

/** A host list is the role `web`. */
export const Servers = z.union([list(hostOrTagged), serversFunction, z.record(z.string().regex(/^[\w.-]+$/, { error: "the name of a role: letters, digits, \"-\", \"_\" and \".\"" }), z.union([list(hostOrTagged), hostsFunction, RoleMap]))]);
