import type { ChosenAlgorithms } from "./algorithms.ts";

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
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hashKnownHosts: boolean;
  readonly strictHostKeyChecking: "yes" | "accept-new" | "no" | undefined;
  readonly connectTimeoutSeconds: number | undefined;
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
  const number = (keyword: string): number | undefined => (/^\d+$/.test(one(keyword) ?? "") ? Number(one(keyword)) : undefined);
  const isOn = (keyword: string): boolean => ["yes", "true"].includes(one(keyword)?.toLowerCase() ?? "");
  const paths = (keyword: string): string[] => (unlessNone(keyword) ?? "").match(/"[^"]*"|\S+/g)?.map((path) => path.replaceAll('"', "")) ?? [];
  const list = (keyword: string): string[] | undefined => one(keyword)?.split(",").map((name) => name.trim()).filter(Boolean);
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
    userKnownHostsFiles: paths("userknownhostsfile"),
    globalKnownHostsFiles: paths("globalknownhostsfile"),
    hashKnownHosts: isOn("hashknownhosts"),
    strictHostKeyChecking: strictness[one("stricthostkeychecking")?.toLowerCase() ?? ""],
    connectTimeoutSeconds: number("connecttimeout"),
    certificateFiles: values("certificatefile").map((path) => path.replaceAll('"', "")).filter((path) => path.toLowerCase() !== "none"),
    algorithms: { kex: list("kexalgorithms"), hostKeys: list("hostkeyalgorithms"), ciphers: list("ciphers"), macs: list("macs") },
    pubkeyAlgorithms: list("pubkeyacceptedalgorithms"),
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

/** What holds where no ssh_config is read. */
export const noHostConfig: HostConfig = hostConfigFrom(() => []);
