import { DeployError } from "../ground/errors.ts";
import type { SshOptions } from "../ground/ssh-options.ts";

/** Why the system's OpenSSH cannot be used; undefined: it can. */
export function opensshLacks(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (process.platform === "win32") return "the one of Windows cannot share a connection";
  return Bun.which("ssh", { PATH: env["PATH"] ?? "" }) === null ? "there is no ssh on PATH" : undefined;
}

/** @throws DeployError (config) where the settings ask for an OpenSSH that is not there */
export function checkTransport({ transport }: Pick<SshOptions, "transport">, env: Readonly<Record<string, string | undefined>>): void {
  const lack = transport === "openssh" ? opensshLacks(env) : undefined;
  if (lack !== undefined) throw new DeployError("config", `Cannot use OpenSSH, which ssh.transport asks for: ${lack}`, { hint: "Install OpenSSH's client, or leave ssh.transport out." });
}

/** Version of the system's OpenSSH as a number, 902 for 9.2; undefined where it does not say. */
export async function opensshVersion(env: Readonly<Record<string, string | undefined>>): Promise<number | undefined> {
  if (opensshLacks(env) !== undefined) return undefined;
  const child = Bun.spawn(["ssh", "-V"], { env, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [, version] = /^OpenSSH\w*_(\d+\.\d+)/.exec(await child.stderr.text()) ?? [];
  const [major, minor] = version?.split(".").map(Number) ?? [];
  return major === undefined || minor === undefined ? undefined : major * 100 + minor;
}
