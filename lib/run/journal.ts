import type { LeftBatch } from "./progress.ts";
import type { Step } from "../ground/step.ts";

/** A step with where it stands in the plan. */
export interface PlannedStep {
  readonly phase: string;
  readonly host: string | undefined;
  readonly step: Step;
  /** A failure is told and passed over. */
  readonly optional: boolean;
  /** Of a phase after whose begin nothing is taken back. */
  readonly committed?: boolean;
}

/** What was begun, in order: what has to be taken back, and what to tell. */
export class Journal {
  readonly #order: readonly string[];
  #begun: PlannedStep[] = [];
  readonly #done = new Set<PlannedStep>();
  /** True once traffic is on the new version everywhere: nothing is taken back any more. */
  committed = false;
  /** By host: a batch that was left behind and may still be at work. */
  readonly leftBehind = new Map<string, LeftBatch>();

  /** @param order titles of the phases of the plan */
  constructor(order: readonly string[] = []) {
    this.#order = order;
  }

  begin(step: PlannedStep): void {
    if (step.committed === true) this.committed = true;
    this.#begun.push(step);
  }

  /** A host went on without being heard: what is known now of the steps that it did. */
  learn({ steps, ended }: LeftBatch, statuses: readonly number[]): void {
    const [known, news] = [steps[ended], steps.slice(ended, statuses.length)];
    for (const step of news) {
      if (step !== known) this.begin(step);
      if (statuses[steps.indexOf(step)] === 0) this.finish(step);
    }
  }

  /** The step never began after all. */
  withdraw(step: PlannedStep): void {
    this.#begun = this.#begun.filter((one) => one !== step);
  }

  finish(step: PlannedStep): void {
    this.#done.add(step);
  }

  /** Whether a step has come to its end. */
  hasDone({ phase, host, step }: PlannedStep): boolean {
    for (const one of this.#done) if (one.step === step && one.host === host && one.phase === phase) return true;
    return false;
  }

  /** Begun steps that can be taken back, last phase first: hosts go through phases each by itself. In a phase newest first. A step whose outcome is unknown is among them. */
  undoable(): readonly PlannedStep[] {
    return this.#begun.filter((one) => one.step.kind === "run" && one.step.undo !== undefined && !(one.step.undoIfFailed === true && this.#done.has(one))).toReversed().toSorted((a, b) => this.#order.indexOf(b.phase) - this.#order.indexOf(a.phase));
  }

  /** Steps that have come to their end and were not taken back, in order. @param taken those that were */
  standing(taken: readonly PlannedStep[]): readonly PlannedStep[] {
    return this.#begun.filter((one) => this.#done.has(one) && !taken.includes(one));
  }

  /** Titles of the steps that were begun and not finished, with their hosts. */
  unfinished(): readonly PlannedStep[] {
    return this.#begun.filter((step) => !this.#done.has(step));
  }
}
