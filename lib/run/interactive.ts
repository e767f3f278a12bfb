import type { Command } from "../ground/command.ts";
import type { Terminal } from "../ground/terminal.ts";
import type { World } from "../ground/world.ts";
import type { Interactive } from "../remote/container.ts";

/** How docker is to join a command to the user's standard input: with a terminal of its own only where there is one here. */
export const joinedTo = (terminal: Terminal): Interactive => (terminal.kind === undefined ? "pipe" : "terminal");

/**
 * Joins the user's terminal to a command on a host until the command ends. Nothing is lent before the host is connected.
 * @returns the command's exit status
 * @throws ConnectError, also when the connection is lost on the way, or a cancellation
 */
export async function interactiveSession(world: World, terminal: Terminal, host: string, command: Command): Promise<number> {
  await world.transport.connect(host, world.signal);
  return await world.transport.interact(host, command, terminal, world.signal);
}
