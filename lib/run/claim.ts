import { CancelledError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { tell } from "./stamp.ts";

/** How long to wait between two tries. */
const againMs = 500;

/** Waits until a file of this machine can be claimed, which is told. @throws CancelledError; DeployError when it cannot be had at all */
export async function claimed(world: World, path: string): Promise<Disposable> {
  for (let tries = 0; ; tries++) {
    if (world.signal.aborted) throw new CancelledError();
    const claim = await world.claim(path);
    if (claim !== undefined) return claim;
    if (tries === 0) tell(world, { type: "notice", level: "info", text: `Another run builds in the clone of this project: waiting until it is done (${path})` });
    await world.clock.sleep(againMs, world.signal);
  }
}
