import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlobStore, sha256 } from "../../../lib/world/images/store.ts";
import { tarEnd, tarHeader, tarPadding } from "../../../lib/world/images/tar.ts";

/** A store in a folder that goes with the test. */
export function temporaryStore(): { readonly store: BlobStore; readonly folder: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), "capstan-images-"));
  return { store: new BlobStore(folder), folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A tar archive of files. */
export function tarOf(files: Readonly<Record<string, Uint8Array | string>>): Uint8Array<ArrayBuffer> {
  const pieces = Object.entries(files).flatMap(([name, content]) => {
    const bytes = typeof content === "string" ? bytesOf(content) : content;
    return [tarHeader(name, bytes.length), bytes, tarPadding(bytes.length)];
  });
  return new Uint8Array(Buffer.concat([...pieces, tarEnd]));
}

/** Bytes in pieces of a length. */
export async function* inPieces(bytes: Uint8Array, length = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

export async function joined(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(source));
}

/** A layer that is a tar archive of one file. */
export const layerOf = (text: string): Uint8Array<ArrayBuffer> => tarOf({ "etc/motd": text });

/** The config of an image with such layers. */
export const configOf = (layers: readonly Uint8Array[], architecture = "amd64"): string => JSON.stringify({ os: "linux", architecture, rootfs: { type: "layers", diff_ids: layers.map(sha256) } });
