import type { Duplex } from "node:stream";

/**
 * Writes to a stream what is written in one turn of the event loop in one piece. ssh2 1.17.0 writes each packet of AES-GCM as three: its length, its
 * content, its tag. Without Nagle's algorithm each would be a call of the system and a TCP segment of its own, and of segments a fresh connection lets ten out,
 * however small, before it waits for the other side.
 */
export function writeWholePackets(stream: Duplex): void {
  const write = stream.write.bind(stream) as (bytes: Uint8Array) => boolean;
  const end = stream.end.bind(stream) as (...given: unknown[]) => Duplex;
  let pieces: Uint8Array[] = [];
  const flush = (): void => {
    const [first] = pieces;
    if (first === undefined) return;
    const all = pieces.length === 1 ? first : Buffer.concat(pieces);
    pieces = [];
    if (stream.writable) write(all);
  };
  Object.assign(stream, {
    write: (bytes: Uint8Array | string): boolean => {
      if (pieces.length === 0) queueMicrotask(flush);
      pieces.push(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
      return !stream.writableNeedDrain;
    },
    end: (...given: unknown[]): Duplex => {
      flush();
      return end(...given);
    },
  });
}
