import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";

/** Names of this run: the processes that it could tell from each other, and its own among them. */
const space = async (): Promise<string> => Number(/\d+/.exec(await readlink("/proc/self/ns/pid").catch(() => "0"))?.[0] ?? 0).toString(36);

/**
 * Makes a folder that only the user may look into, and removes those that runs have left which were killed.
 * @param parent where it is to stand, as all with this prefix
 * @param prefix such as `capstan-ssh`
 * @returns its path: `prefix-SPACE-PID-` and six letters
 */
export async function ownFolder(parent: string, prefix: string): Promise<string> {
  const here = `${prefix}-${await space()}-`;
  await sweep(parent, here);
  return await mkdtemp(join(parent, `${here}${process.pid}-`));
}

async function sweep(parent: string, here: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  await Promise.all(names.map(async (name) => {
    const [, pid] = /^(\d+)-\w{6}$/.exec(name.startsWith(here) ? name.slice(here.length) : "") ?? [];
    // A folder of another user stays: it cannot be removed.
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }));
}

/** A process of another user cannot be asked, and is there. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
