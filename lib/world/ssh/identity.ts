import { readFile } from "node:fs/promises";
import { createAgent, type BaseAgent, type ParsedKey } from "ssh2";
import { ConnectError } from "../../ground/errors.ts";
import type { KeySource } from "../../ground/ssh-options.ts";
import type { Redactor } from "../redact.ts";
import { readKey } from "./key-format.ts";
import type { Target } from "./target.ts";

/** A key that can prove who we are. */
export interface Identity {
  /** For messages: the path of the file, or the comment in the agent. */
  readonly label: string;
  readonly publicKey: ParsedKey;
  /** Signs what the host asks for. May ask the user for a passphrase. @throws ConnectError (key-file) */
  sign(data: Buffer, hash: Hash | undefined): Promise<Buffer>;
  /** The same without waiting or asking. Undefined for keys in an agent, which may ask, and encrypted ones. */
  readonly signNow: ((data: Buffer, hash: Hash | undefined) => Buffer) | undefined;
}

export type Hash = "sha1" | "sha256" | "sha512";

/** What there is to log in with. */
export interface Identities {
  /** In the order to try. */
  readonly identities: readonly Identity[];
  /** What could not be used and why, for the message when nothing worked. */
  readonly notes: readonly string[];
}

export interface KeyringOptions {
  /** Keys that are secrets: tried after the key files the user named. */
  readonly keyData: readonly KeySource[];
  /** Asks the user. Undefined where nobody can be asked. */
  readonly prompt: ((question: string) => Promise<string>) | undefined;
  readonly redactor: Redactor;
}

/** How often a wrong passphrase may be corrected. */
const tries = 3;

/** How long an agent may take to list its keys: it may have to be unlocked first. */
const listMs = 30_000;
/** How long it may take to sign: the user may have to confirm. */
const signMs = 120_000;

type Loaded = Identity | { readonly unusable: string } | { readonly publicOnly: ParsedKey } | undefined;

/** The keys of this user. Each file is read, and each passphrase asked for, once for all hosts: opening an encrypted key takes up to a second in which nothing else runs. */
export class Keyring {
  readonly #options: KeyringOptions;
  readonly #files = new Map<string, Promise<Loaded>>();
  readonly #secrets = new Map<KeySource, Promise<Identity>>();
  readonly #agents = new Map<string, Promise<readonly Identity[] | string>>();
  #asking: Promise<unknown> = Promise.resolve();

  constructor(options: KeyringOptions) {
    this.#options = options;
  }

  /**
   * The keys to try on a host: those the user named, then as OpenSSH has it: the agent's that stand in ssh_config too, its others, and the
   * files. A host allows few tries, so that the likely ones come first.
   * @throws ConnectError (key-file) when a file the user named cannot be used
   */
  async for(target: Target): Promise<Identities> {
    const [named, given, usual, agent] = await Promise.all([
      Promise.all(target.keys.map((path) => this.#file(path))),
      Promise.all(this.#options.keyData.map((source) => this.#given(source))),
      Promise.all(target.identityFiles.map((path) => this.#file(path))),
      target.agent === undefined ? [] : this.#agent(target.agent),
    ]);
    const inAgent = typeof agent === "string" ? [] : agent;
    const notes = typeof agent === "string" ? [agent] : [];
    const found: Identity[] = [];
    const add = (identity: Identity): void => {
      if (!found.some((other) => sameKey(other.publicKey, identity.publicKey))) found.push(identity);
    };
    const heldOf = (loaded: Identity | { readonly publicOnly: ParsedKey }): Identity | undefined => {
      const key = "publicOnly" in loaded ? loaded.publicOnly : loaded.publicKey;
      return inAgent.find((identity) => sameKey(identity.publicKey, key));
    };
    /** A key that the agent holds needs no passphrase. */
    const addFile = (loaded: Identity | { readonly publicOnly: ParsedKey }, path: string): void => {
      const held = heldOf(loaded);
      if (held !== undefined) add({ ...held, label: `${path} (in the agent)` });
      else if ("publicOnly" in loaded) notes.push(`${path} is a public key whose private one is not in the agent`);
      else add(loaded);
    };
    for (const [i, path] of target.keys.entries()) {
      const loaded = named[i];
      if (loaded === undefined) throw keyFileError(target.name, path, "there is no such file", "Check ssh.keys in the config.");
      if ("unusable" in loaded) throw keyFileError(target.name, path, loaded.unusable, "Use a key of type ed25519, ecdsa or rsa, readable by you.");
      addFile(loaded, path);
    }
    for (const identity of given) add(identity);
    const files = target.identityFiles.flatMap((path, i) => (usual[i] === undefined ? [] : [{ path, loaded: usual[i] }]));
    for (const { path, loaded } of files) if (!("unusable" in loaded) && heldOf(loaded) !== undefined) addFile(loaded, path);
    if (!target.identitiesOnly) for (const identity of inAgent) add(identity);
    for (const { path, loaded } of files) {
      if ("unusable" in loaded) notes.push(`${path} cannot be used: ${loaded.unusable}`);
      else if (heldOf(loaded) === undefined) addFile(loaded, path);
    }
    return { identities: found, notes };
  }

  #given(source: KeySource): Promise<Identity> {
    const loading = this.#secrets.get(source) ?? this.#readGiven(source);
    this.#secrets.set(source, loading);
    return loading;
  }

  async #readGiven({ name, read }: KeySource): Promise<Identity> {
    const text = await read();
    this.#options.redactor.conceal(text, name);
    const file = readKey(text);
    if (file.kind === "private") return plainIdentity(`secret ${name}`, file.key);
    const why = file.kind === "unusable" ? file.why : file.kind === "public" ? "it is a public key" : "it needs a passphrase";
    throw keyFileError(undefined, `in secret ${name}`, why, "Give a private key without a passphrase, of type ed25519, ecdsa or rsa.");
  }

  #file(path: string): Promise<Loaded> {
    const loading = this.#files.get(path) ?? this.#load(path);
    this.#files.set(path, loading);
    return loading;
  }

  async #load(path: string): Promise<Loaded> {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT" || code === "ENOTDIR") {
        // The agent may hold the key whose public half lies here.
        const publicOnly = await publicKeyBeside(path);
        return publicOnly && { publicOnly };
      }
      return { unusable: code === "EACCES" ? "permission denied" : error instanceof Error ? error.message : String(error) };
    }
    const file = readKey(text);
    if (file.kind === "unusable") return { unusable: file.why };
    if (file.kind === "public") return { publicOnly: file.key };
    if (file.kind === "private") return plainIdentity(path, file.key);
    let opening: Promise<ParsedKey> | undefined;
    const open = (): Promise<ParsedKey> => (opening ??= this.#decrypt(path, text));
    const publicKey = file.publicKey ?? (await publicKeyBeside(path)) ?? (await open().catch((error: unknown) => String(error instanceof Error ? error.message : error)));
    return typeof publicKey === "string" ? { unusable: publicKey } : fileIdentity(path, publicKey, open);
  }

