import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile, type FileHandle } from "node:fs/promises";
import { DeployError, isDeployError } from "../../ground/errors.ts";
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

/** What is noted: an image by its name or ID, how a layer is kept, how long a blob is. */
type NoteKind = "image" | "layer" | "blob";

const unreadable = (path: string, cause?: unknown): DeployError => new DeployError("build", `Cannot read ${path}${cause === undefined ? ": it is damaged" : ""}`, { cause, hint: "Run the same command again: the image is collected anew." });

/** A blob that is being written: beside its place until its digest is known. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  readonly size: number;
  /** Where it is until it is in its place: no other run looks for it there. */
  readonly path: string;
  /** Ends the writing. @param wanted refused unless it is the digest of what was written. @returns the digest. @throws Error when it is not */
  seal(wanted?: string): Promise<string>;
  /** Puts it into its place, sealed or not. @param wanted refused unless it is the digest of what was written. @throws Error when it is not */
  finish(wanted?: string): Promise<string>;
  /** Throws it away. Harmless when it was finished. */
  discard(): Promise<void>;
}

/**
 * Layers, configs and notes by digest, in a folder that is the user's alone: one that others may write to is refused, also for reading. Several runs may
 * use it at once: a file is renamed into its place when it is whole and on the disk. One that is not as long as it was then counts as missing, so that
 * it is written again.
 */
export class BlobStore {
  readonly #root: string;
  #made: Promise<void> | undefined;
  #trusted: Promise<void> | undefined;

  /** @param root absolute; made with mode 0700 when it is first needed */
  constructor(root: string) {
    this.#root = root;
  }

  /** @throws DeployError (build) for what is no digest */
  pathOf(digest: string): string {
    if (!isDigest(digest)) throw new DeployError("build", `Cannot keep a layer: ${JSON.stringify(digest.slice(0, 80))} is no digest`);
    return `${this.#root}/blobs/${digest.slice(7)}`;
  }

  /** Its size in bytes; undefined when it is not there, or not as long as it was when it was written. */
  async sizeOf(digest: string): Promise<number | undefined> {
    if (!isDigest(digest)) return undefined;
    await this.#trust();
    const [found, written] = await Promise.all([stat(this.pathOf(digest)).catch(() => undefined), this.note("blob", digest)]);
    return found?.size === written ? found?.size : undefined;
  }

  /** A config or a manifest: all of it, compared with its digest. @throws DeployError (build) when it is not there, or damaged: it is removed then */
  async bytes(digest: string): Promise<Uint8Array> {
    await this.#trust();
    const found = await readFile(this.pathOf(digest)).catch((cause: unknown) => { throw unreadable(this.pathOf(digest), cause); });
    if (sha256(found) === digest) return found;
    await this.remove(digest);
    throw unreadable(this.pathOf(digest));
  }

  /** Whether a blob is still what its digest says, which takes reading it; if not, it is removed. */
  async verify(digest: string): Promise<boolean> {
    await this.#trust();
    const hash = createHash("sha256");
    try {
      for await (const piece of Bun.file(this.pathOf(digest)).stream()) hash.update(piece);
      if (`sha256:${hash.digest("hex")}` === digest) return true;
    } catch {
      // What the disk does not give back is as good as gone.
    }
    await this.remove(digest);
    return false;
  }

