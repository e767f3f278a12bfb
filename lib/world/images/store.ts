import { createHash } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile, type FileHandle } from "node:fs/promises";
import { DeployError } from "../../ground/errors.ts";
import { randomHex } from "../random.ts";

const digestForm = /^sha256:[0-9a-f]{64}$/;
/** Whether a text is the digest of a blob: nothing else is ever made into a path. */
export const isDigest = (text: string): boolean => digestForm.test(text);

export const sha256 = (bytes: Uint8Array | string): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** How long what nobody used is kept, and how much in all. */
const keepMs = 30 * 86_400_000;
const keepBytes = 20e9;
/** What was used so lately may be in use by another run. */
const inUseMs = 86_400_000;

/** A blob that is being written: beside its place until its digest is known. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  readonly size: number;
  /** Puts it into its place. @param wanted refused unless it is the digest of what was written. @throws Error when it is not */
  finish(wanted?: string): Promise<string>;
  /** Throws it away. Harmless when it was finished. */
  discard(): Promise<void>;
}

/**
 * Layers, configs and notes by digest, in a folder that is the user's alone. Several runs may use it at once: a file is renamed into its place when
 * it is whole, and a place is never written twice.
 */
export class BlobStore {
  readonly #root: string;
  #made: Promise<void> | undefined;

  /** @param root absolute; made with mode 0700 when it is first needed */
  constructor(root: string) {
    this.#root = root;
  }

  /** @throws DeployError (build) for what is no digest */
  pathOf(digest: string): string {
    if (!isDigest(digest)) throw new DeployError("build", `Cannot keep a layer: ${JSON.stringify(digest.slice(0, 80))} is no digest`);
    return `${this.#root}/blobs/${digest.slice(7)}`;
  }

  /** Its size in bytes; undefined when it is not there. */
  async sizeOf(digest: string): Promise<number | undefined> {
    return isDigest(digest) ? (await stat(this.pathOf(digest)).catch(() => undefined))?.size : undefined;
  }

  /** @throws DeployError (build) when it is not there */
  async bytes(digest: string): Promise<Uint8Array> {
    return await readFile(this.pathOf(digest)).catch((cause: unknown) => {
      throw new DeployError("build", `Cannot read ${this.pathOf(digest)}`, { cause, hint: "Run the same command again: the image is collected anew." });
    });
  }

  async writer(): Promise<BlobWriter> {
    await this.#make();
    const part = `${this.#root}/blobs/${randomHex(8)}.part`;
    return new Part(await open(part, "wx", 0o600), part, (digest) => this.pathOf(digest));
  }

  async put(bytes: Uint8Array | string): Promise<string> {
    const writer = await this.writer();
    try {
      await writer.write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
      return await writer.finish();
    } finally {
      await writer.discard();
    }
  }

  /** Forgets a blob. */
  async remove(digest: string): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  /** A note by kind and name; undefined when there is none, or it is not readable as JSON. */
  async note(kind: "image" | "layer", name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#notePath(kind, name), "utf8"));
    } catch {
      return undefined;
    }
  }

  async writeNote(kind: "image" | "layer", name: string, value: unknown): Promise<void> {
    await this.#make();
    const part = `${this.#root}/notes/${randomHex(8)}.part`;
    await writeFile(part, JSON.stringify(value), { mode: 0o600 });
    await rename(part, this.#notePath(kind, name));
  }

  /** Marks blobs as used now. */
  async touch(digests: readonly string[]): Promise<void> {
    const now = new Date();
    await Promise.all(digests.map((digest) => utimes(this.pathOf(digest), now, now).catch(() => undefined)));
  }

  /** Removes what nobody used for a month, and the oldest of what is more than 20 GB. What was used today stays. */
  async prune(nowMs: number, limits: { readonly keepBytes: number } = { keepBytes }): Promise<void> {
    const folders = await Promise.all(["blobs", "notes"].map(async (name) => (await readdir(`${this.#root}/${name}`).catch(() => [])).map((file) => `${this.#root}/${name}/${file}`)));
    const files = (await Promise.all(folders.flat().map(async (path) => ({ path, found: await stat(path).catch(() => undefined) })))).flatMap(({ path, found }) => (found === undefined ? [] : [{ path, size: found.size, ageMs: nowMs - found.mtimeMs }]));
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, ageMs } of files.toSorted((a, b) => b.ageMs - a.ageMs)) {
      const left = path.endsWith(".part");
      if (ageMs < inUseMs || !(left || ageMs > keepMs || total > limits.keepBytes)) continue;
      await rm(path, { force: true });
      total -= size;
    }
  }

  #notePath(kind: string, name: string): string {
    return `${this.#root}/notes/${kind}-${sha256(name).slice(7)}`;
  }

  #make(): Promise<void> {
    return (this.#made ??= this.#makeFolders());
  }

  async #makeFolders(): Promise<void> {
    try {
      for (const name of ["blobs", "notes"]) {
        await mkdir(`${this.#root}/${name}`, { recursive: true, mode: 0o700 });
        await chmod(`${this.#root}/${name}`, 0o700);
      }
    } catch (cause) {
      throw new DeployError("build", `Cannot keep layers in ${this.#root}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: "Check who may write there, or set XDG_CACHE_HOME to another folder." });
    }
  }
}

class Part implements BlobWriter {
  size = 0;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #placeOf: (digest: string) => string;
  readonly #hash = createHash("sha256");
  #open = true;

  constructor(file: FileHandle, path: string, placeOf: (digest: string) => string) {
    this.#file = file;
    this.#path = path;
    this.#placeOf = placeOf;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.size += bytes.length;
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
    } catch (cause) {
      throw new DeployError("build", `Cannot keep a layer in ${this.#path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: "Check the disk of this machine, or set XDG_CACHE_HOME to a folder on a larger one." });
    }
  }

  async finish(wanted?: string): Promise<string> {
    const digest = `sha256:${this.#hash.digest("hex")}`;
    await this.#close();
    if (wanted !== undefined && wanted !== digest) {
      await rm(this.#path, { force: true });
      throw new Error(`it has the digest ${digest}, not ${wanted}`);
    }
    await rename(this.#path, this.#placeOf(digest));
    return digest;
  }

  async discard(): Promise<void> {
    if (!this.#open) return;
    await this.#close();
    await rm(this.#path, { force: true });
  }

  async #close(): Promise<void> {
    this.#open = false;
    await this.#file.close();
  }
}
