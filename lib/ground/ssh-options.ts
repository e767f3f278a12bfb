/** How hosts are reached: the config's `ssh` section with its defaults filled in. */
export interface SshOptions {
  /** Undefined: as ~/.ssh/config says, else root. */
  readonly user: string | undefined;
  /** Undefined: as ~/.ssh/config says, else 22. */
  readonly port: number | undefined;
  /** Key files; empty: the agent and the usual files. */
  readonly keys: readonly string[];
  /** Try no key beside {@link keys}. */
  readonly keysOnly: boolean;
  /** `[user@]host[:port]` to jump through, several with commas. */
  readonly proxy: string | undefined;
  readonly strictHostKeyChecking: "yes" | "accept-new" | "no";
  /** False: ~/.ssh/config is not read. A path: that file instead. */
  readonly config: boolean | string;
  readonly connectTimeoutSeconds: number;
  /** How many handshakes at once. */
  readonly maxConcurrentStarts: number;
}

/** What holds before a config was read. */
export const defaultSshOptions: SshOptions = {
  user: undefined,
  port: undefined,
  keys: [],
  keysOnly: false,
  proxy: undefined,
  strictHostKeyChecking: "accept-new",
  config: true,
  connectTimeoutSeconds: 15,
  maxConcurrentStarts: 30,
};
