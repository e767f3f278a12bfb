import { open } from "node:fs/promises";

const pieceBytes = 1024 * 1024;
/** Compressed to more than this share of its size a layer is sent as it is: pictures, archives, binaries that are packed already. */
const worthwhile = 0.9;
const gzipMark = [0x1f, 0x8b];
const zstdMark = [0x28, 0xb5, 0x2f, 0xfd];

/**
 * A file as gzip members of a megabyte each: any reader of gzip takes them as one, and other work is done in between. Undefined: it is compressed
 * already, or would hardly get smaller. The fastest level, since a layer is to be sent while the next one is read.
 */
export async function compressor(path: string, size: number): Promise<AsyncIterable<Uint8Array> | undefined> {
  // The beginning of a layer is often a header of folders: a piece from its middle tells more.
  const start = await pieceAt(path, 0, 4);
  const sample = await pieceAt(path, Math.floor(size / 2), pieceBytes);
  const isMarked = (mark: readonly number[]): boolean => mark.every((byte, i) => start[i] === byte);
  if (isMarked(gzipMark) || isMarked(zstdMark) || Bun.gzipSync(sample, { level: 1 }).length > sample.length * worthwhile) return undefined;
  return pieces(path);
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  for (;;) {
    const piece = Buffer.allocUnsafe(pieceBytes);
    const { bytesRead } = await file.read(piece);
    if (bytesRead === 0) return;
    yield Bun.gzipSync(piece.subarray(0, bytesRead), { level: 1 });
  }
}

async function pieceAt(path: string, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await open(path);
  const piece = Buffer.alloc(length);
  return piece.subarray(0, (await file.read(piece, 0, length, at)).bytesRead);
}
