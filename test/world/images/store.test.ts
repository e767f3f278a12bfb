import { expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { cacheFolder } from "../../../lib/world/images/create.ts";
import { BlobStore, sha256 } from "../../../lib/world/images/store.ts";
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

test("a blob that is shorter than it was counts as missing, and is written anew", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const digest = await store.put("layer");
  truncateSync(store.pathOf(digest), 2);
  expect(await store.sizeOf(digest)).toBeUndefined();
  await store.put("layer");
  expect(await store.sizeOf(digest)).toBe(5);
});

test("a config that is not what its digest says is refused once, and gone", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const digest = await store.put("layer");
  writeFileSync(store.pathOf(digest), "LAYER");
  await expect(store.bytes(digest)).rejects.toThrow(`Cannot read ${store.pathOf(digest)}: it is damaged`);
  expect([await store.sizeOf(digest), readdirSync(`${temporary.folder}/blobs`), readdirSync(`${temporary.folder}/notes`)]).toEqual([undefined, [], []]);
});

test("verifying keeps what is whole and removes what is not", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  const [good, bad] = [await store.put("good"), await store.put("bad")];
  writeFileSync(store.pathOf(bad), "BAD");
  expect([await store.verify(good), await store.verify(bad), await store.verify(sha256("none"))]).toEqual([true, false, false]);
  expect([await store.sizeOf(good), await store.sizeOf(bad)]).toEqual([4, undefined]);
});

test("what is sealed has no name yet, and what was used keeps its note", async () => {
  using temporary = temporaryStore();
  const { store, folder } = temporary;
  const writer = await store.writer();
  await writer.write(bytesOf("raw"));
  const digest = await writer.seal();
  expect([digest, await store.sizeOf(digest), existsSync(writer.path)]).toEqual([sha256("raw"), undefined, true]);
  await writer.finish(digest);
  await writer.discard();
  expect([await store.sizeOf(digest), existsSync(writer.path)]).toEqual([3, false]);
  const [note = ""] = readdirSync(`${folder}/notes`);
  utimesSync(`${folder}/notes/${note}`, new Date(0), new Date(0));
  await store.touch([digest]);
  expect(statSync(`${folder}/notes/${note}`).mtimeMs).toBeGreaterThan(1000);
});

test.each<[what: string, change: (root: string) => void, why: string]>([
  ["others may write to", (root) => chmodSync(root, 0o777), "other users may write to it"],
  ["the group may write to", (root) => chmodSync(root, 0o770), "other users may write to it"],
  ["others may write notes into", (root) => { mkdirSync(`${root}/notes`); chmodSync(`${root}/notes`, 0o777); }, "other users may write to it"],
  ...(process.getuid?.() === 0 ? [
    ["belongs to another user", (root: string) => chownSync(root, 12_345, 12_345), "it belongs to another user"] satisfies [string, (root: string) => void, string],
  ] : []),
])("a cache that %s is refused, for reading too", async (_, change, why) => {
  using temporary = temporaryStore();
  const root = `${temporary.folder}/cache`;
  mkdirSync(root);
  change(root);
  for (const use of [(store: BlobStore) => store.note("image", "x"), (store: BlobStore) => store.sizeOf(sha256("x")), (store: BlobStore) => store.put("x"), (store: BlobStore) => store.bytes(sha256("x"))]) {
    await expect(use(new BlobStore(root))).rejects.toThrow(why);
  }
});

test("a cache behind a link of one's own is used", async () => {
  using temporary = temporaryStore();
  mkdirSync(`${temporary.folder}/large`);
  symlinkSync(`${temporary.folder}/large`, `${temporary.folder}/cache`);
  expect(await new BlobStore(`${temporary.folder}/cache`).put("x")).toBe(sha256("x"));
});

const home = userInfo().homedir;
test.each<[env: Record<string, string>, folder: string]>([
  [{ XDG_CACHE_HOME: "/c", HOME: "/h" }, "/c/capstan"], [{ XDG_CACHE_HOME: "", HOME: "/h" }, "/h/.cache/capstan"], [{ XDG_CACHE_HOME: "c", HOME: "/h" }, "/h/.cache/capstan"],
  [{ HOME: "/h" }, "/h/.cache/capstan"], [{ HOME: "" }, `${home}/.cache/capstan`], [{}, `${home}/.cache/capstan`],
])("with %p layers are kept in %s", (env, folder) => expect(cacheFolder(env)).toBe(folder));
