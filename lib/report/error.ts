import { exitStatus, isDeployError, type DeployError } from "../ground/errors.ts";
import { grouped, type Group } from "./error-groups.ts";
import type { JsonRecord } from "./json.ts";
import { listed } from "./names.ts";
import { printable, printableText } from "./printable.ts";
import type { Style } from "./style.ts";

/** The exit status for whatever was thrown: by kind of failure for a DeployError, 1 for a bug. */
export function exitStatusOf(error: unknown): number {
  return isDeployError(error) ? exitStatus[error.failure] : 1;
}

/**
 * An error for a person at 3 a.m.: what failed and where, what was seen, why, what is true now, what to do next.
 * Equal errors of several hosts are told once. Anything but a DeployError is a bug and is shown with its stack.
 */
export function errorText(error: unknown, style: Style): string {
  if (!isDeployError(error)) return bugText(error, style);
  const several = severalCauses(error);
  return [
    ...headline(error.failure === "cancelled" ? undefined : "Error", several === undefined ? withHosts({ error, hosts: [error.host ?? []].flat() }) : [error.message], style),
    ...block(error.details),
    ...(several?.flatMap((group) => groupLines(group, style)) ?? causeLines(error, style)),
    ...labelled("State now", error.state, style),
    ...labelled("Next", error.hint === undefined ? [] : [error.hint], style),
  ].join("\n");
}

/** @param word in front of the sentence; Ctrl-C is no error and has none */
function headline(word: string | undefined, sentences: readonly string[], style: Style): string[] {
  const [first = "", ...more] = sentences.flatMap((sentence) => sentence.split("\n"));
  return [style.red(`${word === undefined ? "" : `${style.bold(word)}: `}${printable(first)}`), ...more.map((line) => `  ${printable(line)}`)];
}

/** The sentence of an error, naming all hosts it happened on: in it where it says `on HOST`, else under it. */
function withHosts({ error, hosts }: Group): string[] {
  const { message } = error;
  if (hosts.length < 2) return error.host === undefined || message.includes(error.host) ? [message] : [message, `on ${error.host}`];
  const place = new RegExp(`\\bon ${RegExp.escape(error.host ?? "")}(?![\\w.-])`);
  return place.test(message) ? [message.replace(place, () => `on ${listed(hosts)}`)] : [message, `on ${listed(hosts)}`];
}

function groupLines(group: Group, style: Style): string[] {
  const [first = "", ...more] = withHosts(group).flatMap((line) => line.split("\n"));
  const whose = group.hosts.length > 1 && group.error.details.length > 0 ? [`    ${style.dim(`${group.hosts[0] ?? ""} says:`)}`] : [];
  return [
    "", `  ${style.red("✗")} ${printable(first)}`, ...more.map((line) => `    ${printable(line)}`),
    ...whose, ...block(group.error.details, "      ", false),
    ...causeLines(group.error, style).filter((line) => line !== "").map((line) => `  ${line}`),
    ...(group.error.hint === undefined ? [] : [`    ${style.dim("→")} ${printable(group.error.hint)}`]),
  ];
}

/** The errors behind one that stands for several, equal ones together. */
function severalCauses(error: DeployError): readonly Group[] | undefined {
  return error.cause instanceof AggregateError ? grouped(error.cause.errors) : undefined;
}

/** Why, as far as causes tell more than the error itself. A hook shows its stack: it is the user's own code. */
function causeLines(error: DeployError, style: Style): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>([error]);
  let said = error.message;
  for (let cause = error.cause; cause !== undefined && cause !== null && !seen.has(cause); cause = cause instanceof Error ? cause.cause : undefined) {
    seen.add(cause);
    const text = cause instanceof Error ? cause.message : String(cause);
    if (error.failure === "hook" && cause instanceof Error && !isDeployError(cause) && cause.stack !== undefined) return [...lines, "", ...indented(cause.stack, "    ", style)];
    if (text !== "" && !said.includes(text)) lines.push(`  ${style.dim("because:")} ${printable(text.split("\n")[0] ?? "")}`, ...text.split("\n").slice(1).map((line) => `    ${printable(line)}`));
    if (isDeployError(cause)) lines.push(...block(cause.details, "    ", false));
    said += text;
  }
  return lines.length === 0 ? [] : ["", ...lines];
}

const indented = (text: string, indent: string, style: Style): string[] => printableText(text).split("\n").map((line) => style.dim(indent + line));

function block(details: readonly string[], indent = "    ", apart = true): string[] {
  if (details.length === 0) return [];
  return [...(apart ? [""] : []), ...details.flatMap((line) => line.split("\n")).map((line) => `${indent}${printable(line)}`.trimEnd())];
}

function labelled(label: string, texts: readonly string[], style: Style): string[] {
  const lines = texts.flatMap((text) => text.split("\n"));
  const [first, ...more] = lines;
  if (first === undefined) return [];
  const indent = " ".repeat(label.length + 4);
  return ["", `  ${style.bold(`${label}:`)} ${printable(first)}`, ...more.map((line) => indent + printable(line))];
}

function bugText(error: unknown, style: Style): string {
  const stack = error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);
  const causes: string[] = [];
  for (let cause = error instanceof Error ? error.cause : undefined; cause instanceof Error && causes.length < 10; cause = cause.cause) causes.push(`because: ${cause.stack ?? cause.message}`);
  const inner = error instanceof AggregateError ? error.errors.map((one: unknown) => (one instanceof Error ? (one.stack ?? one.message) : String(one))) : [];
  return [
    style.red(`${style.bold("Error")}: ${printable(error instanceof Error ? error.message.split("\n")[0] ?? "" : String(error))}`), "",
    ...[stack, ...inner, ...causes].flatMap((text) => indented(text, "    ", style)), "",
    "  This is a bug in capstan. Please report it with the lines above, the command line and the output of `capstan version`.",
  ].join("\n");
}

/** An error as the last line of `--json` output, without its version. `status` is the exit status. */
export function errorJson(error: unknown): JsonRecord {
  return { type: "error", status: exitStatusOf(error), ...errorData(error) };
}

function errorData(error: unknown): Record<string, unknown> {
  if (!isDeployError(error)) return { failure: "bug", message: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? error.stack : undefined };
  const { failure, message, hint, host, details, state, cause } = error;
  const some = (list: readonly string[]): readonly string[] | undefined => (list.length === 0 ? undefined : list);
  const causes = cause instanceof AggregateError ? cause.errors.map(errorData) : cause === undefined ? undefined : [isDeployError(cause) ? errorData(cause) : { message: cause instanceof Error ? cause.message : String(cause) }];
  return { failure, message, host, hint, details: some(details), state: some(state), causes };
}
