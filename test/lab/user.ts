import { fileURLToPath } from "node:url";
import type { Project } from "./project.ts";

const entry = fileURLToPath(new URL("../../mod.ts", import.meta.url));

/** Modes of a terminal: input, output and local flags of termios. */
export type Modes = readonly [input: number, output: number, local: number];

/** Somebody at a terminal of this machine who runs `capstan` in a project. */
export class User implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #terminal: Bun.Terminal;
  /** All that the terminal showed. */
  seen = "";

  constructor(project: Project, args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) {
    const decoder = new TextDecoder();
    this.#child = Bun.spawn([process.execPath, entry, ...args], {
      cwd: project.folder,
      env: { ...process.env, ...project.env, TERM: "xterm-256color", ...env },
      terminal: { cols: 100, rows: 30, data: (_, bytes) => void (this.seen += decoder.decode(bytes, { stream: true })) },
    });
    const { terminal } = this.#child;
    if (terminal === undefined) throw new Error("There is no terminal");
    this.#terminal = terminal;
  }

  get modes(): Modes {
    return [this.#terminal.inputFlags, this.#terminal.outputFlags, this.#terminal.localFlags];
  }

  type(text: string): void {
    this.#terminal.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the terminal shows something that it did not show before. @returns all it showed since */
  async sees(what: RegExp, withinMs = 30_000): Promise<string> {
    const started = performance.now();
    for (;;) {
      const found = what.exec(this.seen);
      if (found !== null) {
        const text = this.seen.slice(0, found.index + found[0].length);
        this.seen = this.seen.slice(text.length);
        return text;
      }
      if (performance.now() - started > withinMs) throw new Error(`The terminal shows ${JSON.stringify(this.seen)}, never ${what}`);
      await Bun.sleep(10);
    }
  }

  /** Waits for the end. @returns the exit status */
  async ended(): Promise<number> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`It does not end; the terminal shows ${JSON.stringify(this.seen)}`)), 60_000);
    try {
      return await Promise.race([this.#child.exited, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    this.#terminal.close();
  }
}
