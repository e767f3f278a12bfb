import type { Terminal, TerminalEvents } from "../../lib/ground/terminal.ts";

/** A terminal, or pipes, that a test types at. */
export interface FakeTerminal {
  readonly terminal: Terminal;
  /** What came so far. */
  readonly shown: { stdout: string; stderr: string };
  /** `lent`, `stopped reading`, `reads`, `given back`. */
  readonly log: string[];
  type(text: string | Uint8Array): void;
  /** Ends the input. */
  end(): void;
  resize(columns: number, rows: number): void;
  /** Resolves when standard output has shown the text. */
  shows(text: string): Promise<void>;
}

/**
 * @param kind as `Terminal.kind`
 * @param write what writing waits for; default: nothing
 */
export function fakeTerminal(kind: string | undefined, write: () => Promise<void> = async () => undefined): FakeTerminal {
  const shown = { stdout: "", stderr: "" };
  const log: string[] = [];
  let size = { columns: 80, rows: 24 };
  let events: TerminalEvents | undefined;
  const listener = (): TerminalEvents => {
    if (events === undefined) throw new Error("The terminal is not lent");
    return events;
  };
  return {
    shown,
    log,
    terminal: {
      kind,
      size: () => size,
      lend(given) {
        log.push("lent");
        events = given;
        return {
          flow: (on) => void log.push(on ? "reads" : "stopped reading"),
          async write(stream, bytes) {
            shown[stream] += Buffer.from(bytes).toString("latin1");
            await write();
          },
          [Symbol.dispose]() {
            log.push("given back");
            events = undefined;
          },
        };
      },
    },
    type: (text) => listener().input(typeof text === "string" ? Buffer.from(text) : text),
    end: () => listener().end(),
    resize(columns, rows) {
      size = { columns, rows };
      listener().resize();
    },
    async shows(text) {
      for (let i = 0; !shown.stdout.includes(text); i++) {
        if (i > 1000) throw new Error(`It shows ${JSON.stringify(shown.stdout)}, never ${JSON.stringify(text)}`);
        await Bun.sleep(5);
      }
    },
  };
}
