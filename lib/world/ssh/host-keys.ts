import { appendFile, chmod, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConnectError } from "../../ground/errors.ts";
import type { EventBody } from "../../ground/event.ts";
import { toOffer } from "./algorithms.ts";
import { fingerprint, judge, keyType, knownHostLine, parseKnownHosts, preferredAlgorithms, type KnownHost } from "./known-hosts.ts";
import { unheeded } from "./needs-openssh.ts";
import type { Target } from "./target.ts";

/** Decides over the key of one host while the connection is opened. */
export interface HostKeyCheck {
  /** Algorithms to offer, those of known keys first. */
  readonly algorithms: readonly string[];
  /** The answer must be ready at once: ssh2 takes a promise for a yes. */
  accept(key: Uint8Array): boolean;
  /** The key was taken although another one is known: whoever shows it is served, and given nothing that others could be reached with. */
  readonly isDistrusted: boolean;
  /** Why the key was refused. */
  readonly refusal: ConnectError | undefined;
  /** Settles when an accepted new key stands in the file. */
  recorded(): Promise<void>;
}

/** The keys of all hosts: reads each known_hosts file once, adds new keys, tells what it did. */
export class HostKeys {
  readonly #files = new Map<string, Promise<KnownHost[]>>();
  readonly #report: (event: EventBody) => void;
  /** Names of hosts whose user was told what is not looked at. */
  readonly #told = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(report: (event: EventBody) => void) {
    this.#report = report;
  }

  /** Prepares the check of one host. */
  async check(target: Target): Promise<HostKeyCheck> {
    const lists = await Promise.all(target.knownHostsFiles.map((file) => this.#read(file)));
    this.#tellUnheeded(target, lists.flat());
    let isDistrusted = false;
    let refusal: ConnectError | undefined;
    let recorded: Promise<void> = Promise.resolve();
    const refuse = (why: ConnectError): false => {
      refusal = why;
      return false;
    };
    return {
      algorithms: preferredAlgorithms(lists.flat(), target.knownAs, toOffer("hostKeys", target.algorithms)),
      accept: (key) => {
        // Looked at again: a key that another connection has just added counts.
        const verdict = judge(lists.flat(), target.knownAs, key);
        if (verdict.kind === "known") return true;
        if (verdict.kind === "revoked") return refuse(revoked(target, verdict.by, key));
        if (target.strictHostKeyChecking === "no") {
          isDistrusted = verdict.kind === "changed" && !target.isItself;
          if (isDistrusted) this.#report({ type: "notice", level: "warn", host: target.name, text: distrust(target, `${keyType(key)} ${fingerprint(key)}`) });
          return true;
        }
        if (verdict.kind === "changed") return refuse(changed(target, verdict.instead, key));
        if (target.strictHostKeyChecking === "yes") return refuse(unknown(target, key));
        recorded = this.#add(target, key, lists[target.newKeysFile === undefined ? -1 : target.knownHostsFiles.indexOf(target.newKeysFile)]);
        return true;
      },
      get isDistrusted() {
        return isDistrusted;
      },
      get refusal() {
        return refusal;
      },
      recorded: () => recorded,
    };
  }

  #tellUnheeded(target: Target, known: readonly KnownHost[]): void {
    const what = unheeded(target, known);
    if (what.length === 0 || this.#told.has(target.name)) return;
    this.#told.add(target.name);
    this.#report({ type: "notice", level: "warn", host: target.name, text: `Not looked at by ssh2: ${what.join(", ")}. OpenSSH does: set ssh.transport to "openssh" or "auto"` });
  }

  #read(file: string): Promise<KnownHost[]> {
    const reading = this.#files.get(file) ?? readFile(file, "utf8").then((text) => parseKnownHosts(text, file), () => []);
    this.#files.set(file, reading);
    return reading;
  }

  async #add(target: Target, key: Uint8Array, list: KnownHost[] | undefined): Promise<void> {
    const file = target.newKeysFile;
    const line = knownHostLine(target.knownAs, key, target.hashKnownHosts);
    const shown = `${keyType(key)} ${fingerprint(key)}`;
    if (file === undefined || file === "/dev/null") {
      this.#report({ type: "notice", level: "info", host: target.name, text: `New host key accepted: ${shown}` });
      return;
    }
    list?.push(...parseKnownHosts(line, file));
    this.#writing = this.#writing.then(() => append(file, line));
    try {
      await this.#writing;
      this.#report({ type: "notice", level: "info", host: target.name, text: `New host key accepted and added to ${file}: ${shown}` });
    } catch (error) {
      this.#writing = Promise.resolve();
      const why = error instanceof Error ? error.message : String(error);
      this.#report({ type: "notice", level: "warn", host: target.name, text: `New host key accepted, but it cannot be added to ${file} (${why}): ${shown}` });
    }
  }
}

/** Of a key that is not the known one and is taken all the same. @param shown its type and fingerprint */
export const distrust = ({ forwardAgent }: Target, shown: string): string => `The host key has changed and is not checked: ${shown}${forwardAgent ? ". The agent is not forwarded there" : ""}`;

/** One write in append mode, which other processes that append cannot tear apart. */
async function append(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const existing = await readFile(file, "utf8").catch(() => undefined);
  if (existing === undefined) {
    await (await open(file, "a", 0o600)).close();
    await chmod(file, 0o600);
  }
  await appendFile(file, existing === undefined || existing === "" || existing.endsWith("\n") ? line : `\n${line}`, { mode: 0o600 });
}

const at = (entry: KnownHost): string => `${entry.file}:${entry.line}`;

function changed(target: Target, instead: readonly KnownHost[], key: Uint8Array): ConnectError {
  const first = instead.find((entry) => entry.type === keyType(key)) ?? instead[0];
  const where = instead.map(at);
  return new ConnectError(target.name, "host-key", `Cannot connect to ${target.name}: its host key is not the one in ${first === undefined ? "known_hosts" : at(first)}`, {
    details: [`shown now: ${keyType(key)} ${fingerprint(key)}`, ...instead.map((entry) => `known: ${entry.type} ${fingerprint(Buffer.from(entry.key, "base64"))} (${at(entry)})`)],
    hint: `Find out why. If the host was installed anew, remove ${where.length === 1 ? "that line" : `the lines ${where.join(", ")}`}, or run "ssh-keygen -R '${target.knownAs}'${first === undefined ? "" : ` -f ${first.file}`}", and try again; otherwise somebody may be in between.`,
  });
}

function revoked(target: Target, by: KnownHost, key: Uint8Array): ConnectError {
  return new ConnectError(target.name, "host-key", `Cannot connect to ${target.name}: its host key is revoked in ${at(by)}`, {
    details: [`shown: ${keyType(key)} ${fingerprint(key)}`],
    hint: "Give the host a new key: a revoked one may be in the wrong hands.",
  });
}

function unknown(target: Target, key: Uint8Array): ConnectError {
  return new ConnectError(target.name, "host-key", `Cannot connect to ${target.name}: its host key is not known`, {
    details: [`shown: ${keyType(key)} ${fingerprint(key)}`],
    hint: `Compare the fingerprint, then add the key with "ssh-keyscan${target.port === 22 ? "" : ` -p ${target.port}`} ${target.hostName} >> ${target.newKeysFile ?? "~/.ssh/known_hosts"}", or set ssh.strictHostKeyChecking to "accept-new".`,
  });
}
