/** A run of the command line in a project, and what comes of it. */
export interface Run {
  /** Added to the base project, or `whole`: instead of it. */
  readonly yaml?: string;
  readonly whole?: boolean;
  /** More files; undefined takes one of the base away. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly env?: Readonly<Record<string, string>>;
  /** As typed behind `capstan`. It is planned without connections, unless it is `plain`: then it is done. */
  readonly argv: string;
  readonly plain?: boolean;
  /** What is on the hosts; default: nothing is known. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Commands by host, `local` for this machine, in the order they run; others may stand between them. Compared as shell words. */
  readonly runs?: Readonly<Record<string, readonly string[]>>;
  /** Texts that no command on the host has. */
  readonly never?: Readonly<Record<string, readonly string[]>>;
  /** Files that are written, by host: path and mode. */
  readonly writes?: Readonly<Record<string, readonly string[]>>;
  /** The hosts that have steps, in order. */
  readonly hosts?: readonly string[];
  /** The phases of the plan, in order. */
  readonly phases?: readonly string[];
  /** What is printed to standard output, anywhere. */
  readonly prints?: readonly (string | RegExp)[];
  /** What is said of the error, anywhere. */
  readonly complains?: readonly (string | RegExp)[];
  /** Exit status; default 0. */
  readonly status?: number;
}

/** A case of the reference. */
export interface Case {
  /** Its number and what it is about. */
  readonly name: string;
  readonly tries: readonly Run[];
  /** What no plan shows: the tests that do, as `file: title`. */
  readonly elsewhere?: readonly string[];
  /** Where we do not do as Kamal: what it does, and why ours is better. */
  readonly better?: readonly string[];
}