  async writer(): Promise<BlobWriter> {
    await this.#make();
    const part = `${this.#root}/blobs/${randomHex(8)}.part`;
    return new Part(await open(part, "wx", 0o600), part, async (digest, size) => {
      await this.writeNote("blob", digest, size);
      await rename(part, this.pathOf(digest));
    });
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
    await this.#trust();
    await Promise.all([this.pathOf(digest), this.#notePath("blob", digest)].map((path) => rm(path, { force: true })));
  }

  /** A note by kind and name; undefined when there is none, or it is not readable as JSON. */
  async note(kind: NoteKind, name: string): Promise<unknown> {
    await this.#trust();
    try {
      return JSON.parse(await readFile(this.#notePath(kind, name), "utf8"));
    } catch {
      return undefined;
    }
  }

  async writeNote(kind: NoteKind, name: string, value: unknown): Promise<void> {
    await this.#make();
    const part = `${this.#root}/notes/${randomHex(8)}.part`;
    await writeFile(part, JSON.stringify(value), { mode: 0o600 });
    await rename(part, this.#notePath(kind, name));
  }

  /** Marks blobs as used now. */
  async touch(digests: readonly string[]): Promise<void> {
    const now = new Date();
    await Promise.all(digests.flatMap((digest) => [this.pathOf(digest), this.#notePath("blob", digest)]).map((path) => utimes(path, now, now).catch(() => undefined)));
  }

  /** Removes what nobody used for a month, and the oldest of what is more than 20 GB. What was used today stays. */
  async prune(nowMs: number, limits: { readonly keepBytes: number } = { keepBytes }): Promise<void> {
    await this.#trust();
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

  #notePath(kind: NoteKind, name: string): string {
    return `${this.#root}/notes/${kind}-${sha256(name).slice(7)}`;
  }

  #make(): Promise<void> {
    return (this.#made ??= this.#makeFolders());
  }

  #trust(): Promise<void> {
    return (this.#trusted ??= this.#checkFolders());
  }

  /** Refuses folders of somebody else: notes tell which image belongs to a name, and whoever writes one could give us another. */
  async #checkFolders(): Promise<void> {
    const me = process.getuid?.();
    if (me === undefined) return;
    for (const path of ["", "/blobs", "/notes"].map((name) => `${this.#root}${name}`)) {
      const [itself, folder] = await Promise.all([lstat(path).catch(() => undefined), stat(path).catch(() => undefined)]);
      const others = [itself, folder].some((found) => found !== undefined && found.uid !== me);
      if (!others && ((folder?.mode ?? 0) & 0o022) === 0) continue;
      throw new DeployError("build", `Cannot use the cache in ${path}: ${others ? "it belongs to another user" : "other users may write to it"}`, {
        hint: others ? `Remove it, run "chown -R $(id -u) ${this.#root}", or set XDG_CACHE_HOME to a folder of your own.` : `Remove it: who knows what is in it. Or run "chmod -R go-w ${this.#root}" if you do.`,
      });
    }
  }

  async #makeFolders(): Promise<void> {
    try {
      for (const name of ["blobs", "notes"]) {
        await mkdir(`${this.#root}/${name}`, { recursive: true, mode: 0o700 });
        await this.#checkFolders();
        await chmod(`${this.#root}/${name}`, 0o700);
      }
    } catch (cause) {
      if (isDeployError(cause)) throw cause;
      throw new DeployError("build", `Cannot keep layers in ${this.#root}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: "Check who may write there, or set XDG_CACHE_HOME to another folder." });
    }
  }
}

class Part implements BlobWriter {
  size = 0;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #place: (digest: string, size: number) => Promise<void>;
  readonly #hash = createHash("sha256");
  #digest: string | undefined;
  #state: "open" | "closed" | "placed" = "open";

  constructor(file: FileHandle, path: string, place: (digest: string, size: number) => Promise<void>) {
    this.#file = file;
    this.path = path;
    this.#place = place;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.size += bytes.length;
    await this.#keeping(async () => {
      for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
    });
  }

  async seal(wanted?: string): Promise<string> {
    this.#digest ??= `sha256:${this.#hash.digest("hex")}`;
    if (this.#state === "open") {
      // A name that outlives a power cut without its bytes would be taken for the blob.
      await this.#keeping(() => this.#file.datasync());
      await this.#close();
    }
    if (wanted === undefined || wanted === this.#digest) return this.#digest;
    await this.discard();
    throw new Error(`it has the digest ${this.#digest}, not ${wanted}`);
  }

  async finish(wanted?: string): Promise<string> {
    const digest = await this.seal(wanted);
    await this.#place(digest, this.size);
    this.#state = "placed";
    return digest;
  }

  async discard(): Promise<void> {
    if (this.#state === "placed") return;
    await this.#close();
    await rm(this.path, { force: true });
  }

  async #close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    await this.#file.close();
  }

  async #keeping(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw new DeployError("build", `Cannot keep a layer in ${this.path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: "Check the disk of this machine, or set XDG_CACHE_HOME to a folder on a larger one." });
    }
  }
}
