import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import type { CollectedImage } from "../../../lib/ground/image.ts";
import { createWorld } from "../../../lib/world/create.ts";
import { openPushRegistry } from "../../../lib/world/images/push-registry.ts";
import { saveImage, type SaveLimits } from "../../../lib/world/images/save.ts";
import { sha256 } from "../../../lib/world/images/store.ts";
import { configOf, layerOf, tarOf, temporaryStore } from "./fixtures.ts";

const layer = layerOf("hello");
const config = configOf([layer]);
const variants = [{ platform: "linux/amd64", config: sha256(config), configSize: config.length, layers: [{ diffId: sha256(layer), digest: sha256(layer), size: layer.length }] }];
const saved = tarOf({ "a/layer.tar": layer, "c.json": config, "manifest.json": JSON.stringify([{ Config: "c.json", Layers: ["a/layer.tar"] }]) });

interface Docker {
  /** What it calls the image; empty: it has none. */
  readonly id?: string;
  /** Shell code that does the push; default: it fails. */
  readonly push?: string;
  /** Whether its 127.0.0.1 is ours; default: false. */
  readonly reaches?: boolean;
  readonly endpoint?: string;
  /** Names that an earlier run left. */
  readonly left?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A machine whose docker is a recording script. */
function machine({ id = sha256(config), push = "exit 1", reaches = false, endpoint = "unix:///var/run/docker.sock", left = [], env = {} }: Docker = {}) {
  const temporary = temporaryStore();
  const { folder } = temporary;
  mkdirSync(`${folder}/bin`);
  writeFileSync(`${folder}/saved.tar`, saved);
  writeFileSync(`${folder}/id`, id);
  writeFileSync(`${folder}/bin/docker`, `#!/bin/sh
echo "$@" >> "${folder}/log"
case "$1" in
image) [ "$2" != ls ] || { printf '%s\\n' ${left.map((name) => `"${name}"`).join(" ")}; exit; }
  [ -s "${folder}/id" ] || { echo "Error: No such image: $5" >&2; exit 1; }; cat "${folder}/id" ;;
context) echo "${endpoint}" ;;
pull) ${reaches ? `exec ${process.execPath} "${folder}/pull.ts" "$3"` : ":"}; exit 1 ;;
push) ${push} ;;
save) cat "${folder}/saved.tar" ;;
esac
`, { mode: 0o755 });
  writeFileSync(`${folder}/pull.ts`, `const [, address, name, tag] = /^([^/]+)\\/(.*):([^:]+)$/.exec(process.argv[2]); await fetch("http://" + address + "/v2/" + name + "/manifests/" + tag, { method: "HEAD" });`)
  const open = createWorld({ env: { DOCKER_HOST: "unix:///nowhere/docker.sock", ...env, PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`, HOME: folder, XDG_CACHE_HOME: `${folder}/cache` }, cwd: folder, report: () => undefined });
  return {
    folder, open,
    collect: (archive?: string): Promise<CollectedImage> => open.world.images.collect("acme/shop:77", { signal: open.world.signal, ...(archive === undefined ? {} : { archive }) }),
    /** What docker was called with, sorted, since the last time, the port of our registry left out. */
    calls: async (): Promise<string[]> => {
      await open.close();
      const lines = existsSync(`${folder}/log`) ? readFileSync(`${folder}/log`, "utf8").trim().split("\n").filter(Boolean) : [];
      writeFileSync(`${folder}/log`, "");
      return lines.map((line) => line.replaceAll(/127\.0\.0\.1:\d{5}\b/g, "127.0.0.1:PORT").replace(/probe:[0-9a-f]{32}$/, "probe:SECRET")).toSorted();
    },
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

const inspects = "image inspect --format {{.Id}} acme/shop:77";
const [untags, tags] = ["rmi --no-prune 127.0.0.1:PORT/capstan/acme-shop:delivery", "tag acme/shop:77 127.0.0.1:PORT/capstan/acme-shop:delivery"];
const asks = ["context inspect --format {{.Endpoints.docker.Host}}", inspects, "pull --quiet 127.0.0.1:PORT/capstan/probe:SECRET"];
const sweeps = "image ls --filter reference=127.0.0.1:*/capstan/*:delivery --format {{.Repository}}:{{.Tag}}";
const pushes = "push 127.0.0.1:PORT/capstan/acme-shop:delivery";

test("a Docker that does not reach us is asked to save the image; the next time nothing but its ID is asked for", async () => {
  using here = machine();
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([...asks, untags, "save acme/shop:77", tags]);
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([...asks, untags, tags]);
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
  using here = machine({ reaches: true, push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "amd64"));
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([...asks.slice(0, 2), sweeps, ...asks.slice(2), pushes, untags, tags]);
});

test.each<[what: string, docker: Docker, calls: string[]]>([
  ["whose 127.0.0.1 is not ours", {}, [...asks, untags, "save acme/shop:77", tags]],
  ["of a context on another machine, whoever relays our port to it", { reaches: true, endpoint: "ssh://deploy@build.example" }, [...asks, untags, "save acme/shop:77", tags]],
  ["at DOCKER_HOST on another machine", { reaches: true, env: { DOCKER_HOST: "tcp://build.example:2376" } }, [inspects, "save acme/shop:77"]],
])("nothing is pushed to a Docker %s", async (_, docker, calls) => {
  using here = machine({ ...docker, push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "amd64"));
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual(calls);
});

test("names that killed runs left are taken off; one whose registry is open is not, nor any that is not ours", async () => {
  await using other = openPushRegistry(temporaryStore().store, "capstan/other", 0);
  const kept = [`${other.address}/capstan/other:delivery`, "127.0.0.1:1/capstan/shop:1", "127.0.0.1:1/mine/shop:delivery"];
  using here = machine({ reaches: true, left: ["127.0.0.1:1/capstan/gone:delivery", ...kept, "127.0.0.1:2/capstan/gone-too:delivery"], push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "amd64"));
  await here.collect();
  expect((await here.calls()).filter((call) => call.startsWith("rmi"))).toEqual(["rmi --no-prune 127.0.0.1:1/capstan/gone:delivery 127.0.0.1:2/capstan/gone-too:delivery", untags]);
});

test("a damaged layer in the cache is collected anew", async () => {
  using here = machine();
  await here.collect();
  const path = `${here.folder}/cache/capstan/blobs/${sha256(layer).slice(7)}`;
  truncateSync(path, 10);
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(statSync(path).size).toBe(layer.length);
  writeFileSync(path, layer.map((byte) => byte ^ 1));
  expect([await here.open.world.images.verify("acme/shop:77"), existsSync(path)]).toEqual([1, false]);
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.open.world.images.verify("acme/shop:77")).toBe(0);
});

test.each<[what: string, script: string, limits: SaveLimits, why: string]>([
  ["gives nothing", "exec sleep 3", { totalMs: 30_000, stallMs: 200, graceMs: 200 }, "gave nothing for 200ms"],
  ["never ends", "while :; do echo x; sleep 0.02; done", { totalMs: 400, stallMs: 30_000, graceMs: 200 }, "did not end within 400ms"],
  ["does not end when it is told to, nor its child", "trap '' TERM; echo starting >&2; sleep 3; exit 1", { totalMs: 30_000, stallMs: 200, graceMs: 200 }, "gave nothing for 200ms"],
])("a save that %s is given up", async (_, script, limits, why) => {
  using temporary = temporaryStore();
  writeFileSync(`${temporary.folder}/docker`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const saver = { store: temporary.store, env: { PATH: `${temporary.folder}:${process.env["PATH"] ?? ""}` }, cwd: temporary.folder };
  await expect(saveImage(saver, "acme/shop:77", new AbortController().signal, limits)).rejects.toThrow(`Cannot take acme/shop:77 out of Docker: "docker save acme/shop:77" ${why}`);
}, 10_000);

test("what somebody else pushed in its place is not taken: it is not the image that Docker has", async () => {
  using here = machine({ reaches: true, push: 'exec sh "$(dirname "$0")/push" "$@"' });
  writeFileSync(`${here.folder}/bin/push`, pusher(here.folder, "s390x"));
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([...asks.slice(0, 2), sweeps, ...asks.slice(2), pushes, untags, "save acme/shop:77", tags]);
});

test("an image that Docker has no more comes from the cache", async () => {
  using here = machine();
  await here.collect();
  writeFileSync(`${here.folder}/id`, "");
  await here.calls();
  expect(await here.collect()).toEqual({ name: "acme/shop:77", variants });
  expect(await here.calls()).toEqual([...asks, untags, tags]);
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
  const lonely = createWorld({ env: { DOCKER_HOST: "unix:///nowhere/docker.sock", PATH: "/nowhere", HOME: here.folder, XDG_CACHE_HOME: `${here.folder}/cache` }, cwd: here.folder, report: () => undefined });
  await expect(lonely.world.images.collect("acme/shop:77", { signal: lonely.world.signal })).rejects.toThrow("Cannot run docker here: it was not found");
});
