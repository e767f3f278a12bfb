import { userInfo } from "node:os";
import { isAbsolute, resolve } from "node:path";
import type { SshOptions } from "../../ground/ssh-options.ts";
import { unlessCancelled } from "../cancel.ts";
import type { ChosenAlgorithms } from "./algorithms.ts";
import { parseAddress, type Address } from "./address.ts";
import { readConfigFiles } from "./config-file.ts";
import { opensshReader } from "./config-openssh.ts";
import { noHostConfig, type HostConfig } from "./host-config.ts";
import { expandHome, expandPath, type Tokens } from "./paths.ts";

/** A host with everything that is needed to connect to it. Paths are absolute. */
export interface Target {
  /** The host as the user wrote it. */
  readonly name: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** Key files the user named for capstan: each must be usable. */
  readonly keys: readonly string[];
  /** Key files of ssh_config, or the usual ones: missing ones are passed over. */
  readonly identityFiles: readonly string[];
  /** Of the agent's keys only those that are among the key files. */
  readonly identitiesOnly: boolean;
  readonly agent: string | undefined;
  /** Hosts to jump through, nearest first. */
  readonly jumps: readonly string[];
  /** Who named the hosts to jump through, which decides over the user where nobody names one: root, or the login name as with `ssh`. */
  readonly jumpKind: "hop" | "jump";
  readonly proxyCommand: string | undefined;
  /** The name its key is known by: `host`, or `[host]:port`. */
  readonly knownAs: string;
  readonly knownHostsFiles: readonly string[];
  /** The file that new keys are added to: the first of the user's own. */
  readonly newKeysFile: string | undefined;
  readonly hashKnownHosts: boolean;
  readonly strictHostKeyChecking: "yes" | "accept-new" | "no";
  /** This very machine, whose key is nobody's concern (NoHostAuthenticationForLocalhost). */
  readonly isItself: boolean;
  readonly timeoutMs: number;
  /** How often a connection is tried, with a second in between. */
  readonly connectionAttempts: number;
  readonly dnsRetries: number;
  readonly addressFamily: 4 | 6 | undefined;
  /** The address here to connect from. */
  readonly bindAddress: string | undefined;
  /** The network interface here to connect from. */
  readonly bindInterface: string | undefined;
  readonly compression: boolean;
  /** How often the host is asked whether it is still there. */
  readonly keepaliveMs: number;
  /** How many such questions in a row may stay unanswered. */
  readonly keepaliveCountMax: number;
  /** Never for a jump host: nothing runs there. */
  readonly forwardAgent: boolean;
  /** Certificates that ssh_config names, for the keys of {@link identityFiles}. */
  readonly certificateFiles: readonly string[];
  /** Lists that ssh_config sets, in its order. */
  readonly algorithms: ChosenAlgorithms;
  /** What ssh_config asks for and ssh2 has no part in. */
  readonly extras: Extras;
}

/** Options of ssh_config that only OpenSSH itself can follow. */
export type Extras = Pick<HostConfig, "preferredAuthentications" | "pubkeyAlgorithms" | "pubkeyAuthentication" | "gssapiAuthentication" | "hostbasedAuthentication" | "pkcs11Provider" | "knownHostsCommand" | "verifyHostKeyDns" | "revokedHostKeys" | "proxyUseFdpass" | "controlPath">;

export type TargetKind = "host" | "hop" | "jump";

/** Finds out how to connect to hosts. Give it back: it may hold a temporary file. */
export interface Targets extends AsyncDisposable {
  /**
   * @param kind a hop (of the settings) or jump (of ssh_config) does not take the settings for user, port and proxy: they are for the hosts behind it
   * @param signal ends the programs that are asked; default: never
   * @throws DeployError (config) for a name or an ssh_config that cannot be read, or a cancellation
   */
  find(name: string, kind: TargetKind, signal?: AbortSignal): Promise<Target>;
}

const usualKeys = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa", "~/.ssh/id_ed25519_sk", "~/.ssh/id_ecdsa_sk"];
const usualKnownHosts = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
/** A host that is silent is given up after 15 to 20 seconds, whatever is going on: a network that was away for ten is not. */
const usualKeepaliveSeconds = 5;
const usualKeepaliveCountMax = 3;
const globalKnownHosts = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/**
 * @param home the home directory that `~` stands for
 * @param cwd where relative paths of the options stand
 */
