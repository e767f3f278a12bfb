import { systemClock } from "../world/clock.ts";
import { stopSignals } from "../world/signals.ts";
import { commands } from "./commands.ts";
import { processIo } from "./io.ts";
import { main } from "./main.ts";

/** Runs the command line of this process and ends it. */
export async function start(): Promise<void> {
  using signals = stopSignals((text) => process.stderr.write(`\n${text}: ending in order. Again: leave at once.\n`));
  const status = await main(process.argv.slice(2), processIo(systemClock, signals.signal), commands);
  await flushed(process.stdout);
  process.exit(status);
}

/** A pipe that is read slowly must get all of it before the process ends. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((done) => stream.write("", () => done()));
}
