import type { Event } from "../ground/event.ts";
import type { Clock } from "../ground/world.ts";
import { Crowd } from "./crowd.ts";
import { entryLines, entryOf, hostColumn, withoutRepeats } from "./lines.ts";
import type { Reporter, Verbosity } from "./reporter.ts";
import { emptyScreen, frame, next, type Screen, type Size } from "./screen.ts";
import type { Style } from "./style.ts";

/** The terminal a live view is painted on. */
export interface Terminal {
  write(text: string): void;
  /** Its size now: it may change at any time. */
  size(): Size;
}

const paintEveryMs = 100;
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";

/**
 * Takes painted lines off the screen. The cursor stands at the end of the last one.
 * A terminal that became narrower has wrapped them: the rows they take now are counted. Pure.
 */
export function erase(lines: readonly string[], columns: number): string {
  if (lines.length === 0) return "";
  const rows = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(Bun.stringWidth(line) / Math.max(1, columns))), 0);
  return `\r${rows > 1 ? `\x1b[${rows - 1}A` : ""}\x1b[J`;
}

/**
 * The live view: a line for each host at work under a line for the phase, painted at most ten times a second.
 * What is finished scrolls up as ordinary lines.
 */
export function liveReporter(terminal: Terminal, clock: Clock, options: { readonly verbosity: Verbosity; readonly style: Style }): Reporter {
  const painter = new Painter(terminal, clock, options.style);
  const widthFor = hostColumn();
  const isNew = withoutRepeats();
  const crowd = new Crowd();
  return {
    report(event) {
      const width = widthFor(event);
      const entry = isLive(event) && options.verbosity !== "verbose" ? undefined : entryOf(event, options.verbosity, options.style);
      const news = entry === undefined || !isNew(entry) ? undefined : entry;
      const entries = options.verbosity === "verbose" ? [news].filter((one) => one !== undefined) : crowd.take(event, news);
      painter.show((screen) => next(screen, event), entries.flatMap((one) => entryLines(one, width, options.style)));
    },
    pause: () => painter.pause(),
    close() {
      const left = crowd.end();
      if (left.length > 0) painter.show((screen) => screen, left.flatMap((one) => entryLines(one, 0, options.style)));
      painter.close();
    },
  };
}

/** Shown by the live part already: a line of its own would only repeat it. */
const isLive = (event: Event): boolean => event.type === "phase-start" || event.type === "probe" || event.type === "waiting" || (event.type === "transfer" && event.state === "progress");

class Painter {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #style: Style;
  #screen: Screen = emptyScreen;
  /** Lines that will scroll up at the next painting. */
  #finished: string[] = [];
  #painted: readonly string[] = [];
  #paintedAtColumns = 0;
  #pauses = 0;
  #ticker: AbortController | undefined;

  constructor(terminal: Terminal, clock: Clock, style: Style) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#style = style;
  }

  show(to: (screen: Screen) => Screen, finished: readonly string[]): void {
    this.#screen = to(this.#screen);
    this.#finished.push(...finished);
    if (this.#ticker === undefined && this.#pauses === 0) void this.#tick();
  }

  pause(): () => void {
    this.#pauses++;
    this.#stop();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#pauses--;
      if (this.#pauses === 0 && this.#screen !== emptyScreen) void this.#tick();
    };
  }

  close(): void {
    this.#stop();
    this.#screen = emptyScreen;
  }

  /** Paints until it is stopped. */
  async #tick(): Promise<void> {
    const ticker = new AbortController();
    this.#ticker = ticker;
    this.#terminal.write(hideCursor);
    try {
      for (;;) {
        await this.#clock.sleep(paintEveryMs, ticker.signal);
        this.#paint(frame(this.#screen, this.#terminal.size(), this.#clock.now(), this.#style));
      }
    } catch (error) {
      if (!ticker.signal.aborted) throw error;
    }
  }

  #stop(): void {
    this.#paint([]);
    if (this.#ticker === undefined) return;
    this.#ticker.abort();
    this.#ticker = undefined;
    this.#terminal.write(showCursor);
  }

  #paint(lines: readonly string[]): void {
    const { columns } = this.#terminal.size();
    const same = columns === this.#paintedAtColumns && lines.length === this.#painted.length && lines.every((line, i) => line === this.#painted[i]);
    if (same && this.#finished.length === 0) return;
    const finished = this.#finished.map((line) => `${line}\n`).join("");
    const text = erase(this.#painted, columns) + finished + lines.join("\n");
    if (text !== "") this.#terminal.write(text);
    this.#finished = [];
    this.#painted = lines;
    this.#paintedAtColumns = columns;
  }
}
