import { z } from "zod";
import type { FileContent } from "../file-content.ts";
import { Env } from "./env.ts";
import { host, hostsFunction, labels, list, options, text } from "./common.ts";
import { readPublish } from "../publish.ts";
import { Proxy } from "./proxy.ts";
import { Registry } from "./registry.ts";
import { port } from "./ssh.ts";

/** A text alone: of the number 0o640 only 416 is left, which reads as another mode. */
const mode = text(`an octal mode such as "0640"`).regex(/^[0-7]{3,4}$/, { error: `an octal mode such as "0640"` });
const owner = text("an owner").regex(/^[\w.-]+(:[\w.-]+)?$/, { error: `an owner such as "999:999"` });
const remote = text("a path in the container").regex(/^\//, { error: `a path in the container that begins with "/"` });
const short = text(`"local:/path/in/container[:options]"`).regex(/^[^:]+:\/[^:]*(:[^:]+)?$/, { error: `"local:/path/in/container[:options]"` });

const content = z.custom<string | FileContent>((value) => typeof value === "string" || typeof value === "function", { error: "a text, or a function that gives one" }).meta({ typeText: "string | FileContent" });

const common = {
  remote: remote.meta({ description: "Path in the container.", example: `"/etc/mysql/my.cnf"` }),
  owner: owner.optional().meta({ description: "Owner on the host, as for chown.", example: `"999:999"` }),
  options: text("mount options").optional().meta({ description: "Mount options.", example: `"ro"` }),
};

const FileMap = z
  .strictObject({
    local: text("a file").optional().meta({ description: "File beside the config. One that ends with `.erb` is rendered, as far as values of the environment and of the accessory, commands, `if` and `raise` go; in TypeScript there is `content` for it.", example: `"config/my.cnf"` }),
    content: content.optional().meta({ description: "The content itself, or a function that gives it: a template in TypeScript. Instead of `local`.", example: "({ env }) => `[mysqld]\\nport=${env.PORT}\\n`" }),
    mode: mode.optional().meta({ description: "Mode on the host, octal.", example: `"0600"`, fallback: `"755"` }),
    ...common,
  })
  .refine(({ local, content }) => (local === undefined) !== (content === undefined), { error: "either local or content" })
  .meta({ typeName: "AccessoryFileConfig", description: "A file that is brought to the host and mounted into the accessory." });

const DirectoryMap = z
  .strictObject({
    local: text("a folder").meta({ description: "Folder on the host: below the accessory's own folder, or absolute.", example: `"data"` }),
    mode: mode.optional().meta({ description: "Mode on the host, octal.", example: `"0750"`, fallback: "as the host makes folders" }),
    ...common,
  })
  .meta({ typeName: "AccessoryDirectoryConfig", description: "A folder of the host that is made and mounted into the accessory." });

const portExpected = `a port, or "[ip:]host:container"`;
const ports = z.union([port, z.string().refine((value) => readPublish(value) !== undefined, { error: portExpected })], { error: portExpected });

export const Accessory = z
  .strictObject({
    service: text("a name").regex(/^[a-z0-9][a-z0-9_.-]*$/i, { error: `letters, digits, "-", "_" and "."` }).optional().meta({ description: "Name of the container and of its folder on the host.", example: `"shared-mysql"`, fallback: "SERVICE-NAME" }),
    image: text("an image").regex(/^[^\s-]\S*$/, { error: `an image such as "mysql:8.4"` }).meta({ description: "The image with its tag; with the server of its own `registry` before it, never with that of the root.", example: `"mysql:8.4"` }),
    registry: Registry.optional().meta({ description: "Where this image is kept, when it is not public and not in the registry of the root.", example: `{ server: "ghcr.io", username: "acme-bot", password: secret("GHCR_TOKEN") }` }),
    host: host.optional().meta({ description: "The host it runs on.", example: `"10.0.0.9"` }),
    hosts: z.union([list(host), hostsFunction]).optional().meta({ description: "The hosts it runs on, or a function that gives them, called once a run.", example: `["10.0.0.9", "10.0.0.10"]` }),
    role: text("the name of a role").optional().meta({ description: "Runs on all hosts of this role.", example: `"web"` }),
    roles: list(text("the name of a role")).optional().meta({ description: "Runs on all hosts of these roles.", example: `["web", "jobs"]` }),
    tag: text("a tag").optional().meta({ description: "Runs on all hosts with this tag.", example: `"big"` }),
    tags: list(text("a tag")).optional().meta({ description: "Runs on all hosts with one of these tags.", example: `["big", "eu"]` }),
    cmd: text("a command line").optional().meta({ description: "What it runs instead of the image's own command.", example: `"redis-server --appendonly yes"` }),
    port: ports.optional().meta({ description: "Port to publish on the host; a number is the same on both sides. Docker opens published ports past most firewalls: give an address to keep it inside.", example: `"127.0.0.1:3306:3306"` }),
    labels: labels.optional().meta({ description: "Labels of its container." }),
    options: options.optional().meta({ description: "Further options of `docker run`: `true` is a bare flag, a list repeats the flag.", example: `{ memory: "2g", restart: "always" }` }),
    env: Env.optional().meta({ description: "Its environment; that of the root is not added.", example: `{ clear: { MYSQL_ROOT_HOST: "%" }, secret: ["MYSQL_ROOT_PASSWORD"] }` }),
    files: list(z.union([short, FileMap])).optional().meta({ description: "Files to bring to the host and to mount: `local:remote[:options]`, or a map.", example: `["config/my.cnf:/etc/mysql/my.cnf:ro"]` }),
    directories: list(z.union([short, DirectoryMap])).optional().meta({ description: "Folders to make on the host and to mount: `local:remote[:options]`, or a map.", example: `["data:/var/lib/mysql"]` }),
    volumes: list(text("a volume: source:path[:options]")).optional().meta({ description: "Volumes: `source:path[:options]`.", example: `["mysql-data:/var/lib/mysql"]` }),
    network: text("a network").optional().meta({ description: "Docker network.", example: `"back"`, fallback: `"kamal", where the app is` }),
    proxy: Proxy.optional().meta({ description: "Behind the proxy, as a role of the app would be.", example: `{ host: "search.example", appPort: 7700 }` }),
  })
  .meta({ typeName: "AccessoryConfig", description: "A long-lived service that the app depends on. A deploy leaves it alone." });

export const Accessories = z.record(z.string().regex(/^[\w.-]+$/, { error: `the name of an accessory: letters, digits, "-", "_" and "."` }), Accessory);

export type AccessoryInput = z.output<typeof Accessory>;
export type AccessoryFileInput = NonNullable<AccessoryInput["files"]>[number];
export type AccessoryDirectoryInput = NonNullable<AccessoryInput["directories"]>[number];
