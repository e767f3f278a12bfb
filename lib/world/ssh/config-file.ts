import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Glob } from "bun";
import SSHConfig from "ssh-config";
import { DeployError } from "../../ground/errors.ts";
import type { Address } from "./address.ts";
import { hostConfigFrom, type HostConfig } from "./host-config.ts";
import { expandHome } from "./paths.ts";

/** How deep files may include files, as in OpenSSH. */
const deepest = 16;

/**
 * Reads ssh_config files without OpenSSH, for machines that have none. `Match exec` never matches, since it would run a command.
 * @param files read in order, the first value wins; missing ones are passed over
 */
export async function readConfigFiles(files: readonly string[], address: Address, home: string): Promise<HostConfig> {
  const texts = await Promise.all(files.map((file) => readWithIncludes(file, home, 0)));
  // Where nobody sets a user the parser reports the login name; our default stands behind all files, as with OpenSSH.
  const asked = address.user === undefined ? { Host: address.host } : { Host: address.host, User: address.user };
  const found = computed([...texts, "Host *", "  User root"].join("\n"), asked);
  return hostConfigFrom((keyword) => {
    const value = found[keyword];
    if (keyword.endsWith("knownhostsfile") && Array.isArray(value)) return [value.map((path) => `"${path}"`).join(" ")];
    return value === undefined ? [] : [value].flat();
  });
}

/** What the lines say of a host. @throws DeployError (config) for lines that cannot be read */
function computed(text: string, asked: { readonly Host: string; readonly User?: string }): Readonly<Record<string, string | string[] | undefined>> {
  try {
    return SSHConfig.parse(text).compute(asked, { ignoreCase: true, matchExec: false });
  } catch (cause) {
    throw new DeployError("config", `Cannot read the SSH config: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: "Mend that line, or set ssh.config to false to go without it." });
  }
}

/** The text of a file with `Include` lines replaced by what they name, which is all that files without conditions around an Include need. */
async function readWithIncludes(file: string, home: string, depth: number): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (depth >= deepest) return text;
  const lines = await Promise.all(text.split("\n").map(async (line) => {
    const patterns = /^\s*include[\s=]+(.+)$/i.exec(line)?.[1]?.match(/"[^"]*"|\S+/g);
    if (patterns === null || patterns === undefined) return line;
    const base = file.startsWith(home) ? `${home}/.ssh` : dirname(file);
    const included = await Promise.all(patterns.flatMap((pattern) => filesOf(pattern.replaceAll('"', ""), base, home)).map((path) => readWithIncludes(path, home, depth + 1)));
    return included.join("\n");
  }));
  return lines.join("\n");
}

function filesOf(pattern: string, base: string, home: string): string[] {
  const path = pattern.startsWith("/") || pattern.startsWith("~") ? expandHome(pattern, home) : `${base}/${pattern}`;
  if (!/[*?[]/.test(path)) return [path];
  const root = dirname(path.slice(0, path.search(/[*?[]/)) + "x");
  if (path.includes("\0") || !existsSync(root)) return [];
  return [...new Glob(path.slice(root === "/" ? 1 : root.length + 1)).scanSync({ cwd: root, absolute: true, dot: true })].sort();
}
