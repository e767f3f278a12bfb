import type { Event } from "../ground/event.ts";
import type { Files } from "../ground/world.ts";
import { timeOfDay } from "./elapsed.ts";
import { entryLines, entryOf, hostColumn } from "./lines.ts";
import { harmless } from "./printable.ts";
import { seconds, type Ending, type Recorder } from "./recorder.ts";
import { plain } from "./style.ts";

const twoDigits = (part: number): string => String(part).padStart(2, "0");

/** Name of the log file of a command that began at `ms`: `2026-03-01T14-03-07_staging_app_boot.log`, in local time. */
export function logFileName(ms: number, destination: string | undefined, command: string, subcommand: string | undefined): string {
  const date = new Date(ms);
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join("-");
  const words = [destination, command, subcommand].filter((word) => word !== undefined).map((word) => word.replaceAll(/[^\w.-]/g, "-"));
  return `${[`${day}T${time}`, ...words].join("_")}.log`;
}

/** The lines of an event: local time, host, text. Nothing is left out. @param hostWidth columns of the host */
export function fileLines(event: Event, hostWidth: number): string[] {
  const entry = entryOf(event, "verbose", plain);
  return entry === undefined ? [] : stamped(event.at, entryLines(entry, hostWidth, plain));
}

const stamped = (at: string, lines: readonly string[]): string[] => {
  const time = `${timeOfDay(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
  return lines.map((line) => `${time}  ${line}`.trimEnd());
};

/** The end of a log file; programs may count on its last line. */
export function lastLines({ at, durationMs, failure }: Ending): string[] {
  if (failure === undefined) return [`# Completed in ${seconds(durationMs)}`];
  return [...stamped(at, failure.text.split("\n")), harmless(`# FAILED: ${failure.type}: ${failure.message} (${seconds(durationMs)})`)];
}

/** What a log file needs. */
export interface LogFileOptions {
  readonly files: Files;
  /** Both absolute. */
  readonly folder: string;
  readonly path: string;
  /** Told what went wrong while writing, once. */
  readonly warn: (why: unknown) => void;
}

/**
 * Starts a log file. Every event is appended as it comes, so that whatever ends the process the file has what was told until then.
 * A new folder gets a `.gitignore`: a log would make the working tree differ from its commit.
 * @throws DeployError when it cannot be written
 */
export async function openLogFile({ files, folder, path, warn }: LogFileOptions): Promise<Recorder> {
  if (!(await files.exists(folder))) await files.write(`${folder}/.gitignore`, "*\n");
  await files.append(path, "");
  const widthFor = hostColumn();
  let pending: string[] = [];
  let broken = false;
  let writing: Promise<void> | undefined;
  const pump = async (): Promise<void> => {
    try {
      while (pending.length > 0) {
        const text = pending.map((line) => `${line}\n`).join("");
        pending = [];
        await files.append(path, text);
      }
    } catch (error) {
      broken = true;
      warn(error);
    }
    writing = undefined;
  };
  const write = (lines: readonly string[]): void => {
    if (broken) return;
    pending.push(...lines);
    writing ??= pump();
  };
  return {
    report: (event) => write(fileLines(event, widthFor(event))),
    async end(ending) {
      write(lastLines(ending));
      await writing;
      return broken ? undefined : `Logs written to ${path}`;
    },
  };
}
