import { expect, test } from "bun:test";
import { CancelledError, CommandError, DeployError } from "../../lib/ground/errors.ts";
import type { CollectedImage, ImageArchive } from "../../lib/ground/image.ts";
import type { DeliverStep } from "../../lib/ground/step.ts";
import type { Channel, Images, World } from "../../lib/ground/world.ts";
import { forgetParts, receiveImage } from "../../lib/remote/delivery.ts";
import { deliver } from "../../lib/run/deliver.ts";
import { fakeWorld } from "../support/world.ts";

const of = { service: "shop", destination: undefined };
const step: DeliverStep = { kind: "deliver", title: "Deliver acme/shop:77", image: "acme/shop:77", command: receiveImage(of, "acme/shop:77", []), forget: forgetParts(of) };
const layers = ["a", "b", "c"].map((name, i) => ({ diffId: `sha256:${name}`, digest: `sha256:packed-${name}`, size: 10 ** (i + 3) }));
const image: CollectedImage = { name: "acme/shop:77", variants: [{ platform: "linux/amd64", config: "sha256:config", configSize: 2, layers }] };
const archiveId = (there: number): string => String(there).repeat(32);

const images: Images = {
  collect: async () => image,
  collected: async () => image,
  verify: async () => 0,
  archive: async (_, __, there): Promise<ImageArchive> => ({ id: archiveId(there), manifest: "sha256:manifest", size: 100, digest: async () => "d1", async *read(offset) { for (let at = offset; at < 100; at += 25) yield new Uint8Array(Math.min(25, 100 - at)); } }),
};

interface Host {
  readonly answer: Iterable<string>;
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** The connection goes after so many bytes. */
  readonly lostAfter?: number;
  /** What it says while it loads. */
  readonly words?: () => Iterable<string>;
  /** Says nothing at all. */
  readonly mute?: boolean;
}

/** A host that answers as told, one answer for each try. */
function talk(...tries: readonly Host[]) {
  const fake = fakeWorld({ images, answers: { "10.0.0.1": [[/^rm -rf \.kamal/, ""]] } });
  const told: string[] = [];
  let turn = 0;
  const open = async (_host: string, _command: unknown, signal: AbortSignal): Promise<Channel> => {
    const host = tries[Math.min(turn++, tries.length - 1)] ?? { answer: [] };
    const over = Promise.withResolvers<{ status: number | undefined; stderr: string; lost: boolean }>();
    const lines = Promise.withResolvers<void>();
    const end = (lost: boolean): void => {
      lines.resolve();
      over.resolve({ status: lost ? undefined : (host.status ?? 0), stderr: host.stderr ?? "", lost });
    };
    signal.addEventListener("abort", () => end(false));
    let bytes = 0;
    return {
      write: (text) => void told.push(text.trim()),
      async send(piece) {
        bytes += piece.length;
        if (host.lostAfter !== undefined && bytes >= host.lostAfter) end(true);
      },
      end: () => { told.push(`${bytes} bytes`); if (host.mute !== true) end(false); },
      lines: (async function* () { if (host.mute !== true) yield* host.answer; await lines.promise; if (host.words !== undefined) yield* host.words(); if (host.stdout !== undefined) yield host.stdout; })(),
      ended: over.promise,
    };
  };
  const world: World = { ...fake.world, transport: { ...fake.world.transport, open } };
  return { world, told, events: fake.events, ran: fake.ran, deliver: () => deliver(world, "10.0.0.1", step) };
}

const ready = ["image sha256:other sha256:a sha256:b sha256:z", "image sha256:base sha256:a", "ready"];

test("sends what the host lacks from its highest common layer on, and tells how much that was", async () => {
  const host = talk({ answer: ready, stdout: "Loaded image: acme/shop:77" });
  expect(await host.deliver()).toEqual({ sentBytes: 100, thereBytes: 11_000 });
  expect(host.told).toEqual([`load ${archiveId(2)} 100`, "100 bytes"]);
  expect(host.events.find(({ type }) => type === "transfer")).toMatchObject({ host: "10.0.0.1", image: "acme/shop:77", state: "end", sentBytes: 100, totalBytes: 100, thereBytes: 11_000 });
  expect(host.events.find(({ type }) => type === "output")).toMatchObject({ line: "Loaded image: acme/shop:77", loud: false });
});

test("a host with nothing gets all of it", async () => {
  const host = talk({ answer: ["ready", "ready"] });
  expect(await host.deliver()).toEqual({ sentBytes: 100, thereBytes: 0 });
  expect(host.told.slice(0, 2)).toEqual(["look sha256:a", `load ${archiveId(0)} 100`]);
});

test.each([["its config's digest", "sha256:config"], ["its manifest's digest", "sha256:manifest"]])("a host that has the image, by %s, gets only the name", async (_, id) => {
  const host = talk({ answer: [`image ${id} sha256:a sha256:b sha256:c`, "ready"] });
  expect(await host.deliver()).toEqual({ sentBytes: 0, thereBytes: 111_000 });
  expect(host.told).toEqual([`have ${id}`, "0 bytes"]);
});

test("goes on from where an earlier run was cut off", async () => {
  const host = talk({ answer: [...ready.slice(0, -1), `part ${archiveId(2)}-100.part 60`, "ready"] });
  expect(await host.deliver()).toEqual({ sentBytes: 40, thereBytes: 11_000 });
});

test("a lost connection is told, with what to do", async () => {
  const host = talk({ answer: ready, lostAfter: 50 });
  await expect(host.deliver()).rejects.toMatchObject({ failure: "connect", reason: "lost", message: "The connection to 10.0.0.1 was lost while acme/shop:77 was sent", hint: "Run the same command again: it goes on from where this was cut off." });
});

