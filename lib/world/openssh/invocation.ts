import type { SshOptions } from "../../ground/ssh-options.ts";
import type { Address } from "../ssh/address.ts";
import type { Target } from "../ssh/target.ts";

/** What an ssh_config may ask for that would turn the shared connection into something else. */
const plain = [
  "ControlMaster no", "ControlPath none", "ControlPersist no", "PermitLocalCommand no", "ClearAllForwardings yes", "RemoteCommand none", "RequestTTY no", "ForwardX11 no", "Tunnel no",
];

/** What the config file of `ssh` is made of. Paths are absolute. */
export interface ConfigSource {
  readonly ssh: Pick<SshOptions, "keysOnly" | "strictHostKeyChecking" | "connectTimeoutSeconds">;
  /** Files of ssh_config, in order; none where it is not to be read. */
  readonly files: readonly string[];
  /** Key files that were named for capstan. */
  readonly keys: readonly string[];
  /** Undefined: `~` is what OpenSSH takes it for. */
  readonly home: string | undefined;
  /** Whether somebody can answer questions. */
  readonly canAsk: boolean;
  /** Who logs in where nobody says it; undefined: the login name of this machine, as for a jump host of ssh_config. */
  readonly user: string | undefined;
}

/** What holds for a host and for all it is reached through. In OpenSSH the first value of an option wins: ours stand before those of the user, our defaults behind. */
export function configText({ ssh, files, keys, home, canAsk, user }: ConfigSource): string {
  const ours = [
    ...plain,
    `BatchMode ${canAsk ? "no" : "yes"}`,
    ...keys.map((path) => `IdentityFile ${quoted(path)}`),
    ...(ssh.keysOnly ? ["IdentitiesOnly yes"] : []),
    ...(ssh.strictHostKeyChecking === "accept-new" ? [] : [`StrictHostKeyChecking ${ssh.strictHostKeyChecking}`]),
  ];
  const defaults = [
    ...(user === undefined ? [] : [`User ${user}`]), "StrictHostKeyChecking accept-new", `ConnectTimeout ${wholeSeconds(ssh.connectTimeoutSeconds * 1000)}`, "ServerAliveInterval 5",
    // OpenSSH takes the home directory from the password file, whatever HOME says.
    ...(home === undefined ? [] : [
      ...(ssh.keysOnly && keys.length > 0 ? [] : ["id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"].map((name) => `IdentityFile ${quoted(`${home}/.ssh/${name}`)}`)),
      `UserKnownHostsFile ${["known_hosts", "known_hosts2"].map((name) => quoted(`${home}/.ssh/${name}`)).join(" ")}`,
    ]),
  ];
  return ["# What stands first holds.", ...ours, ...files.map((file) => `Include ${quoted(file)}`), "Match all", ...defaults.map((line) => `  ${line}`), ""].join("\n");
}

/** Where the parts of one master lie. */
export interface MasterPaths {
  readonly config: string;
  readonly socket: string;
}

/**
 * The command line of the master for one host: it logs in, runs nothing and serves the socket.
 * @param address the host as the user wrote it, with the user and port of the settings
 */
export function masterArgv(address: Address, target: Target, { proxy, proxyCommand }: Pick<SshOptions, "proxy" | "proxyCommand">, paths: MasterPaths): string[] {
  const { user, host, port } = address;
  const way = proxy === undefined ? (proxyCommand === undefined ? [] : [`ProxyCommand=${proxyCommand}`]) : [`ProxyJump=${proxy.replaceAll(/\s/g, "")}`];
  // Nothing is to be written then, yet a key that has changed is still told: the files are read as those of the system.
  const unchecked = target.strictHostKeyChecking === "no" ? ["UserKnownHostsFile=/dev/null", `GlobalKnownHostsFile=${target.knownHostsFiles.map(quoted).join(" ")}`] : [];
  const options = [
    `ControlPath=${escaped(paths.socket)}`, "ControlPersist=no",
    // Says which keys were offered and what became of them.
    "LogLevel=DEBUG1",
    `StrictHostKeyChecking=${target.strictHostKeyChecking}`, ...unchecked,
    `ConnectTimeout=${wholeSeconds(target.timeoutMs)}`,
    `ServerAliveInterval=${Math.ceil(target.keepaliveMs / 1000)}`, `ServerAliveCountMax=${target.keepaliveCountMax}`,
    `ForwardAgent=${target.forwardAgent ? "yes" : "no"}`,
    ...way,
  ];
  return [
    "ssh", "-M", "-N", "-T", "-F", paths.config, ...options.flatMap((option) => ["-o", option]),
    ...(user === undefined ? [] : ["-l", user]), ...(port === undefined ? [] : ["-p", String(port)]), "--", host,
  ];
}

/** OpenSSH counts in whole seconds, from one. */
const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
const escaped = (path: string): string => path.replaceAll("%", "%%");
const quoted = (path: string): string => `"${escaped(path)}"`;
