import { CancelledError, CommandError, ConnectError } from "../ground/errors.ts";
import type { RunStep, UploadStep, WaitStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { sh, type Command } from "../ground/command.ts";
import { uploadCommand } from "../remote/upload.ts";
import { batchScript, chunks, MarkReader, type BatchItem } from "./batch.ts";
import type { PlannedStep } from "./journal.ts";
import { tell } from "./stamp.ts";
import { awaitReady } from "./wait.ts";

/** Told of every step of a lane as it happens. */
export interface Engine {
  begin(planned: PlannedStep): void;
  end(planned: PlannedStep, ok: boolean): void;
  /** It was told as begun, and the host never came to it. */
  withdraw(planned: PlannedStep): void;
  /** The connection went while the host was at work: its shell may still be. */
  leave(host: string, pid: number): void;
}

/** A planned step that happens on a host. */
export type HostPlanned = PlannedStep & { readonly host: string; readonly step: RunStep | UploadStep | WaitStep };
type Batched = HostPlanned & BatchItem;

const defaultTimeoutMs = 600_000;
/** How long the step in flight may at least take to end after Ctrl-C; one that says how long it may take, so long. */
const cancelGraceMs = 45_000;

/**
 * Carries out the steps of one host in order, as few scripts as possible: everything up to a wait travels together.
 * @throws CommandError, a health failure, ConnectError, CancelledError: whatever ended the first step that failed
 */
export async function carryLane(world: World, engine: Engine, host: string, steps: readonly HostPlanned[]): Promise<void> {
  let at = 0;
  while (at < steps.length) {
    const run: Batched[] = [];
    for (let planned = steps[at]; planned !== undefined && planned.step.kind !== "wait"; planned = steps[++at]) {
      run.push({ ...planned, command: commandOf(planned.step), optional: planned.optional });
    }
    for (const chunk of chunks(run)) await carryBatch(world, engine, host, chunk);
    if (run.some(({ step }) => step.kind === "run" && step.renews)) await world.transport.renew(host);
    const wait = steps[at++];
    if (wait !== undefined) await carryWait(world, engine, wait);
  }
}

function commandOf(step: RunStep | UploadStep | WaitStep): Command {
  switch (step.kind) {
    case "run": return step.command;
    case "upload": return uploadCommand(step.path, step.mode, step.encoding).stdin(step.content);
    case "wait": return step.state.command;
  }
}

async function carryWait(world: World, engine: Engine, planned: HostPlanned): Promise<void> {
  const { step } = planned;
  if (step.kind !== "wait") return;
  refuseWhenCancelled(world);
  engine.begin(planned);
  let ok = false;
  try {
    await awaitReady(world, planned.host, step);
    ok = true;
  } finally {
    engine.end(planned, ok);
  }
}

async function carryBatch(world: World, engine: Engine, host: string, batch: readonly Batched[]): Promise<void> {
  const progress = new Progress(world, engine, batch);
  refuseWhenCancelled(world);
  const mark = world.randomHex(8);
  const readers = { stdout: new MarkReader(mark), stderr: new MarkReader(mark) };
  const hard = new AbortController();
  const over = new AbortController();
  let pid: number | undefined;
  let cameBack = false;
  const askToEnd = (): void => {
    if (pid !== undefined) void world.transport.run(host, sh`kill -TERM ${pid}`, { timeoutMs: 10_000, signal: hard.signal }).catch(() => undefined);
  };
  const onCancel = (): void => {
    // The step in flight may be the switch: it is let to its end, and nothing after it begins.
    askToEnd();
    if (progress.abandonable()) hard.abort(new CancelledError());
    else void world.clock.sleep(Math.max(cancelGraceMs, progress.stepTimeoutMs()), over.signal).then(() => hard.abort(new CancelledError()), () => undefined);
  };
  world.signal.addEventListener("abort", onCancel, { once: true });
  progress.begin();
  try {
    const exit = await world.transport.run(host, batchScript(batch, mark), {
      timeoutMs: batch.reduce((sum, { step }) => sum + (step.kind === "run" ? (step.timeoutMs ?? defaultTimeoutMs) : 60_000), 0),
      signal: hard.signal,
      onOutput: (stream, text) => {
        for (const piece of readers[stream].feed(text)) {
          if (typeof piece === "string") progress.output(stream, piece);
          else if (piece.kind === "pid") {
            pid = piece.pid;
            if (world.signal.aborted) askToEnd();
          }
          else progress.mark(stream, piece.index, piece.status);
        }
      },
    });
    cameBack = true;
    progress.settle();
    if (progress.failure !== undefined) throw progress.failure;
    if (!progress.complete()) {
      if (world.signal.aborted) {
        // The script came to its own end between two steps: the next one did not begin.
        if (exit.status === 0) progress.withdraw();
        throw new CancelledError();
      }
      const current = progress.current();
      throw current === undefined ? new ConnectError(host, "lost", `The connection to ${host} ended before the work was done`) : new CommandError(host, current.command, exit, { title: current.step.title });
    }
  } catch (error) {
    if (pid !== undefined && !cameBack) engine.leave(host, pid);
    progress.fail();
    throw world.signal.aborted && !(error instanceof CommandError) ? new CancelledError("Cancelled", { cause: error }) : error;
  } finally {
    over.abort();
    world.signal.removeEventListener("abort", onCancel);
  }
}

/** Where a batch stands: turns marks and output into events and journal entries. */
class Progress {
  failure: CommandError | undefined;
  readonly #world: World;
  readonly #engine: Engine;
  readonly #batch: readonly Batched[];
  readonly #text = { stdout: "", stderr: "" };
  readonly #partial = { stdout: "", stderr: "" };
  readonly #at = { stdout: 0, stderr: 0 };
  #status: number | undefined;
  #started = 0;
  #begun = 0;
  #ended = 0;

  constructor(world: World, engine: Engine, batch: readonly Batched[]) {
    this.#world = world;
    this.#engine = engine;
    this.#batch = batch;
  }

  current(): Batched | undefined {
    return this.#batch[this.#ended];
  }

  complete(): boolean {
    return this.#ended === this.#batch.length;
  }

  /** The deadline of the step in flight, where it has one of its own: a switch may have to drain for long. */
  stepTimeoutMs(): number {
    const step = this.current()?.step;
    return step?.kind === "run" ? (step.timeoutMs ?? 0) : 0;
  }

  abandonable(): boolean {
    const step = this.current()?.step;
    return step?.kind === "run" && step.onCancel === "abandon";
  }

  begin(): void {
    const next = this.#batch[this.#ended];
    if (next === undefined || this.#begun > this.#ended) return;
    this.#begun++;
    this.#started = this.#world.clock.now();
    this.#engine.begin(next);
  }

  output(stream: "stdout" | "stderr", text: string): void {
    this.#text[stream] = (this.#text[stream] + text).slice(-64_000);
    const lines = (this.#partial[stream] + text).split("\n");
    this.#partial[stream] = lines.pop() ?? "";
    for (const line of lines) this.#line(stream, line);
  }

  mark(stream: "stdout" | "stderr", index: number, status: number): void {
    this.#flush(stream);
    this.#at[stream] = index + 1;
    if (stream === "stdout") this.#status = status;
    // Both streams carry each mark, so that a step's last lines on either are in before it ends.
    if (this.#at.stdout > this.#ended && this.#at.stderr > this.#ended) this.#end(this.#status ?? status);
  }

  /** The script has ended: a mark that came on one stream only counts. */
  settle(): void {
    this.#flush("stdout");
    this.#flush("stderr");
    if (Math.max(this.#at.stdout, this.#at.stderr) > this.#ended && this.#status !== undefined) this.#end(this.#status);
  }

  /** Takes back that the next step has begun. */
  withdraw(): void {
    const current = this.current();
    if (current !== undefined && this.#begun > this.#ended) this.#engine.withdraw(current);
  }

  /** Tells that the step in flight did not end. */
  fail(): void {
    const current = this.current();
    if (current !== undefined && this.#begun > this.#ended) this.#engine.end(current, false);
  }

  #flush(stream: "stdout" | "stderr"): void {
    if (this.#partial[stream] !== "") this.#line(stream, this.#partial[stream]);
    this.#partial[stream] = "";
  }

  #line(stream: "stdout" | "stderr", line: string): void {
    const current = this.current();
    if (current === undefined) return;
    tell(this.#world, { type: "output", host: current.host, title: current.step.title, stream, line, loud: current.step.kind === "run" && current.step.loud === true });
  }

  #end(status: number): void {
    const current = this.current();
    if (current === undefined) return;
    const ok = status === 0;
    this.#engine.end(current, ok);
    this.#ended++;
    if (!ok) {
      const exit = { status, signal: undefined, stdout: this.#text.stdout, stderr: this.#text.stderr, durationMs: this.#world.clock.now() - this.#started };
      const error = new CommandError(current.host, current.command, exit, { title: current.step.title, hint: current.step.hint });
      if (current.optional) tell(this.#world, { type: "notice", level: "warn", host: current.host, text: `${current.step.title} failed: ${error.details.join(" / ") || error.message}` });
      else this.failure = error;
    }
    this.#text.stdout = "";
    this.#text.stderr = "";
    if (ok || current.optional) this.begin();
  }
}

function refuseWhenCancelled(world: World): void {
  if (world.signal.aborted) throw new CancelledError();
}
