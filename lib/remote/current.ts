import { Command, sh, type Query } from "../ground/command.ts";
import { latestTag, rolePrefix } from "../ground/names.ts";
import type { Role, Settings } from "../config/settings.ts";
import { containerFilters } from "./container-flags.ts";

/**
 * The version that runs now: of the newest container of the image tagged latest, else of the newest of any image.
 * Kamal asks this question in these words.
 */
export function currentVersion(settings: Settings, role: string): Query<string | undefined> {
  return {
    command: sh`${currentContainer(settings, role, ["--format", "{{.Names}}"])} | while read line; do echo ${new Command(`\${line#${rolePrefix(settings, role)}-}`)}; done`,
    parse: (stdout) => stdout.split("\n")[0]?.trim() || undefined,
  };
}

/** Prints all versions of a role that run, a line each. */
export const runningVersions = (settings: Settings, role: string): Command => sh`docker ps ${containerFilters(settings, role)} --format ${"{{.Names}}"} | while read line; do echo ${new Command(`\${line#${rolePrefix(settings, role)}-}`)}; done`;

/** Prints the id of the container that {@link currentVersion} speaks of. */
export const currentContainerId = (settings: Settings, role: string): Command => currentContainer(settings, role, ["--quiet"]);

/** Stops that container, where it is not known which one it is. */
export const stopRunning = (settings: Settings, { name, stopTimeoutSeconds }: Role): Command => sh`${currentContainerId(settings, name)} | xargs docker stop ${stopTimeoutSeconds === undefined ? [] : ["-t", stopTimeoutSeconds]}`;

function currentContainer(settings: Settings, role: string, format: readonly string[]): Command {
  const running = [...containerFilters(settings, role), "--filter", "status=running", "--filter", "status=restarting"];
  const newest = sh`docker ps --latest ${[...format, ...running]}`;
  const latest = sh`docker image ls --filter ${`reference=${settings.repository}:${latestTag(settings)}`} --format ${"{{.ID}}"}`;
  return sh`sh -c ${sh`${newest} --filter ancestor=$(${latest}) ; ${newest}`.text} | head -1`;
}
