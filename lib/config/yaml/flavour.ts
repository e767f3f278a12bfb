import { join } from "node:path";
import type { Files } from "../../ground/world.ts";
import { at, type Node } from "./node.ts";

/** Which tool a project was written for. MRSK stands for Kamal 1 too: what had Traefik in front. */
export type Flavour = "kamal" | "mrsk";

/** What of a project decides how its YAML is meant, beside the YAML. */
export interface ProjectFiles {
  /** `.env` is there, and no secrets of Kamal 2. */
  readonly dotenv: boolean;
  /** Secrets of Kamal 2 are there. */
  readonly kamalSecrets: boolean;
  /** The folder of hooks that is there, without `hooks_path`. */
  readonly hooks: ".kamal/hooks" | ".mrsk/hooks" | undefined;
}

/** Looks at a project. @param cwd its folder */
export async function projectFiles(files: Files, cwd: string, destinations: readonly string[]): Promise<ProjectFiles> {
  const exists = (path: string): Promise<boolean> => files.exists(join(cwd, path));
  const secrets = [".kamal/secrets", ".kamal/secrets-common", ...destinations.map((destination) => `.kamal/secrets.${destination}`)];
  const [kamalHooks, mrskHooks, dotenv, ...kamalSecrets] = await Promise.all([exists(".kamal/hooks"), exists(".mrsk/hooks"), exists(".env"), ...secrets.map(exists)]);
  return { dotenv: dotenv && !kamalSecrets.includes(true), kamalSecrets: kamalSecrets.includes(true), hooks: mrskHooks && !kamalHooks ? ".mrsk/hooks" : kamalHooks ? ".kamal/hooks" : undefined };
}

const ofMrsk: readonly (readonly string[])[] = [["traefik"], ["healthcheck"], ["stop_wait_time"], ["audit_broadcast_cmd"], ["builder", "multiarch"], ["builder", "local", "arch"], ["builder", "remote", "arch"]];
const ofKamal: readonly (readonly string[])[] = [["proxy"], ["builder", "arch"], ["secrets_path"], ["deploy_timeout"], ["drain_timeout"]];

/**
 * Decides which tool a config is for. A key that only MRSK has decides first, then one that only Kamal 2 has (every Kamal 2 config has `builder.arch`, which it requires);
 * else a project with an `.env` and without Kamal's secrets files is MRSK's, any other one Kamal's.
 * @param roots the file, and what differs for destinations, as written
 */
export function flavourOf(roots: readonly Node[], project: ProjectFiles): Flavour {
  const has = (paths: readonly (readonly string[])[]): boolean => roots.some((root) => paths.some((path) => at(root, ...path) !== undefined));
  const roles = roots.map((root) => at(root, "servers"));
  const inRoles = (key: string): boolean => roles.some((servers) => servers?.kind === "map" && servers.entries.some(({ node }) => at(node, key) !== undefined));
  if (has(ofMrsk) || inRoles("traefik") || inRoles("healthcheck")) return "mrsk";
  if (has(ofKamal) || inRoles("proxy")) return "kamal";
  return project.dotenv ? "mrsk" : "kamal";
}
