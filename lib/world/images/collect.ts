import { programText } from "../../ground/command.ts";
import { DeployError, isDeployError } from "../../ground/errors.ts";
import type { CollectedImage, ImageVariant } from "../../ground/image.ts";
import type { CollectOptions, Exit, Programs } from "../../ground/world.ts";
import { onAbort, throwIfCancelled } from "../cancel.ts";
import { blobsOf, notedImage, variantsOf } from "./manifest.ts";
import { openPushRegistry, type PushRegistry } from "./push-registry.ts";
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
  await using registry = openPushRegistry(store, portOf(collector.env["HOME"] ?? ""));
  const tag = `${registry.address}/${repositoryOf(image)}:delivery`;
  // Side by side, since each start of docker takes as long as a small layer.
  const [inspected, tagged] = await Promise.all([docker(collector, ["image", "inspect", "--format", "{{.Id}}", image], options, askMs), docker(collector, ["tag", image, tag], options, askMs)]);
  using _ = untagging(collector, tag, tagged.status === 0);
  if (inspected.status !== 0) {
    const before = await notedImage(store, image, image);
    if (before !== undefined) return before;
    throw new DeployError("missing", `Cannot deliver ${image}: it is neither in the Docker of this machine nor in the cache`, {
      details: inspected.stderr.split("\n").filter(Boolean).slice(-3), hint: options.hint ?? "Build it first: `capstan build push`, or deploy without --skip-push.",
    });
  }
  const id = inspected.stdout.trim();
  const before = await notedImage(store, id, image);
  if (before !== undefined) return before;
  const pushed = tagged.status === 0 ? await byPush(collector, registry, image, id, options) : undefined;
  const variants = pushed ?? (await bySave(collector, image, options));
  const collected = { name: image, variants };
  await store.writeNote("image", id, collected);
  return collected;
}

const docker = ({ programs }: Collector, words: readonly string[], { signal }: Pick<CollectOptions, "signal">, timeoutMs: number, onOutput?: CollectOptions["onOutput"]): Promise<Exit> =>
  programs.run({ argv: ["docker", ...words] }, { timeoutMs, signal, ...(onOutput === undefined ? {} : { onOutput }) });

/** The registry's port and repository are the same each time: Docker then asks for each layer by the digest it had the last time, and compresses none of them again. */
const portOf = (home: string): number => 20_000 + (Number.parseInt(sha256(home).slice(7, 15), 16) % 10_000);
const repositoryOf = (image: string): string => `capstan/${image.slice(0, image.lastIndexOf(":")).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "")}`;

/** Takes the tag off when it is disposed, beside what comes then; the image keeps its own name. */
function untagging(collector: Collector, tag: string, isThere: boolean): Disposable {
  return {
    [Symbol.dispose]() {
      if (!isThere) return;
      const removing = collector.programs.run({ argv: ["docker", "rmi", "--no-prune", tag] }, { timeoutMs: askMs, signal: new AbortController().signal }).then(() => undefined, () => undefined);
      collector.tidying.add(removing);
      void removing.finally(() => collector.tidying.delete(removing));
    },
  };
}

/**
 * Lets Docker push the image to our registry at 127.0.0.1: it compresses and sends only what is not in the cache. Undefined when Docker does not get
 * there, as on a machine where it runs in one of its own.
 * @param id as Docker names the image: that of its config, or of its manifest where containerd keeps it
 */
async function byPush(collector: Collector, registry: PushRegistry, image: string, id: string, options: CollectOptions): Promise<readonly ImageVariant[] | undefined> {
  const repository = repositoryOf(image);
  try {
    if ((await docker(collector, ["push", `${registry.address}/${repository}:delivery`], options, collectMs, options.onOutput)).status !== 0) return undefined;
    const digest = registry.pushed(repository, "delivery");
    if (digest === undefined) return undefined;
    const variants = await variantsOf(collector.store, digest);
    return digest === id || variants.some(({ config }) => config === id) ? variants : undefined;
  } catch (error) {
    throwIfCancelled(options.signal);
    if (isDeployError(error) && error.failure === "cancelled") throw error;
    return undefined;
  }
}

async function bySave(collector: Collector, image: string, { signal }: CollectOptions): Promise<readonly ImageVariant[]> {
  throwIfCancelled(signal);
  const argv = ["docker", "save", image];
  const child = Bun.spawn(argv, { cwd: collector.cwd, env: { ...collector.env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  using _ = onAbort(signal, () => child.kill("SIGTERM"));
  const said = new Response(child.stderr).text();
  try {
    const variants = await readSaved(collector.store, child.stdout);
    if ((await child.exited) === 0) return variants;
    throw new Error(`it ended with status ${child.exitCode ?? "unknown"}`);
  } catch (error) {
    child.kill("SIGKILL");
    throwIfCancelled(signal);
    if (isDeployError(error)) throw error;
    throw new DeployError("build", `Cannot take ${image} out of Docker: "${programText({ argv })}" gave no image: ${error instanceof Error ? error.message : String(error)}`, { cause: error, details: (await said).split("\n").filter(Boolean).slice(-10), hint: "Run it by hand to see what it prints." });
  }
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
