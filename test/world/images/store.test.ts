import { expect, test } from "bun:test";
import { existsSync, statSync, utimesSync } from "node:fs";
import { sha256 } from "../../../lib/world/images/store.ts";
import { bytesOf, temporaryStore } from "./fixtures.ts";

const day = 86_400_000;
const now = Date.UTC(2030, 0, 31);

test("keeps blobs for the user alone, by their digest", async () => {
  using temporary = temporaryStore();
  const digest = await temporary.store.put("layer");
  expect([digest, await temporary.store.sizeOf(digest), Buffer.from(await temporary.store.bytes(digest)).toString()]).toEqual([sha256("layer"), 5, "layer"]);
  expect([statSync(temporary.store.pathOf(digest)).mode & 0o777, statSync(`${temporary.folder}/blobs`).mode & 0o777]).toEqual([0o600, 0o700]);
});

test.each(["", "sha256:", "sha256:xyz", "../../etc/passwd", `sha256:${"a".repeat(63)}/`, `sha256:${"A".repeat(64)}`, `sha512:${"a".repeat(64)}`])("%p is no digest, and never a path", async (name) => {
  using temporary = temporaryStore();
  expect(await temporary.store.sizeOf(name)).toBeUndefined();
  expect(() => temporary.store.pathOf(name)).toThrow("is no digest");
});

test("what was written by two at once is there once, whole", async () => {
  using temporary = temporaryStore();
  const writers = await Promise.all([temporary.store.writer(), temporary.store.writer()]);
  for (const writer of writers) await writer.write(bytesOf("same"));
  expect(await Promise.all(writers.map((writer) => writer.finish()))).toEqual([sha256("same"), sha256("same")]);
  for (const writer of writers) await writer.discard();
  expect(await temporary.store.sizeOf(sha256("same"))).toBe(4);
});

test("prunes what nobody used for a month, what was left half written, and the oldest of too much", async () => {
  using temporary = temporaryStore();
  const { store, folder } = temporary;
  const aged = async (text: string, days: number): Promise<string> => {
    const digest = await store.put(text);
    const at = new Date(now - days * day);
    utimesSync(store.pathOf(digest), at, at);
    return store.pathOf(digest);
  };
  const [old, older, fresh, today] = [await aged("a".repeat(10), 40), await aged("b".repeat(10), 20), await aged("c".repeat(10), 5), await aged("d".repeat(1000), 0.5)];
  const part = `${folder}/blobs/0011223344556677.part`;
  await Bun.write(part, "half");
  utimesSync(part, new Date(now - 2 * day), new Date(now - 2 * day));
  await store.prune(now);
  expect([old, older, fresh, today, part].map((path) => existsSync(path))).toEqual([false, true, true, true, false]);
  await store.prune(now, { keepBytes: 1015 });
  expect([older, fresh, today].map((path) => existsSync(path))).toEqual([false, true, true]);
  await store.prune(now, { keepBytes: 1 });
  expect([fresh, today].map((path) => existsSync(path))).toEqual([false, true]);
});

test("a note that is no JSON counts as none", async () => {
  using temporary = temporaryStore();
  await temporary.store.writeNote("image", "acme/shop:1", { a: 1 });
  expect(await temporary.store.note("image", "acme/shop:1")).toEqual({ a: 1 });
  expect(await temporary.store.note("layer", "acme/shop:1")).toBeUndefined();
  await Bun.write(`${temporary.folder}/notes/image-${sha256("x").slice(7)}`, "{");
  expect(await temporary.store.note("image", "x")).toBeUndefined();
});
