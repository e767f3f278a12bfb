import { DeployError, isDeployError } from "../ground/errors.ts";

/** Errors of several hosts that say the same; `error` is the first of them. */
export interface Group {
  readonly error: DeployError;
  readonly hosts: readonly string[];
}

/**
 * Puts together errors that differ only in the host they name, in numbers made of hex digits and in measured seconds.
 * The order is that of the first of each group. An error that is no DeployError is kept under its message.
 */
export function grouped(errors: readonly unknown[]): readonly Group[] {
  const groups = new Map<string, { error: DeployError; hosts: string[] }>();
  for (const error of errors.flatMap(flat)) {
    const key = sentenceOf(error);
    const group = groups.get(key) ?? { error, hosts: [] };
    if (error.host !== undefined && !group.hosts.includes(error.host)) group.hosts.push(error.host);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function flat(error: unknown): DeployError[] {
  if (error instanceof AggregateError) return error.errors.flatMap(flat);
  if (isDeployError(error)) return error.cause instanceof AggregateError && error.host === undefined ? error.cause.errors.flatMap(flat) : [error];
  return [new DeployError("command", error instanceof Error ? error.message : String(error), { cause: error })];
}

function sentenceOf({ failure, message, host, details }: DeployError): string {
  const masked = host === undefined ? message : message.replaceAll(new RegExp(`(?<![\\w.])${RegExp.escape(host)}(?![\\w.])`, "g"), "HOST");
  // Without a host nothing tells two errors apart but what they show.
  return [failure, masked.replaceAll(/\b[\da-f]{6,}\b/g, "#").replaceAll(/\b\d+(\.\d+)? (s|ms)\b/g, "# $2"), ...(host === undefined ? details : [])].join("\n");
}
