import { z } from "zod";
import { Env } from "./env.ts";
import { labels, list, map, options, scalar, seconds, text } from "./common.ts";
import { port } from "./ssh.ts";

/** In force where the config says nothing. */
export const traefikDefaults = {
  image: "traefik:v3.7.9",
  hostPort: 80,
  health: { path: "/up", maxAttempts: 7, interval: 1, timeout: 5 },
} as const;

/** What an argument of Traefik can be set to: a list is joined with commas. */
const argument = z.union([scalar, list(z.union([z.string(), z.number()]))]);

export const Traefik = z
  .strictObject({
    image: text("an image").optional().meta({ description: "Traefik's image, of any version 2 or 3.", example: `"traefik:v3.6.24"`, fallback: `"${traefikDefaults.image}"` }),
    hostPort: port.optional().meta({ description: "Port on the host for the entry point at port 80.", example: "8080", fallback: String(traefikDefaults.hostPort) }),
    args: map(argument).optional().meta({ description: "Arguments of Traefik without the two dashes; `true` is a bare flag.", example: `{ accesslog: true, "accesslog.format": "json" }` }),
    options: options.optional().meta({ description: "Further options of Traefik's `docker run`.", example: `{ publish: ["443:443"], memory: "512m" }` }),
    labels: labels.optional().meta({ description: "Labels of Traefik's container. Those that begin with `traefik.` become routes of Traefik itself, such as one to its dashboard." }),
    env: Env.optional().meta({ description: "Environment of Traefik, such as the credentials of a DNS provider.", example: `{ secret: ["CF_DNS_API_TOKEN"] }` }),
  })
  .meta({ typeName: "TraefikConfig", description: "How Traefik's container is run. Routes are in `labels`." });

export const Healthcheck = z
  .strictObject({
    path: text("a path").regex(/^\//, { error: "a path that begins with \"/\"" }).optional().meta({ description: "Asked with GET; any 2xx is healthy.", example: `"/healthz"`, fallback: `"${traefikDefaults.health.path}"` }),
    port: port.optional().meta({ description: "Port that is asked, and that requests go to unless a label names another one.", example: "4000", fallback: "the port of the label, else the lowest port the image exposes, else 3000" }),
    maxAttempts: z.int({ error: "an integer of at least 1" }).min(1, { error: "an integer of at least 1" }).optional().meta({
      description: "How long a new container has, as attempts with pauses of 1, 2, 3, … seconds: 7 are 28 seconds. It is asked more often than that within the same time.",
      example: "10",
      fallback: "deployTimeout counts",
    }),
    interval: seconds.optional().meta({ description: "Pause between two tries.", fallback: `${traefikDefaults.health.interval} second` }),
    timeout: seconds.optional().meta({ description: "How long one answer may take.", fallback: `${traefikDefaults.health.timeout} seconds` }),
  })
  .meta({ typeName: "AppHealthcheckConfig", description: "How a new container behind Traefik shows that it is ready." });

export type TraefikInput = z.output<typeof Traefik>;
export type HealthcheckInput = z.output<typeof Healthcheck>;
