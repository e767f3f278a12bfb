import { resolve as resolvePath } from "node:path";
import { network } from "../ground/names.ts";
import { envSettings, registryOf } from "./env-settings.ts";
import { loggingSettings } from "./logging-settings.ts";
import { proxySettings } from "./proxy-settings.ts";
import { publishText } from "./publish.ts";
import type { RoleInput } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";
import type { AccessoryDirectoryInput, AccessoryFileInput, AccessoryInput } from "./schema/accessories.ts";
import { texts } from "./schema/common.ts";
import type { Accessory, AccessoryDirectory, AccessoryFile, SecretStore } from "./settings.ts";

/** The keys of which an accessory has exactly one: where it runs. */
export const placements = ["host", "hosts", "role", "roles", "tag", "tags"] as const;

/** Name of an accessory's container. */
export const accessoryService = (config: Pick<ParsedConfig, "service">, name: string, { service }: Pick<AccessoryInput, "service">): string => service ?? `${config.service}-${name}`;

/** The hosts an accessory runs on, in the order in which they are named, without duplicates. */
export function accessoryHosts(input: AccessoryInput, roles: readonly RoleInput[]): readonly string[] {
  const ofRole = (name: string): readonly string[] => roles.find((role) => role.name === name)?.hosts ?? [];
  const tagged = (tag: string): readonly string[] => roles.flatMap((role) => role.hosts.filter((host) => role.tags[host]?.includes(tag)));
  const named = input.host === undefined ? (input.hosts ?? []) : [input.host];
  const byRole = input.role === undefined ? (input.roles ?? []) : [input.role];
  const byTag = input.tag === undefined ? (input.tags ?? []) : [input.tag];
  return [...new Set([...named, ...byRole.flatMap(ofRole), ...byTag.flatMap(tagged)])];
}

/** The accessories with every default filled in. */
export function accessoriesOf(config: ParsedConfig, roles: readonly RoleInput[], { root, secrets }: { readonly root: string; readonly secrets: SecretStore }): readonly Accessory[] {
  const shared = registryOf(config.registry ?? {}, secrets);
  return Object.entries(config.accessories).map(([name, input]): Accessory => {
    const service = accessoryService(config, name, input);
    const registry = input.registry === undefined ? shared : registryOf(input.registry, secrets);
    const { port } = input;
    return {
      name,
      service,
      image: input.registry?.server === undefined ? input.image : `${input.registry.server}/${input.image}`,
      registry,
      hosts: accessoryHosts(input, roles),
      cmd: input.cmd,
      publish: port === undefined ? undefined : publishText(port),
      labels: texts(input.labels ?? {}),
      options: input.options ?? {},
      env: envSettings(input.env ?? {}, secrets),
      files: (input.files ?? []).map((file) => fileOf(service, root, file)),
      directories: (input.directories ?? []).map((directory) => directoryOf(service, directory)),
      volumes: input.volumes ?? [],
      network: input.network ?? network,
      logging: loggingSettings(config.logging, undefined),
      proxy: input.proxy === undefined ? undefined : proxySettings(input.proxy, secrets),
    };
  });
}

/** `local:remote[:options]`. */
function short(text: string): { readonly local: string; readonly remote: string; readonly options: string | undefined } {
  const [local = "", remote = "", ...options] = text.split(":");
  return { local, remote, options: options.length === 0 ? undefined : options.join(":") };
}

const defaultFileMode = "755";

/** A file lies on the host below the accessory's folder, at its path in the container. */
function fileOf(service: string, root: string, input: AccessoryFileInput): AccessoryFile {
  const given = typeof input === "string" ? { mode: undefined, owner: undefined, content: undefined, ...short(input) } : input;
  return {
    source: given.content === undefined ? { path: resolvePath(root, given.local ?? "") } : { content: given.content },
    hostPath: `${service}${given.remote}`,
    remote: given.remote,
    mode: given.mode ?? defaultFileMode,
    owner: given.owner,
    options: given.options,
  };
}

function directoryOf(service: string, input: AccessoryDirectoryInput): AccessoryDirectory {
  const given = typeof input === "string" ? { mode: undefined, owner: undefined, ...short(input) } : input;
  return { hostPath: given.local.startsWith("/") ? given.local : `${service}/${given.local}`, remote: given.remote, mode: given.mode, owner: given.owner, options: given.options };
}
