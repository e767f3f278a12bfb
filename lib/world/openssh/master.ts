import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import type { Writable } from "node:stream";

/** A line of standard error longer than this is cut: the host has a say in some of them. */
const mostLine = 4096;
/** Lines that are kept while the connection opens. */
const mostWords = 500;
const pollMs = 10;
/** How long a master may take to go before it is killed. */
const patienceMs = 1500;

/**
 * Starts a program with a watch beside it: when our end of the pipe closes, whatever ends us, the program is ended, with all that it started, and its
 * folder removed. A line on the pipe says that the program has ended by itself: what it started, such as a ProxyCommand, is ended still.
 * They stand in a session of their own: Ctrl-C and a closed terminal are ours to answer, and what kills our process group leaves the watch alive.
 */
const watched = `
folder=$1; shift
{
  trap '' TERM
  read -r over <&3
  kill -s TERM -- "-$$"
  for i in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$over" ] && [ "$i" -gt 3 ] && break
    kill -0 "$$" || [ -n "$over" ] || break
    sleep 0.1
  done
  [ -n "$over" ] || { rm -rf "$folder"; rmdir "\${folder%/*}"; }
  kill -s KILL -- "-$$"
} >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

export interface MasterOptions {
  readonly argv: readonly string[];
  /** Folder of this master alone: removed when we are gone. */
  readonly folder: string;
  readonly socket: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of each line of standard error. @returns true: the line is none of OpenSSH's own */
  readonly onLine: (line: string) => boolean;
}

/** A running `ssh` that holds one connection. */
export class Master {
  /** Settles when it has ended, with all it said. */
  readonly ended: Promise<void>;
  readonly words: string[] = [];
  readonly #child: ChildProcess;
  readonly #socket: string;
  #isOver = false;
  #ready = false;

  constructor({ argv, folder, socket, env, onLine }: MasterOptions) {
    this.#socket = socket;
    this.#child = spawn("sh", ["-c", watched, "sh", folder, ...argv], { env: { ...env }, stdio: ["ignore", "ignore", "pipe", "pipe"], detached: true });
    const lifeline = this.#child.stdio[3] as Writable;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    const over = (): void => {
      this.#isOver = true;
      lifeline.end("over\n");
      resolve();
    };
    this.#child.on("error", over);
    // A jump host's ssh may hold standard error open for longer.
    this.#child.on("exit", () => {
      const timer = setTimeout(over, lastWordsMs);
      this.#child.stderr?.once("close", () => {
        clearTimeout(timer);
        over();
      });
    });
    lifeline.on("error", () => undefined);
    this.#read(onLine);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves to true when the socket serves, to false when the master ends before it does. */
  async ready(signal: AbortSignal): Promise<boolean> {
    while (!this.#isOver && !signal.aborted && !existsSync(this.#socket)) await new Promise((resolve) => setTimeout(resolve, pollMs));
    this.#ready = !this.#isOver && !signal.aborted;
    return this.#ready;
  }

  /** Ends the connection. Never rejects. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** To the program and all that it started. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // It has ended by itself.
    }
  }

  #read(onLine: (line: string) => boolean): void {
    let rest = "";
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = (lines.pop() ?? "").slice(-mostLine);
      for (const line of lines.map((line) => line.replace(/\r$/, "").slice(0, mostLine))) {
        if (!onLine(line) && !this.#ready && this.words.length < mostWords) this.words.push(line);
      }
    });
  }
}

/** After the program has ended, how long what it started may still speak. */
const lastWordsMs = 100;
