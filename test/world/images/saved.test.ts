import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { mkdirSync, readdirSync, truncateSync, watch } from "node:fs";
import { gunzipSync } from "node:zlib";
import { layersThere, byteText } from "../../../lib/ground/image.ts";
import { makeArchive, wholeName } from "../../../lib/world/images/archive.ts";
import { notedImage } from "../../../lib/world/images/manifest.ts";
import { readSaved } from "../../../lib/world/images/saved.ts";
import { sha256 } from "../../../lib/world/images/store.ts";
import { readTar, tarHeader } from "../../../lib/world/images/tar.ts";
import { configOf, inPieces, joined, layerOf, tarOf, temporaryStore } from "./fixtures.ts";

const [base, app] = [layerOf("base"), layerOf("app")];
const config = configOf([base, app]);
const blob = (content: Uint8Array | string): string => `blobs/sha256/${sha256(content).slice(7)}`;
const variant = { platform: "linux/amd64", config: sha256(config), configSize: config.length, layers: [base, app].map((layer) => ({ diffId: sha256(layer), digest: sha256(layer), size: layer.length })) };

test("reads what docker save writes up to version 24", async () => {
  using temporary = temporaryStore();
  const saved = tarOf({ "aa/VERSION": "1.0", "aa/layer.tar": base, "bb/layer.tar": app, "c.json": config, "manifest.json": JSON.stringify([{ Config: "c.json", RepoTags: ["acme/shop:1"], Layers: ["aa/layer.tar", "bb/layer.tar"] }]) });
  expect(await readSaved(temporary.store, inPieces(saved))).toEqual([variant]);
});

