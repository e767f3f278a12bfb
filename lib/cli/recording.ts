import { join } from "node:path";
import { isDeployError } from "../ground/errors.ts";
import type { Event } from "../ground/event.ts";
import type { World } from "../ground/world.ts";
import { errorText } from "../report/error.ts";
import { logFileName, openLogFile } from "../report/file.ts";
import { printable } from "../report/printable.ts";
import type { Failed, Recorder } from "../report/recorder.ts";
import { plain } from "../report/style.ts";
import { tell } from "../run/stamp.ts";
import type { Task } from "../run/task.ts";
import { expandHome, homeOf } from "../world/ssh/paths.ts";
import { toolVersion } from "./version.ts";

/** Where a recording hears of what happens. */
export interface Source {
  /** Calls `listener` for every event, secrets scrubbed. @returns ends it */
  listen(listener: (event: Event) => void): () => void;
  /** The text without secrets. */
  scrub(text: string): string;
}

/**
 * Does some work and records it as the config's `output` says. What goes wrong with a record is a warning and stops nothing.
 * Rejects with what the work rejects with.
 */
export async function recorded<T>(world: World, task: Task, source: Source, work: () => Promise<T>): Promise<T> {
  const startedMs = world.clock.now();
  const recorders = await openRecorders(world, task, startedMs);
  const stop = source.listen((event) => recorders.forEach((recorder) => recorder.report(event)));
  let failure: Failed | undefined;
  try {
    return await work();
  } catch (error) {
    failure = failureOf(error, source);
    throw error;
  } finally {
    const nowMs = world.clock.now();
    const ending = { at: new Date(nowMs).toISOString(), durationMs: nowMs - startedMs, failure };
    const places: (string | undefined)[] = [];
    for (const recorder of recorders) places.push(await recorder.end(ending));
    stop();
    for (const place of places) if (place !== undefined) tell(world, { type: "notice", level: "info", text: place });
  }
}

/** The collector before the file, which can then tell what became of it. */
async function openRecorders(world: World, task: Task, startedMs: number): Promise<readonly Recorder[]> {
  const { otelEndpoint, logFolder } = task.settings.output;
  const recorders: Recorder[] = [];
  const open = async (what: string, opening: (warn: (why: unknown) => void) => Promise<Recorder>): Promise<void> => {
    const warn = (why: unknown): void => tell(world, { type: "notice", level: "warn", text: `${what}: ${why instanceof Error ? why.message : String(why)}` });
    await opening(warn).then((recorder) => recorders.push(recorder), warn);
  };
  if (otelEndpoint !== undefined) await open(`The logs of this run do not reach ${otelEndpoint}`, (warn) => otel(world, task, otelEndpoint, warn));
  if (logFolder !== undefined) {
    const folder = expandHome(logFolder, homeOf(world.env));
    const path = join(folder, logFileName(startedMs, task.settings.destination, task.command, task.subcommand));
    await open("There is no complete log of this run", (warn) => openLogFile({ files: world.files, folder, path, warn }));
  }
  return recorders;
}

/** The SDK takes longer to load than all the rest: only who asks for it waits. */
async function otel(world: World, task: Task, endpoint: string, warn: (why: unknown) => void): Promise<Recorder> {
  const { openOtel } = await import("../report/otel.ts");
  const { settings: { service, destination }, command, subcommand, performer } = task;
  return openOtel({ endpoint, toolVersion, runId: uuid(world.randomHex(16)), service, destination, command: subcommand === undefined ? command : `${command} ${subcommand}`, performer, clock: world.clock, warn });
}

/** A random UUID, version 4, of 32 random hex digits. */
const uuid = (hex: string): string => hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");

function failureOf(error: unknown, { scrub }: Source): Failed {
  const message = error instanceof Error ? error.message : String(error);
  return {
    type: isDeployError(error) ? error.failure : error instanceof Error ? error.name : "Error",
    message: scrub(message).split("\n").map((line) => printable(line.trim())).join(" "),
    text: scrub(errorText(error, plain)),
  };
}
