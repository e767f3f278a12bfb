import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { CancelledError, DeployError } from "../../ground/errors.ts";
import type { CollectedImage } from "../../ground/image.ts";
import type { Clock, Images, Programs } from "../../ground/world.ts";
import { makeArchive } from "./archive.ts";
import { collectImage } from "./collect.ts";
import { blobsOf } from "./manifest.ts";
import { BlobStore } from "./store.ts";

/** What delivering images needs of the world. */
export interface ImagesOptions {
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
}

/** Where layers are kept. Source: XDG Base Directory Specification 0.8: an empty or relative XDG_CACHE_HOME counts as none. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CACHE_HOME: given = "", HOME: home = "" } = env;
  return join(isAbsolute(given) ? given : join(isAbsolute(home) ? home : userInfo().homedir, ".cache"), "capstan");
}

/** Images out of the Docker of this machine, by way of a cache below the user's cache folder. */
export function createImages({ programs, env, cwd, clock }: ImagesOptions): Images & AsyncDisposable {
  const store = new BlobStore(cacheFolder(env));
  const collected = new Map<string, Promise<CollectedImage>>();
  const tidying = new Set<Promise<void>>();
  const built = new Set<string>();
  return {
    collect(image, options) {
      const before = collected.get(image);
      // What was built into a file is not to be had from Docker, which may even have an older image of that name.
      if (before !== undefined && built.has(image) && options.archive === undefined) return before;
      if (options.archive !== undefined) built.add(image);
      const collecting = collectImage({ store, programs, env, cwd, nowMs: () => clock.now(), tidying }, image, options);
      collected.set(image, collecting);
      return collecting;
    },
    async collected(image) {
      const collecting = collected.get(image);
      if (collecting === undefined) throw new DeployError("build", `Cannot deliver ${image}: it was not collected in this run`);
      return await collecting.catch((cause: unknown) => { throw new CancelledError(`Cannot deliver ${image}: it could not be collected`, { cause }); });
    },
    archive: (image, variant, there) => makeArchive(store, image, variant, there),
    async verify(image) {
      const blobs = [...new Set(blobsOf(await this.collected(image)))];
      let damaged = 0;
      for (const blob of blobs) if (!(await store.verify(blob))) damaged++;
      return damaged;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(tidying);
    },
  };
}
