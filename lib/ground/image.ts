/** A layer of an image that waits in the cache of this machine. */
export interface ImageLayer {
  /** `sha256:…` of what is in it, as the image's config names it: the same everywhere. */
  readonly diffId: string;
  /** `sha256:…` of it as it is kept and sent, which may be compressed. */
  readonly digest: string;
  /** Bytes as it is kept and sent. */
  readonly size: number;
}

/** An image for one platform. */
export interface ImageVariant {
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** `sha256:…` of its config: the image's ID in a Docker that keeps images itself. */
  readonly config: string;
  readonly configSize: number;
  readonly layers: readonly ImageLayer[];
}

/** An image whose layers wait in the cache of this machine. */
export interface CollectedImage {
  /** With its tag: `acme/shop:77`. */
  readonly name: string;
  readonly variants: readonly ImageVariant[];
}

/** What an image that was built in this run is known by elsewhere. */
export interface BuiltImage {
  /** `sha256:…` of its config, its manifest, its index: whichever of them a Docker takes for its ID. */
  readonly ids: readonly string[];
  /** `sha256:…` of what the registry has, those of {@link ids} that hosts name after a pull. Empty without a registry. */
  readonly digests: readonly string[];
}

/** What `docker load` is given: an image without the layers that a host has. The same image and the same gap make the same bytes. */
export interface ImageArchive {
  /** 32 hex digits that tell its bytes from those of any other. */
  readonly id: string;
  /** The image's ID in a Docker whose images containerd keeps. */
  readonly manifest: string;
  readonly size: number;
  /** SHA-256 of all its bytes, in hex. It reads them all. Throws as {@link read} does. */
  digest(): Promise<string>;
  /** Its bytes from one of them on. Throws a DeployError (build) when a layer is gone from the cache. */
  read(offset: number): AsyncIterable<Uint8Array>;
}

/** How many of an image's layers a host has: those it shares with one of the host's images from the first one on, since Docker finds a layer by all that is below it. */
export function layersThere({ layers }: Pick<ImageVariant, "layers">, images: readonly (readonly string[])[]): number {
  const shared = (other: readonly string[]): number => {
    const differs = layers.findIndex(({ diffId }, i) => diffId !== other[i]);
    return differs < 0 ? layers.length : differs;
  };
  return Math.max(0, ...images.map(shared));
}

const units = ["B", "kB", "MB", "GB"] as const;

/** Bytes for people, in powers of ten as Docker has them: `498 MB`, `2.1 MB`, `12 B`. */
export function byteText(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ""}`;
}
