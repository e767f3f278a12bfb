/** What became of one item. */
export type Settled<I, T> =
  | { readonly item: I; readonly ok: true; readonly value: T }
  | { readonly item: I; readonly ok: false; readonly error: unknown };

/**
 * Calls `work` once per item, at most `limit` at a time, and waits for all.
 * One failure never stops the others. Results keep the order of `items`. Never rejects.
 */
export async function settle<I, T>(items: readonly I[], limit: number, work: (item: I) => Promise<T>): Promise<Settled<I, T>[]> {
  const results = new Array<Settled<I, T>>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) {
      try {
        results[i] = { item, ok: true, value: await work(item) };
      } catch (error) {
        results[i] = { item, ok: false, error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker));
  return results;
}
