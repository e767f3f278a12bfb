import { Command, sh } from "../ground/command.ts";
import type { LogOptions } from "./proxy/driver.ts";

const defaultLines = 100;
const defaultLinesWhenFollowing = 10;

/** Flags of `docker logs`. Without `lines`, `since` or `grep` the last 100 lines are shown, 10 when following. */
export function logFlags({ timestamps, since, lines, grep, follow }: LogOptions): readonly string[] {
  const preset = since !== undefined || grep !== undefined ? undefined : follow === true ? defaultLinesWhenFollowing : defaultLines;
  const tail = lines ?? preset;
  return [
    ...(timestamps ? ["--timestamps"] : []),
    ...(since === undefined ? [] : ["--since", since]),
    ...(tail === undefined ? [] : ["--tail", String(tail)]),
    ...(follow === true ? ["--follow"] : []),
  ];
}

/** The log of a container whose name is known: of an accessory or the proxy. Kamal puts the name first. */
export function namedLogs(name: string, options: LogOptions): Command {
  const stamps = options.timestamps ? ["--timestamps"] : [];
  const flags = logFlags({ ...options, timestamps: false });
  return sh`docker logs ${name} ${options.follow === true ? [...stamps, ...flags] : [...flags, ...stamps]} 2>&1${logFilter(options)}`;
}

/** ` | grep …` on the host, or nothing. `grepOptions` is shell code, as the user wrote it. */
export function logFilter({ grep, grepOptions, follow }: LogOptions): Command {
  if (grep === undefined) return new Command("");
  // A pattern that begins with a dash is still a pattern; without line buffering a followed log comes in lumps.
  const flags = [...(follow === true ? ["--line-buffered"] : []), ...(grep.startsWith("-") ? ["-e"] : [])];
  return sh` | grep ${flags} ${grep}${new Command(grepOptions === undefined ? "" : ` ${grepOptions}`)}`;
}
