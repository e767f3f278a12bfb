import { expect, test } from "bun:test";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { openPushRegistry, type PushRegistry } from "../../../lib/world/images/push-registry.ts";
import { sha256 } from "../../../lib/world/images/store.ts";
import { bytesOf, temporaryStore } from "./fixtures.ts";

const type = "application/vnd.docker.distribution.manifest.v2+json";
const ask = (registry: PushRegistry, method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(path, `http://${registry.address}`), { method, headers, ...(body === undefined ? {} : { body }) });
const begin = async (registry: PushRegistry): Promise<string> => (await ask(registry, "POST", "/v2/capstan/shop/blobs/uploads/")).headers.get("location") ?? "";

test("takes a blob as Docker sends it: begin, add, finish; then it is there", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const blob = bytesOf("a layer");
  expect((await ask(registry, "GET", "/v2/")).status).toBe(200);
  expect((await ask(registry, "HEAD", `/v2/capstan/shop/blobs/${sha256(blob)}`)).status).toBe(404);
  const begun = await ask(registry, "POST", "/v2/capstan/shop/blobs/uploads/?mount=x&from=y");
  expect([begun.status, begun.headers.get("range")]).toEqual([202, "0-0"]);
  const place = begun.headers.get("location") ?? "";
  const added = await ask(registry, "PATCH", place, blob.subarray(0, 3));
  expect([added.status, added.headers.get("range"), added.headers.get("location")]).toEqual([202, "0-2", place]);
  const asked = await ask(registry, "GET", place);
  expect([asked.status, asked.headers.get("range")]).toEqual([204, "0-2"]);
  expect((await ask(registry, "PATCH", place, blob.subarray(3, 4), { "content-range": "5-5" })).status).toBe(416);
  expect((await ask(registry, "PATCH", place, blob.subarray(3, 4), { "content-range": "3-3" })).status).toBe(202);
  const done = await ask(registry, "PUT", `${place}?digest=${sha256(blob)}`, blob.subarray(4));
  expect([done.status, done.headers.get("docker-content-digest")]).toEqual([201, sha256(blob)]);
  const head = await ask(registry, "HEAD", `/v2/capstan/shop/blobs/${sha256(blob)}`);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "7"]);
  expect(Buffer.from(await temporary.store.bytes(sha256(blob))).toString()).toBe("a layer");
});

test("takes a whole blob with one request", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  expect((await ask(registry, "POST", `/v2/capstan/shop/blobs/uploads/?digest=${sha256("all")}`, "all")).status).toBe(201);
  expect(await temporary.store.sizeOf(sha256("all"))).toBe(3);
});

test("refuses a blob that is not what its digest says, and keeps nothing of it", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const bad = await ask(registry, "PUT", `${await begin(registry)}?digest=${sha256("one")}`, "other");
  expect([bad.status, (await bad.text()).includes("DIGEST_INVALID")]).toEqual([400, true]);
  expect(await temporary.store.sizeOf(sha256("one"))).toBeUndefined();
  expect(await temporary.store.sizeOf(sha256("other"))).toBeUndefined();
  expect(readdirSync(`${temporary.folder}/blobs`)).toEqual([]);
});

test.each([
  ["PUT", "?digest=md5:abc", 400], ["PUT", "", 400], ["PUT", "?digest=sha256:../../../etc/passwd", 400], ["POST", "", 405],
] as const)("%s of an upload%s is answered %p", async (method, query, status) => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  expect((await ask(registry, method, `${await begin(registry)}${query}`, "x")).status).toBe(status);
});

test.each([
  "/v2/capstan/shop/blobs/../../../../etc/passwd", "/v2/../blobs/uploads/", "/v2/capstan/shop/blobs/sha256:..%2f..%2fetc", "/v2/SHOP/manifests/1", "/v2/capstan/shop/blobs/uploads/..%2f..%2fx", "/", "/v2/capstan/shop/tags/list",
])("nothing is at %s", async (path) => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  expect((await ask(registry, "HEAD", path)).status).toBeGreaterThanOrEqual(404);
  expect((await ask(registry, "PUT", `${path}?digest=${sha256("")}`, "")).status).toBeGreaterThanOrEqual(404);
});

test("gives nothing away: neither blobs nor manifests, nor anything to whoever calls it by another name", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const digest = await temporary.store.put("secret layer");
  expect((await ask(registry, "GET", `/v2/capstan/shop/blobs/${digest}`)).status).toBe(405);
  expect((await ask(registry, "PUT", "/v2/capstan/shop/manifests/1", "{}", { "content-type": type })).status).toBe(201);
  expect((await ask(registry, "GET", "/v2/capstan/shop/manifests/1")).status).toBe(405);
  expect((await ask(registry, "HEAD", `/v2/capstan/shop/blobs/${digest}`, undefined, { host: "evil.example" })).status).toBe(403);
  expect((await ask(registry, "DELETE", `/v2/capstan/shop/blobs/${digest}`)).status).toBe(405);
});