test("a layer that is a link to another one is that one", async () => {
  using temporary = temporaryStore();
  const link = Buffer.from(tarHeader("bb/layer.tar", 0));
  link.write("2", 156, "latin1");
  link.write("../aa/layer.tar", 157, "latin1");
  link.write("        ", 148, "latin1");
  link.write(`${link.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const twice = configOf([base, base]);
  const rest = tarOf({ "aa/layer.tar": base, "c.json": twice, "manifest.json": JSON.stringify([{ Config: "c.json", Layers: ["aa/layer.tar", "bb/layer.tar"] }]) });
  const [found] = await readSaved(temporary.store, inPieces(Buffer.concat([link, rest])));
  expect(found?.layers.map(({ digest }) => digest)).toEqual([sha256(base), sha256(base)]);
});

const manifestOf = (of: string, layers: readonly Uint8Array[]): string => JSON.stringify({ schemaVersion: 2, config: { digest: sha256(of), size: of.length }, layers: layers.map((layer) => ({ digest: sha256(layer), size: layer.length })) });

test("reads an OCI layout of several platforms, and leaves attestations out", async () => {
  using temporary = temporaryStore();
  const arm = configOf([base, app], "arm64");
  const [amdManifest, armManifest, attest] = [manifestOf(config, [base, app]), manifestOf(arm, [base, app]), JSON.stringify({ config: { digest: sha256("{}"), size: 2 }, layers: [] })];
  const inner = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      { digest: sha256(amdManifest), size: 1, platform: { os: "linux", architecture: "amd64" } }, { digest: sha256(armManifest), size: 1, platform: { os: "linux", architecture: "arm64" } },
      { digest: sha256(attest), size: 1, platform: { os: "unknown", architecture: "unknown" }, annotations: { "vnd.docker.reference.type": "attestation-manifest" } },
    ],
  });
  const contents = [base, app, config, arm, amdManifest, armManifest, attest, "{}", inner];
  const saved = tarOf({ ...Object.fromEntries(contents.map((content) => [blob(content), content])), "index.json": JSON.stringify({ manifests: [{ digest: sha256(inner), size: inner.length }] }), "oci-layout": "{}" });
  expect(await readSaved(temporary.store, inPieces(saved))).toEqual([variant, { ...variant, platform: "linux/arm64", config: sha256(arm), configSize: arm.length }]);
});

test.each<[what: string, files: Record<string, string>, why: string]>([
  ["no image", { "hello.txt": "x" }, "manifest.json is missing in it"],
  ["a manifest that names what is not there", { "manifest.json": JSON.stringify([{ Config: "../../etc/passwd", Layers: [] }]) }, "../../etc/passwd is missing in it"],
  ["another number of layers", { "c.json": config, "manifest.json": JSON.stringify([{ Config: "c.json", Layers: [] }]) }, "its config tells of 2 layers, its manifest of 0"],
  ["a blob that is not what its name says", { [blob("one")]: "other" }, "not sha256:"],
])("refuses %s", async (_, files, why) => {
  using temporary = temporaryStore();
  await expect(readSaved(temporary.store, inPieces(tarOf(files)))).rejects.toThrow(why);
  expect(readdirSync(`${temporary.folder}/blobs`).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("a large layer is kept compressed where that helps, and known again by what is in it", async () => {
  using temporary = temporaryStore();
  const text = layerOf("words and words ".repeat(200_000));
  const noise = new Uint8Array(randomBytes(2_000_000));
  const of = configOf([text, noise]);
  const saved = tarOf({ "t/layer.tar": text, "n/layer.tar": noise, "c.json": of, "manifest.json": JSON.stringify([{ Config: "c.json", Layers: ["t/layer.tar", "n/layer.tar"] }]) });
  const [found] = await readSaved(temporary.store, inPieces(saved, 65_536));
  const [first, second] = found?.layers ?? [];
  expect(second).toEqual({ diffId: sha256(noise), digest: sha256(noise), size: noise.length });
  expect(first?.diffId).toBe(sha256(text));
  expect(first?.size).toBeLessThan(text.length / 10);
  expect(sha256(gunzipSync(await temporary.store.bytes(first?.digest ?? "")))).toBe(sha256(text));
  const before = readdirSync(`${temporary.folder}/blobs`).toSorted();
  expect(before).not.toContain(sha256(text).slice(7));
  expect(await readSaved(temporary.store, inPieces(saved, 65_536))).toMatchObject([found ?? {}]);
  expect(readdirSync(`${temporary.folder}/blobs`).toSorted()).toEqual(before);
});

test("a layer that is being compressed is never there under the digest that it loses", async () => {
  using temporary = temporaryStore();
  const text = layerOf("words and words ".repeat(400_000));
  const seen = new Set<string>();
  using watching = watched(temporary.folder, (name) => seen.add(name));
  const saved = tarOf({ "t/layer.tar": text, "c.json": configOf([text]), "manifest.json": JSON.stringify([{ Config: "c.json", Layers: ["t/layer.tar"] }]) });
  const [found] = await readSaved(temporary.store, inPieces(saved, 65_536));
  await Bun.sleep(50);
  expect(seen).toContain(found?.layers[0]?.digest.slice(7) ?? "");
  expect(seen).not.toContain(sha256(text).slice(7));
  void watching;
});

/** Tells of every name that comes or goes among the blobs of a store. */
function watched(folder: string, onName: (name: string) => void): Disposable {
  mkdirSync(`${folder}/blobs`, { mode: 0o700 });
  const watcher = watch(`${folder}/blobs`, (_, name) => onName(name ?? ""));
  return { [Symbol.dispose]: () => watcher.close() };
}

test("an archive holds the image in both forms, without the layers that are there", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  await Promise.all([base, app, config].map((content) => store.put(content)));
  const archive = await makeArchive(store, "acme/shop:77", variant, 1);
  const files = new Map<string, string>();
  const bytes = await joined(archive.read(0));
  for await (const { name, content } of readTar(inPieces(bytes))) files.set(name, Buffer.from(await joined(content)).toString("latin1"));
  expect([...files.keys()]).toEqual(["oci-layout", "index.json", "manifest.json", `blobs/sha256/${archive.manifest.slice(7)}`, blob(config), blob(app)]);
  expect(JSON.parse(files.get("manifest.json") ?? "")).toEqual([{ Config: blob(config), RepoTags: ["acme/shop:77"], Layers: [blob(base), blob(app)] }]);
  expect(JSON.parse(files.get("index.json") ?? "")).toMatchObject({ manifests: [{ digest: archive.manifest, annotations: { "io.containerd.image.name": "docker.io/acme/shop:77", "org.opencontainers.image.ref.name": "77" } }] });
  expect(sha256(Buffer.from(files.get(`blobs/sha256/${archive.manifest.slice(7)}`) ?? "", "latin1"))).toBe(archive.manifest);
  expect(archive.size).toBe(bytes.length);
  expect(`sha256:${await archive.digest()}`).toBe(sha256(bytes));
  for (const offset of [0, 1, 511, 512, 3000, bytes.length - 1, bytes.length]) expect(sha256(await joined(archive.read(offset)))).toBe(sha256(bytes.subarray(offset)));
  expect((await makeArchive(store, "acme/shop:77", variant, 1)).id).toBe(archive.id);
  const others = [await makeArchive(store, "acme/shop:77", variant, 0), await makeArchive(store, "acme/shop:78", variant, 1)];
  expect(new Set([archive.id, ...others.map(({ id }) => id)]).size).toBe(3);
});

test("a layer that is gone from the cache is told", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  await Promise.all([base, app, config].map((content) => store.put(content)));
  const archive = await makeArchive(store, "acme/shop:77", variant, 0);
  await store.remove(sha256(app));
  await expect(joined(archive.read(0))).rejects.toThrow("it is not as it was when the image was collected");
});

test("a layer that is shorter than it was is told, leaves the cache, and its image counts as not collected", async () => {
  using temporary = temporaryStore();
  const { store } = temporary;
  await Promise.all([base, app, config].map((content) => store.put(content)));
  await store.writeNote("image", "sha256:id", { name: "acme/shop:77", variants: [variant] });
  expect(await notedImage(store, "sha256:id", "acme/shop:77")).toEqual({ name: "acme/shop:77", variants: [variant] });
  const archive = await makeArchive(store, "acme/shop:77", variant, 0);
  truncateSync(store.pathOf(sha256(app)), 100);
  expect(await notedImage(store, "sha256:id", "acme/shop:77")).toBeUndefined();
  await expect(joined(archive.read(0))).rejects.toThrow("it is not as it was when the image was collected");
  expect(readdirSync(`${temporary.folder}/blobs`)).not.toContain(sha256(app).slice(7));
});

test.each([
  ["shop:1", "docker.io/library/shop:1"], ["acme/shop:1", "docker.io/acme/shop:1"], ["reg.example/shop:1", "reg.example/shop:1"], ["localhost/shop:1", "localhost/shop:1"], ["reg:5000/a/shop:1", "reg:5000/a/shop:1"],
])("containerd calls %s %s", (name, whole) => expect(wholeName(name)).toBe(whole));

test.each<[images: string[][], there: number]>([
  [[], 0], [[["a"]], 1], [[["a", "b", "c"]], 3], [[["a", "b", "c", "d"]], 3], [[["b", "c"]], 0], [[["a", "x", "c"], ["a", "b"]], 2],
])("of the layers a, b, c a host with %p has %p", (images, there) => expect(layersThere({ layers: ["a", "b", "c"].map((diffId) => ({ diffId, digest: diffId, size: 1 })) }, images)).toBe(there));

test.each([[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [2_100_000, "2.1 MB"], [498_000_000, "498 MB"], [99_960_000, "100 MB"], [5_000_000_000, "5.0 GB"], [5e12, "5000 GB"]])("%p bytes are %s", (bytes, text) => expect(byteText(bytes)).toBe(text));

test("any manifest and any bytes give an image or are refused, and none leaves half a file", async () => {
  const manifest = fc.oneof(
    fc.json(),
    fc.record({ Config: fc.constantFrom("c.json", "x", "../c.json"), Layers: fc.array(fc.constantFrom("a", "c.json", "../a", "")) }).map((one) => JSON.stringify([one])),
  );
  const archive = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.tuple(manifest, fc.constantFrom("manifest.json", "index.json"), fc.json(), fc.uint8Array({ maxLength: 600 })).map(([text, name, other, bytes]) => tarOf({ a: bytes, "c.json": other, [name]: text })),
  );
  using temporary = temporaryStore();
  await fc.assert(fc.asyncProperty(archive, async (bytes) => {
    const outcome = await readSaved(temporary.store, inPieces(bytes)).then((variants) => Array.isArray(variants), (error: unknown) => error instanceof Error);
    expect(outcome).toBe(true);
  }), { numRuns: 300 });
  expect(readdirSync(`${temporary.folder}/blobs`).filter((name) => name.endsWith(".part"))).toEqual([]);
});
