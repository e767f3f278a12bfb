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
