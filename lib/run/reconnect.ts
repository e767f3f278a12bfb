import { ConnectError, isDeployError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { tell } from "./stamp.ts";
import { inWords } from "./vigil.ts";

/** How long a host that lost its connection may take to be there again before it is given up. */
const reconnectMs = 30_000;
const pauseMs = 500;

/** A connection that broke while it was in use, not one that could not be made. */
export const isLost = (error: unknown): error is ConnectError => isDeployError(error) && error.failure === "connect" && (error as ConnectError).reason === "lost";

/** Waits for a host whose sshd restarts, or whose network was away for a moment. @throws what the last attempt threw, or a cancellation */
export async function reconnect(world: World, host: string, signal: AbortSignal, patienceMs: number = reconnectMs): Promise<void> {
  const until = world.clock.now() + patienceMs;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  void world.clock.sleep(patienceMs, either).then(() => over.abort(), () => undefined);
  let last: unknown;
  try {
    for (;;) {
      try {
        return await world.transport.connect(host, either);
      } catch (error) {
        if (signal.aborted) throw error;
        if (either.aborted) throw last ?? new ConnectError(host, "timeout", `Cannot connect to ${host}: it did not answer within ${inWords(patienceMs)}`);
        if (world.clock.now() >= until) throw error;
        last = error;
        await world.clock.sleep(pauseMs, either).catch(() => undefined);
      }
    }
  } finally {
    over.abort();
  }
}

/**
 * What `read` gives; when the connection breaks meanwhile it is made again, once, and asked again: a question changes nothing.
 * @throws what the second try throws
 */
export async function askTwice<T>(world: World, host: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isLost(error) || world.signal.aborted) throw error;
    await connectAgain(world, host, error);
    return read();
  }
}

/** Makes a lost connection again, and tells it. @throws the loss itself when the host does not come back, or a cancellation */
export async function connectAgain(world: World, host: string, loss: ConnectError): Promise<void> {
  tell(world, { type: "notice", level: "warn", host, text: `${loss.message}. Connecting again` });
  try {
    await reconnect(world, host, world.signal);
  } catch (error) {
    if (world.signal.aborted) throw error;
    throw Object.assign(loss, { details: [...loss.details, `It could not be made again: ${error instanceof Error ? error.message : String(error)}`] });
  }
}
