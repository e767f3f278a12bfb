/** How hosts are reached: the config's `ssh` section with its defaults filled in. */
export interface SshOptions {
  /** What opens the connections. `auto`: ssh2, or the system's OpenSSH for hosts that ssh2 cannot reach. */
  readonly transport: "auto" | "ssh2" | "openssh";
  /** Undefined: as ~/.ssh/config says, else root. */
  readonly user: string | undefined;
  /** Undefined: as ~/.ssh/config says, else 22. */
  readonly port: number | undefined;
  /** Key files; empty: the agent and the usual files. */
  readonly keys: readonly string[];
  /** Keys that are secrets instead of files. */
  readonly keyData: readonly KeySource[];
  /** Try no key beside {@link keys} and {@link keyData}. */
  readonly keysOnly: boolean;
  /** `[user@]host[:port]` to jump through, several with commas. */
  readonly proxy: string | undefined;
  /** A command whose input and output are the connection. */
  readonly proxyCommand: string | undefined;
  readonly strictHostKeyChecking: "yes" | "accept-new" | "no";
  /** False: ~/.ssh/config is not read. Paths: those files instead. */
  readonly config: boolean | readonly string[];
  readonly connectTimeoutSeconds: number;
  /** How often a name that is not found is looked up again. */
  readonly dnsRetries: number;
  /** Programs on the hosts may sign with the keys of the agent here. */
  readonly forwardAgent: boolean;
  /** How many handshakes at once. */
  readonly maxConcurrentStarts: number;
}

/** A private key by the name of its secret. */
export interface KeySource {
  readonly name: string;
  /** Its text. @throws DeployError (config) when the secret is missing */
  read(): Promise<string>;
}

/** What holds before a config was read. */
export const defaultSshOptions: SshOptions = {
  transport: "auto",
  user: undefined,
  port: undefined,
  keys: [],
  keyData: [],
  keysOnly: false,
  proxy: undefined,
  proxyCommand: undefined,
  strictHostKeyChecking: "accept-new",
  config: true,
  connectTimeoutSeconds: 15,
  dnsRetries: 3,
  forwardAgent: false,
  maxConcurrentStarts: 30,
};
