import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";

/** What a planner needs to know beside what was observed. Equal arguments give equal plans: time and chance come in here. */
export interface Order {
  readonly settings: Settings;
  readonly scope: Scope;
  /** The version to put in place. */
  readonly version: string;
  /** Hex digits of this run, from which names are derived. */
  readonly seed: string;
  /** ISO 8601, UTC. */
  readonly recordedAt: string;
  readonly performer: string;
  /** False with `-H`. */
  readonly hooks: boolean;
}
