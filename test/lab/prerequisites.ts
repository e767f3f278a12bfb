import { existsSync, readFileSync } from "node:fs";
import { must, run } from "./shell.ts";

/** Something the lab needs and cannot have here: one line that says what. */
export class PrerequisiteError extends Error {
  override readonly name = "PrerequisiteError";
}

/** Programs the lab runs, and the distribution's package of each. */
const packages: readonly (readonly [program: string, name: string])[] = [
  ["dockerd", "docker.io"], ["docker-registry", "docker-registry"], ["sshd", "openssh-server"], ["ssh", "openssh-client"],
  ["busybox", "busybox-static"], ["ip", "iproute2"], ["iptables", "iptables"], ["unshare", "util-linux"], ["git", "git"], ["mkfs.ext4", "e2fsprogs"],
];
/** Distributions differ in where they put daemons. */
const places = "/usr/sbin:/usr/bin:/sbin:/bin";
const isMissing = (program: string): boolean => Bun.which(program, { PATH: places }) === null;

/** The client that belongs to the daemon of the same package. */
export const dockerClient = "/usr/bin/docker";

/**
 * Installs what is missing, from the distribution.
 * @throws PrerequisiteError when this cannot be had here
 */
export async function ensurePrerequisites(say: (text: string) => void = () => undefined): Promise<void> {
  if (process.platform !== "linux") throw new PrerequisiteError("The lab needs Linux: it makes hosts from network namespaces");
  if (process.getuid?.() !== 0) throw new PrerequisiteError("The lab needs root: it makes network namespaces and starts Docker daemons. Run the command with sudo");
  const missing = packages.filter(([program]) => isMissing(program)).map(([, name]) => name);
  if (missing.length > 0) await install(missing, say);
  // Newer distributions have Docker's client in a package of its own.
  if (isMissing("docker")) await install(["docker-cli"], say);
  const namespace = await run(["unshare", "--net", "--mount", "--pid", "--fork", "true"]);
  if (namespace.status !== 0) throw new PrerequisiteError(`The lab needs network, mount and process namespaces, and this machine refuses them: ${namespace.stderr.trim()}`);
}

async function install(names: readonly string[], say: (text: string) => void): Promise<void> {
  if (!existsSync("/usr/bin/apt-get")) throw new PrerequisiteError(`The lab needs ${names.join(", ")}: install them (only Debian and Ubuntu are done by itself)`);
  say(`Installing ${names.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // Debian starts what it installs; the lab has its own daemons and leaves the machine's alone.
  const policy = "/usr/sbin/policy-rc.d";
  const guard = !existsSync(policy);
  if (guard) await Bun.write(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const update = await run(["apt-get", "update", "-qq"], { env });
    const installed = await run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...names], { env });
    if (installed.status !== 0) throw new PrerequisiteError(`apt-get cannot install ${names.join(", ")}: ${(installed.stderr || update.stderr).trim().split("\n").at(-1)}`);
  } finally {
    if (guard && existsSync(policy) && readFileSync(policy, "utf8").includes("exit 101")) await must(["rm", "-f", policy]);
  }
}
