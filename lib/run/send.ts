import type { Command } from "../ground/command.ts";
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
  /** Asked once all is done. */
  readonly question?: Command | undefined;
}

/** How a batch ended. */
export interface Answered {
  readonly exit: Exit;
  /** To the question that came with it; undefined when it did not come to it. */
  readonly answer: string | undefined;
}

/** An answer has a few lines. */
const mostAnswerChars = 64_000;

/** Sends a batch to a host and tells it that its end was heard. @throws as the transport's `run` */
export async function sendBatch(world: World, host: string, items: readonly BatchItem[], { mark, timeoutMs, signal, onPiece, question }: Sending): Promise<Answered> {
  const readers = { stdout: new MarkReader(mark), stderr: new MarkReader(mark) };
  const ends = new Set<string>();
  const over = new AbortController();
  let answer: string | undefined;
  const exit = await world.transport.run(host, batchScript(items, mark, question), {
    timeoutMs, signal, over: over.signal,
    onOutput: (stream, text) => {
      for (const piece of readers[stream].feed(text)) {
        if (typeof piece === "string" && stream === "stdout" && answer !== undefined) answer = (answer + piece).slice(0, mostAnswerChars);
        else onPiece?.(stream, piece);
        if (typeof piece === "string") continue;
        if (piece.kind === "asked" && stream === "stdout") answer ??= "";
        if (piece.kind === "over") ends.add(stream);
      }
      // Both streams carry it, so that the last lines of either are in.
      if (ends.size === 2) over.abort();
    },
  });
  return { exit, answer };
}
