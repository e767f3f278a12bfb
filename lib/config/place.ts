import { isAbsolute, relative } from "node:path";

/** A place in a file of the user. */
export interface Place {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** A file as people name it: relative to `cwd` when it is below it. */
export function fileText(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? file : short;
}

/** `deploy.config.ts:4:3`. */
export const placeText = ({ file, line, column }: Place, cwd: string): string => `${fileText(file, cwd)}:${line}:${column}`;

/** The lines around a place, with a mark under its column. Empty when there is no such line. */
export function codeFrame(source: string, { line, column }: Place): string[] {
  const lines = source.split(/\r?\n/);
  if (lines[line - 1] === undefined) return [];
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const frame: string[] = [];
  for (let at = first; at <= last; at++) {
    const code = (lines[at - 1] ?? "").replaceAll("\t", " ").slice(0, 160);
    frame.push(`${at === line ? ">" : " "} ${String(at).padStart(width)} | ${code}`.trimEnd());
    if (at === line) frame.push(`  ${" ".repeat(width)} | ${" ".repeat(Math.min(160, column - 1))}^`);
  }
  return frame;
}

/** Places of a stack, innermost first. */
export function placesOf(stack: string | undefined): Place[] {
  return [...(stack ?? "").matchAll(/^\s+at (?:.*\()?(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^()\n]*?):(\d+):(\d+)\)?$/gm)].map(([, file = "", line, column]) => ({ file, line: Number(line), column: Number(column) }));
}

/** Place of an offset in a source. */
export function placeAt(file: string, source: string, offset: number): Place {
  const before = source.slice(0, offset).split("\n");
  return { file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
}