  /** Asks for the passphrase of one key after another: two questions at once could not be told apart. */
  #decrypt(path: string, text: string): Promise<ParsedKey> {
    const { prompt, redactor } = this.#options;
    const ask = async (): Promise<ParsedKey> => {
      if (prompt === undefined) throw keyFileError(undefined, path, "it needs a passphrase and nobody can be asked", `Add it to an agent with "ssh-add ${path}".`);
      for (let attempt = 1; attempt <= tries; attempt++) {
        const passphrase = await prompt(attempt === 1 ? `Passphrase of ${path}` : `Wrong. Passphrase of ${path}`);
        redactor.conceal(passphrase, `passphrase of ${path}`);
        const file = readKey(text, passphrase);
        if (file.kind === "private") return file.key;
      }
      throw keyFileError(undefined, path, "the passphrase is wrong", `Check it with "ssh-keygen -y -f ${path}".`);
    };
    const answer = this.#asking.then(ask);
    this.#asking = answer.catch(() => undefined);
    return answer;
  }

  #agent(path: string): Promise<readonly Identity[] | string> {
    const asking = this.#agents.get(path) ?? agentIdentities(path);
    this.#agents.set(path, asking);
    return asking;
  }
}

function fileIdentity(label: string, publicKey: ParsedKey, open: () => Promise<ParsedKey>): Identity {
  return { label, publicKey, sign: async (data, hash) => (await open()).sign(data, hash), signNow: undefined };
}

function plainIdentity(label: string, key: ParsedKey): Identity {
  return { label, publicKey: key, sign: async (data, hash) => key.sign(data, hash), signNow: (data, hash) => key.sign(data, hash) };
}

async function publicKeyBeside(path: string): Promise<ParsedKey | undefined> {
  const text = await readFile(`${path}.pub`, "utf8").catch(() => undefined);
  const file = text === undefined ? undefined : readKey(text);
  return file?.kind === "public" ? file.key : undefined;
}

/** The agent's keys, or why there are none. */
async function agentIdentities(path: string): Promise<readonly Identity[] | string> {
  const agent: BaseAgent = createAgent(path);
  const { promise, resolve } = Promise.withResolvers<readonly Identity[] | string>();
  const timer = setTimeout(() => resolve(`the agent at ${path} does not answer`), listMs);
  agent.getIdentities((error, keys) => {
    if (error || keys === undefined) return resolve(`the agent at ${path} does not answer`);
    const identities = keys.flatMap((key) => (typeof key === "object" && "getPublicSSH" in key ? [agentIdentity(agent, key, path)] : []));
    resolve(identities.length > 0 ? identities : `the agent at ${path} has no key that can be used: it may be locked`);
  });
  const answer = await promise;
  clearTimeout(timer);
  return answer;
}

function agentIdentity(agent: BaseAgent, publicKey: ParsedKey, path: string): Identity {
  return {
    label: `${publicKey.comment === "" ? publicKey.type : publicKey.comment} (in the agent)`,
    publicKey,
    signNow: undefined,
    async sign(data, hash) {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      const timer = setTimeout(() => reject(new Error(`the agent at ${path} gave no signature within ${signMs / 1000}s`)), signMs);
      agent.sign(publicKey, data, hash === undefined ? {} : { hash }, (error, signature) => (signature === undefined ? reject(new Error(`the agent at ${path} refused to sign`, { cause: error })) : resolve(signature)));
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const sameKey = (one: ParsedKey, other: ParsedKey): boolean => one.getPublicSSH().equals(other.getPublicSSH());

/** A key file that was named and is of no use. */
export function keyFileError(host: string | undefined, path: string, why: string, hint: string): ConnectError {
  return new ConnectError(host ?? "", "key-file", `Cannot use the key ${path}: ${why}`, { hint, host });
}
