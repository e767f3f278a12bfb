import { z } from "zod";
import { Aliases } from "./aliases.ts";
import { hookNames, type Hooks } from "./hooks.ts";
import type { SecretFunction } from "./secret-function.ts";
import { secretName } from "./secret-ref.ts";
import { Accessories } from "./schema/accessories.ts";
import { Builder } from "./schema/builder.ts";
import { assetPath, labels, list, Logging, seconds, secretRef, text } from "./schema/common.ts";
import { Delivery } from "./schema/delivery.ts";
import { RootEnv } from "./schema/env.ts";
import { HookOutputs, Output } from "./schema/output.ts";
import { Proxy } from "./schema/proxy.ts";
import { Registry } from "./schema/registry.ts";
import { Servers } from "./schema/servers.ts";
import { Ssh } from "./schema/ssh.ts";
import { Healthcheck, Traefik } from "./schema/traefik.ts";

const isFunction = (value: unknown): boolean => typeof value === "function";

const limitError = `how many hosts boot together: an integer of at least 1, or a share such as "25%"`;
const Boot = z
  .strictObject({
    limit: z
      .union([z.int().min(1, { error: limitError }), z.templateLiteral([z.number(), "%"]).meta({ typeText: "`${number}%`" })], { error: limitError })
      .refine((limit) => typeof limit === "number" || (Number.parseFloat(limit) > 0 && Number.parseFloat(limit) <= 100), { error: `a share from "1%" to "100%"` })
      .optional()
      .meta({ description: "How many hosts boot together, or the share of all hosts, at least one.", example: `"25%"`, fallback: "all" }),
    wait: seconds.default(0).meta({ description: "Pause after each group of hosts.", example: "10" }),
    parallelRoles: z.boolean().default(false).meta({ description: "Start all roles of a host at once instead of one after another. The primary role still goes first." }),
  })
  .meta({ typeName: "BootConfig", description: "Rolling deploys." });

/** The hooks are one table in hooks.ts: each of its names, and a function. */
const HookTable = z
  .strictObject(Object.fromEntries(hookNames.map((name) => [name, z.custom(isFunction, { error: "a function" }).optional()])))
  .meta({ typeText: "Hooks" }) as z.ZodType as z.ZodType<Hooks, Hooks>;

const secretFunction = z.custom<SecretFunction>(isFunction, { error: "a function that gives the value" }).meta({ typeText: "SecretFunction" });

