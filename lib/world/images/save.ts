import { programText } from "../../ground/command.ts";
import { DeployError, TimeoutError, isDeployError } from "../../ground/errors.ts";
import type { ImageVariant } from "../../ground/image.ts";
import { cancellation, onAbort, throwIfCancelled, unlessCancelled, within } from "../cancel.ts";
import { formatDuration } from "../duration.ts";
import { Output } from "../output.ts";
import { readSaved } from "./saved.ts";
import type { BlobStore } from "./store.ts";

/** How long `docker save` may take. */
export interface SaveLimits {
  readonly totalMs: number;
  /** In which nothing comes. Before version 25 Docker writes all of an image to its disk before the first byte. */
  readonly stallMs: number;
  /** Between asking it to end and killing it. */
  readonly graceMs: number;
}

const defaultLimits: SaveLimits = { totalMs: 3_600_000, stallMs: 900_000, graceMs: 5000 };
/** How long a child of it that goes on may still write. */
const lastWordsMs = 500;
const keepBytes = 16 * 1024;

/** What `docker save` needs of the world. */
export interface Saver {
  readonly store: BlobStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Takes an image out of Docker by `docker save`, read as it comes.
 * @throws TimeoutError when it takes too long, DeployError (build) when it gives no image; a cancellation
 */
export async function saveImage({ store, env, cwd }: Saver, image: string, signal: AbortSignal, limits = defaultLimits): Promise<readonly ImageVariant[]> {
  throwIfCancelled(signal);
  const argv = ["docker", "save", image];
  const child = Bun.spawn(argv, { cwd, env: { ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = new Output(undefined, keepBytes);
  const heard = listen(child.stderr, said);
  const late = new AbortController();
  const stopped = AbortSignal.any([signal, late.signal]);
  const giveUp = (why: string) => () => late.abort(new TimeoutError("build", `Cannot take ${image} out of Docker: "${programText({ argv })}" ${why}`, { details: lastLines(said.text), hint: "Run it by hand to see what it waits for, and look at Docker's disk." }));
  const total = setTimeout(giveUp(`did not end within ${formatDuration(limits.totalMs)}`), limits.totalMs);
  const stall = setTimeout(giveUp(`gave nothing for ${formatDuration(limits.stallMs)}`), limits.stallMs);
  try {
    const variants = await readSaved(store, piecesOf(child.stdout, stopped, () => stall.refresh()));
    const status = await unlessCancelled(child.exited, stopped);
    if (status === 0) return variants;
    throw new Error(`it ended with status ${status}`);
  } catch (error) {
    await end(child, limits.graceMs);
    if (stopped.aborted) throw cancellation(stopped);
    if (isDeployError(error)) throw error;
    await within(lastWordsMs, heard).catch(() => undefined);
    throw new DeployError("build", `Cannot take ${image} out of Docker: "${programText({ argv })}" gave no image: ${error instanceof Error ? error.message : String(error)}`, { cause: error, details: lastLines(said.text), hint: "Run it by hand to see what it prints." });
  } finally {
    clearTimeout(total);
    clearTimeout(stall);
  }
}

const lastLines = (text: string): readonly string[] => text.split("\n").filter(Boolean).slice(-10);

async function* piecesOf(stream: ReadableStream<Uint8Array>, signal: AbortSignal, onPiece: () => void): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  using _ = onAbort(signal, () => void reader.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = await unlessCancelled(reader.read(), signal);
    if (done) return;
    onPiece();
    yield value;
  }
}

async function listen(stream: ReadableStream<Uint8Array>, output: Output): Promise<void> {
  for await (const piece of stream) output.push(piece);
}

/** Ends a program that may not want to. */
async function end(child: Bun.Subprocess, graceMs: number): Promise<void> {
  child.kill("SIGTERM");
  await within(graceMs, child.exited).catch(() => child.kill("SIGKILL"));
}
