import type { Command, Program } from "./command.ts";
import { programText } from "./command.ts";
import type { Exit } from "./world.ts";

/** Exit status of the tool by kind of failure. Anything else that is thrown is a bug: status 1. */
export const exitStatus = {
  usage: 2,
  config: 3,
  connect: 4,
  command: 5,
  health: 6,
  lock: 7,
  hook: 8,
  fleet: 9,
  build: 10,
  missing: 11,
  cancelled: 130,
} as const;
export type Failure = keyof typeof exitStatus;

interface More {
  /** What to do next: one imperative sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Further lines that explain: the last lines of a log, the probes made. */
  readonly details?: readonly string[] | undefined;
  /** What is true now, on all hosts: a sentence a line. */
  readonly state?: readonly string[] | undefined;
  /** Where it happened, when on one host. */
  readonly host?: string | undefined;
}

const brand = Symbol.for("capstan/deploy-error");

/** A failure the user can act on. Anything else that is thrown is a bug and is shown with its stack. */
export class DeployError extends Error {
  override readonly name: string = "DeployError";
  readonly [brand] = true;
  readonly failure: Failure;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  readonly state: readonly string[];
  readonly host: string | undefined;

  constructor(failure: Failure, message: string, more: More = {}) {
    super(message, { cause: more.cause });
    this.failure = failure;
    this.hint = more.hint;
    this.details = more.details ?? [];
    this.state = more.state ?? [];
    this.host = more.host;
  }
}

/** True also for a DeployError of another copy of this module. */
export function isDeployError(value: unknown): value is DeployError {
  return typeof value === "object" && value !== null && brand in value;
}

const ending = (exit: Exit): string => (exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`);
const lastLines = (exit: Exit): string[] => (exit.stderr.trim() || exit.stdout.trim()).split("\n").filter(Boolean).slice(-20);

/** A command on a host that did not end with status 0. */
export class CommandError extends DeployError {
  override readonly name = "CommandError";
  readonly command: Command;
  readonly exit: Exit;

  constructor(host: string, command: Command, exit: Exit, more: More & { readonly title?: string } = {}) {
    const { title, ...rest } = more;
    // A script of many lines says less than what it was for; --verbose and --dry-run show it.
    const what = title !== undefined && command.text.split("\n").length > 5 ? title : command.text;
    super("command", `Cannot run "${what}" on ${host}: it ended with ${ending(exit)}`, { host, details: lastLines(exit), ...rest });
    this.command = command;
    this.exit = exit;
  }
}

/** A program on the user's own machine that did not end with status 0. */
export class ProgramError extends DeployError {
  override readonly name = "ProgramError";
  readonly exit: Exit;

  constructor(program: Program, exit: Exit, more: More = {}) {
    super("build", `Cannot run "${programText(program)}" here: it ended with ${ending(exit)}`, { details: lastLines(exit), ...more });
    this.exit = exit;
  }
}

/** Why a host cannot be reached. */
export type ConnectFailure = "resolve" | "refused" | "timeout" | "unreachable" | "authentication" | "host-key" | "lost" | "protocol" | "key-file" | "jump";

/** A host that cannot be reached, or whose connection was lost. */
export class ConnectError extends DeployError {
  override readonly name = "ConnectError";
  readonly reason: ConnectFailure;

  constructor(host: string, reason: ConnectFailure, message: string, more: More = {}) {
    super("connect", message, { host, ...more });
    this.reason = reason;
  }
}

/** A deadline that passed. */
export class TimeoutError extends DeployError {
  override readonly name = "TimeoutError";
}

/** The user pressed Ctrl-C. */
export class CancelledError extends DeployError {
  override readonly name = "CancelledError";

  constructor(message = "Cancelled", more: More = {}) {
    super("cancelled", message, more);
  }
}
