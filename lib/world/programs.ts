import { statSync } from "node:fs";
import { programText, type Program } from "../ground/command.ts";
import { DeployError, TimeoutError } from "../ground/errors.ts";
import { formatDuration } from "./duration.ts";
import type { Clock, Exit, Limits, Programs } from "../ground/world.ts";
import { cancellation, onAbort, throwIfCancelled } from "./cancel.ts";
import { drain, Output } from "./output.ts";
import type { Redactor } from "./redact.ts";

/** What programs inherit. */
export interface ProgramOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Called before a program talks to the user. @returns called behind it */
  readonly pause?: (() => () => void) | undefined;
}

/** Between asking a program to stop and killing it. */
const graceMs = 5000;
/** After a program was stopped, how long its own children may still write. */
const lastWordsMs = 500;

/** Programs of this machine, started without a shell. Secrets in env and input are opened here. */
export function createPrograms(options: ProgramOptions): Programs {
  let talk: Promise<unknown> = Promise.resolve();
  const talking = async (program: Program, limits: Limits): Promise<Exit> => {
    const resume = options.pause?.();
    try {
      return await runProgram(program, limits, options);
    } finally {
      resume?.();
    }
  };
  return {
    run(program, limits) {
      if (program.terminal === undefined) return runProgram(program, limits, options);
      const turn = talk.then(() => talking(program, limits));
      talk = turn.catch(() => undefined);
      return turn;
    },
  };
}

async function runProgram(program: Program, limits: Limits, { env, cwd, redactor, clock }: ProgramOptions): Promise<Exit> {
  throwIfCancelled(limits.signal);
  const startedAt = clock.now();
  const child = start(program, { ...program.preferences, ...env, ...opened(program, redactor) }, program.cwd ?? cwd, redactor);
  const { onOutput } = limits;
  const collect = (stream: "stdout" | "stderr"): Output => {
    const asItIs = stream === "stdout" && program.givesSecrets === true;
    return new Output(asItIs ? undefined : redactor, limits.keepBytes, onOutput && !asItIs ? (text) => onOutput(stream, text) : undefined);
  };
  const [stdout, stderr] = [collect("stdout"), collect("stderr")];
  const silenced = new AbortController();
  const drained = Promise.all([drain(child.stdout, stdout, silenced.signal), drain(child.stderr, stderr, silenced.signal)]);

  let stopped: Error | undefined;
  const timers: ReturnType<typeof setTimeout>[] = [];
  const stop = (why: Error): void => {
    if (stopped !== undefined) return;
    stopped = why;
    child.kill("SIGTERM");
    timers.push(setTimeout(() => child.kill("SIGKILL"), graceMs));
    void child.exited.then(() => timers.push(setTimeout(() => silenced.abort(), lastWordsMs)));
  };
  timers.push(setTimeout(() => stop(tooLate(program, limits, stdout, stderr)), limits.timeoutMs));
  try {
    using _ = onAbort(limits.signal, () => stop(cancellation(limits.signal)));
    await Promise.all([child.exited, drained]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
  if (stopped !== undefined) throw stopped;
  return { status: child.signalCode === null ? (child.exitCode ?? undefined) : undefined, signal: child.signalCode === null ? undefined : String(child.signalCode), stdout: stdout.end(), stderr: stderr.end(), durationMs: clock.now() - startedAt };
}

const opened = (program: Program, redactor: Redactor): Record<string, string> =>
  Object.fromEntries(Object.entries(program.env ?? {}).map(([name, value]) => [name, redactor.open(value)]));

type Child = Bun.Subprocess<"ignore" | "inherit" | Uint8Array<ArrayBuffer>, "pipe" | number, "pipe" | "inherit">;

function start(program: Program, env: Record<string, string | undefined>, cwd: string, redactor: Redactor): Child {
  try {
    if (program.terminal !== undefined) return Bun.spawn([...program.argv], { cwd, env, stdin: "inherit", stdout: program.terminal === "talk" ? 2 : "pipe", stderr: "inherit" });
    const input = program.input === undefined ? ("ignore" as const) : new TextEncoder().encode(redactor.open(program.input));
    return Bun.spawn([...program.argv], { cwd, env, stdin: input, stdout: "pipe", stderr: "pipe" });
  } catch (error) {
    throw notStarted(program, cwd, error);
  }
}

function notStarted(program: Program, cwd: string, error: unknown): DeployError {
  const name = program.argv[0] ?? "";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOENT" && code !== "EACCES") {
    return new DeployError("build", `Cannot start "${programText(program)}" here: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return new DeployError("build", `Cannot run ${name} in ${cwd}: there is no such folder`, { cause: error, hint: "Check the path in the config." });
  }
  if (code === "EACCES") return new DeployError("build", `Cannot run ${name} here: it is not executable`, { cause: error, hint: `Run "chmod +x ${name}".` });
  return new DeployError("build", `Cannot run ${name} here: it was not found`, { cause: error, hint: `Install ${name}, or add its folder to PATH.` });
}

function tooLate(program: Program, limits: Limits, stdout: Output, stderr: Output): TimeoutError {
  return new TimeoutError("build", `Cannot run "${programText(program)}" here: it did not end within ${formatDuration(limits.timeoutMs)}`, {
    hint: "Run it by hand to see what it waits for.",
    details: lastLines(stderr.text.trim() || stdout.text.trim()),
  });
}

const lastLines = (text: string): string[] => text.split("\n").filter(Boolean).slice(-20);
