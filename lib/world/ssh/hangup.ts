import { ConnectError } from "../../ground/errors.ts";
import type { Clock } from "../../ground/world.ts";
import { EarlyHangup } from "./failures.ts";

/** How often a host may hang up without a word, and the pause after the first time. */
const mostHangups = 3;
const hangupPauseMs = 300;

/** Connects again after a host has hung up without a word: sshd drops some of those who come at once (MaxStartups). @throws what `connect` rejects with, or a cancellation */
export async function againAfterHangup<T>(clock: Clock, signal: AbortSignal, connect: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect();
    } catch (error) {
      const isPassing = error instanceof ConnectError && error.cause instanceof EarlyHangup;
      if (!isPassing || attempt >= mostHangups) throw error;
      await clock.sleep(hangupPauseMs * 2 ** (attempt - 1) * (0.5 + Math.random()), signal);
    }
  }
}
