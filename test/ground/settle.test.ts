import { expect, test } from "bun:test";
import { settle } from "../../lib/ground/settle.ts";

test("settle() keeps the order of the items, whoever ends first", async () => {
  const results = await settle([30, 1, 10], 3, async (ms) => {
    await Bun.sleep(ms);
    return ms * 2;
  });
  expect(results).toEqual([{ item: 30, ok: true, value: 60 }, { item: 1, ok: true, value: 2 }, { item: 10, ok: true, value: 20 }]);
});

test("settle() waits for all, and one failure stops no other", async () => {
  const done: number[] = [];
  const error = new Error("no");
  const results = await settle([1, 2, 3], 2, async (item) => {
    if (item === 1) throw error;
    done.push(item);
    return item;
  });
  expect(results.map(({ ok }) => ok)).toEqual([false, true, true]);
  expect(results[0]).toEqual({ item: 1, ok: false, error });
  expect(done).toEqual([2, 3]);
});

test.each([[1, 1], [3, 3], [99, 5], [0, 1], [-1, 1]])("settle() with limit %i runs at most %i at a time", async (limit, most) => {
  let running = 0;
  let peak = 0;
  await settle([1, 2, 3, 4, 5], limit, async () => {
    peak = Math.max(peak, ++running);
    await Bun.sleep(2);
    running--;
  });
  expect(peak).toBe(most);
});

test("settle() of nothing is nothing", async () => expect(await settle([], 5, async (item) => item)).toEqual([]));
test("settle() catches what is thrown before the first await", async () => {
  const [result] = await settle([1], 1, () => { throw new Error("at once"); });
  expect(result?.ok).toBe(false);
});
