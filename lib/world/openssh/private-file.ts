import { existsSync } from "node:fs";
import { open, rm, unlink, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { randomHex } from "../random.ts";

/** A text that programs of this user can read by a path, until it is disposed. */
export interface PrivateFile extends AsyncDisposable {
  readonly path: string;
}

/** Files there are in memory, on Linux. */
const memory = "/dev/shm";

/**
 * A secret as a file. On Linux it has no name in any folder, and is gone when we are, whatever ends us: programs reach it through `/proc`.
 * Elsewhere it stands in the folder.
 * @param folder the user's own
 */
export async function privateFile(folder: string, name: string, text: string): Promise<PrivateFile> {
  const handle = (await nameless(memory)) ?? (await nameless(folder));
  if (handle !== undefined) {
    const path = `/proc/${process.pid}/fd/${handle.fd}`;
    if (existsSync(path)) {
      await handle.writeFile(text);
      return { path, [Symbol.asyncDispose]: () => handle.close() };
    }
    await handle.close();
  }
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o600 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** An empty file that has lost its name already. */
async function nameless(folder: string): Promise<FileHandle | undefined> {
  if (process.platform !== "linux") return undefined;
  const path = join(folder, `capstan-${randomHex(8)}`);
  const handle = await open(path, "wx+", 0o600).catch(() => undefined);
  if (handle !== undefined) await unlink(path);
  return handle;
}
