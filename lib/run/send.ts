import type { Exit, World } from "../ground/world.ts";
import { batchScript, MarkReader, type BatchItem, type Mark } from "./batch.ts";

/** How a batch is sent. */
export interface Sending {
  readonly mark: string;
  /** Of the whole. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called for each piece of output and each mark, in the order of its stream. */
  readonly onPiece?: (stream: "stdout" | "stderr", piece: string | Mark) => void;
}

/** Sends a batch to a host and tells it that its end was heard. @throws as the transport's `run` */
export async function sendBatch(world: World, host: string, items: readonly BatchItem[], { mark, timeoutMs, signal, onPiece }: Sending): Promise<Exit> {
  const readers = { stdout: new MarkReader(mark), stderr: new MarkReader(mark) };
  const ends = new Set<string>();
  const over = new AbortController();
  return world.transport.run(host, batchScript(items, mark), {
    timeoutMs, signal, over: over.signal,
    onOutput: (stream, text) => {
      for (const piece of readers[stream].feed(text)) {
        onPiece?.(stream, piece);
        if (typeof piece !== "string" && piece.kind === "over") ends.add(stream);
      }
      // Both streams carry it, so that the last lines of either are in.
      if (ends.size === 2) over.abort();
    },
  });
}