const imageName = /^(?:[\w.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;

/** The one list of keys: types, defaults, validation and reference come from it. */
export const ConfigSchema = z
  .strictObject({
    service: text("a name").regex(/^[a-z0-9_-]+$/i, { error: "letters, digits, \"-\" and \"_\"" }).meta({ description: "Name of the service: first part of every container's name.", example: `"shop"` }),
    image: text("an image").regex(imageName, { error: "an image without registry and tag, such as \"acme/shop\"" }).optional().meta({
      description: "Name of the image, without registry and tag. Without a registry, or with one at localhost, it can be left out.",
      example: `"acme/shop"`,
      fallback: "the service, without a registry or with one at localhost",
    }),
    servers: Servers.optional().meta({ description: "The hosts: a list for the one role `web`, or a map from role to hosts. A function, which may be async, can stand for all of them or for the hosts of a role: it is called once a run, before the config is checked, also with `--offline`, and nothing of it is kept.", example: `{ web: ["10.0.0.1"], jobs: { hosts: ["10.0.0.2"], cmd: "bin/work" } }`, fallback: "required unless there are accessories" }),
    accessories: Accessories.default({}).meta({ description: "Long-lived services that the app depends on: databases, caches, search. A deploy leaves them alone.", example: `{ redis: { image: "redis:7", roles: ["web"], port: "127.0.0.1:6379:6379", volumes: ["redis:/data"] } }` }),
    primaryRole: text("the name of a role").default("web").meta({ description: "The role that boots first and holds the lock; behind the proxy unless it says `proxy: false`.", example: `"app"` }),
    allowEmptyRoles: z.boolean().default(false).meta({ description: "Whether roles other than the primary one may have no hosts." }),
    registry: Registry.optional().meta({ description: "Where images are kept. Without it there is none: each host gets the layers it does not have from this machine, through its SSH connection.", example: `{ server: "ghcr.io", username: "acme-bot", password: secret("REGISTRY_PASSWORD") }`, fallback: "none: hosts get images through SSH" }),
    delivery: Delivery.prefault({}).meta({ description: "How images get to hosts where there is no registry.", example: "{ handOn: true }" }),
    env: RootEnv.default({}).meta({ description: "Environment of all containers: a map, or `clear` and `secret`.", example: `{ clear: { PORT: 3000 }, secret: ["DATABASE_URL"] }` }),
    labels: labels.default({}).meta({ description: "Labels of all containers. `service`, `role` and `destination` are taken; those that begin with `traefik.` say how Traefik routes to the app." }),
    volumes: list(text("a volume: source:path[:options]")).default([]).meta({ description: "Volumes of all containers: `source:path[:options]`.", example: `["media:/media"]` }),
    assetPath: assetPath.optional().meta({ description: "Folder of assets in the image, `PATH[:mount options]`. For roles behind the proxy it holds the files of the old version and the new one together while they change places, so that a page of one finds its assets at the other.", example: `"/app/public/assets"` }),
    errorPagesPath: text("a folder").optional().meta({ description: "Folder beside the config with pages such as 404.html, 502.html that kamal-proxy answers with.", example: `"public"` }),
    logging: Logging.optional().meta({ description: "Where the output of containers goes." }),
    builder: Builder.prefault({}).meta({ description: "How the image is made.", example: `{ arch: "arm64" }` }),
    proxy: Proxy.optional().meta({ description: "How requests reach the app, through kamal-proxy.", example: `{ host: "shop.example", ssl: true, appPort: 3000 }` }),
    traefik: Traefik.optional().meta({ description: "Traefik instead of kamal-proxy, and how its container is run. Labels that begin with `traefik.` choose it too.", example: `{ args: { accesslog: true } }` }),
    healthcheck: Healthcheck.optional().meta({ description: "How a new container behind Traefik shows that it is ready. Behind kamal-proxy it is `proxy.healthcheck`.", example: `{ path: "/healthz", port: 4000 }` }),
    ssh: Ssh.prefault({}).meta({ description: "How hosts are reached.", example: `{ user: "deploy" }` }),
    boot: Boot.prefault({}).meta({ description: "Rolling deploys: how many hosts at a time.", example: `{ limit: "25%", wait: 10 }` }),
    deployTimeout: seconds.default(30).meta({ description: "How long a new container may take to become healthy.", example: `"2m"` }),
    drainTimeout: seconds.default(30).meta({ description: "How long the old container may take to finish its requests.", example: `"1m"` }),
    stopTimeout: seconds.optional().meta({ description: "How long a container may take to stop before it is killed.", fallback: "drainTimeout for roles behind no proxy, else docker's own" }),
    readinessDelay: seconds.default(7).meta({ description: "How long a container behind no proxy, and without a healthcheck, must keep running to count as healthy." }),
    retainContainers: z.int({ error: "an integer of at least 1" }).min(1, { error: "an integer of at least 1" }).default(5).meta({ description: "How many old containers are kept for rollback.", example: "3" }),
    requireDestination: z.boolean().default(false).meta({ description: "Refuse to run without `-d`." }),
    minimumVersion: text("a version").regex(/^\d+(\.\d+){0,2}(-[\w.]+)?$/, { error: "a version such as \"1.2.0\"" }).optional().meta({ description: "Refuse to run with an older capstan.", example: `"1.2.0"` }),
    secretsPath: text("a path").default(".capstan/secrets").meta({ description: "The secrets file, relative to the config file. PATH-common is read before it; with `-d` PATH.DESTINATION is read instead of it. A file called `.env` is read as other tools do: `.env.DESTINATION` goes over it, and the environment over both.", example: `"config/secrets"` }),
    secrets: z.record(z.string().regex(secretName, { error: "the name of a secret: letters, digits, \"_\" and \".\"" }), z.union([secretFunction, secretRef], { error: `a function that gives the value, or secret("OTHER")` })).default({}).meta({
      description: "Secrets that are not in a file: functions that give the value, called when it is needed, or another secret's reference. `fetchSecrets` makes them for what a password manager has, `fromCommand` for what a program prints.",
      example: `{ ...fetchSecrets({ adapter: "1password", account: "acme", from: "Work/Shop", names: ["DATABASE_URL"] }), GHCR_TOKEN: fromCommand("gh", "auth", "token") }`,
    }),
    hooks: HookTable.default({}).meta({ description: "Functions called at fixed points of a run. A throw stops the run, except in `auditBroadcast` and `onFailure`.", example: `{ postDeploy: ({ version, log }) => log(\`\${version} is live\`) }` }),
    hooksOutput: HookOutputs.optional().meta({
      description: "How much of hooks is shown, of all or by name: with `quiet` neither them, nor what they log, nor the output of their programs, unless they fail; with `verbose` also when they begin. `-v` and `-q` go before it.",
      example: `{ preDeploy: "verbose", auditBroadcast: "quiet" }`,
      fallback: "what they log, the output of their programs, and their end",
    }),
    output: Output.default({}).meta({ description: "Where the events of commands that change something go besides the screen.", example: `{ file: { path: "log" } }` }),
    aliases: Aliases.default({}).meta({
      description: "Command lines by a word of your own: `capstan console` is what stands behind `console`, with the words after it appended. Names of commands are taken.",
      example: `{ console: "app exec -p --reuse 'bin/rails console'" }`,
    }),
  })
  .meta({ typeName: "DeployConfig", description: "What `deploy.config.ts` says." });

/** The config with defaults of single keys filled in; merging comes after. */
export type ParsedConfig = z.output<typeof ConfigSchema>;
/** What a user may write, as the schema sees it. The public type is the generated one in types.ts. */
export type ConfigInput = z.input<typeof ConfigSchema>;
