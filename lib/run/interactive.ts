import type { Command } from "../ground/command.ts";
import { ConnectError } from "../ground/errors.ts";
import type { Terminal } from "../ground/terminal.ts";
import type { World } from "../ground/world.ts";
import type { Interactive } from "../remote/container.ts";
import type { Errand } from "./each-host.ts";

/** Where a session runs, and what. */
export interface SessionErrand extends Errand {
  /** Takes away what the host keeps of a session that was cut off: Docker leaves the container there, for nothing hangs up inside it. */
  readonly leftover?: Command;
}

/** How docker is to join a command to the user's standard input: with a terminal of its own only where there is one here. */
export const joinedTo = (terminal: Terminal): Interactive => (terminal.kind === undefined ? "pipe" : "terminal");

/** How long taking away a leftover may take. */
const cleanUpMs = 15_000;

/**
 * Joins the user's terminal to a command on a host until the command ends. Nothing is lent before the host is connected.
 * @returns the command's exit status
 * @throws ConnectError, also when the connection is lost on the way, or a cancellation
 */
export async function interactiveSession(world: World, terminal: Terminal, { host, command, leftover }: SessionErrand): Promise<number> {
  await world.transport.connect(host, world.signal);
  try {
    return await world.transport.interact(host, command, terminal, world.signal);
  } catch (error) {
    if (leftover === undefined) throw error;
    if (world.signal.aborted) await world.transport.run(host, leftover, { timeoutMs: cleanUpMs, signal: new AbortController().signal }).catch(() => undefined);
    else if (error instanceof ConnectError && error.reason === "lost") throw mayStillRun(error, host, leftover);
    throw error;
  }
}

function mayStillRun(error: ConnectError, host: string, leftover: Command): ConnectError {
  const { reason, message, hint, details, cause } = error;
  return new ConnectError(host, reason, message, { hint, details, cause, state: [`The command may still run on ${host}; this ends it there: ${leftover}`] });
}
