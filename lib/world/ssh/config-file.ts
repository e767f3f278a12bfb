import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Glob } from "bun";
import { DeployError } from "../../ground/errors.ts";
import type { Address } from "./address.ts";
import { configLines, fitsAny, type ConfigLine } from "./config-lines.ts";
import { hostConfigFrom, type HostConfig } from "./host-config.ts";
import { expandHome } from "./paths.ts";

/** How deep files may include files, as in OpenSSH. */
const deepest = 16;
/** The system's own file: what it includes stands beside it, not in ~/.ssh. */
const systemFile = "/etc/ssh/ssh_config";

/**
 * Reads ssh_config files without OpenSSH, for machines that have none.
 * @param files read in order, the first value wins; missing ones are passed over
 * @param login the login name on this machine
 * @throws DeployError (config) where the answer hangs on something that only OpenSSH can find out, such as `Match exec`
 */
export async function readConfigFiles(files: readonly string[], address: Address, home: string, login: string): Promise<HostConfig> {
  const reading = new Reading(address, home, login);
  for (const file of files) await reading.file(file, true, 0);
  if (["yes", "always", "true"].includes(reading.one("canonicalizehostname")?.toLowerCase() ?? "")) throw beyondUs("CanonicalizeHostname");
  if (reading.wantsFinalPass) {
    reading.isFinal = true;
    for (const file of files) await reading.file(file, true, 0);
  }
  const hostName = reading.hostName;
  return hostConfigFrom((keyword) => (keyword === "hostname" ? [hostName] : reading.values(keyword)));
}

/** May stand several times, each one counting. */
const repeated = new Set(["identityfile", "certificatefile"]);
/** Their value is a command: the line as it is. */
const commands = new Set(["proxycommand", "knownhostscommand", "remotecommand", "localcommand"]);

class Reading {
  wantsFinalPass = false;
  isFinal = false;
  readonly #found = new Map<string, string[]>();
  readonly #address: Address;
  readonly #home: string;
  readonly #login: string;

  constructor(address: Address, home: string, login: string) {
    this.#address = address;
    this.#home = home;
    this.#login = login;
    if (address.user !== undefined) this.#found.set("user", [address.user]);
  }

  values(keyword: string): readonly string[] {
    return this.#found.get(keyword) ?? [];
  }

  one(keyword: string): string | undefined {
    return this.values(keyword)[0];
  }

  /** As far as it has been read. */
  get hostName(): string {
    const { host } = this.#address;
    return this.one("hostname")?.replaceAll(/%([h%])/g, (_, token: string) => (token === "h" ? host : "%")) ?? host;
  }

  /** @param isActive false within a block that is for other hosts: nothing of an included file counts then */
  async file(file: string, isActive: boolean, depth: number): Promise<void> {
    if (depth > deepest) throw new DeployError("config", `Cannot read the SSH config: ${file} is included more than ${deepest} deep`, { hint: "Look for a file that includes itself." });
    const text = await readFile(file, "utf8").catch(() => "");
    let active = isActive;
    for (const line of configLines(text)) {
      if (line.keyword === "host") active = isActive && fitsAny(line.words, this.isFinal ? this.hostName : this.#address.host);
      else if (line.keyword === "match") active = isActive && this.#matches(line, file);
      else if (line.keyword === "include") for (const path of line.words.flatMap((pattern) => this.#filesOf(pattern, file))) await this.file(path, active, depth + 1);
      else if (active) this.#take(line);
    }
  }

  #take({ keyword, words, rest }: ConfigLine): void {
    const value = commands.has(keyword) ? rest : words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(" ");
    const before = this.#found.get(keyword);
    if (before === undefined) this.#found.set(keyword, [value]);
    else if (repeated.has(keyword) && !before.includes(value)) before.push(value);
  }

  #filesOf(pattern: string, from: string): string[] {
    const path = /^[/~]/.test(pattern) ? expandHome(pattern, this.#home) : `${from === systemFile ? dirname(from) : `${this.#home}/.ssh`}/${pattern}`;
    if (!/[*?[]/.test(path)) return [path];
    const root = dirname(`${path.slice(0, path.search(/[*?[]/))}x`);
    if (path.includes("\0") || !existsSync(root)) return [];
    return [...new Glob(path.slice(root === "/" ? 1 : root.length + 1)).scanSync({ cwd: root, absolute: true })].sort();
  }

  /** Source of the criteria: ssh_config(5), Match. Those that need OpenSSH count only when all others match. */
  #matches({ words, line }: ConfigLine, file: string): boolean {
    let result = true;
    let unknown: string | undefined;
    for (let i = 0; i < words.length; ) {
      const word = words[i++] ?? "";
      const isNegated = word.startsWith("!");
      const [criterion = "", given] = word.slice(isNegated ? 1 : 0).toLowerCase().split("=", 2);
      const flag = this.#flag(criterion);
      if (flag !== undefined) {
        if (flag === isNegated) result = false;
        continue;
      }
      const patterns = (given ?? words[i++] ?? "").split(",");
      const name = this.#nameFor(criterion);
      if (name === undefined) unknown ??= criterion;
      else if (fitsAny(criterion === "user" || criterion === "localuser" ? patterns : patterns.map((pattern) => pattern.toLowerCase()), name) === isNegated) result = false;
    }
    if (result && unknown !== undefined) throw beyondUs(`"Match ${unknown}" in ${file}:${line}`);
    return result;
  }

  #flag(criterion: string): boolean | undefined {
    if (criterion === "all") return true;
    if (criterion === "final") this.wantsFinalPass = true;
    return criterion === "final" || criterion === "canonical" ? this.isFinal : undefined;
  }

  #nameFor(criterion: string): string | undefined {
    switch (criterion) {
      case "host": return this.hostName;
      case "originalhost": return this.#address.host;
      case "user": return this.one("user") ?? this.#login;
      case "localuser": return this.#login;
      case "tagged": return this.one("tag") ?? "";
      default: return undefined;
    }
  }
}

const beyondUs = (what: string): DeployError =>
  new DeployError("config", `Cannot read the SSH config: ${what} takes OpenSSH to evaluate, and there is no ssh on the PATH`, { hint: "Install the OpenSSH client, or set ssh.config to false and say in deploy.config.ts how to connect." });
