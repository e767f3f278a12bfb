import { DeployError } from "../ground/errors.ts";
import type { Terminal } from "../ground/terminal.ts";
import type { World } from "../ground/world.ts";
import { interactiveSession, type SessionErrand } from "../run/interactive.ts";
import type { AnyContext } from "./session.ts";

/** As of a program that SIGPIPE ended. */
const nobodyReads = 141;

/** @throws DeployError (usage) for a session whose output would have to be JSON */
export function refuseJson({ options, path }: AnyContext): void {
  if (options.json && !options.dryRun) throw new DeployError("usage", `Cannot run "${path.join(" ")}": --json and --interactive exclude each other`, { hint: "A session passes bytes through as they are. Leave out one of them." });
}

/**
 * Carries out a session of the user's own; the live view stays off the screen while the terminal is lent.
 * @returns the command's exit status, or 141 when our standard output is not read any more
 */
export async function runSession({ io, pause }: Pick<AnyContext, "io" | "pause">, world: World, errand: SessionErrand): Promise<number> {
  const { closed } = io.stdout;
  try {
    return await interactiveSession({ ...world, signal: AbortSignal.any([world.signal, closed]) }, quietly(io.terminal, pause), errand);
  } catch (error) {
    if (closed.aborted && !world.signal.aborted) return nobodyReads;
    throw error;
  }
}

function quietly(terminal: Terminal, pause: () => () => void): Terminal {
  return {
    ...terminal,
    lend(events) {
      const resume = pause();
      const lent = terminal.lend(events);
      return {
        ...lent,
        [Symbol.dispose]() {
          lent[Symbol.dispose]();
          resume();
        },
      };
    },
  };
}
