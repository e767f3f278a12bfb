import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DeployError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";

/**
 * A claim is a lock of SQLite on an empty file, since the system itself gives that back when its holder dies: no process id has to be believed, which may be another's by now.
 * Source: SQLite, "File Locking And Concurrency": an EXCLUSIVE lock is held by one connection, also among those of one process.
 */
export const claimFile: World["claim"] = async (path) => {
  const { Database } = await import("bun:sqlite");
  try {
    await mkdir(dirname(path), { recursive: true });
    const database = new Database(path, { create: true });
    try {
      database.run("PRAGMA busy_timeout = 0");
      database.run("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY")) return undefined;
      throw error;
    }
    return {
      [Symbol.dispose]: () => {
        database.run("ROLLBACK");
        database.close();
      },
    };
  } catch (error) {
    throw new DeployError("config", `Cannot claim ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error, hint: "Check the path and who may use it, or set XDG_CACHE_HOME to a folder on a disk of this machine." });
  }
};
