import { ConnectError, DeployError } from "../../ground/errors.ts";
import { connectFailure, handshakeFailure, loginRefused, tooSlow, unresolved, type LoginAttempt } from "../ssh/failures.ts";
import type { Target } from "../ssh/target.ts";

/** What a master said before it gave up: lines of its standard error, with `LC_ALL=C` and `LogLevel=DEBUG1`. */
export type Words = readonly string[];

const isDebug = (line: string): boolean => /^debug\d: /.test(line);
/** What OpenSSH says to its user, without what it says to itself. */
export const plainWords = (words: Words): string[] => words.filter((line) => !isDebug(line) && line.trim() !== "" && !/^@.*@$|^no such identity: /.test(line.trim()));

/** What explains the words, beside the words. */
export interface Circumstances {
  /** Says of a certificate that was offered why the host cannot have taken it. */
  readonly certificates?: (path: string) => string | undefined;
  /** The jump hosts, nearest first. */
  readonly hops?: readonly Target[];
}

/** Why a master gave up. */
export function explain(target: Target, words: Words, { certificates = () => undefined, hops = [] }: Circumstances = {}): DeployError {
  const said = plainWords(words);
  const find = finderIn(said);
  const fail = (reason: ConnectError["reason"], why: string, hint: string): ConnectError => connectFailure(target, reason, why, hint, undefined, said);

  const wrong = find(/^(.*: line \d+: .*|.*Bad configuration option: .*|.*terminating, \d+ bad configuration options.*|command-line line \d+: .*|percent_expand: .*|vdollar_percent_expand: .*)$/);
  if (wrong !== undefined) return new DeployError("config", `Cannot read the SSH config: ${wrong[1]}`, { host: target.name, hint: "Mend that line, or set ssh.config to false to go without it." });
  // Without an answer of the host all the words are those of the way to it.
  const answered = words.some((line) => /^debug1: (Remote protocol version|Connecting to|Connection established)/.test(line));
  const greeted = words.some((line) => line.startsWith("debug1: Remote protocol version"));
  if (!greeted && (target.jumps.length > 0 || (target.proxyCommand !== undefined && !answered))) return onTheWay(target, said, hops);
  return hostKeyRefusal(target, words, said) ?? loginRefusal(target, words, said, certificates) ?? network(target, find, fail) ?? noServer(target, words, said) ?? fail("protocol", said.at(-1) ?? "ssh gave up without a word", 'Try "ssh -v" to see more.');
}

type Find = (pattern: RegExp) => RegExpExecArray | undefined;
const finderIn = (words: Words): Find => (pattern) => words.map((line) => pattern.exec(line)).find((match) => match !== null) ?? undefined;

function hostKeyRefusal(target: Target, words: Words, said: readonly string[]): ConnectError | undefined {
  const find = finderIn(words);
  const shown = find(/^debug1: Server host (?:key|certificate): (\S+ SHA256:[^\s,]+)/)?.[1];
  const refuse = (why: string, hint: string, details: readonly string[] = said): ConnectError =>
    new ConnectError(target.name, "host-key", `Cannot connect to ${target.name}: ${why}`, { hint, details: [...(shown === undefined ? [] : [`shown: ${shown}`]), ...details] });
  const offending = find(/^Offending .*key in (.+:\d+)$/)?.[1];
  const revoked = find(/^(?:Host |)(?:key|certificate).*revoked|marked as revoked|REVOKED HOST KEY/i) ?? find(/revoked by file (.+)$/);
  if (revoked !== undefined) return refuse(`its host key is revoked${offending === undefined ? "" : ` in ${offending}`}`, "Give the host a new key: a revoked one may be in the wrong hands.");
  if (find(/REMOTE HOST IDENTIFICATION HAS CHANGED/) !== undefined) {
    const [, file] = /^(.+):\d+$/.exec(offending ?? "") ?? [];
    return refuse(`its host key is not the one in ${offending ?? "known_hosts"}`, `Find out why. If the host was installed anew, remove ${offending === undefined ? "the line" : "that line"}, or run "ssh-keygen -R '${target.knownAs}'${file === undefined ? "" : ` -f ${file}`}", and try again; otherwise somebody may be in between.`, offending === undefined ? said : [`known: (${offending})`]);
  }
  const certificate = find(/^(?:Certificate invalid: |.*[Cc]ertificate )(.*(?:not a listed principal|expired|not yet valid|has wrong type|is not a host certificate|not valid).*)$/)?.[1];
  if (find(/Host key verification failed|host key is known for .* and you have requested strict checking/) === undefined) return undefined;
  if (certificate !== undefined) return refuse(`its host certificate does not hold: ${certificate}`, "Have the host's key signed anew for the name it is reached by.");
  const add = `"ssh-keyscan${target.port === 22 ? "" : ` -p ${target.port}`} ${target.hostName} >> ${target.knownHostsFiles[0] ?? "~/.ssh/known_hosts"}"`;
  return refuse("its host key is not known", `Compare the fingerprint, then add the key with ${add}, or set ssh.strictHostKeyChecking to "accept-new".`);
}

