import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { CollectedImage } from "../../../lib/ground/image.ts";
import { createWorld } from "../../../lib/world/create.ts";
import { sha256 } from "../../../lib/world/images/store.ts";
import { configOf, layerOf, tarOf, temporaryStore } from "./fixtures.ts";

const layer = layerOf("hello");
const config = configOf([layer]);
const variants = [{ platform: "linux/amd64", config: sha256(config), configSize: config.length, layers: [{ diffId: sha256(layer), digest: sha256(layer), size: layer.length }] }];
const saved = tarOf({ "a/layer.tar": layer, "c.json": config, "manifest.json": JSON.stringify([{ Config: "c.json", Layers: ["a/layer.tar"] }]) });

/** A machine whose docker is a recording script. @param push shell code that does the push; @param id what it calls the image, undefined: it has none */
function machine({ id = sha256(config), push = "exit 1" }: { id?: string | undefined; push?: string } = {}) {
  const temporary = temporaryStore();
  const { folder } = temporary;
  mkdirSync(`${folder}/bin`);
  writeFileSync(`${folder}/saved.tar`, saved);
  writeFileSync(`${folder}/id`, id);
  writeFileSync(`${folder}/bin/docker`, `#!/bin/sh
echo "$@" >> "${folder}/log"
case "$1" in
image) [ -s "${folder}/id" ] || { echo "Error: No such image: $5" >&2; exit 1; }; cat "${folder}/id" ;;
push) ${push} ;;
save) cat "${folder}/saved.tar" ;;
esac
`, { mode: 0o755 });
  const open = createWorld({ env: { PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`, HOME: folder, XDG_CACHE_HOME: `${folder}/cache` }, cwd: folder, report: () => undefined });
  return {
    folder, open,
    collect: (archive?: string): Promise<CollectedImage> => open.world.images.collect("acme/shop:77", { signal: open.world.signal, ...(archive === undefined ? {} : { archive }) }),
    /** What docker was called with, sorted, since the last time, the port of our registry left out. */
    calls: async (): Promise<string[]> => {
      await open.close();
      const lines = existsSync(`${folder}/log`) ? readFileSync(`${folder}/log`, "utf8").trim().split("\n").filter(Boolean) : [];
      writeFileSync(`${folder}/log`, "");
      return lines.map((line) => line.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")).toSorted();
    },
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

const inspects = "image inspect --format {{.Id}} acme/shop:77";
const [untags, tags] = ["rmi --no-prune 127.0.0.1:PORT/capstan/acme-shop:delivery", "tag acme/shop:77 127.0.0.1:PORT/capstan/acme-shop:delivery"];
const pushes = "push 127.0.0.1:PORT/capstan/acme-shop:delivery";

test("a Docker that does not reach us is asked to save the image; the next time nothing but its ID is asked for", async () => {
  using here = machine();
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([inspects, pushes, untags, "save acme/shop:77", tags]);
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([inspects, untags, tags]);
  expect(await here.open.world.images.collected("acme/shop:77")).toEqual({ name: "acme/shop:77", variants });
});

/** A program that pushes an image as Docker does. @param architecture another one makes another image */
const pusher = (folder: string, architecture: string): string => {
  const of = configOf([layer], architecture);
  const manifest = JSON.stringify({ schemaVersion: 2, config: { digest: sha256(of), size: of.length }, layers: [{ digest: sha256(layer), size: layer.length }] });
  writeFileSync(`${folder}/layer`, layer);
  writeFileSync(`${folder}/push.ts`, `
const [address, ...repository] = process.argv[2].replace(/:delivery$/, "").split("/");
const base = \`http://\${address}/v2/\${repository.join("/")}\`;
const put = async (digest, body) => { const { headers } = await fetch(base + "/blobs/uploads/", { method: "POST" }); await fetch(new URL(headers.get("location") + "?digest=" + digest, base), { method: "PUT", body }); };
await put(${JSON.stringify(sha256(layer))}, Bun.file(${JSON.stringify(`${folder}/layer`)}));
await put(${JSON.stringify(sha256(of))}, ${JSON.stringify(of)});
const { ok } = await fetch(base + "/manifests/delivery", { method: "PUT", headers: { "content-type": "application/vnd.docker.distribution.manifest.v2+json" }, body: ${JSON.stringify(manifest)} });
process.exit(ok ? 0 : 1);
`);
  return `exec ${process.execPath} "${folder}/push.ts" "$2"`;
};

test("a Docker that reaches us pushes it, and is asked for nothing else", async () => {
  using here = machine({ push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "amd64"));
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([inspects, pushes, untags, tags]);
});

test("what somebody else pushed in its place is not taken: it is not the image that Docker has", async () => {
  using here = machine({ push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "s390x"));
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([inspects, pushes, untags, "save acme/shop:77", tags]);
});

test("an image that Docker has no more comes from the cache", async () => {
  using here = machine();
  await here.collect();
  writeFileSync(`${here.folder}/id`, "");
  await here.calls();
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([inspects, untags, tags]);
});

test("an image that is nowhere is refused, with what to do", async () => {
  using here = machine({ id: "" });
  const error: unknown = await here.collect().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    failure: "missing", message: "Cannot deliver acme/shop:77: it is neither in the Docker of this machine nor in the cache", details: ["Error: No such image: acme/shop:77"],
    hint: "Build it first: `capstan build push`, or deploy without --skip-push.",
  });
});

test("what buildx wrote into a file is read without Docker, and the file goes", async () => {
  using here = machine({ id: sha256("an older image of that name") });
  const archive = `${here.folder}/shop-77.tar`;
  writeFileSync(archive, saved);
  expect(await here.collect(archive)).toEqual({ name: "acme/shop:77", variants });
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect([await here.calls(), existsSync(archive)]).toEqual([[], false]);
});

test("a save that gives no image is told with what it said", async () => {
  using here = machine();
  writeFileSync(`${here.folder}/saved.tar`, "Error response from daemon: reference does not exist");
  await expect(here.collect()).rejects.toMatchObject({ failure: "build", message: `Cannot take acme/shop:77 out of Docker: "docker save acme/shop:77" gave no image: it ends in the middle of an entry` });
});

test("a machine without docker is told so", async () => {
  using here = machine();
  writeFileSync(`${here.folder}/bin/docker`, "", { mode: 0o644 });
  const lonely = createWorld({ env: { PATH: "/nowhere", HOME: here.folder, XDG_CACHE_HOME: `${here.folder}/cache` }, cwd: here.folder, report: () => undefined });
  await expect(lonely.world.images.collect("acme/shop:77", { signal: lonely.world.signal })).rejects.toThrow("Cannot run docker here: it was not found");
});