test.each<[what: string, host: Host]>([
  ["cannot load it", { answer: ready, status: 1, stderr: "open /var/lib/docker/tmp/docker-import-1/blobs/sha256/x: no such file or directory" }],
  ["cannot unpack it, which its Docker tells beside a status of 0", { answer: ready, stdout: "Error unpacking image acme/shop:77: content digest sha256:x: not found" }],
])("a host that %s gets all layers, since one may have gone meanwhile", async (_, failing) => {
  const host = talk(failing, { answer: ready });
  expect(await host.deliver()).toEqual({ sentBytes: 100, thereBytes: 0 });
  expect(host.told.filter((text) => text.startsWith("load"))).toEqual([`load ${archiveId(2)} 100`, `load ${archiveId(0)} 100`]);
  expect(host.ran).toEqual(["10.0.0.1 $ rm -rf .kamal/apps/shop/images"]);
});

test("one that cannot load that either is told with its Docker's words", async () => {
  const host = talk({ answer: ready, status: 1, stderr: "write /blobs/sha256/x: no space left on device" });
  const error: unknown = await host.deliver().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ failure: "command", host: "10.0.0.1", message: `Cannot run "Deliver acme/shop:77" on 10.0.0.1: it ended with status 1`, details: expect.arrayContaining(["write /blobs/sha256/x: no space left on device"]) });
});

test("a host without Docker is told at once", async () => {
  const host = talk({ answer: [], status: 127, stderr: "sh: docker: not found" });
  const delivering = host.deliver();
  await expect(delivering).rejects.toMatchObject({ failure: "command" });
}, 2_000);

test("an image for another architecture is not sent", async () => {
  const two = { ...image, variants: [...image.variants, ...image.variants.map((variant) => ({ ...variant, platform: "linux/arm64" }))] };
  const host = talk({ answer: ["ready", "platform linux/riscv64", "ready"] });
  await expect(deliver({ ...host.world, images: { ...images, collected: async () => two } }, "10.0.0.1", step)).rejects.toMatchObject({
    failure: "build", message: "Cannot deliver acme/shop:77 to 10.0.0.1: it is linux/riscv64, and the image was built for linux/amd64, linux/arm64", hint: `Add "riscv64" to builder.arch.`,
  });
});

test("a damaged layer in the cache of this machine is told, and not sent again", async () => {
  const host = talk({ answer: ready, status: 1, stderr: "file integrity checksum failed" });
  await expect(deliver({ ...host.world, images: { ...images, verify: async () => 1 } }, "10.0.0.1", step)).rejects.toMatchObject({
    failure: "build", host: "10.0.0.1", message: "Cannot deliver acme/shop:77 to 10.0.0.1: its Docker refused what was damaged in the cache of this machine",
    details: ["One layer was not what its digest says, and left the cache."], hint: "Run the same command again: the image is collected anew.",
  });
  expect(host.told.filter((text) => text.startsWith("load"))).toHaveLength(1);
});

function* endless(line: string): Generator<string> {
  for (;;) yield line;
}
function* many(count: number, line: string): Generator<string> {
  for (let i = 0; i < count; i++) yield line;
}

test.each([["of many images", `image sha256:${"a".repeat(64)}`], ["in long lines", "x".repeat(64 * 1024)], ["of another kind", ""]])("a host that speaks without end %s is given up", async (_, line) => {
  const host = talk({ answer: endless(line) });
  await expect(host.deliver()).rejects.toMatchObject({ failure: "command", message: "Cannot deliver the image to 10.0.0.1: it says more of its images than any host has to say" });
}, 10_000);

test("of what a host says while it loads the end is kept, however much it is", async () => {
  const last = "Error: the very last word";
  const host = talk({ answer: ready, status: 1, words: () => many(100_000, "y".repeat(100)), stdout: last });
  const error: unknown = await host.deliver().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ failure: "command", details: expect.arrayContaining([last]) });
  expect(error instanceof CommandError ? error.exit.stdout.length : 0).toBeLessThan(50_000);
}, 10_000);

test("a host that says it is ready more often than it was asked gains nothing", async () => {
  const host = talk({ answer: [...ready, "ready", "ready", "ready"], words: () => many(100_000, "ready") });
  expect(await host.deliver()).toEqual({ sentBytes: 100, thereBytes: 11_000 });
}, 10_000);

/** Images that could not be collected. */
const none = (failure: "missing" | "build"): Images => ({ ...images, collected: async (name) => { throw new CancelledError(`Cannot deliver ${name}: it could not be collected`, { cause: new DeployError(failure, "it is nowhere") }); } });

test("where every host has it and this machine has not, nothing is sent; any other trouble with it ends the delivery", async () => {
  const host = talk({ answer: ready });
  const spare: DeliverStep = { ...step, isSpare: true };
  expect(await deliver({ ...host.world, images: none("missing") }, "10.0.0.1", spare)).toEqual({ sentBytes: 0, thereBytes: 0 });
  expect(host.told).toEqual([]);
  await expect(deliver({ ...host.world, images: none("build") }, "10.0.0.1", spare)).rejects.toThrow("it could not be collected");
  await expect(deliver({ ...host.world, images: none("missing") }, "10.0.0.1", step)).rejects.toThrow("it could not be collected");
  expect(await deliver(host.world, "10.0.0.1", spare)).toEqual({ sentBytes: 100, thereBytes: 11_000 });
});

test("a host that says nothing is given up", async () => {
  const host = talk({ answer: [], mute: true });
  await expect(host.deliver()).rejects.toMatchObject({ failure: "command", message: "Cannot deliver the image to 10.0.0.1: it did not say what images it has within 120 s" });
});