/** What became of the login, as OpenSSH tells itself. */
export function loginAttempt(words: Words, agent: string | undefined): LoginAttempt {
  const refusals = words.flatMap((line) => /^debug1: Authentications that can continue: (.+)$/.exec(line)?.[1] ?? []);
  const last = words.flatMap((line) => /Permission denied \(([^)]*)\)/.exec(line)?.[1] ?? []).at(-1) ?? refusals.at(-1) ?? "";
  const notes = words.flatMap((line) => /^(?:debug1: )?(Load key ".*|sign_and_send_pubkey: .*|.*: signing failed for .*)$/.exec(line)?.[1] ?? []).filter((note) => !note.endsWith("No such file or directory"));
  const agentGone = words.some((line) => line.startsWith("debug1: get_agent_identities: ssh_get_authentication_socket: "));
  return {
    tried: [...new Set(words.flatMap(labelOf))].filter((label) => !words.some((line) => line.startsWith(`no such identity: ${label}:`))), notes: [...new Set([...notes, ...(agentGone && agent !== undefined ? [`the agent at ${agent} does not answer`] : [])])],
    accepted: last.split(",").filter(Boolean), partial: words.some((line) => /with partial success/.test(line)),
  };
}

function labelOf(line: string): string[] {
  const [, label, rest = ""] = /^debug1: Offering public key: (.+?) [A-Z0-9-]+ SHA256:\S+(.*)$/.exec(line) ?? [];
  if (label !== undefined) return [rest.includes("agent") && !label.startsWith("/") ? `${label} (in the agent)` : label];
  const [, path] = /^debug1: Trying private key: (.+)$/.exec(line) ?? [];
  return path === undefined ? [] : [path];
}

function loginRefusal(target: Target, words: Words, said: readonly string[], certificates: (path: string) => string | undefined): ConnectError | undefined {
  if (said.some((line) => /too many authentication failures/i.test(line))) {
    return connectFailure(target, "authentication", `it hung up after too many keys for the user ${target.user}`, "Name the right key in ssh.keys and set ssh.keysOnly, or raise MaxAuthTries in sshd_config.", undefined, said);
  }
  if (!said.some((line) => /Permission denied|No more authentication methods/.test(line))) return undefined;
  const attempt = loginAttempt(words, target.agent);
  // A jump host's ssh does not say which keys it tried.
  if (!words.some(isDebug)) return connectFailure(target, "authentication", `it refused every key for the user ${target.user}`, `Try "ssh ${target.name}" to see more.`, undefined, said);
  const [, unable, whyUnable] = finderIn(words)(/signing failed for \S+ "([^"]+)"(?: from agent)?: (.*)$/) ?? [];
  if (unable !== undefined) return connectFailure(target, "authentication", `the key ${unable} cannot sign: ${whyUnable}`, "Plug the security key in and touch it when it blinks, or unlock the agent that holds the key.", undefined, said);
  const causes = words.flatMap((line) => /^debug1: Offering public key: (.+?) [A-Z0-9]+-CERT SHA256:/.exec(line)?.[1] ?? []).flatMap((path) => certificates(path) ?? []);
  const refused = loginRefused(target, { ...attempt, notes: [...new Set(causes), ...attempt.notes] });
  const [cause] = causes;
  if (cause === undefined) return refused;
  return connectFailure(target, "authentication", `it refused every key for the user ${target.user}: ${cause}`, "Have the key signed anew, for the user you log in as.", undefined, refused.details);
}

