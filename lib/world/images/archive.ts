import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { DeployError } from "../../ground/errors.ts";
import type { ImageArchive, ImageVariant } from "../../ground/image.ts";
import { sha256, type BlobStore } from "./store.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

const readBytes = 256 * 1024;
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar";

/** A file of the archive: what is in it, or the blob that is. */
interface File {
  readonly name: string;
  readonly size: number;
  readonly content: Uint8Array | string;
}

/** A piece of the archive's bytes: some that are here, or those of a blob. */
type Piece = { readonly size: number; readonly bytes: Uint8Array } | { readonly size: number; readonly blob: string };

/** Whole, as containerd names images: `docker.io/acme/shop:77`. */
export function wholeName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]/.test(first) || first === "localhost" ? name : `docker.io/${name}`;
}

/**
 * An image as `docker load` takes it, in both of its forms at once: `manifest.json` for a Docker that keeps images itself, an OCI layout for one that
 * leaves them to containerd. Either looks for a layer in the archive only when it does not have it, so those a host has can be left out. Source:
 * moby's image/tarexport/load.go (`lss.Get` before `loadLayer`), containerd's image import; tried with Docker 20.10.24 and containerd 1.6.20.
 * @param there how many layers, from the lowest on, are left out
 */
export async function makeArchive(store: BlobStore, name: string, variant: ImageVariant, there: number): Promise<ImageArchive> {
  const types = await Promise.all(variant.layers.map(async ({ diffId, digest }) => (diffId === digest ? layerType : `${layerType}+${await packingOf(store, digest)}`)));
  const manifest = JSON.stringify({
    schemaVersion: 2, mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: variant.config, size: variant.configSize },
    layers: variant.layers.map(({ digest, size }, i) => ({ mediaType: types[i], digest, size })),
  });
  const id = sha256(manifest);
  const annotations = { "io.containerd.image.name": wholeName(name), "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1) };
  const blob = (digest: string): string => `blobs/sha256/${digest.slice(7)}`;
  const text = (file: string, value: string): File => ({ name: file, size: Buffer.byteLength(value), content: new TextEncoder().encode(value) });
  const missing = variant.layers.slice(there).filter(({ digest }, i, all) => all.findIndex((other) => other.digest === digest) === i);
  const files: File[] = [
    text("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })),
    text("index.json", JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: manifestType, digest: id, size: Buffer.byteLength(manifest), annotations }] })),
    text("manifest.json", JSON.stringify([{ Config: blob(variant.config), RepoTags: [name], Layers: variant.layers.map(({ digest }) => blob(digest)) }])),
    text(blob(id), manifest),
    { name: blob(variant.config), size: variant.configSize, content: variant.config },
    ...missing.map(({ digest, size }) => ({ name: blob(digest), size, content: digest })),
  ];
  const pieces: Piece[] = [...files.flatMap((file): Piece[] => {
    const content: Piece = typeof file.content === "string" ? { size: file.size, blob: file.content } : { size: file.size, bytes: file.content };
    return [whole(tarHeader(file.name, file.size)), content, whole(tarPadding(file.size))];
  }), whole(tarEnd)];
  const marks = files.map((file) => `${file.name} ${file.size}`).join("\n");
  return {
    id: createHash("sha256").update(`${name}\n${marks}`).digest("hex").slice(0, 32),
    manifest: id,
    size: pieces.reduce((sum, { size }) => sum + size, 0),
    digest: () => digestOf(readPieces(store, pieces, 0)),
    read: (offset) => readPieces(store, pieces, offset),
  };
}

const whole = (bytes: Uint8Array): Piece => ({ size: bytes.length, bytes });

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of bytes) hash.update(piece);
  return hash.digest("hex");
}

async function* readPieces(store: BlobStore, pieces: readonly Piece[], offset: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  for (const piece of pieces) {
    if (skip >= piece.size) {
      skip -= piece.size;
      continue;
    }
    if ("bytes" in piece) yield piece.bytes.subarray(skip);
    else yield* readBlob(store, piece.blob, skip, piece.size);
    skip = 0;
  }
}

/** A blob from one of its bytes on. It must be as long as it is said to be, since the archive's headers are on their way already; one that is not leaves the cache. */
async function* readBlob(store: BlobStore, digest: string, from: number, size: number): AsyncGenerator<Uint8Array> {
  const path = store.pathOf(digest);
  const gone = async (cause?: unknown): Promise<DeployError> => {
    await store.remove(digest);
    return new DeployError("build", `Cannot send ${path}: it is not as it was when the image was collected`, { cause, hint: "Run the same command again: the image is collected anew." });
  };
  await using file = await open(path).catch(async (cause: unknown) => { throw await gone(cause); });
  for (let at = from; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(readBytes, size - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, at).catch(async (cause: unknown) => { throw await gone(cause); });
    if (bytesRead === 0) throw await gone();
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function packingOf(store: BlobStore, digest: string): Promise<"gzip" | "zstd"> {
  await using file = await open(store.pathOf(digest));
  const start = Buffer.alloc(4);
  await file.read(start, 0, 4, 0);
  return start.readUInt32BE(0) === 0x28b52ffd ? "zstd" : "gzip";
}
