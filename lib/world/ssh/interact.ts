import type { Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import type { Command } from "../../ground/command.ts";
import { ConnectError } from "../../ground/errors.ts";
import type { LentTerminal, Terminal } from "../../ground/terminal.ts";
import { unlessCancelled, within } from "../cancel.ts";
import type { Connection } from "./connection.ts";
import { execute, type Ending, type Execution } from "./execution.ts";
import { requestTerminal } from "./session.ts";
import { wrapSession } from "./shell.ts";

/** How long a host may take to give a terminal. */
const terminalMs = 30_000;

/** Numbers of the signals that RFC 4254, section 6.10, names. */
const signalNumbers: Readonly<Record<string, number>> = { HUP: 1, INT: 2, QUIT: 3, ILL: 4, ABRT: 6, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15 };

/**
 * Joins the user's terminal to a command in an open session.
 * @returns its exit status; 128 and the signal's number when one ended it, as a shell has it
 * @throws ConnectError (protocol when the host gives no terminal, lost), or a cancellation
 */
export async function interact(connection: Connection, channel: ClientChannel, command: Command, terminal: Terminal, signal: AbortSignal): Promise<number> {
  if (command.input !== undefined) throw new Error(`"${command}" brings its own input: it cannot have the user's`);
  const { kind } = terminal;
  if (kind !== undefined) await askForTerminal(connection, channel, command, kind, terminal, signal);
  using lent = lend(channel, terminal);
  const written = [forward(channel, (bytes) => lent.write("stdout", bytes)), forward(channel.stderr, (bytes) => lent.write("stderr", bytes))];
  const execution = execute(connection, channel, command.text, (text, run) => wrapSession(text, kind === undefined ? run : undefined));
  // The terminal may have changed while the host was asked for one.
  if (kind !== undefined) resize(channel, terminal);

  const ending = await untilAborted(execution, kind !== undefined, signal);
  await Promise.all(written.map((last) => last()));
  if (ending.lost) throw connection.lost(`while it ran "${command}"`);
  return ending.status ?? 128 + (signalNumbers[ending.signal?.replace("SIG", "") ?? ""] ?? 0);
}

async function askForTerminal(connection: Connection, channel: ClientChannel, command: Command, kind: string, terminal: Terminal, signal: AbortSignal): Promise<void> {
  channel.on("error", () => undefined);
  try {
    await unlessCancelled(within(terminalMs, requestTerminal(connection.client, channel, kind, terminal.size())), signal);
  } catch (error) {
    if (connection.isGone) throw connection.lost(`before it could run "${command}"`);
    channel.close();
    if (signal.aborted) throw error;
    throw new ConnectError(connection.host, "protocol", `Cannot run "${command}" on ${connection.host}: it gives no terminal`, { hint: "Set \"PermitTTY yes\" in sshd_config and take \"no-pty\" from authorized_keys, or pipe the input in.", cause: error });
  }
}

/** Input goes to the channel as fast as the host takes it. */
function lend(channel: ClientChannel, terminal: Terminal): LentTerminal {
  const lent: LentTerminal = terminal.lend({
    input: (bytes) => {
      if (channel.writable && !channel.write(bytes)) lent.flow(false);
    },
    end: () => void channel.end(),
    resize: () => resize(channel, terminal),
  });
  channel.on("drain", () => lent.flow(true));
  return lent;
}

function resize(channel: ClientChannel, terminal: Terminal): void {
  const { columns, rows } = terminal.size();
  channel.setWindow(rows, columns, 0, 0);
}

/** Output goes to the user as fast as it is read here. @returns resolves when all that came is written */
function forward(from: Readable, write: (bytes: Uint8Array) => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  from.on("data", (bytes: Uint8Array) => {
    from.pause();
    last = write(bytes).then(() => void from.resume());
  });
  return () => last;
}

/** How the command ended. A command with a terminal is ended by hanging up, as closing the window would; one without by its processes. */
async function untilAborted(execution: Execution, hasTerminal: boolean, signal: AbortSignal): Promise<Ending> {
  try {
    return await unlessCancelled(execution.ended, signal);
  } catch (error) {
    if (hasTerminal) execution.channel.close();
    else await execution.stop();
    throw error;
  }
}
