import { closeSync, openSync, readSync } from "node:fs";
import type { Project } from "../project.ts";
import { boundaryOf, type Boundary, type ToolEvent } from "./boundary.ts";

/** A run of the tool that has ended. Times are milliseconds since 1970. */
export interface ToolRun {
  /** Undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly events: readonly ToolEvent[];
  readonly stderr: string;
  readonly startedAt: number;
  /** When the boundary was told; undefined: it never was. */
  readonly struckAt: number | undefined;
  readonly endedAt: number;
  /** It did not end in time and was killed. */
  readonly hung: boolean;
}

/** The tool while it runs. */
export interface RunningTool {
  kill(signal: NodeJS.Signals): void;
  /** Takes its terminal away; it has one only when it was asked for. */
  closeTerminal(): void;
}

/** How a run is disturbed. */
export interface Disturbance {
  readonly boundary: Boundary;
  /** Called once, when the tool has told the boundary. */
  strike(tool: RunningTool): void;
}

/** What a run of the tool needs. */
export interface ToolPlan {
  readonly project: Project;
  /** How it is called. */
  readonly program: readonly string[];
  readonly hosts: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly disturbance?: Disturbance;
  /** Told of every event. */
  readonly onEvent?: (event: ToolEvent) => void;
  /** How long it may take to end once it was disturbed, and as a whole. */
  readonly boundMs: number;
  /** Its input and errors are a terminal, as somebody has who deploys by hand. */
  readonly terminal?: boolean;
}

/** Runs the tool with `--json` and disturbs it at a boundary. */
export async function runTool(plan: ToolPlan): Promise<ToolRun> {
  const startedAt = Date.now();
  const argv = [...plan.program, ...plan.args, "--json"];
  const options = { cwd: plan.project.folder, env: { ...process.env, ...plan.project.env, ...plan.env } };
  const events: ToolEvent[] = [];
  const reader = new LineReader();
  let struckAt: number | undefined;
  let hung = false;
  let closed = false;
  let seen = "";
  const decoder = new TextDecoder();
  const file = `${plan.project.folder}/../events-${crypto.randomUUID()}`;
  const child = plan.terminal === true
    ? Bun.spawn(["bash", "-c", 'exec "$@" > "$0"', file, ...argv], { ...options, env: { ...options.env, TERM: "xterm-256color" }, terminal: { cols: 120, rows: 30, data: (_, bytes) => void (seen += decoder.decode(bytes, { stream: true })) } })
    : Bun.spawn(argv, { ...options, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const tool: RunningTool = {
    kill: (signal) => child.kill(signal),
    closeTerminal: () => {
      closed = true;
      child.terminal?.close();
    },
  };
  const kill = (): void => {
    hung = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(kill, plan.boundMs);
  const take = (text: string): void => {
    for (const event of reader.feed(text)) {
      events.push(event);
      plan.onEvent?.(event);
      if (struckAt !== undefined || plan.disturbance === undefined || boundaryOf(event, plan.hosts)?.key !== plan.disturbance.boundary.key) continue;
      struckAt = Date.now();
      clearTimeout(timer);
      timer = setTimeout(kill, plan.boundMs);
      plan.disturbance.strike(tool);
    }
  };
  const errors = child.stderr instanceof ReadableStream ? new Response(child.stderr).text() : undefined;
  if (child.stdout instanceof ReadableStream) {
    const text = new TextDecoder();
    for await (const chunk of child.stdout) take(text.decode(chunk, { stream: true }));
    await child.exited;
  } else {
    await followFile(file, child.exited, take);
  }
  clearTimeout(timer);
  const endedAt = Date.now();
  if (plan.terminal === true && !closed) child.terminal?.close();
  return { status: child.exitCode ?? undefined, signal: child.signalCode === null ? undefined : String(child.signalCode), events, stderr: (await errors) ?? Bun.stripANSI(seen), startedAt, struckAt, endedAt, hung };
}

/** Reads what is written to a file until whoever writes has ended. */
async function followFile(path: string, ended: Promise<unknown>, take: (text: string) => void): Promise<void> {
  const descriptor = openSync(path, "a+");
  const buffer = Buffer.alloc(65_536);
  const decoder = new TextDecoder();
  let at = 0;
  const drain = (): void => {
    for (let count = readSync(descriptor, buffer, 0, buffer.length, at); count > 0; count = readSync(descriptor, buffer, 0, buffer.length, at)) {
      at += count;
      take(decoder.decode(buffer.subarray(0, count), { stream: true }));
    }
  };
  const over = ended.then(() => true);
  do drain();
  while (!(await Promise.race([over, Bun.sleep(5).then(() => false)])));
  drain();
  closeSync(descriptor);
}

/** Turns text into events, whatever way it was cut into pieces. */
class LineReader {
  #pending = "";

  feed(text: string): ToolEvent[] {
    const lines = (this.#pending + text).split("\n");
    this.#pending = lines.pop() ?? "";
    return lines.flatMap((line) => parsed(line));
  }
}

function parsed(line: string): ToolEvent[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "type" in value ? [value as ToolEvent] : [];
  } catch {
    return [];
  }
}
