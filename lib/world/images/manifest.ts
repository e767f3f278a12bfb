import { z } from "zod";
import type { CollectedImage, ImageLayer, ImageVariant } from "../../ground/image.ts";
import { isDigest, type BlobStore } from "./store.ts";

const digest = z.string().refine(isDigest);
const Descriptor = z.object({ mediaType: z.string().optional(), digest, size: z.number().int().nonnegative(), annotations: z.record(z.string(), z.string()).optional(), platform: z.object({ os: z.string(), architecture: z.string() }).optional() });
const Manifest = z.object({ config: Descriptor, layers: z.array(Descriptor) });
const Index = z.object({ manifests: z.array(Descriptor) });
const Config = z.object({ os: z.string().default("linux"), architecture: z.string(), rootfs: z.object({ diff_ids: z.array(digest) }) });
const ImageNote = z.object({ name: z.string(), variants: z.array(z.object({ platform: z.string(), config: digest, configSize: z.number(), layers: z.array(z.object({ diffId: digest, digest, size: z.number() })) })).min(1) });
const LayerNote = z.object({ digest, size: z.number() });

/** What is told of a blob by its name in an archive, where its digest is another one by now: layers that came uncompressed are kept compressed. */
export type KeptAs = ReadonlyMap<string, ImageLayer>;

const json = async (store: BlobStore, of: string): Promise<unknown> => JSON.parse(new TextDecoder().decode(await store.bytes(of)));

/**
 * The image for each platform that a manifest, or an index of manifests, leads to. Attestations, which are no images, are left out.
 * @throws Error for what is neither; DeployError (build) when a part of it is not in the store
 */
export async function variantsOf(store: BlobStore, root: string, kept: KeptAs = new Map()): Promise<readonly ImageVariant[]> {
  const value = await json(store, root);
  const index = Index.safeParse(value);
  if (!index.success) return [await variantOf(store, Manifest.parse(value), kept)];
  const found: ImageVariant[] = [];
  for (const { digest: child, platform, annotations } of index.data.manifests) {
    if (platform?.os === "unknown" || annotations?.["vnd.docker.reference.type"] !== undefined) continue;
    if ((await store.sizeOf(child)) === undefined) continue;
    found.push(...(await variantsOf(store, child, kept)));
  }
  return found;
}

async function variantOf(store: BlobStore, { config, layers }: z.output<typeof Manifest>, kept: KeptAs): Promise<ImageVariant> {
  return makeVariant(store, config.digest, layers.map((layer) => kept.get(layer.digest) ?? { digest: layer.digest, size: layer.size }));
}

/** An image of its config and its layers, the lowest first. @throws Error when the two do not fit each other */
export async function makeVariant(store: BlobStore, config: string, layers: readonly Pick<ImageLayer, "digest" | "size">[]): Promise<ImageVariant> {
  const bytes = await store.bytes(config);
  const { os, architecture, rootfs } = Config.parse(JSON.parse(new TextDecoder().decode(bytes)));
  if (rootfs.diff_ids.length !== layers.length) throw new Error(`its config tells of ${rootfs.diff_ids.length} layers, its manifest of ${layers.length}`);
  return { platform: `${os}/${architecture}`, config, configSize: bytes.length, layers: layers.map(({ digest, size }, i) => ({ diffId: rootfs.diff_ids[i] ?? "", digest, size })) };
}

/** Every blob of an image. */
export const blobsOf = ({ variants }: Pick<CollectedImage, "variants">): readonly string[] => variants.flatMap(({ config, layers }) => [config, ...layers.map((layer) => layer.digest)]);

/** An image that was collected before, by its name or its ID; undefined unless all of it is still there. */
export async function notedImage(store: BlobStore, key: string, name: string): Promise<CollectedImage | undefined> {
  const note = ImageNote.safeParse(await store.note("image", key));
  if (!note.success) return undefined;
  const image = { ...note.data, name };
  const parts = image.variants.flatMap(({ config, configSize, layers }) => [{ digest: config, size: configSize }, ...layers]);
  const areThere = await Promise.all(parts.map(async (part) => (await store.sizeOf(part.digest)) === part.size));
  if (areThere.includes(false)) return undefined;
  await store.touch(blobsOf(image));
  return image;
}

/** How a layer is kept; undefined when it is not. */
export async function notedLayer(store: BlobStore, diffId: string): Promise<ImageLayer | undefined> {
  const note = LayerNote.safeParse(await store.note("layer", diffId));
  if (!note.success || (await store.sizeOf(note.data.digest)) !== note.data.size) return undefined;
  await store.touch([note.data.digest]);
  return { diffId, ...note.data };
}