test.each<[what: string, headers: Record<string, string>]>([
  ["a form of a web page", { origin: "https://evil.example", "content-type": "text/plain" }], ["a picture of a web page", { "sec-fetch-site": "cross-site" }],
])("takes nothing from %s", async (_, headers) => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  expect((await ask(registry, "POST", `/v2/capstan/shop/blobs/uploads/?digest=${sha256("evil")}`, "evil", headers)).status).toBe(403);
  expect(await temporary.store.sizeOf(sha256("evil"))).toBeUndefined();
});

test.each(["/v2/other/blobs/uploads/", "/v2/capstan/other/blobs/uploads/", "/v2/capstan/shop/more/blobs/uploads/"])("takes nothing at %s, which is not our repository", async (path) => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  expect((await ask(registry, "POST", `${path}?digest=${sha256("x")}`, "x")).status).toBe(404);
  expect(await temporary.store.sizeOf(sha256("x"))).toBeUndefined();
});

test("knows when it was asked for the name that nobody can guess, and for no other", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const [, , secret = ""] = /^(127\.0\.0\.1:\d+)\/capstan\/probe:([0-9a-f]{32})$/.exec(registry.probe) ?? [];
  expect((await ask(registry, "HEAD", `/v2/capstan/probe/manifests/${"0".repeat(32)}`)).status).toBe(404);
  expect((await ask(registry, "HEAD", `/v2/capstan/probe/manifests/${secret}`, undefined, { "sec-fetch-site": "none" })).status).toBe(403);
  expect(registry.wasFound).toBe(false);
  expect((await ask(registry, "HEAD", `/v2/capstan/probe/manifests/${secret}`)).status).toBe(404);
  expect(registry.wasFound).toBe(true);
});

test("a manifest without an end is not read to it", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const body = new ReadableStream<Uint8Array>({ async pull(to) { await Bun.sleep(0); to.enqueue(new Uint8Array(1024 * 1024)); } });
  const answer = await fetch(`http://${registry.address}/v2/capstan/shop/manifests/1`, { method: "PUT", body, headers: { "content-type": type } }).then(({ status }) => status, () => "cut off");
  expect([413, "cut off"]).toContain(answer);
}, 10_000);

test("a damaged layer in the cache is sent again", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const digest = await temporary.store.put("a whole layer");
  truncateSync(temporary.store.pathOf(digest), 5);
  expect((await ask(registry, "HEAD", `/v2/capstan/shop/blobs/${digest}`)).status).toBe(404);
  expect((await ask(registry, "PUT", `${await begin(registry)}?digest=${digest}`, "a whole layer")).status).toBe(201);
  expect((await ask(registry, "HEAD", `/v2/capstan/shop/blobs/${digest}`)).headers.get("content-length")).toBe("13");
});

test("manifests are known by tag and digest, and only what Docker writes is taken", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const manifest = JSON.stringify({ schemaVersion: 2 });
  expect((await ask(registry, "PUT", "/v2/capstan/shop/manifests/delivery", manifest, { "content-type": "text/plain" })).status).toBe(415);
  expect((await ask(registry, "PUT", `/v2/capstan/shop/manifests/${sha256("else")}`, manifest, { "content-type": type })).status).toBe(400);
  expect((await ask(registry, "PUT", "/v2/capstan/shop/manifests/delivery", "x".repeat(4 * 1024 * 1024 + 1), { "content-type": type })).status).toBe(413);
  expect(registry.pushed("delivery")).toBeUndefined();
  expect((await ask(registry, "HEAD", "/v2/capstan/shop/manifests/delivery")).status).toBe(404);
  expect((await ask(registry, "PUT", "/v2/capstan/shop/manifests/delivery", manifest, { "content-type": type })).status).toBe(201);
  const head = await ask(registry, "HEAD", `/v2/capstan/shop/manifests/${sha256(manifest)}`);
  expect([head.status, head.headers.get("content-type"), registry.pushed("delivery")]).toEqual([200, type, sha256(manifest)]);
});

test("many uploads at once, the same blob among them", async () => {
  using temporary = temporaryStore();
  await using registry = openPushRegistry(temporary.store, "capstan/shop", 0);
  const blobs = Array.from({ length: 24 }, (_, i) => `${i % 8} `.repeat(20_000));
  const states = await Promise.all(blobs.map(async (blob) => (await ask(registry, "PUT", `${await begin(registry)}?digest=${sha256(blob)}`, blob)).status));
  expect(new Set(states)).toEqual(new Set([201]));
  expect(readdirSync(`${temporary.folder}/blobs`).length).toBe(8);
  expect(statSync(`${temporary.folder}/blobs`).mode & 0o777).toBe(0o700);
});

test("what was not finished goes when it closes, and another port is taken when its own is not free", async () => {
  using temporary = temporaryStore();
  await using first = openPushRegistry(temporary.store, "capstan/shop", 0);
  const port = Number(first.address.split(":")[1]);
  const second = openPushRegistry(temporary.store, "capstan/shop", port);
  expect(second.address).not.toBe(first.address);
  await ask(second, "PATCH", await begin(second), "half");
  expect(readdirSync(`${temporary.folder}/blobs`).length).toBe(1);
  await second[Symbol.asyncDispose]();
  expect(readdirSync(`${temporary.folder}/blobs`)).toEqual([]);
});
