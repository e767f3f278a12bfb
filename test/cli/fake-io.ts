import type { Terminal } from "../../lib/ground/terminal.ts";
import type { Io, Sink } from "../../lib/cli/io.ts";

/** A process that is not there: what was written, and knobs for terminals and Ctrl-C. */
export function fakeIo(options: { readonly env?: Record<string, string>; readonly stderrTerminal?: boolean; readonly columns?: number; readonly terminal?: Terminal } = {}) {
  const written = { stdout: "", stderr: "" };
  const abort = new AbortController();
  const exits = new Set<() => void>();
  const sink = (name: keyof typeof written, terminal: boolean): Sink => ({
    write: (text) => void (written[name] += text),
    closed: new AbortController().signal,
    terminal,
    size: () => ({ columns: options.columns ?? 80, rows: 24 }),
  });
  let nowMs = Date.parse("2026-03-01T14:03:07Z");
  const io: Io = {
    stdout: sink("stdout", false),
    stderr: sink("stderr", options.stderrTerminal ?? false),
    terminal: options.terminal ?? { kind: undefined, size: () => ({ columns: 80, rows: 24 }), lend: () => { throw new Error("Nobody was to use the terminal"); } },
    interactive: false,
    env: options.env ?? {},
    cwd: "/work",
    clock: {
      now: () => (nowMs += 250),
      sleep: (_ms, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped")))),
    },
    signal: abort.signal,
    onStray: () => () => undefined,
    atExit(work) {
      exits.add(work);
      return () => exits.delete(work);
    },
  };
  return { io, written, abort, exits };
}
