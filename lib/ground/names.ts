/**
 * Every name and path on a host. They are Kamal 2's, so that a fleet can be taken over and handed back.
 * Paths are relative to the SSH user's home directory.
 */

/** What names are made of. */
export interface Named {
  readonly service: string;
  readonly destination: string | undefined;
}

const join = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined && part !== "").join("-");

/** `service[-destination]`. */
export const serviceWithDestination = (of: Named): string => join(of.service, of.destination);
/** `service-role[-destination]`: prefix of container names and the name of the route at the proxy. */
export const rolePrefix = (of: Named, role: string): string => join(of.service, role, of.destination);
export const containerName = (of: Named, role: string, version: string): string => join(rolePrefix(of, role), version);
/** Name of a container that makes place for another one of the same version. `hex` is 16 digits. */
export const replacedName = (name: string, hex: string): string => `${name}_replaced_${hex}`;
/** Name of a one-off container. `hex` is 6 digits. */
export const execName = (of: Named, role: string, version: string, hex: string): string => join(rolePrefix(of, role), "exec", version, hex);

/** The same of an accessory. @param service its container */
export const accessoryExecName = (service: string, hex: string): string => join(service, "exec", hex);

/** The version in a container's name, or undefined when the name is not one of this role. */
export function versionOf(of: Named, role: string, name: string): string | undefined {
  const prefix = `${rolePrefix(of, role)}-`;
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : undefined;
}

export const network = "kamal";
export const proxyContainer = "kamal-proxy";
export const proxyVolume = "kamal-proxy-config";
export const traefikContainer = "traefik";
export const runDirectory = ".kamal";
export const appDirectory = (of: Named): string => `${runDirectory}/apps/${serviceWithDestination(of)}`;
export const envDirectory = (of: Named): string => `${appDirectory(of)}/env/roles`;
/** What came so far of an image that is being delivered. */
export const imagesDirectory = (of: Named): string => `${appDirectory(of)}/images`;
export const envFilePath = (of: Named, role: string): string => `${envDirectory(of)}/${role}.env`;
/** What the container that serves was made with: beside its env file. */
export const madeWithPath = (of: Named, role: string): string => `${envDirectory(of)}/${role}.made-with`;
export const accessoryEnvDirectory = (of: Named): string => `${appDirectory(of)}/env/accessories`;
export const accessoryEnvPath = (of: Named, accessory: string): string => `${accessoryEnvDirectory(of)}/${accessory}.env`;
export const accessoriesDirectory = `${runDirectory}/accessories`;
/** What is noted of an accessory's earlier containers. */
export const accessoryNotesDirectory = (service: string): string => `${accessoriesDirectory}/${service}`;
/** Assets of a version as they are in its image. */
export const extractedAssets = (of: Named, role: string, version: string): string => `${appDirectory(of)}/assets/extracted/${role}-${version}`;
/** Assets that are mounted into a version's container: its own and those of its neighbours. */
export const assetVolume = (of: Named, role: string, version: string): string => `${appDirectory(of)}/assets/volumes/${role}-${version}`;
/** The container that assets are copied out of. */
export const assetContainer = (of: Named, role: string): string => join(rolePrefix(of, role), "assets");
export const lockDirectory = (of: Named): string => `${runDirectory}/lock-${serviceWithDestination(of)}`;
export const auditLogPath = (of: Named): string => `${runDirectory}/${serviceWithDestination(of)}-audit.log`;
export const proxyDirectory = `${runDirectory}/proxy`;
/** Everything of Traefik: the files it reads, those being prepared, those before the last switch. */
export const traefikDirectory = `${runDirectory}/traefik`;
export const proxyAppsDirectory = `${proxyDirectory}/apps-config`;
/** What the proxy reads of one service. */
export const proxyAppDirectory = (of: Named): string => `${proxyAppsDirectory}/${serviceWithDestination(of)}`;
export const errorPagesDirectory = (of: Named, version: string): string => `${proxyAppDirectory(of)}/error_pages/${version}`;
export const tlsDirectory = (of: Named, role: string): string => `${proxyAppsDirectory}/${serviceWithDestination(of)}/tls/${role}`;

/** `latest[-destination]`: the tag of the version that was last deployed. */
export const latestTag = (of: Named): string => join("latest", of.destination);
/** Docker's own rule for tags of images, and so for versions. */
export const isTag = (text: string): boolean => /^[A-Za-z0-9_][\w.-]{0,127}$/.test(text);
/** `sha256:…`, by which images, manifests and layers are named. */
export const isDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);
/** First seven characters of a commit; other versions stay whole. */
export const abbreviated = (version: string): string => (version.includes("_") ? version : version.slice(0, 7));
/** `--hostname` of a container: at most 51 characters of the host, no dot at the end, then 12 hex digits. */
export const containerHostname = (host: string, hex: string): string => `${host.slice(0, 51).replace(/\.$/, "")}-${hex}`;
