/** A number from 0 to below 1, another one each time. */
export type Random = () => number;

/** A generator that gives the same numbers for the same seed. Source: mulberry32, by Tommy Ettinger, public domain. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A generator of its own for some text, such as a point's id: what is chosen in a point is the same whenever it is repeated. */
export function seededBy(seed: number, words: string): Random {
  return seeded(Number(Bun.hash.crc32(words)) ^ seed);
}

/** The items in another order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}