function network(target: Target, find: Find, fail: (reason: ConnectError["reason"], why: string, hint: string) => ConnectError): ConnectError | undefined {
  const resolving = find(/Could not resolve hostname/);
  if (resolving !== undefined) return unresolved(target, undefined);
  if (find(/connect to .*: Connection refused/) !== undefined) return fail("refused", `nothing listens on port ${target.port}`, "Check ssh.port and that sshd runs on the host.");
  if (find(/timed out during banner exchange/) !== undefined) return tooSlow(target, "the handshake was not done");
  if (find(/timed out/) !== undefined) return tooSlow(target, "it did not answer");
  if (find(/No route to host|Network is unreachable|Cannot assign requested address|Host is down|Can't assign requested/) !== undefined) return fail("unreachable", "there is no route to it", "Check the address, and your network or VPN.");
  const none = find(/Unable to negotiate with .*: (no matching .*)$/)?.[1];
  if (none !== undefined) return fail("protocol", `no algorithm in common (${none})`, "Allow it with the option of ssh_config that names this kind, such as HostKeyAlgorithms or KexAlgorithms.");
  return undefined;
}

/** What listens there is no sshd, or one that takes nobody now. */
function noServer(target: Target, words: Words, said: Words): ConnectError | undefined {
  const heard = words.flatMap((line) => /^debug1: (?:kex|ssh)_exchange_identification: banner line \d+: (.*)$/.exec(line)?.[1] ?? []).join("\n");
  const [, version] = finderIn(words)(/^debug1: Remote protocol version ([\d.]+)/) ?? [];
  if (version === undefined && said.some((line) => /Connection (closed|reset)|Broken pipe|exchange_identification/.test(line))) {
    return handshakeFailure(target, new Error("it closed the connection before the handshake"), { heard, offered: {}, complaint: undefined });
  }
  const [, software = ""] = finderIn(words)(/remote software version (.*)$/) ?? [];
  if (said.some((line) => /Protocol major versions differ|could not read protocol version/.test(line))) {
    return handshakeFailure(target, new Error("Protocol version not supported"), { heard: `SSH-${version ?? ""}-${software}`, offered: {}, complaint: undefined });
  }
  if (!said.some((line) => /Connection (closed|reset)|Broken pipe/.test(line))) return undefined;
  return connectFailure(target, "protocol", "it closed the connection before the handshake was done", "Look at the log of sshd on the host: it may limit new connections (MaxStartups), or block this address.", undefined, said);
}

/** The host itself was never heard: it is the way that failed, or what stands at its end. */
function onTheWay(target: Target, said: readonly string[], hops: readonly Target[]): ConnectError {
  if (target.jumps.length === 0) return new ConnectError(target.name, "jump", `Cannot connect to ${target.name}: its ProxyCommand gives no connection`, { hint: `Run "${target.proxyCommand}" by hand to see why.`, details: said });
  const last = target.jumps.at(-1) ?? "";
  const opening = finderIn(said)(/open failed: (.*)$/)?.[1];
  if (opening === undefined) return jumpFailure(target, said, hops);
  if (/prohibited/.test(opening)) return new ConnectError(target.name, "jump", `Cannot connect to ${target.name}: ${last} does not let us through (${opening})`, { hint: `Set "AllowTcpForwarding yes" in sshd_config on ${last}.`, details: said });
  const hint = `Check host and port as ${last} sees them.`;
  if (/refused/i.test(opening)) return connectFailure(target, "refused", `nothing listens there, says ${last}`, hint, undefined, said);
  if (/timed out/i.test(opening)) return connectFailure(target, "timeout", `it does not answer, says ${last}`, hint, undefined, said);
  if (/name|unknown host/i.test(opening)) return connectFailure(target, "resolve", `${last} finds no address for ${target.hostName}`, hint, undefined, said);
  return connectFailure(target, "unreachable", `${last} cannot reach it: ${opening}`, hint, undefined, said);
}

function jumpFailure(target: Target, said: readonly string[], hops: readonly Target[]): ConnectError {
  // The last words are of our own ssh, whose connection was cut.
  const own = /^(Connection closed by UNKNOWN|Connection to UNKNOWN|stdio forwarding failed)/;
  const words = said.filter((line, i) => !own.test(line) && !(line.startsWith("kex_exchange_identification") && own.test(said[i + 1] ?? "")));
  const hop = hops.find(({ hostName, port }) => words.some((line) => line.includes(`${hostName} port ${port}`))) ?? hops.at(-1);
  const name = hop?.name ?? target.jumps.at(-1) ?? "";
  const why = hop === undefined ? new Error(words[0] ?? "it gives no connection") : explain({ ...hop, jumps: [], proxyCommand: undefined }, words);
  return new ConnectError(target.name, "jump", `Cannot connect to ${target.name} through ${name}: ${why.message}`, { hint: "hint" in why ? why.hint : undefined, details: said });
}
