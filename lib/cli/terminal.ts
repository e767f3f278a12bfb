import type { Terminal, TerminalEvents } from "../ground/terminal.ts";

/** The terminal or the pipes of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // The size belongs to the outputs; with both redirected there is nothing to see of it.
  const screen = [stdout, stderr].find((stream) => stream.isTTY === true);
  const isTerminal = stdin.isTTY === true;
  return {
    kind: isTerminal ? env["TERM"] || "xterm-256color" : undefined,
    size: () => ({ columns: screen?.columns || 80, rows: screen?.rows || 24 }),
    lend(events) {
      const release = isTerminal ? makeRaw(stdin) : () => undefined;
      // Whatever ends this process, the terminal must be usable afterwards.
      process.once("exit", release);
      const stop = listen(events, stdin, screen);
      let over = false;
      return {
        flow(on) {
          if (over) return;
          if (on) stdin.resume();
          else stdin.pause();
        },
        write: (stream, bytes) => written({ stdout, stderr }[stream], bytes),
        [Symbol.dispose]() {
          over = true;
          stop();
          release();
          process.off("exit", release);
        },
      };
    },
  };
}

function listen({ input, end, resize }: TerminalEvents, stdin: NodeJS.ReadStream, screen: NodeJS.WriteStream | undefined): () => void {
  // A terminal that went away is an end of input too.
  stdin.on("data", input).on("end", end).on("error", end);
  screen?.on("resize", resize);
  stdin.resume();
  return () => {
    stdin.off("data", input).off("end", end).off("error", end);
    screen?.off("resize", resize);
    stdin.pause();
  };
}

/**
 * Raw input, and raw output besides: Bun's raw mode goes on turning line feeds into new lines, which garbles full-screen programs. Where there is no
 * `stty` it stays at that. @returns puts the terminal back as it was
 */
function makeRaw(stdin: NodeJS.ReadStream): () => void {
  stdin.setRawMode(true);
  if (Bun.which("stty") !== null) Bun.spawnSync(["stty", "-opost"], { stdin: "inherit", stdout: "ignore", stderr: "ignore" });
  return () => void stdin.setRawMode(false);
}

/** Resolves also when nobody reads any more: who listens for that ends the session. */
function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write(bytes, () => resolve());
  return promise;
}
