import { readdir, readFile } from "node:fs/promises";

/** Where a text was seen that no process list may show. */
export interface Sighting {
  readonly needle: string;
  readonly where: "cmdline" | "environ";
  readonly commandLine: string;
}

/** A watch that runs. */
export interface Watch extends AsyncDisposable {
  readonly sightings: readonly Sighting[];
  /** How many times the process list was read. */
  readonly rounds: () => number;
}

const commandLineOf = async (pid: string): Promise<string> => (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");

/** In the middle of an exec the environment is the new program's, and the command line empty for a moment. */
async function nameOf(pid: string, before: string): Promise<string> {
  let name = before;
  for (let i = 0; name === "" && i < 50; i++) {
    await Bun.sleep(2);
    name = await commandLineOf(pid);
  }
  return name;
}

/**
 * Reads the command line and environment of every process of this machine and of all lab hosts, again and again.
 * @param needles texts that must not be seen
 * @param ignore processes that may show them: our own test, and what is meant to have them
 */
export function watchProcesses(needles: readonly string[], ignore: (commandLine: string, where: Sighting["where"]) => boolean): Watch {
  const sightings: Sighting[] = [];
  const stop = new AbortController();
  let rounds = 0;
  const round = async (): Promise<void> => {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    await Promise.all(pids.map(async (pid) => {
      const before = await commandLineOf(pid);
      const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      for (const [where, text] of [["cmdline", before], ["environ", environ]] as const) {
        for (const needle of needles.filter((one) => text.includes(one))) {
          const commandLine = where === "cmdline" ? before : await nameOf(pid, before);
          if (commandLine !== "" && !ignore(commandLine, where)) sightings.push({ needle, where, commandLine });
        }
      }
    }));
    rounds++;
  };
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await round();
      await Bun.sleep(10);
    }
  })();
  return {
    sightings,
    rounds: () => rounds,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await loop;
    },
  };
}
