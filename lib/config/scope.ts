import type { Role, Settings } from "./settings.ts";

/** What `-h`, `-r` and `-p` narrow a run to. */
export interface Filter {
  /** Glob patterns. */
  readonly hosts?: readonly string[];
  /** Glob patterns. */
  readonly roles?: readonly string[];
  readonly primary?: boolean;
}

/** The hosts and roles a run works on. */
export interface Scope {
  /** Without duplicates, hosts of the primary role first. */
  readonly hosts: readonly string[];
  /** Roles that have hosts left, their `hosts` narrowed. Primary role first. */
  readonly roles: readonly Role[];
  /** First host of the first role in scope. */
  readonly primaryHost: string;
}

export type SelectScope = (settings: Settings, filter: Filter) => Scope;
