import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { ConnectError } from "../../ground/errors.ts";
import type { EventBody } from "../../ground/event.ts";
import { cancellation, onAbort, throwIfCancelled } from "../cancel.ts";
import { doorOf } from "../doors.ts";
import { ownFolder } from "../own-folder.ts";
import { opensshVersion } from "../openssh-program.ts";
import { randomHex } from "../random.ts";
import { parseAddress } from "../ssh/address.ts";
import { Deadline } from "../ssh/deadline.ts";
import { connectFailure, tooSlow } from "../ssh/failures.ts";
import { distrust } from "../ssh/host-keys.ts";
import { keyFileError } from "../ssh/identity.ts";
import { readKey } from "../ssh/key-format.ts";
import { factsOf } from "../ssh/openssh-facts.ts";
import { expandHome, homeOf } from "../ssh/paths.ts";
import type { Target } from "../ssh/target.ts";
import type { TransportOptions } from "../ssh/transport.ts";
import { Asker, Questions, type Asking } from "./ask.ts";
import { certificateFault, readCertificate } from "./certificate.ts";
import { explain } from "./explain.ts";
import { configText, masterArgv } from "./invocation.ts";
import { Master } from "./master.ts";
import { MasterConnection } from "./master-connection.ts";
import { openProxy } from "./mux.ts";
import { privateFile, type PrivateFile } from "./private-file.ts";
import { clientOver } from "./proxy-client.ts";
import { Touch } from "./touch.ts";

/** As with the lookups of ssh2: the next one waits longer each time, up to two seconds. */
const lookupPauseMs = 100;
const longestPauseMs = 2000;
/** Paths of sockets have at most 104 bytes on some systems; OpenSSH needs some for a name of its own. */
const longestFolder = 40;
/** From here on OpenSSH asks through a program of ours wherever we run (SSH_ASKPASS_REQUIRE). */
const asksThroughUs = 804;
/** From here on it marks the questions of hosts with their names. */
const marksHosts = 805;
/** How long a host is waited for, beside its own time, while somebody may have to touch a key or to confirm its use. */
const touchMs = 120_000;

