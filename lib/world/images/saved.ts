import { posix } from "node:path";
import { z } from "zod";
import type { ImageLayer, ImageVariant } from "../../ground/image.ts";
import { compressor } from "./gzip.ts";
import { makeVariant, notedLayer, variantsOf } from "./manifest.ts";
import { isDigest, type BlobStore, type BlobWriter } from "./store.ts";
import { readTar, type TarEntry } from "./tar.ts";

/** What `docker save` writes about its images. Source: moby's image specification 1.2, "Combined Image JSON + Filesystem Changeset Format". */
const Manifests = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) })).min(1);
/** Larger than any config or manifest, smaller than a layer that would be worth compressing. */
const smallBytes = 1024 * 1024;

interface Kept {
  /** `sha256:…` as it came. */
  readonly digest: string;
  readonly as: ImageLayer;
}

/**
 * Takes an image out of an archive as it comes: one of `docker save`, or an OCI layout as buildx writes it. Layers that came uncompressed are compressed
 * where that helps; what the store has already is not written again.
 * @throws Error for what is no such archive
 */
export async function readSaved(store: BlobStore, source: AsyncIterable<Uint8Array>): Promise<readonly ImageVariant[]> {
  const files = new Map<string, Kept>();
  const links = new Map<string, string>();
  for await (const entry of readTar(source)) {
    const name = posix.normalize(entry.name);
    if (entry.kind === "link") links.set(name, posix.join(posix.dirname(name), entry.target));
    if (entry.kind === "file") files.set(name, await keep(store, entry, name));
  }
  const found = (name: string): Kept => {
    const kept = files.get(name) ?? files.get(links.get(name) ?? "");
    if (kept === undefined) throw new Error(`${name} is missing in it`);
    return kept;
  };
  const index = files.get("index.json");
  if (index !== undefined) return await variantsOf(store, index.digest, new Map([...files.values()].map(({ digest, as }) => [digest, as])));
  const manifests = Manifests.parse(JSON.parse(new TextDecoder().decode(await store.bytes(found("manifest.json").digest))));
  return Promise.all(manifests.map(({ Config, Layers }) => makeVariant(store, found(Config).digest, Layers.map((name) => found(name).as))));
}

/** The digest that an OCI layout, and docker save since version 25, has in a file's name. */
const namedDigest = (name: string): string | undefined => {
  const [, hex = ""] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? [];
  return isDigest(`sha256:${hex}`) ? `sha256:${hex}` : undefined;
};

async function keep(store: BlobStore, entry: TarEntry, name: string): Promise<Kept> {
  const named = namedDigest(name);
  const known = named === undefined ? undefined : await notedLayer(store, named);
  if (named !== undefined && known !== undefined) return { digest: named, as: known };
  if (named !== undefined && (await store.sizeOf(named)) === entry.size) {
    await store.touch([named]);
    return { digest: named, as: { diffId: named, digest: named, size: entry.size } };
  }
  const raw = await store.writer();
  try {
    for await (const piece of entry.content) await raw.write(piece);
    const digest = await raw.seal(named);
    const before = await notedLayer(store, digest);
    return { digest, as: before ?? (await kept(store, raw, digest)) };
  } finally {
    await raw.discard();
  }
}

/**
 * Keeps a layer compressed where it is worth it, and notes what it was; anything else as it came. A layer that is to be compressed never stands under its own
 * digest: another run could count on it.
 */
async function kept(store: BlobStore, raw: BlobWriter, diffId: string): Promise<ImageLayer> {
  const shrink = raw.size < smallBytes ? undefined : await compressor(raw.path, raw.size);
  if (shrink === undefined) return { diffId, digest: await raw.finish(), size: raw.size };
  const writer = await store.writer();
  try {
    for await (const piece of shrink) await writer.write(piece);
    const digest = await writer.finish();
    await store.writeNote("layer", diffId, { digest, size: writer.size });
    return { diffId, digest, size: writer.size };
  } finally {
    await writer.discard();
  }
}
