import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";

/** One command of the user: what it is about, beside the world it happens in. */
export interface Task {
  readonly settings: Settings;
  readonly scope: Scope;
  /** Such as `deploy`, or `app` with the subcommand `stop`. */
  readonly command: string;
  readonly subcommand: string | undefined;
  /** `--version`. */
  readonly version: string | undefined;
  /** Who runs the tool: git's user.email, else the login name. */
  readonly performer: string;
  /** The name that the lock shows: git's user.name, else the performer. */
  readonly performerName: string;
  /** False with `-H`. */
  readonly hooks: boolean;
  /** What to do when the lock is held. */
  readonly lockWait: LockWait | undefined;
}

/** How long to wait for a lock that another run holds. */
export interface LockWait {
  readonly timeoutMs: number;
  readonly intervalMs: number;
}
