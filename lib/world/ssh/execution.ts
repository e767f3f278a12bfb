import type { ClientChannel } from "ssh2";
import type { Command } from "../../ground/command.ts";
import { DeployError } from "../../ground/errors.ts";
import { mostSentBytes, sentBytes } from "../../ground/sent.ts";
import { holdsPlaceholder } from "../../ground/secret.ts";
import { within } from "../cancel.ts";
import { randomHex } from "../random.ts";
import type { Connection } from "./connection.ts";
import { isOpen, openSession, startCommand } from "./session.ts";
import { stopLine, wrap } from "./shell.ts";

/** What became of a command. */
export interface Ending {
  readonly status: number | undefined;
  /** Such as `SIGKILL`. */
  readonly signal: string | undefined;
  /** The connection ended before the command did, as far as we know. */
  readonly lost: boolean;
}

/** A command that runs on a host. */
export interface Execution {
  readonly channel: ClientChannel;
  /** Settles when the command has ended and all its output has come, or the connection is gone. */
  readonly ended: Promise<Ending>;
  /** Ends the command on the host, then waits a moment for it to be gone. Never rejects. */
  stop(): Promise<void>;
}

/** How long a host may take to open the session that stops a command: one that answers nothing must not hold us up. */
const openMs = 10_000;
/** How long a stopped command may take to go. */
const stopMs = 2500;

/** @throws DeployError (command) for a text that must not or cannot be sent */
export function checkCommand(host: string, command: Command): void {
  if (holdsPlaceholder(command.text)) {
    throw new DeployError("command", `Cannot run "${command}" on ${host}: it holds the placeholder of a secret`, { host, hint: "Pass secrets on standard input: a command line can be read by everybody on the host." });
  }
  if (sentBytes(command.text) > mostSentBytes) {
    throw new DeployError("command", `Cannot run a command of ${command.text.length} characters on ${host}: a shell takes at most ${mostSentBytes} bytes, and there are ${sentBytes(command.text)} with its quotes`, { host, hint: "Send large content on standard input." });
  }
}

/**
 * Starts a command in an open session. Input is to be written by the caller.
 * @param lineOf makes the line to send of the text and of the hex digits that mark its processes
 */
export function execute(connection: Connection, channel: ClientChannel, text: string, lineOf: (text: string, run: string) => string = wrap): Execution {
  const run = randomHex(8);
  const { promise: ended, resolve } = Promise.withResolvers<Ending>();
  let exit: Omit<Ending, "lost"> | undefined;
  let open = 2;
  const closed = (): void => {
    if (--open === 0) resolve(exit === undefined ? { status: undefined, signal: undefined, lost: true } : { ...exit, lost: false });
  };
  channel.on("exit", (status: number | null, signal?: string) => (exit = { status: status ?? undefined, signal: signal ?? undefined }));
  channel.on("error", () => undefined);
  channel.stderr.on("error", () => undefined);
  channel.on("close", closed);
  channel.stderr.on("close", closed);
  startCommand(connection.client, channel, lineOf(text, run), () => {
    exit ??= { status: 126, signal: undefined };
    channel.close();
  });
  return {
    channel,
    ended,
    async stop() {
      if (!connection.isGone) await within(openMs, stopRun(connection, run)).catch(() => undefined);
      await within(stopMs, ended).catch(() => undefined);
      if (isOpen(channel)) channel.close();
    },
  };
}

/** Uses a session of its own, past the slots: a host with all slots taken must be stoppable too. */
async function stopRun(connection: Connection, run: string): Promise<void> {
  const channel = await openSession(connection.client);
  channel.on("error", () => undefined);
  channel.resume();
  channel.stderr.resume();
  startCommand(connection.client, channel, wrap(stopLine(run), randomHex(8)), () => undefined);
  channel.end();
}
