import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CancelledError, DeployError, isDeployError } from "../../ground/errors.ts";
import { cancellation, onAbort, throwIfCancelled } from "../cancel.ts";
import { drain, Output } from "../output.ts";
import { ownFolder } from "../own-folder.ts";
import { Slots } from "../slots.ts";
import type { Address } from "./address.ts";
import { alikeIn } from "./config-alike.ts";
import { hostConfigFrom, type HostConfig } from "./host-config.ts";

/** Reads ssh_config with `ssh -G`: the exact reader, as it is OpenSSH's own. */
export interface OpensshReader extends AsyncDisposable {
  /** Undefined where OpenSSH is not installed. @throws DeployError (config) with OpenSSH's own words for a config it refuses */
  read(address: Address, signal: AbortSignal): Promise<HostConfig | undefined>;
  /** The login name on this machine, which the environment need not have. Undefined where OpenSSH is not installed. */
  login(): Promise<string | undefined>;
}

type Env = Readonly<Record<string, string | undefined>>;
/** What `ssh -G` prints, by keyword. */
type Printed = ReadonlyMap<string, readonly string[]>;

/** What was read of one host. */
interface Read {
  readonly config: HostConfig;
  /** The files it comes from; undefined: they were read twice, for the name that was found the first time. */
  readonly files: readonly string[] | undefined;
}

/** Stands for a user that nobody set. */
const nobody = "capstan-unset";
/** How many of them run at once: a fleet of 200 hosts must not be 200 processes. */
const mostAtOnce = 8;
/** How long `ssh -G` may take: it looks names up and runs what stands behind `Match exec`. */
const longestMs = 30_000;
/** Once `ssh -G` has ended, how long what it started may keep its output open. */
const lastWordsMs = 500;

/**
 * @param files read in order, the first value wins, as in OpenSSH; missing ones are passed over
 * @param knownHosts the known_hosts files where none are configured: OpenSSH would take the home directory from the password file
 * @param env the environment of `ssh`
 */
