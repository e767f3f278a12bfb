import { DeployError, isDeployError } from "../../ground/errors.ts";
import type { CollectedImage, ImageVariant } from "../../ground/image.ts";
import type { CollectOptions, Programs } from "../../ground/world.ts";
import { throwIfCancelled } from "../cancel.ts";
import { removeTags, sweepTags } from "./delivery-tags.ts";
import { isSocket, type LocalDocker } from "./docker.ts";
import { localDocker } from "./docker-socket.ts";
import { blobsOf, notedImage, variantsOf } from "./manifest.ts";
import { openPushRegistry } from "./push-registry.ts";
import { saveImage } from "./save.ts";
import { readSaved } from "./saved.ts";
import { sha256, type BlobStore } from "./store.ts";

/** What collecting an image needs of the world. */
export interface Collector {
  readonly store: BlobStore;
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly nowMs: () => number;
  /** What is still being tidied up. */
  readonly tidying: Set<Promise<void>>;
}

/** Compressing and writing a large image takes a while. */
const collectMs = 3_600_000;
const askMs = 60_000;
/** A Docker that reaches us does so at once. */
const probeMs = 20_000;

/**
 * Brings the layers of an image into the cache: from an archive, else from the Docker of this machine, else what the cache has of it from before.
 * @throws DeployError (missing) when the image is nowhere, (build) when it cannot be had; a cancellation
 */
export async function collectImage(collector: Collector, image: string, options: CollectOptions): Promise<CollectedImage> {
  const { store } = collector;
  const collected = options.archive === undefined ? await fromDocker(collector, image, options) : { name: image, variants: await fromArchive(collector, options.archive, options) };
  if (collected.variants.length === 0) throw new DeployError("build", `Cannot collect ${image}: there is no image in it`, { hint: "Build it again: `capstan build push`." });
  await store.writeNote("image", image, collected);
  await store.touch(blobsOf(collected));
  const pruning = store.prune(collector.nowMs()).catch(() => undefined);
  collector.tidying.add(pruning);
  void pruning.finally(() => collector.tidying.delete(pruning));
  return collected;
}

async function fromDocker(collector: Collector, image: string, options: CollectOptions): Promise<CollectedImage> {
  const { store } = collector;
  const docker = await localDocker(collector.programs, collector.env, options.signal);
  await using way = isElsewhere(collector.env) ? undefined : openWay(collector, docker, image);
  // Side by side, since each start of docker takes as long as a small layer.
  const [inspected, isOpen] = await Promise.all([docker.idOf(image, { timeoutMs: askMs, signal: options.signal }), way?.isOpen(options)]);
  if (!inspected.ok) {
    const before = await notedImage(store, image, image);
    if (before !== undefined) return before;
    throw new DeployError("missing", `Cannot deliver ${image}: it is neither in the Docker of this machine nor in the cache`, {
      details: inspected.text.split("\n").filter(Boolean).slice(-3), hint: options.hint ?? "Build it first: `capstan build push`, or deploy without --skip-push.",
    });
  }
  const id = inspected.text;
  const before = await notedImage(store, id, image);
  if (before !== undefined) return before;
  const pushed = isOpen === true ? await way?.push(id, options) : undefined;
  const variants = pushed ?? (await saveImage(collector, image, options.signal));
  const collected = { name: image, variants };
  await store.writeNote("image", id, collected);
  return collected;
}

/** The registry's port and repository are the same each time: Docker then asks for each layer by the digest it had the last time, and compresses none of them again. */
const portOf = (home: string): number => 20_000 + (Number.parseInt(sha256(home).slice(7, 15), 16) % 10_000);
const repositoryOf = (image: string): string => `capstan/${image.slice(0, image.lastIndexOf(":")).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "")}`;

const isElsewhere = ({ DOCKER_HOST: host = "" }: Collector["env"]): boolean => host !== "" && !isSocket(host);

/** The way of an image out of Docker by a push to our registry at 127.0.0.1: Docker compresses and sends only what is not in the cache. */
interface Way extends AsyncDisposable {
  /**
   * Gives the image its name for the push, and finds out whether that would reach us. The 127.0.0.1 of a Docker on another machine, or in another network
   * namespace, is not ours: whoever listens there would be given the image. So nothing is pushed before this Docker has asked us for a secret name.
   */
  isOpen(options: CollectOptions): Promise<boolean>;
  /** Undefined when it did not work, or what came is another image. @param id as Docker names it: that of its config, or of its manifest where containerd keeps it */
  push(id: string, options: CollectOptions): Promise<readonly ImageVariant[] | undefined>;
}

function openWay(collector: Collector, docker: LocalDocker, image: string): Way {
  const { store, tidying } = collector;
  const registry = openPushRegistry(store, repositoryOf(image), portOf(collector.env["HOME"] ?? ""));
  const tag = `${registry.address}/${repositoryOf(image)}:delivery`;
  let mayBeTagged = false;
  const behind = (work: Promise<void>): void => {
    tidying.add(work);
    void work.finally(() => tidying.delete(work));
  };
  return {
    async isOpen(options) {
      mayBeTagged = true;
      const { signal } = options;
      const [tagged, isBehindSocket] = await Promise.all([docker.tag(image, tag, { timeoutMs: askMs, signal }), docker.isBehindSocket({ timeoutMs: askMs, signal }), docker.pull(registry.probe, { timeoutMs: probeMs, signal })]);
      throwIfCancelled(signal);
      mayBeTagged = tagged.ok;
      return tagged.ok && isBehindSocket && registry.wasFound;
    },
    async push(id, options) {
      behind(sweepTags(docker, tag));
      try {
        if (!(await docker.push(tag, { timeoutMs: collectMs, signal: options.signal, onOutput: options.onOutput })).ok) return undefined;
        const digest = registry.pushed("delivery");
        if (digest === undefined) return undefined;
        const variants = await variantsOf(store, digest);
        return digest === id || variants.some(({ config }) => config === id) ? variants : undefined;
      } catch (error) {
        throwIfCancelled(options.signal);
        if (isDeployError(error) && error.failure === "cancelled") throw error;
        return undefined;
      }
    },
    async [Symbol.asyncDispose]() {
      if (mayBeTagged) behind(removeTags(docker, [tag]));
      await registry[Symbol.asyncDispose]();
    },
  };
}

async function fromArchive({ store }: Collector, path: string, { signal }: CollectOptions): Promise<readonly ImageVariant[]> {
  try {
    const variants = await readSaved(store, Bun.file(path).stream());
    await Bun.file(path).delete();
    return variants;
  } catch (error) {
    throwIfCancelled(signal);
    if (isDeployError(error)) throw error;
    throw new DeployError("build", `Cannot take the image out of ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: "Build it again: `capstan build push`." });
  }
}
