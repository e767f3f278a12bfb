import type { Unless } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { tell } from "./stamp.ts";

/** A registry that does not answer at once is pushed to. */
const askMs = 20_000;

/** Whether a step has nothing to do, which is told. Who cannot be asked says no. */
export async function isDone(world: World, { asks, because }: Unless): Promise<boolean> {
  const before: string[] = [];
  for (const { program, yes } of asks) {
    const exit = await world.programs.run(program(before), { timeoutMs: askMs, signal: world.signal }).catch((error: unknown) => {
      if (world.signal.aborted) throw error;
      return undefined;
    });
    if (exit?.status !== 0 || !yes(exit.stdout, before)) return false;
    before.push(exit.stdout);
  }
  tell(world, { type: "notice", level: "info", text: because });
  return true;
}
