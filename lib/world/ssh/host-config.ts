import { changedList, usual, type ChosenAlgorithms } from "./algorithms.ts";

/** What ssh_config says of a host, as far as we follow it. Undefined or empty: it says nothing. Paths are as written. */
export interface HostConfig {
  readonly hostName: string | undefined;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** Path of the agent's socket, `none`, or `SSH_AUTH_SOCK`. */
  readonly identityAgent: string | undefined;
  /** Hosts to jump through, nearest first. */
  readonly proxyJump: readonly string[];
  readonly proxyCommand: string | undefined;
  readonly hostKeyAlias: string | undefined;
  /** Undefined: it says nothing; empty: none are to be read. */
  readonly userKnownHostsFiles: readonly string[] | undefined;
  readonly globalKnownHostsFiles: readonly string[] | undefined;
  readonly hashKnownHosts: boolean;
  readonly strictHostKeyChecking: "yes" | "accept-new" | "no" | undefined;
  readonly connectTimeoutSeconds: number | undefined;
  readonly connectionAttempts: number | undefined;
  readonly serverAliveIntervalSeconds: number | undefined;
  readonly serverAliveCountMax: number | undefined;
  readonly addressFamily: 4 | 6 | undefined;
  readonly bindAddress: string | undefined;
  readonly bindInterface: string | undefined;
  readonly compression: boolean;
  /** Whatever key a host shows that is this machine itself is taken. */
  readonly noHostAuthenticationForLocalhost: boolean;
  readonly certificateFiles: readonly string[];
  /** Lists that somebody set, in their order, without `+`, `-` and `^`. */
  readonly algorithms: ChosenAlgorithms;
  /** Signatures we may log in with. */
  readonly pubkeyAlgorithms: readonly string[] | undefined;
  /** Ways to log in, best first. */
  readonly preferredAuthentications: readonly string[] | undefined;
  readonly pubkeyAuthentication: boolean;
  readonly gssapiAuthentication: boolean;
  readonly hostbasedAuthentication: boolean;
  readonly pkcs11Provider: string | undefined;
  readonly knownHostsCommand: string | undefined;
  readonly verifyHostKeyDns: boolean;
  readonly revokedHostKeys: readonly string[];
  readonly proxyUseFdpass: boolean;
  /** With its tokens. */
  readonly controlPath: string | undefined;
}

/** Gives the values of a keyword, all of them where it may be repeated. Keywords are lower case. */
export type Values = (keyword: string) => readonly string[];

const strictness: Readonly<Record<string, HostConfig["strictHostKeyChecking"]>> = { yes: "yes", true: "yes", "accept-new": "accept-new", no: "no", off: "no", false: "no" };

/** Reads the keywords of ssh_config(5). */
export function hostConfigFrom(values: Values): HostConfig {
  const one = (keyword: string): string | undefined => {
    const value = values(keyword)[0]?.trim();
    return value === undefined || value === "" ? undefined : value;
  };
  const unlessNone = (keyword: string): string | undefined => (one(keyword)?.toLowerCase() === "none" ? undefined : one(keyword));
  const number = (keyword: string): number | undefined => secondsIn(one(keyword) ?? "");
  const isOn = (keyword: string): boolean => ["yes", "true"].includes(one(keyword)?.toLowerCase() ?? "");
  const paths = (keyword: string): string[] => (unlessNone(keyword) ?? "").match(/"[^"]*"|\S+/g)?.map((path) => path.replaceAll('"', "")) ?? [];
  const pathsUnlessUnset = (keyword: string): string[] | undefined => (one(keyword) === undefined ? undefined : paths(keyword));
  const list = (keyword: string): string[] | undefined => one(keyword)?.split(",").map((name) => name.trim()).filter(Boolean);
  const algorithms = (keyword: string, defaults: readonly string[]): readonly string[] | undefined => {
    const value = one(keyword);
    return value === undefined ? undefined : changedList(value, defaults);
  };
  const isOff = (keyword: string): boolean => ["no", "false"].includes(one(keyword)?.toLowerCase() ?? "");
  return {
    hostName: one("hostname"),
    user: one("user"),
    port: number("port"),
    identityFiles: values("identityfile").map((path) => path.replaceAll('"', "")).filter((path) => path.toLowerCase() !== "none"),
    identitiesOnly: isOn("identitiesonly"),
    identityAgent: one("identityagent")?.replaceAll('"', ""),
    proxyJump: (unlessNone("proxyjump") ?? "").split(",").map((jump) => jump.trim()).filter(Boolean),
    proxyCommand: unlessNone("proxycommand"),
    hostKeyAlias: unlessNone("hostkeyalias"),
    userKnownHostsFiles: pathsUnlessUnset("userknownhostsfile"),
    globalKnownHostsFiles: pathsUnlessUnset("globalknownhostsfile"),
    hashKnownHosts: isOn("hashknownhosts"),
    strictHostKeyChecking: strictness[one("stricthostkeychecking")?.toLowerCase() ?? ""],
    connectTimeoutSeconds: number("connecttimeout"),
    connectionAttempts: number("connectionattempts"),
    serverAliveIntervalSeconds: number("serveraliveinterval"),
    serverAliveCountMax: number("serveralivecountmax"),
    addressFamily: ({ inet: 4, inet6: 6 } as const)[one("addressfamily")?.toLowerCase() ?? ""],
    bindAddress: one("bindaddress"),
    bindInterface: one("bindinterface"),
    compression: isOn("compression"),
    noHostAuthenticationForLocalhost: isOn("nohostauthenticationforlocalhost"),
    certificateFiles: values("certificatefile").map((path) => path.replaceAll('"', "")).filter((path) => path.toLowerCase() !== "none"),
    algorithms: {
      kex: algorithms("kexalgorithms", usual.kex),
      hostKeys: algorithms("hostkeyalgorithms", usual.hostKeys),
      ciphers: algorithms("ciphers", usual.ciphers),
      macs: algorithms("macs", usual.macs),
    },
    pubkeyAlgorithms: algorithms("pubkeyacceptedalgorithms", usual.hostKeys),
    preferredAuthentications: list("preferredauthentications"),
    pubkeyAuthentication: !isOff("pubkeyauthentication"),
    gssapiAuthentication: isOn("gssapiauthentication"),
    hostbasedAuthentication: isOn("hostbasedauthentication"),
    pkcs11Provider: unlessNone("pkcs11provider"),
    knownHostsCommand: unlessNone("knownhostscommand"),
    // With "ask" OpenSSH shows what DNS says and asks all the same.
    verifyHostKeyDns: isOn("verifyhostkeydns"),
    revokedHostKeys: paths("revokedhostkeys"),
    proxyUseFdpass: isOn("proxyusefdpass"),
    controlPath: unlessNone("controlpath"),
  };
}

/** Source of the units: sshd_config(5), TIME FORMATS. */
const unitSeconds: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A plain number, or a span of time such as `1m30s`. */
function secondsIn(text: string): number | undefined {
  if (!/^(\d+[smhdw]?)+$/i.test(text)) return undefined;
  return [...text.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? ""] ?? 1), 0);
}

/** What holds where no ssh_config is read. */
export const noHostConfig: HostConfig = hostConfigFrom(() => []);
