import type { Terminal } from "../ground/terminal.ts";
import type { Clock } from "../ground/world.ts";
import { processTerminal } from "./terminal.ts";

/** One output of the process. */
export interface Sink {
  /** Text for a reader that went away is dropped: a deploy does not end because `head` did. */
  write(text: string): void;
  /** Aborted when the reader went away, for what has no other purpose than to be read: `app logs --follow | head`. */
  readonly closed: AbortSignal;
  /** It is a terminal. */
  readonly terminal: boolean;
  /** Size now, in characters; 80 by 24 where it is unknown. */
  size(): { readonly columns: number; readonly rows: number };
}

/** Everything of the process that the command line touches. Tests pass their own. */
export interface Io {
  /** Results. */
  readonly stdout: Sink;
  /** Progress and errors. */
  readonly stderr: Sink;
  /** Standard input and outputs as a session on a host uses them. */
  readonly terminal: Terminal;
  /** Questions can be asked. */
  readonly interactive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Calls `work` when the process ends in any way but kill -9, such as by a second Ctrl-C. @returns takes it back */
  atExit(work: () => void): () => void;
  /** Calls `work` for what was thrown where nobody waited for it, then ends the process with status 1. @returns takes it back */
  onStray(work: (error: unknown) => void): () => void;
}

/** The process itself. @param signal aborted by Ctrl-C */
export function processIo(clock: Clock, signal: AbortSignal): Io {
  return {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    terminal: processTerminal(),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    env: process.env,
    cwd: process.cwd(),
    clock,
    signal,
    atExit(work) {
      process.once("exit", work);
      return () => process.off("exit", work);
    },
    onStray(work) {
      const end = (error: unknown): never => {
        work(error);
        process.exit(1);
      };
      process.on("uncaughtException", end).on("unhandledRejection", end);
      return () => process.off("uncaughtException", end).off("unhandledRejection", end);
    },
  };
}

/** What a write to a reader that went away fails with: a pipe, and a terminal whose window was closed. */
const goneCodes: readonly (string | undefined)[] = ["EPIPE", "EIO"];

/** One output of the process as a sink. */
export function sinkOf(stream: NodeJS.WriteStream): Sink {
  const closed = new AbortController();
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!goneCodes.includes(error.code)) throw error;
    closed.abort();
  });
  return {
    write(text) {
      if (!closed.signal.aborted) stream.write(text);
    },
    closed: closed.signal,
    terminal: stream.isTTY === true,
    size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
  };
}
