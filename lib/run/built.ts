import type { LocalFacts } from "../build/facts.ts";
import { identityProgram, parseIdentity } from "../build/identity.ts";
import type { Settings } from "../config/settings.ts";
import { isDeployError } from "../ground/errors.ts";
import type { BuiltImage } from "../ground/image.ts";
import type { World } from "../ground/world.ts";

/** How the image of a run was made. */
export interface Making {
  /** The Docker of this machine has it, and pushed it. */
  readonly isHere: boolean;
  /** `sha256:…` of what was pushed, where the build told. */
  readonly pushed?: string;
}

/** How the image is made with what this machine has. The driver docker, buildpacks and a Docker without buildx leave it in the Docker of this machine, which pushes it from there. */
export const makingOf = ({ withoutRegistry, builder }: Settings, { buildx }: Pick<LocalFacts, "buildx">): Making =>
  ({ isHere: withoutRegistry !== true && (builder.pack !== undefined || buildx === undefined || (builder.driver === "docker" && builder.remote === undefined)) });

/** What the image of this run is known by elsewhere. Undefined where that cannot be told. */
export async function builtImage(world: World, settings: Settings, image: string, { isHere, pushed }: Making): Promise<BuiltImage | undefined> {
  if (pushed !== undefined) return { ids: [pushed], digests: [pushed] };
  if (isHere) return await ownIdentity(world, settings, image);
  const ids = settings.withoutRegistry === true ? await collectedIds(world, image) : [];
  return ids.length === 0 ? undefined : { ids, digests: [] };
}

async function ownIdentity(world: World, settings: Settings, image: string): Promise<BuiltImage | undefined> {
  const exit = await world.programs.run(identityProgram(image), { timeoutMs: 30_000, signal: world.signal }).catch((error: unknown) => {
    if (world.signal.aborted) throw error;
    return undefined;
  });
  return exit?.status === 0 ? parseIdentity(settings, exit.stdout) : undefined;
}

/** What hosts take for its ID once it was delivered: Docker's own store that of its config, containerd's that of its manifest. */
async function collectedIds(world: World, image: string): Promise<readonly string[]> {
  try {
    const { variants } = await world.images.collected(image);
    const manifests = await Promise.all(variants.map(async (variant) => (await world.images.archive(image, variant, variant.layers.length)).manifest));
    return [...variants.map(({ config }) => config), ...manifests];
  } catch (error) {
    if (!isDeployError(error)) throw error;
    return [];
  }
}