/** Opens connections with the user's own `ssh`: one master for each, in a folder that only the user may look into. */
export class Opener implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #asker: Asker | undefined;
  #root: Promise<string> | undefined;
  #count = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#asker = options.prompt && new Asker(options.prompt, options.redactor);
  }

  /** @throws ConnectError, DeployError (config), or a cancellation */
  async open(name: string, signal: AbortSignal): Promise<MasterConnection> {
    const { targets, clock } = this.#options;
    const target = await targets.find(name, "host", signal);
    const hops = await this.#hopsOf(target, name, [name], signal);
    await checkNamedKeys(target);
    await endLastLine(target);
    for (let retries = 0; ; retries++) {
      try {
        return await this.#open(target, hops, signal);
      } catch (error) {
        if (!(error instanceof ConnectError) || error.reason !== "resolve" || retries >= target.dnsRetries) throw error;
        await clock.sleep(Math.min(lookupPauseMs * 2 ** retries, longestPauseMs), signal);
      }
    }
  }

  /** What answers first on the way to a host: OpenSSH logs in at the jump host once for each host behind it. */
  async doorOf(name: string, signal: AbortSignal): Promise<string> {
    const target = await this.#options.targets.find(name, "host", signal);
    const [nearest] = target.jumps;
    return nearest === undefined ? doorOf(target) : `by way of ${nearest}`;
  }

  /** The jump hosts of a host, nearest first. OpenSSH would start itself without end where they lead in a circle. */
  async #hopsOf(target: Target, name: string, trail: readonly string[], signal: AbortSignal): Promise<Target[]> {
    const hops = await Promise.all(target.jumps.map((jump) => this.#options.targets.find(jump, target.jumpKind, signal)));
    const [nearest] = hops;
    if (nearest === undefined) return [];
    if (trail.includes(nearest.name)) throw new ConnectError(name, "jump", `Cannot connect to ${name}: it is to be reached through itself`, { hint: "Look at ProxyJump in ~/.ssh/config, or set \"ProxyJump none\" for it." });
    // Behind the nearest, each is reached through the one before it.
    return [...(await this.#hopsOf(nearest, name, [...trail, nearest.name], signal)), ...hops];
  }

  async #open(target: Target, hops: readonly Target[], signal: AbortSignal): Promise<MasterConnection> {
    throwIfCancelled(signal);
    const { env, report } = this.#options;
    const folder = await this.#folder();
    const stop = Promise.withResolvers<never>();
    stop.promise.catch(() => undefined);
    using _ = onAbort(signal, () => stop.reject(cancellation(signal)));
    using deadline = new Deadline(target.timeoutMs, () => stop.reject(tooSlow(target, "the handshake was not done")));
    const mark = `capstan-${randomHex(8)}`;
    using touch = new Touch(deadline, touchMs);
    const asker = await this.#canAsk(target.name);
    await using questions = asker && new Questions(folder, mark, asker, askingFor(target, hops, (await this.#version()) ?? 0), {
      asking: (work) => void deadline.pausedFor(() => work).catch(() => undefined),
      told: (text) => {
        touch.begin();
        report({ type: "notice", level: "info", host: target.name, text });
      },
    });
    const paths = { config: join(folder, "config"), socket: join(folder, "s") };
    const asking = await questions?.prepare();
    const data = await this.#writeConfig(target, folder, paths.config, asker !== undefined);
    const argv = masterArgv(this.#addressOf(target), target, this.#options.ssh, paths);
    let connection: MasterConnection | undefined;
    const hostKey = new HostKeyWords(target, report);
    const master = new Master({
      argv, folder, socket: paths.socket, env: { ...env, LC_ALL: "C", ...asking },
      onLine: (line) => touch.heard(line) || questions?.take(line) === true || (connection === undefined ? hostKey.heard(line) : connection.heard(line)),
    });
    const waiting = new AbortController();
    try {
      const isReady = await Promise.race([master.ready(waiting.signal), stop.promise]);
      if (!isReady) {
        const words = master.words.map((line) => data.reduce((named, { path, label }) => named.replaceAll(path, label), line));
        throw (asker === undefined ? await lockedKey(target, master.words) : undefined) ?? explain(target, words, { hops, certificates: await certificateFaults(words, target.user, this.#options.clock.now()) });
      }
      const client = clientOver(await openProxy(paths.socket));
      connection = new MasterConnection(target.name, client, { forwardAgent: target.forwardAgent, isDistrusted: hostKey.isDistrusted, master, folder, socket: paths.socket });
      return connection;
    } catch (error) {
      waiting.abort();
      await master.stop();
      await rm(folder, { recursive: true, force: true });
      throw error instanceof Error && !("failure" in error) ? connectFailure(target, "protocol", error.message, "Look at what \"ssh -V\" says: OpenSSH 7.6 or newer is needed.", error) : error;
    } finally {
      await Promise.all(data.map((key) => key[Symbol.asyncDispose]()));
    }
  }

  #version(): Promise<number | undefined> {
    return (this.#versionRead ??= opensshVersion(this.#options.env));
  }
  #versionRead: Promise<number | undefined> | undefined;

  /** Who asks the user. An OpenSSH that does not ask through us would do it on the terminal, in the middle of our display. */
  async #canAsk(host: string): Promise<Asker | undefined> {
    if (this.#asker === undefined || ((await this.#version()) ?? asksThroughUs) >= asksThroughUs) return this.#asker;
    if (!this.#toldVersion) this.#options.report({ type: "notice", level: "warn", host, text: "OpenSSH asks for nothing here: version 8.4 or newer is needed for that" });
    this.#toldVersion = true;
    return undefined;
  }
  #toldVersion = false;

  /** Whether a key may have to be touched for this host. */
  async wantsTouch(name: string, signal: AbortSignal): Promise<boolean> {
    const { keys } = await factsOf(await this.#options.targets.find(name, "host", signal));
    return keys.some(({ kind }) => kind === "security-key");
  }

  /** The address that was written, with what the settings add to it. */
  #addressOf(target: Target): ReturnType<typeof parseAddress> {
    const { ssh } = this.#options;
    const written = parseAddress(target.name);
    return { ...written, user: written.user ?? ssh.user ?? (leadsElsewhere(target) ? target.user : undefined), port: written.port ?? ssh.port };
  }

  async #folder(): Promise<string> {
    this.#root ??= ownFolder(tmpdir().length > longestFolder ? "/tmp" : tmpdir(), "capstan-master");
    const folder = join(await this.#root, String(this.#count++));
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }

  /** Where OpenSSH looks for the user's files. Undefined where the system does not say. */
  #passwordHome(): Promise<string | undefined> {
    const ask = async (): Promise<string | undefined> => {
      const child = Bun.spawn(["sh", "-c", 'eval "echo ~$(id -un)"'], { env: this.#options.env, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
      const path = (await child.stdout.text()).trim();
      return path.startsWith("/") ? path : undefined;
    };
    return (this.#home ??= ask());
  }
  #home: Promise<string | undefined> | undefined;

  /** @returns the keys that are secrets, with their names: to be removed when the connection is open */
  async #writeConfig(target: Target, folder: string, path: string, canAsk: boolean): Promise<(PrivateFile & { readonly label: string })[]> {
    const { ssh, env, cwd, redactor } = this.#options;
    const home = homeOf(env);
    const data = await Promise.all(ssh.keyData.map(async ({ name, read }, i) => {
      const text = await read();
      redactor.conceal(text, "key");
      return { label: `secret ${name}`, ...(await privateFile(folder, `key-${i}`, text.endsWith("\n") ? text : `${text}\n`)) };
    }));
    const userPath = (file: string): string => (file.startsWith("~") || isAbsolute(file) ? expandHome(file, home) : resolve(cwd, file));
    const files = ssh.config === false ? [] : ssh.config === true ? [`${home}/.ssh/config`, "/etc/ssh/ssh_config"] : ssh.config.map(userPath);
    await writeFile(path, configText({ ssh, files, keys: [...target.keys, ...data.map((key) => key.path)], home: home === (await this.#passwordHome()) ? undefined : home, canAsk, user: leadsElsewhere(target) ? undefined : "root" }), { mode: 0o600 });
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#root !== undefined) await rm(await this.#root, { recursive: true, force: true });
  }
}

/** A key that the host would take, and that waits for a passphrase which nobody can be asked for. */
async function lockedKey(target: Target, words: readonly string[]): Promise<ConnectError | undefined> {
  const path = words.flatMap((line) => /^debug1: Server accepts key: (\/.+?) [A-Z0-9-]+ SHA256:/.exec(line)?.[1] ?? []).at(-1);
  if (path === undefined || readKey(await readFile(path, "utf8").catch(() => "")).kind !== "encrypted") return undefined;
  return keyFileError(target.name, path, "it needs a passphrase and nobody can be asked", `Add it to an agent with "ssh-add ${path}".`);
}

/** Jump hosts of ssh_config are for the user of this machine where nobody says otherwise, hosts of ours for root. */
const leadsElsewhere = ({ jumps, jumpKind }: Target): boolean => jumps.length > 0 && jumpKind === "jump";

/** OpenSSH would write the new key behind the last line, whether it has an end or not. */
async function endLastLine({ strictHostKeyChecking, newKeysFile: file }: Target): Promise<void> {
  if (strictHostKeyChecking !== "accept-new" || file === undefined) return;
  const text = await readFile(file, "utf8").catch(() => "");
  if (text !== "" && !text.endsWith("\n")) await appendFile(file, "\n").catch(() => undefined);
}

/** A key that was named is meant: OpenSSH would pass over one that is missing. */
async function checkNamedKeys(target: Target): Promise<void> {
  for (const path of target.keys) {
    try {
      const text = await readFile(path, "utf8");
      const key = readKey(text);
      // What ssh2 cannot read OpenSSH may: only what is no key at all is refused.
      if (key.kind === "unusable" && !/-----BEGIN |^(?:ssh|sk|ecdsa)-/m.test(text)) throw new Error(key.why);
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      throw keyFileError(target.name, path, isMissing ? "there is no such file" : error instanceof Error ? error.message : String(error), "Check ssh.keys in the config.");
    }
  }
}

/** What speaks against the certificates that were offered. */
async function certificateFaults(words: readonly string[], user: string, now: number): Promise<(path: string) => string | undefined> {
  const offered = words.flatMap((line) => /^debug1: Offering public key: (\/.+?) [A-Z0-9-]+-CERT SHA256:/.exec(line)?.[1] ?? []);
  const faults = await Promise.all(offered.flatMap((path) => [path, `${path}-cert.pub`]).map(async (path) => {
    const certificate = readCertificate(await readFile(path, "utf8").catch(() => ""));
    return [path.replace(/-cert\.pub$/, ""), certificate && certificateFault(certificate, path, user, now)] as const;
  }));
  const found = new Map(faults.filter(([, fault]) => fault !== undefined));
  return (path) => found.get(path.replace(/-cert\.pub$/, ""));
}

/** How the questions of a host read. @param version of OpenSSH */
function askingFor(target: Target, hops: readonly Target[], version: number): Asking {
  const { name, user, hostName } = target;
  const hosts = [...new Set([parseAddress(name).host, hostName])];
  return {
    host: name,
    names: hosts.flatMap((host) => [...(version >= marksHosts ? [`(${user}@${host}) `] : []), `${user}@${host}'s `]),
    keys: [target, ...hops].flatMap(({ keys, identityFiles }) => [...keys, ...identityFiles]),
    isMixed: version < marksHosts && (hops.length > 0 || target.proxyCommand !== undefined),
  };
}

/** Tells the user what becomes of the host's key. */
class HostKeyWords {
  /** The key has changed and was taken all the same. */
  isDistrusted = false;
  readonly #target: Target;
  readonly #report: (event: EventBody) => void;
  #shown = "";

  constructor(target: Target, report: (event: EventBody) => void) {
    this.#target = target;
    this.#report = report;
  }

  /** @returns true: OpenSSH's own words for it are not needed */
  heard(line: string): boolean {
    const { name, newKeysFile, strictHostKeyChecking } = this.#target;
    const checked = strictHostKeyChecking !== "no";
    this.#shown = /^debug1: Server host key: (\S+ SHA256:\S+)/.exec(line)?.[1] ?? this.#shown;
    if (/^Warning: Permanently added .* to the list of known hosts/.test(line)) {
      if (checked) this.#report({ type: "notice", level: "info", host: name, text: newKeysFile === undefined ? `New host key accepted: ${this.#shown}` : `New host key accepted and added to ${newKeysFile}: ${this.#shown}` });
      return true;
    }
    if (checked || this.isDistrusted || !/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(line)) return false;
    this.isDistrusted = true;
    this.#report({ type: "notice", level: "warn", host: name, text: distrust(this.#target, this.#shown) });
    return false;
  }
}
