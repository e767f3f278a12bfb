import { CancelledError } from "../ground/errors.ts";
import type { HostStep } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import type { Mark } from "./batch.ts";
import { commandOf, deadlineOf, itemOf, type HostPlanned } from "./progress.ts";
import { sendBatch, type Answered } from "./send.ts";

type OnPiece = (stream: "stdout" | "stderr", piece: string | Mark, atMs: number) => void;

/** Steps of one host that were sent before their turn in the plan. What the host says meanwhile is kept until then. */
export class EarlyBatch {
  readonly mark: string;
  readonly steps: readonly HostStep[];
  /** In milliseconds since 1970. */
  readonly sentAt: number;
  readonly #stop = new AbortController();
  readonly #sent: Promise<Answered>;
  readonly #heard: Parameters<OnPiece>[] = [];
  #onPiece: OnPiece = (...said) => void this.#heard.push(said);

  constructor(world: World, host: string, steps: readonly HostStep[]) {
    this.mark = world.randomHex(8);
    this.steps = steps;
    this.sentAt = world.clock.now();
    this.#sent = sendBatch(world, host, steps.map((step) => itemOf({ step, optional: false })), {
      mark: this.mark, timeoutMs: steps.reduce((sum, step) => sum + deadlineOf(step), 600_000), signal: AbortSignal.any([world.signal, this.#stop.signal]),
      onPiece: (stream, piece) => this.#onPiece(stream, piece, world.clock.now()),
    });
    this.#sent.catch(() => undefined);
  }

  /** Goes on as if it was sent now. @param onPiece told of all that the host has said, and when */
  follow(signal: AbortSignal, onPiece: OnPiece): Promise<Answered> {
    for (const said of this.#heard.splice(0)) onPiece(...said);
    this.#onPiece = onPiece;
    if (signal.aborted) this.#stop.abort(signal.reason);
    else signal.addEventListener("abort", () => this.#stop.abort(signal.reason), { once: true });
    return this.#sent;
  }

  /** Nobody wants it. */
  abandon(): void {
    this.#stop.abort(new CancelledError());
  }
}

/** What hosts were given before it was known whether the plan has it: steps that do no harm in vain. */
export class EarlyBatches implements Disposable {
  readonly #batches = new Map<string, EarlyBatch>();
  #isOutdated = false;

  constructor(world: World, steps: ReadonlyMap<string, readonly HostStep[]>) {
    for (const [host, those] of steps) if (those.length > 0) this.#batches.set(host, new EarlyBatch(world, host, those));
  }

  /** Another run may have undone what hosts did: nobody goes by it any more. It is let to its end, since Docker goes on with a pull that it is at. */
  outdate(): void {
    this.#isOutdated = true;
  }

  /** What a host has of its lane already, if the lane begins with just that. What it does not begin with is ended. */
  take(host: string, lane: readonly HostPlanned[]): EarlyBatch | undefined {
    const batch = this.#batches.get(host);
    if (batch === undefined || this.#isOutdated) return undefined;
    this.#batches.delete(host);
    const isNext = batch.steps.every((step, i) => {
      const planned = lane[i];
      return planned !== undefined && !planned.optional && planned.step.kind === step.kind && commandOf(planned.step).text === commandOf(step).text;
    });
    if (isNext) return batch;
    batch.abandon();
    return undefined;
  }

  /** Ends what nobody took. */
  [Symbol.dispose](): void {
    for (const batch of this.#batches.values()) batch.abandon();
    this.#batches.clear();
  }
}
