import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DeployError } from "../ground/errors.ts";
import type { Files } from "../ground/world.ts";
import { randomHex } from "./random.ts";

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

/** Files of this machine. Whatever the system refuses is a DeployError (config) that names the path. */
export const localFiles: Files = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw refusal("read", path, error);
    }
  },
  async bytes(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw refusal("read", path, error);
    }
  },
  async list(folder) {
    try {
      return (await readdir(folder)).toSorted();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw refusal("look into", folder, error);
    }
  },
  async exists(path) {
    try {
      await stat(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw refusal("look at", path, error);
    }
  },
  async write(path, content, mode) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await (mode === undefined ? writeFile(path, content) : replace(path, content, mode));
    } catch (error) {
      throw refusal("write", path, error);
    }
  },
  async append(path, content) {
    try {
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, content);
    } catch (error) {
      throw refusal("append to", path, error);
    }
  },
};

/** Writes beside the place and renames into it: an existing file would keep its wider mode. */
async function replace(path: string, content: string, mode: number): Promise<void> {
  const beside = `${path}.${randomHex(4)}.part`;
  try {
    const file = await open(beside, "wx", mode);
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

function refusal(verb: string, path: string, error: unknown): DeployError {
  const why = { EACCES: "permission denied", EPERM: "permission denied", EISDIR: "it is a folder", EROFS: "the file system is read-only", ENOSPC: "the disk is full" }[String(codeOf(error))];
  return new DeployError("config", `Cannot ${verb} ${path}: ${why ?? (error instanceof Error ? error.message : String(error))}`, {
    cause: error,
    hint: "Check the path and who may use it.",
  });
}