export function createTargets(ssh: SshOptions, home: string, cwd: string, env: Readonly<Record<string, string | undefined>>): Targets {
  const userPath = (path: string): string => (path.startsWith("~") || isAbsolute(path) ? expandHome(path, home) : resolve(cwd, path));
  const files = typeof ssh.config !== "boolean" ? ssh.config.map(userPath) : [`${home}/.ssh/config`, "/etc/ssh/ssh_config"];
  const openssh = opensshReader(files, usualKnownHosts.map((path) => expandHome(path, home)), env);
  const loginHere = (): string => env["USER"] ?? env["LOGNAME"] ?? (process.getuid?.() === 0 ? "root" : userInfo().username);
  const readConfig = async (address: Address, signal: AbortSignal): Promise<{ readonly login: string; readonly config: HostConfig }> => {
    if (ssh.config === false) return { login: loginHere(), config: noHostConfig };
    const [login = loginHere(), config] = await Promise.all([unlessCancelled(openssh.login(), signal), openssh.read(address, signal)]);
    return { login, config: config ?? (await readConfigFiles(files, address, home, login)) };
  };
  return {
    async find(name, kind, signal = new AbortController().signal) {
      const written = parseAddress(name);
      const address = kind !== "host" ? written : { ...written, user: written.user ?? ssh.user, port: written.port ?? ssh.port };
      const { login, config } = await readConfig(address, signal);
      const proxy = kind !== "host" || ssh.proxy === undefined ? undefined : ssh.proxy.split(",").map((jump) => jump.trim());
      const tokens: Tokens = {
        home,
        login,
        alias: written.host,
        hostName: config.hostName ?? written.host,
        port: address.port ?? config.port ?? 22,
        user: address.user ?? userOf(kind, config, login),
        keyAlias: (config.hostKeyAlias ?? written.host).toLowerCase(),
        env,
      };
      const expand = (path: string): string => expandPath(path, tokens);
      const ownCommand = kind === "host" ? ssh.proxyCommand : undefined;
      const jumps = proxy ?? (ownCommand === undefined ? config.proxyJump : []);
      const command = jumps.length > 0 ? undefined : (ownCommand ?? config.proxyCommand);
      const ownKnownHosts = config.userKnownHostsFiles ?? usualKnownHosts;
      const isItself = config.noHostAuthenticationForLocalhost && jumps.length === 0 && command === undefined && /^(localhost|127\.[\d.]+|::1)$/.test(tokens.hostName);
      const alias = (config.hostKeyAlias ?? tokens.hostName).toLowerCase();
      return {
        name,
        hostName: tokens.hostName,
        port: tokens.port,
        user: tokens.user,
        keys: ssh.keys.map(userPath),
        identityFiles: ssh.keysOnly && ssh.keys.length + ssh.keyData.length > 0 ? [] : (config.identityFiles.length > 0 ? config.identityFiles : usualKeys).map(expand),
        identitiesOnly: ssh.keysOnly || config.identitiesOnly,
        agent: agentOf(config.identityAgent, env, expand),
        jumps,
        jumpKind: proxy === undefined ? "jump" : "hop",
        proxyCommand: command === undefined ? undefined : expandCommand(command, tokens),
        knownAs: tokens.port === 22 || config.hostKeyAlias !== undefined ? alias : `[${alias}]:${tokens.port}`,
        knownHostsFiles: [...ownKnownHosts, ...(config.globalKnownHostsFiles ?? globalKnownHosts)].map(expand),
        newKeysFile: ownKnownHosts.slice(0, 1).map(expand)[0],
        hashKnownHosts: config.hashKnownHosts,
        // The default of the settings gives way to what ssh_config says of this very host; anything else was meant.
        strictHostKeyChecking: isItself ? "no" : ssh.strictHostKeyChecking === "accept-new" ? (config.strictHostKeyChecking ?? "accept-new") : ssh.strictHostKeyChecking,
        isItself,
        timeoutMs: (config.connectTimeoutSeconds || ssh.connectTimeoutSeconds) * 1000,
        connectionAttempts: Math.max(1, config.connectionAttempts ?? 1),
        addressFamily: config.addressFamily,
        bindAddress: config.bindAddress,
        bindInterface: config.bindInterface,
        compression: config.compression,
        // Zero is OpenSSH's own default, and turns it off: a deploy must notice a host that went away.
        keepaliveMs: (config.serverAliveIntervalSeconds || usualKeepaliveSeconds) * 1000,
        keepaliveCountMax: (config.serverAliveIntervalSeconds ? config.serverAliveCountMax : undefined) ?? usualKeepaliveCountMax,
        dnsRetries: ssh.dnsRetries,
        forwardAgent: kind === "host" && ssh.forwardAgent,
        certificateFiles: config.certificateFiles.map(expand),
        algorithms: config.algorithms,
        extras: config,
      };
    },
    [Symbol.asyncDispose]: () => openssh[Symbol.asyncDispose](),
  };
}

/** A host of ours is for root where nobody says otherwise, as with Kamal; the way that ssh_config leads there is as `ssh` would take it. */
const userOf = (kind: TargetKind, { user }: HostConfig, login: string): string => user ?? (kind === "jump" ? login : "root");

function agentOf(named: string | undefined, env: Readonly<Record<string, string | undefined>>, expand: (path: string) => string): string | undefined {
  const path = named === undefined || named === "SSH_AUTH_SOCK" ? env["SSH_AUTH_SOCK"] : named.startsWith("$") ? env[named.slice(1).replaceAll(/[{}]/g, "")] : named.toLowerCase() === "none" ? undefined : expand(named);
  if (path === undefined && named === undefined && process.platform === "win32") return "\\\\.\\pipe\\openssh-ssh-agent";
  return path === "" ? undefined : path;
}

/** A command of ssh_config with its tokens in place. */
const expandCommand = (command: string, tokens: Tokens): string =>
  command.replaceAll(/%([hnpr%])/g, (_, token: string) => ({ h: tokens.hostName, n: tokens.alias, p: String(tokens.port), r: tokens.user })[token] ?? "%");