export function opensshReader(files: readonly string[], knownHosts: readonly string[], env: Env): OpensshReader {
  const closing = new AbortController();
  const turns = new Slots(mostAtOnce);
  let made: Promise<string> | undefined;
  let prepared: { readonly folder: Promise<string>; readonly defaults: Promise<Printed> } | undefined;
  const includes = files.map((file) => `Include "${file}"`);
  // `ssh -G` prints its own defaults as if they had been configured. Behind all files, where only what nobody set is left
  // to set, stands a user of ours: that is the one way to tell a configured user from the login name of this machine.
  const ours = ["Match all", `  User ${nobody}`, "  IdentityFile none", `  UserKnownHostsFile ${knownHosts.map((path) => `"${path}"`).join(" ")}`];
  const makeFolder = async (): Promise<string> => {
    const folder = await (made ??= ownFolder(tmpdir(), "capstan-ssh"));
    const write = (name: string, lines: readonly string[]): Promise<void> => writeFile(join(folder, name), `${lines.join("\n")}\n`, { mode: 0o600 });
    await Promise.all([write("config", [...includes, ...ours]), write("plain", includes)]);
    return folder;
  };
  // Side by side, and beside the question about the first host: a start of ssh takes half as long as a handshake.
  const prepare = (): NonNullable<typeof prepared> => {
    const folder = makeFolder();
    const defaults = askOpenssh("none", { user: undefined, host: "default", port: undefined }, env, closing.signal).then(({ printed }) => printed);
    for (const part of [folder, defaults]) part.catch(() => undefined);
    return { folder, defaults };
  };
  const isInstalled = (): boolean => Bun.which("ssh", { PATH: env["PATH"] ?? "" }) !== null;
  const readAlone = async (address: Address, given: AbortSignal): Promise<Read> => {
    const signal = AbortSignal.any([given, closing.signal]);
    prepared ??= prepare();
    using _ = await turns.take(signal);
    const folder = await prepared.folder;
    const [{ printed, isFinal, files: read }, defaults] = await Promise.all([askOpenssh(join(folder, "config"), address, env, signal), prepared.defaults]);
    // A file that is read a second time (Match final, CanonicalizeHostname) comes too late behind what we set in the first.
    const late = isFinal ? (await askOpenssh(join(folder, "plain"), address, env, signal)).printed : new Map<string, string[]>();
    const isSet = (values: Printed, keyword: string): boolean => String(values.get(keyword)) !== String(defaults.get(keyword));
    const config = hostConfigFrom((keyword) => {
      if ((keyword === "user" || keyword === "userknownhostsfile") && isFinal && isSet(late, keyword)) return late.get(keyword) ?? [];
      const values = printed.get(keyword) ?? [];
      if (keyword === "user") return values.filter((user) => user !== nobody);
      return keyword === "hostname" || isSet(printed, keyword) ? values : [];
    });
    return { config, files: isFinal ? undefined : read.filter((file) => !file.startsWith(folder)) };
  };
  /** Of which hosts the files say the same: known once one was asked of. */
  let alike: Promise<ReturnType<typeof alikeIn>> | undefined;
  const known = new Map<string, Promise<HostConfig>>();
  const learn = async (asked: Promise<Read>): Promise<ReturnType<typeof alikeIn>> => {
    const { files: read } = await asked;
    return read === undefined ? () => undefined : alikeIn(await Promise.all(read.map((file) => readFile(file, "utf8"))));
  };
  return {
    async login() {
      return isInstalled() ? (await (prepared ??= prepare()).defaults).get("user")?.[0] : undefined;
    },
    async read(address, signal) {
      if (!isInstalled()) return undefined;
      let own: Promise<Read> | undefined;
      if (alike === undefined) {
        own = readAlone(address, signal);
        alike = learn(own).catch(() => () => undefined);
      }
      const key = (await alike)(address);
      const config = own?.then((read) => read.config);
      if (key === undefined) return await (config ?? readAlone(address, signal).then((read) => read.config));
      const shared = known.get(key) ?? config ?? readAlone(address, signal).then((read) => read.config);
      known.set(key, shared);
      try {
        return { ...(await shared), hostName: address.host };
      } catch (error) {
        // Whoever asked may have been cancelled: nobody else is, by that.
        if (known.get(key) === shared) known.delete(key);
        if (config === shared || signal.aborted || !isDeployError(error) || error.failure !== "cancelled") throw error;
        return (await readAlone(address, signal)).config;
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new CancelledError());
      await prepared?.defaults.catch(() => undefined);
      await prepared?.folder.catch(() => undefined);
      const folder = await made?.catch(() => undefined);
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function askOpenssh(file: string, { user, host, port }: Address, env: Env, signal: AbortSignal): Promise<{ readonly printed: Printed; readonly isFinal: boolean; readonly files: readonly string[] }> {
  const explicit = [...(user === undefined ? [] : ["-l", user]), ...(port === undefined ? [] : ["-p", String(port)])];
  const { stdout, stderr, status, isLate } = await runGroup(["ssh", "-v", "-G", "-F", file, ...explicit, "--", host], env, signal);
  if (status !== 0) {
    const said = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !/^(debug\d:|OpenSSH_|Pseudo-terminal )/.test(line));
    const why = isLate ? `"ssh -G ${host}" was not done within ${longestMs / 1000}s` : (said[0] ?? `"ssh -G ${host}" ended with status ${status}`);
    throw new DeployError("config", `Cannot read the SSH config: ${why}`, { hint: "Mend that line, or set ssh.config to false to go without it." });
  }
  const printed = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword !== undefined && value !== undefined) printed.set(keyword, [...(printed.get(keyword) ?? []), value]);
  }
  return { printed, isFinal: /^debug1: re-parsing configuration/m.test(stderr), files: [...stderr.matchAll(/^debug1: Reading configuration data (.+?)\r?$/gm)].map(([, path = ""]) => path) };
}

/** Runs a program with all that it starts: when its time is up, or nobody waits any more, all of it is ended. @throws CancelledError */
async function runGroup(argv: string[], env: Env, signal: AbortSignal): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number; readonly isLate: boolean }> {
  throwIfCancelled(signal);
  const child = Bun.spawn(argv, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
  const [stdout, stderr, silenced] = [new Output(undefined), new Output(undefined), new AbortController()];
  const drained = Promise.all([drain(child.stdout, stdout, silenced.signal), drain(child.stderr, stderr, silenced.signal)]);
  let isLate = false;
  const end = (): void => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const timers = [setTimeout(() => {
    isLate = true;
    end();
  }, longestMs)];
  try {
    using _ = onAbort(signal, end);
    const status = await child.exited;
    timers.push(setTimeout(() => silenced.abort(), lastWordsMs));
    await drained;
    if (signal.aborted) throw cancellation(signal);
    return { stdout: stdout.end(), stderr: stderr.end(), status, isLate };
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
