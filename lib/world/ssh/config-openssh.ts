import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeployError } from "../../ground/errors.ts";
import type { Address } from "./address.ts";
import { hostConfigFrom, type HostConfig } from "./host-config.ts";

/** Reads ssh_config with `ssh -G`: the exact reader, as it is OpenSSH's own. */
export interface OpensshReader extends AsyncDisposable {
  /** Undefined where OpenSSH is not installed. @throws DeployError (config) with OpenSSH's own words for a config it refuses */
  read(address: Address): Promise<HostConfig | undefined>;
}

/**
 * @param files read in order, the first value wins, as in OpenSSH; missing ones are passed over
 * @param knownHosts the known_hosts files where none are configured: OpenSSH would take the home directory from the password file
 * @param env the environment of `ssh`
 */
export function opensshReader(files: readonly string[], knownHosts: readonly string[], env: Readonly<Record<string, string | undefined>>): OpensshReader {
  let folder: Promise<string> | undefined;
  // `ssh -G` prints its own defaults as if they had been configured. Behind all files, where only what nobody set is left
  // to set, stands our own default: that is the one way to tell a configured user from the login name of this machine.
  const lines = [...files.map((file) => `Include "${file}"`), "Match all", "  User root", "  IdentityFile none", `  UserKnownHostsFile ${knownHosts.map((path) => `"${path}"`).join(" ")}`, ""];
  const prepare = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), "capstan-ssh-"));
    await writeFile(join(path, "config"), lines.join("\n"), { mode: 0o600 });
    return path;
  };
  return {
    async read(address) {
      if (Bun.which("ssh", { PATH: env["PATH"] ?? "" }) === null) return undefined;
      folder ??= prepare();
      return await askOpenssh(join(await folder, "config"), address, env);
    },
    async [Symbol.asyncDispose]() {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  };
}

async function askOpenssh(file: string, { user, host, port }: Address, env: Readonly<Record<string, string | undefined>>): Promise<HostConfig> {
  const explicit = [...(user === undefined ? [] : ["-l", user]), ...(port === undefined ? [] : ["-p", String(port)])];
  const child = Bun.spawn(["ssh", "-G", "-F", file, ...explicit, "--", host], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (status !== 0) {
    const why = stderr.split("\n").find((line) => line.trim() !== "")?.trim() ?? `ssh -G ended with status ${status}`;
    throw new DeployError("config", `Cannot read the SSH config: ${why}`, { hint: "Mend that line, or set ssh.config to false to go without it." });
  }
  const values = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword !== undefined && value !== undefined) values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  return hostConfigFrom((keyword) => values.get(keyword) ?? []);
}
