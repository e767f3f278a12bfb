import type { Boundary } from "./boundary.ts";
import { faults, faultsOf, type Fault, type Operation } from "./kinds.ts";
import { seededBy, shuffled, type Random } from "./random.ts";

/** One fault at one boundary of one operation. */
export interface Point {
  /** `OPERATION/FAULT/BOUNDARY`. */
  readonly id: string;
  readonly operation: Operation;
  readonly fault: Fault;
  readonly boundary: Boundary;
}

/** The boundaries of each operation that takes part. */
export type Boundaries = ReadonlyMap<Operation, readonly Boundary[]>;

const pointOf = (operation: Operation, fault: Fault, boundary: Boundary): Point => ({ id: `${operation}/${fault}/${boundary.key}`, operation, fault, boundary });

/**
 * Picks points so that every boundary of every operation has a fault, and every fault of every operation a boundary;
 * never the same point twice. The same seed picks the same points in the same order.
 * @param atLeast how many in the whole: more rounds over the boundaries are made until there are so many
 * @param only faults to pick from
 */
export function pickPoints(boundaries: Boundaries, seed: number, atLeast: number, only?: readonly Fault[]): readonly Point[] {
  const picks = new Map([...boundaries].map(([operation, all]) => [operation, new Picker(operation, all, seed, only)]));
  const points = [...picks.values()].flatMap((picker) => picker.round());
  for (let grown = true; points.length < atLeast && grown; ) {
    const more = [...picks.values()].flatMap((picker) => picker.round());
    grown = more.length > 0;
    // A last round that is larger than what is missing gives each operation its part.
    points.push(...shuffled(more, seededBy(seed, "more")).slice(0, atLeast - points.length));
  }
  return shuffled(points, seededBy(seed, "order"));
}

/**
 * A few points in which every fault appears once, over operations in turn.
 * @param count at most so many
 */
export function pickSlice(boundaries: Boundaries, seed: number, count: number, only: readonly Fault[]): readonly Point[] {
  const random = seededBy(seed, "slice");
  const operations = shuffled([...boundaries.keys()], random);
  return shuffled(only, random).slice(0, count).flatMap((fault, i): Point[] => {
    const able = operations.filter((operation) => faultsOf(operation).includes(fault));
    const operation = able[i % able.length];
    const all = operation === undefined ? [] : (boundaries.get(operation) ?? []);
    const boundary = all[Math.floor(random() * all.length)];
    return operation === undefined || boundary === undefined ? [] : [pointOf(operation, fault, boundary)];
  });
}

class Picker {
  readonly #operation: Operation;
  readonly #boundaries: readonly Boundary[];
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  readonly #taken = new Set<string>();
  #bag: Fault[];

  constructor(operation: Operation, boundaries: readonly Boundary[], seed: number, only: readonly Fault[] | undefined) {
    this.#operation = operation;
    this.#boundaries = boundaries;
    this.#faults = faultsOf(operation).filter((fault) => only?.includes(fault) ?? true);
    this.#random = seededBy(seed, operation);
    // One of each first: that covers them all.
    this.#bag = shuffled(this.#faults, this.#random);
  }

  /** A fault for each boundary; once more for the first ones where there are more faults than boundaries. */
  round(): Point[] {
    const order = shuffled(this.#boundaries, this.#random);
    const turns = Math.max(order.length, this.#bag.length);
    return Array.from({ length: order.length === 0 ? 0 : turns }, (_, i) => order[i % order.length]).flatMap((boundary) => (boundary === undefined ? [] : this.#pick(boundary)));
  }

  #pick(boundary: Boundary): Point[] {
    for (let tries = 0; tries < 3; tries++) {
      if (this.#bag.length === 0) this.#bag = shuffled(this.#faults.flatMap((fault) => Array.from({ length: faults[fault].weight }, () => fault)), this.#random);
      const at = this.#bag.findIndex((fault) => !this.#taken.has(`${fault} ${boundary.key}`));
      const [fault] = at < 0 ? [] : this.#bag.splice(at, 1);
      if (fault === undefined) {
        this.#bag = [];
        continue;
      }
      this.#taken.add(`${fault} ${boundary.key}`);
      return [pointOf(this.#operation, fault, boundary)];
    }
    return [];
  }
}
