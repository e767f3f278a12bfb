import type { Command } from "../ground/command.ts";
import { CommandError, TimeoutError } from "../ground/errors.ts";
import { LineSplitter } from "../ground/line-splitter.ts";
import type { HostStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { uploadCommand } from "../remote/upload.ts";
import { briefSeconds, type BatchItem } from "./batch.ts";
import type { HandOns } from "./hand-on.ts";
import type { PlannedStep } from "./journal.ts";
import type { LeftBehind } from "./record.ts";
import { tell } from "./stamp.ts";
import { inWords, keepVigil } from "./vigil.ts";

/** Told of every step of a lane as it happens. */
export interface Engine {
  /** What hosts hand on to each other. */
  readonly handOns: HandOns;
  /** Resolves once the next step may begin: nobody else can be at work. */
  sure(signal: AbortSignal): Promise<void>;
  /** @param atMs when it was, for what is told later; default: now */
  begin(planned: PlannedStep, atMs?: number): void;
  /** @param atMs as for `begin` */
  end(planned: PlannedStep, ok: boolean, atMs?: number): void;
  /** It was told as begun, and the host never came to it. */
  withdraw(planned: PlannedStep): void;
  /** An image was sent to a host: so many bytes, and so many that it had. */
  delivered(sentBytes: number, thereBytes: number): void;
  /** The connection went while the host was at work: its shell may still be. */
  leave(host: string, left: LeftBatch): void;
}

/** A planned step that happens on a host. */
export type HostPlanned = PlannedStep & { readonly host: string; readonly step: HostStep };
/** A step on its way to a host, with others. */
export type Batched = HostPlanned & BatchItem;

/** A batch that may still be at work, and nobody listens. */
export interface LeftBatch extends LeftBehind {
  readonly steps: readonly PlannedStep[];
  /** How many of them are known to have ended. */
  readonly ended: number;
}

/** What a step of a host is there. */
export function commandOf(step: HostStep): Command {
  switch (step.kind) {
    case "run":
    case "deliver": return step.command;
    case "upload": return uploadCommand(step.path, step.mode, step.encoding, step.outdates).stdin(step.content);
    case "wait": return step.state.command;
  }
}

/** A step as it travels with others. */
export const itemOf = ({ step, optional }: Pick<HostPlanned, "step" | "optional">): BatchItem =>
  ({ command: commandOf(step), optional, ...(step.kind === "run" && step.unless !== undefined ? { unless: step.unless } : {}), ...(step.kind === "run" && step.passIf !== undefined ? { passIf: step.passIf } : {}) });

/** By then a host, which counts whole seconds, does not go on with what is only for a brief beginning. */
const surelyLongMs = (briefSeconds + 1) * 1000;
const defaultTimeoutMs = 600_000;
const uploadTimeoutMs = 60_000;
/** Characters a millisecond that every line must manage. */
const slowestUpload = 10;

/** How long a step may take. */
export function deadlineOf(step: HostStep): number {
  switch (step.kind) {
    case "run": return step.timeoutMs ?? defaultTimeoutMs;
    case "upload": return uploadTimeoutMs + Math.round((typeof step.content === "string" ? step.content.length : 0) / slowestUpload);
    case "wait": return step.deadlineMs;
    case "deliver": return defaultTimeoutMs;
  }
}

/** What shows a person what a step waits for. */
const hintFor = (step: HostStep): string => (step.kind === "run" && /\bdocker\b/.test(step.command.text) ? "`docker ps`, `docker info`, the load and the disks of the host" : "the load and the disks of the host");

/** Where a batch stands: turns marks and output into events and journal entries. */
export class Progress {
  failure: CommandError | undefined;
  readonly #world: World;
  readonly #engine: Engine;
  readonly #batch: readonly Batched[];
  readonly #text = { stdout: "", stderr: "" };
  readonly #lines = { stdout: new LineSplitter((line) => this.#line("stdout", line)), stderr: new LineSplitter((line) => this.#line("stderr", line)) };
  readonly #at = { stdout: 0, stderr: 0 };
  readonly #onLate: (error: TimeoutError) => void;
  #status: number | undefined;
  #lastLine: string | undefined;
  #vigil: Disposable | undefined;
  #started = 0;
  #firstMs: number | undefined;
  #begun = 0;
  #ended = 0;

  /** @param onLate called when the time of the step in flight is over */
  constructor(world: World, engine: Engine, batch: readonly Batched[], onLate: (error: TimeoutError) => void) {
    this.#onLate = onLate;
    this.#world = world;
    this.#engine = engine;
    this.#batch = batch;
  }

  current(): Batched | undefined {
    return this.#batch[this.#ended];
  }

  /** How many steps have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** The step in flight and all after it. */
  rest(): readonly Batched[] {
    return this.#batch.slice(this.#ended);
  }

  complete(): boolean {
    return this.#ended === this.#batch.length;
  }

  /** The deadline of the step in flight, where it has one of its own: a switch may have to drain for long. */
  stepTimeoutMs(): number {
    const step = this.current()?.step;
    return step?.kind === "run" ? (step.timeoutMs ?? 0) : 0;
  }

  /** How much of its time the step in flight has left. */
  leftMs(): number {
    const step = this.current()?.step;
    return step === undefined ? 0 : Math.max(0, deadlineOf(step) - (this.#world.clock.now() - this.#started));
  }

  abandonable(): boolean {
    const step = this.current()?.step;
    return step?.kind === "run" && step.onCancel === "abandon";
  }

  /** @param atMs when it was; default: now */
  begin(atMs = this.#world.clock.now()): void {
    const next = this.#batch[this.#ended];
    if (next === undefined || this.#begun > this.#ended) return;
    this.#firstMs ??= atMs;
    if (next.ifBrief === true && atMs - this.#firstMs > surelyLongMs) return;
    this.#tellBegun(next, atMs);
  }

  #tellBegun(next: Batched, atMs: number): void {
    this.#begun++;
    this.#started = atMs;
    this.#engine.begin(next, atMs);
    this.#vigil = keepVigil(this.#world, {
      host: next.host, role: next.step.role, title: next.step.title, deadlineMs: deadlineOf(next.step),
      heard: () => (this.#lastLine === undefined ? undefined : `last output: ${this.#lastLine}`),
    }, () => this.#onLate(this.#late(next)));
  }

  output(stream: "stdout" | "stderr", text: string): void {
    this.#text[stream] = (this.#text[stream] + text).slice(-64_000);
    this.#lines[stream].feed(text);
  }

  /** @param atMs when it came; default: now */
  mark(stream: "stdout" | "stderr", index: number, status: number, atMs?: number): void {
    this.#flush(stream);
    this.#at[stream] = index + 1;
    if (stream === "stdout") this.#status = status;
    // Both streams carry each mark, so that a step's last lines on either are in before it ends.
    if (this.#at.stdout > this.#ended && this.#at.stderr > this.#ended) this.end(this.#status ?? status, atMs);
  }

  /** The script has ended: a mark that came on one stream only counts. */
  settle(): void {
    this.#flush("stdout");
    this.#flush("stderr");
    if (Math.max(this.#at.stdout, this.#at.stderr) > this.#ended && this.#status !== undefined) this.end(this.#status);
  }

  /** Takes back that the step in flight has begun: the host never came to it, or it will be begun again. */
  withdraw(): void {
    this.stop();
    const current = this.current();
    if (current !== undefined && this.#begun > this.#ended) this.#engine.withdraw(current);
  }

  /** Tells that the step in flight did not end. */
  fail(): void {
    this.stop();
    const current = this.current();
    if (current !== undefined && this.#begun > this.#ended) this.#engine.end(current, false);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#vigil?.[Symbol.dispose]();
  }

  #late({ host, step }: Batched): TimeoutError {
    const output = `${this.#text.stderr}\n${this.#text.stdout}`.split("\n").filter((line) => line.trim() !== "");
    return new TimeoutError("command", `Cannot finish "${step.title}" on ${host}: it did not end within ${inWords(deadlineOf(step))}`, {
      host, details: output.slice(-20), hint: step.hint ?? `It was ended there. Look at what it waits for: ${hintFor(step)}.`,
    });
  }

  #flush(stream: "stdout" | "stderr"): void {
    this.#lines[stream].end();
  }

  #line(stream: "stdout" | "stderr", line: string): void {
    const current = this.current();
    if (current === undefined) return;
    if (line.trim() !== "") this.#lastLine = line.trim();
    tell(this.#world, { type: "output", host: current.host, title: current.step.title, stream, line, loud: current.step.kind === "run" && current.step.loud === true });
  }

  /** The step in flight has ended. @param atMs when; default: now */
  end(status: number, atMs?: number): void {
    const current = this.current();
    if (current === undefined) return;
    if (this.#begun === this.#ended) this.#tellBegun(current, atMs ?? this.#world.clock.now());
    this.stop();
    this.#lastLine = undefined;
    const ok = status === 0;
    this.#engine.end(current, ok, atMs);
    this.#ended++;
    if (!ok) {
      const exit = { status, signal: undefined, stdout: this.#text.stdout, stderr: this.#text.stderr, durationMs: this.#world.clock.now() - this.#started };
      const error = new CommandError(current.host, current.command, exit, { title: current.step.title, hint: current.step.hint });
      if (current.optional) tell(this.#world, { type: "notice", level: "warn", host: current.host, text: `${current.step.title} failed: ${error.details.join(" / ") || error.message}` });
      else this.failure = error;
    }
    this.#text.stdout = "";
    this.#text.stderr = "";
    if (ok || current.optional) this.begin(atMs);
  }
}
