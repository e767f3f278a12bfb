import type { Cli } from "./cli.ts";

/** What is wanted of a password manager. */
export interface VaultRequest {
  /** As the manager calls them; with {@link from} below it. */
  readonly names: readonly string[];
  readonly account?: string | undefined;
  /** What stands before each name: a vault, a folder, a project. */
  readonly from?: string | undefined;
}

/** One value that was found. */
export interface Found {
  /** How the value is called in the result. */
  readonly key: string;
  readonly value: string;
  /** The name that was asked for, `from` included. Undefined: the value is one of several below that name. */
  readonly name?: string | undefined;
}

/** A password manager, by way of its own program. */
export interface Adapter {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** How people call it. */
  readonly title: string;
  /** The program; undefined: it needs none. */
  readonly program?: string;
  /** What makes the program tell its version; default `--version`. */
  readonly version?: readonly string[];
  readonly account?: "required" | "optional";
  /** True when there are values to read without any names. */
  readonly allOf?: boolean;
  /**
   * Makes sure that the user is logged in, with the program's own questions.
   * @returns the session, for programs that keep none themselves
   */
  readonly login?: (cli: Cli, account: string) => Promise<string | undefined>;
  /** Reads the values. @throws DeployError that lists every name that cannot be read */
  readonly read: (cli: Cli, request: VaultRequest & { readonly session?: string | undefined }) => Promise<readonly Found[]>;
}

/** The names with `from` before them. */
export function qualified({ names, from }: VaultRequest): readonly string[] {
  return [...new Set(names)].map((name) => (from === undefined ? name : `${from}/${name}`));
}

/** True for a map as JSON has it. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The maps of a JSON list. */
export function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** A text of JSON; undefined for what is none. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
