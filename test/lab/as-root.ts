import { existsSync } from "node:fs";

/** A command line that runs as root: as it is for root, by sudo for others. Without sudo it stays as it is, and the lab says that it needs root. */
export function asRoot(argv: readonly string[]): readonly string[] {
  if (process.getuid?.() === 0 || !existsSync("/usr/bin/sudo")) return argv;
  const kept = ["PATH", "HOME", "CI", "NO_COLOR", "XDG_CACHE_HOME"].flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`]));
  return ["sudo", "env", ...kept, ...argv];
}
