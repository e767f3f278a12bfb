import type { Boundary } from "./boundary.ts";
import { faults, faultsOf, type Fault, type Operation, type Way } from "./kinds.ts";
import { seededBy, shuffled, type Random } from "./random.ts";

/** One fault at one boundary of one operation, one way. */
export interface Point {
  /** `WAY/OPERATION/FAULT/BOUNDARY`. */
  readonly id: string;
  readonly way: Way;
  readonly operation: Operation;
  readonly fault: Fault;
  readonly boundary: Boundary;
}

/** The boundaries of each operation that takes part. */
export type Boundaries = ReadonlyMap<Operation, readonly Boundary[]>;
/** The same for each way that images come. */
export type AllBoundaries = ReadonlyMap<Way, Boundaries>;

export const pointOf = (way: Way, operation: Operation, fault: Fault, boundary: Boundary): Point => ({ id: `${way}/${operation}/${fault}/${boundary.key}`, way, operation, fault, boundary });

/** A boundary that is told whatever way images come is struck one way: half of them each. */
function divided(all: AllBoundaries, seed: number): readonly (readonly [Way, Operation, readonly Boundary[]])[] {
  const operations = [...new Set([...all.values()].flatMap((boundaries) => [...boundaries.keys()]))];
  return operations.flatMap((operation) => {
    const of = new Map([...all].map(([way, boundaries]) => [way, boundaries.get(operation) ?? []]));
    const keys = shuffled([...new Set([...of.values()].flat().map(({ key }) => key))].toSorted(), seededBy(seed, `ways ${operation}`));
    let turn = 0;
    const wayOf = new Map(keys.map((key) => {
      const able = [...of].filter(([, boundaries]) => boundaries.some((boundary) => boundary.key === key)).map(([way]) => way);
      return [key, able.length === 1 ? able[0] : able[turn++ % able.length]];
    }));
    return [...of].map(([way, boundaries]) => [way, operation, boundaries.filter(({ key }) => wayOf.get(key) === way)] as const);
  });
}

/**
 * Picks points so that every boundary of every operation has a fault, and every fault of every operation a boundary each way;
 * never the same point twice. The same seed picks the same points in the same order.
 * @param atLeast how many in the whole: more rounds over the boundaries are made until there are so many
 * @param only faults to pick from
 */
export function pickPoints(boundaries: AllBoundaries, seed: number, atLeast: number, only?: readonly Fault[]): readonly Point[] {
  const picks = divided(boundaries, seed).map(([way, operation, all]) => new Picker(way, operation, all, seed, only));
  const points = picks.flatMap((picker) => picker.round());
  for (let grown = true; points.length < atLeast && grown; ) {
    const more = picks.flatMap((picker) => picker.round());
    grown = more.length > 0;
    // A last round that is larger than what is missing gives each operation its part.
    points.push(...shuffled(more, seededBy(seed, "more")).slice(0, atLeast - points.length));
  }
  return inTurn(shuffled(points, seededBy(seed, "order")));
}

/** Every beginning of the list has its share of each way: a campaign may end before its last point. */
function inTurn(points: readonly Point[]): readonly Point[] {
  const placed = [...Map.groupBy(points, ({ way }) => way).values()].flatMap((those) => those.map((point, i) => ({ point, place: (i + 0.5) / those.length })));
  return placed.toSorted((a, b) => a.place - b.place).map(({ point }) => point);
}

/**
 * A few points in which every fault appears once, over ways and operations in turn.
 * @param count at most so many
 */
export function pickSlice(boundaries: AllBoundaries, seed: number, count: number, only: readonly Fault[]): readonly Point[] {
  const random = seededBy(seed, "slice");
  // The ways in turn, whatever the operation.
  const each = [...boundaries].map(([way, those]) => shuffled([...those], random).map(([operation, all]) => ({ way, operation, all })));
  const places = Array.from({ length: Math.max(0, ...each.map(({ length }) => length)) }, (_, i) => each.flatMap((those) => those[i] ?? [])).flat();
  return shuffled(only, random).slice(0, count).flatMap((fault, i): Point[] => {
    const able = [...places.slice(i % places.length), ...places.slice(0, i % places.length)].find(({ way, operation }) => faultsOf(operation, way).includes(fault));
    const boundary = able?.all[Math.floor(random() * able.all.length)];
    return able === undefined || boundary === undefined ? [] : [pointOf(able.way, able.operation, fault, boundary)];
  });
}

class Picker {
  readonly #way: Way;
  readonly #operation: Operation;
  readonly #boundaries: readonly Boundary[];
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  readonly #taken = new Set<string>();
  #bag: Fault[];

  constructor(way: Way, operation: Operation, boundaries: readonly Boundary[], seed: number, only: readonly Fault[] | undefined) {
    this.#way = way;
    this.#operation = operation;
    this.#boundaries = boundaries;
    this.#faults = faultsOf(operation, way).filter((fault) => only?.includes(fault) ?? true);
    this.#random = seededBy(seed, `${way} ${operation}`);
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
      return [pointOf(this.#way, this.#operation, fault, boundary)];
    }
    return [];
  }
}
