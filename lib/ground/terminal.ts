/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What becomes of standard input while it is lent. */
export interface TerminalEvents {
  /** Bytes as they were typed or piped in. */
  input(bytes: Uint8Array): void;
  /** No more input comes. */
  end(): void;
  /** The terminal has another size now. */
  resize(): void;
}

/** Standard input and outputs while they are lent. Disposing gives them back: the terminal's modes are what they were. */
export interface LentTerminal extends Disposable {
  /** Stops reading input, or goes on: for a host that takes it more slowly than it comes. */
  flow(on: boolean): void;
  /** Writes bytes as they are. Resolves when more may be written; also when nobody reads any more. */
  write(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
}

/** The user's terminal, or the pipes that stand in its place. */
export interface Terminal {
  /** Kind of the terminal that standard input is, such as `xterm-256color`; undefined: it is none. */
  readonly kind: string | undefined;
  size(): TerminalSize;
  /**
   * Lends standard input and outputs to one session. A terminal is in raw mode meanwhile: no echo, no line buffer, and Ctrl-C is a
   * byte like any other.
   */
  lend(events: TerminalEvents): LentTerminal;
}
