import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SshOptions } from "../../lib/ground/ssh-options.ts";
import { makeKey, me, sshdProgram, temporaryHome } from "./sshd.ts";

/**
 * A host named `box` whose sshd runs as a ProxyCommand, on standard input and output: nothing has to be started or to listen first, and each
 * test has a config of its own.
 */
export interface Box extends Disposable {
  /** Serves as home. */
  readonly folder: string;
  /** A key that is let in. */
  readonly key: string;
  /** A key of the host, which the home knows. */
  readonly hostKey: string;
  /**
   * The options to reach it. A config with a `HostKey` or `AuthorizedKeysFile` replaces the usual ones.
   * @param server lines of sshd_config, before our own
   * @param client lines of ssh_config
   */
  reach(server?: readonly string[], client?: readonly string[]): Partial<SshOptions>;
}

export function createBox(): Box {
  const home = temporaryHome();
  const { path: folder } = home;
  const key = makeKey(folder, "key", "ed25519");
  const hostKey = makeKey(folder, "host", "ed25519");
  writeFileSync(join(folder, ".ssh/known_hosts"), `box ${readFileSync(`${hostKey}.pub`, "utf8")}`);
  return {
    folder,
    key,
    hostKey,
    reach(server = [], client = []) {
      const name = join(folder, String(Bun.hash([server, "", client].flat().join("\n"))));
      const usual = [`HostKey ${hostKey}`, `AuthorizedKeysFile ${key}.pub`].filter((line) => !server.some((other) => other.startsWith(line.split(" ")[0] ?? "")));
      writeFileSync(`${name}.sshd`, [...server, ...usual, "PidFile none", "StrictModes no", "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "LogLevel ERROR", ""].join("\n"));
      writeFileSync(`${name}.ssh`, [...client, ""].join("\n"));
      return { keys: [key], keysOnly: true, user: me, strictHostKeyChecking: "yes", config: [`${name}.ssh`], proxyCommand: `${sshdProgram()} -i -e -f ${name}.sshd` };
    },
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}
