import { Command, quote } from "../ground/command.ts";

/** A reference within the default of another one. */
const inner = /\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-+=?](?:[^}$]|\$(?!\{))*)?\}/;
/** A reference that the remote shell may expand: `${NAME}`, `${NAME:-default}`, `${NAME:-${OTHER}}`. Its braces are balanced: else the shell would look for the last one behind the value. */
const reference = new RegExp(`\\$\\{[A-Za-z_][A-Za-z0-9_]*(?::?[-+=?](?:[^}$]|\\$(?!\\{)|${inner.source})*)?\\}`);
/** What has a meaning between double quotes, except at the beginning of a {@link reference}. */
const special = new RegExp(`["\\\\\`]|\\$(?!${reference.source.slice(2)})`, "g");

/**
 * One shell word in which `${NAME}` is expanded by the host's shell and everything else is literal: `$NAME`, `$(…)`
 * and backticks included. Kamal treats the values of its config like this.
 */
export function expandable(value: string): Command {
  return new Command(reference.test(value) ? `"${value.replaceAll(special, "\\$&")}"` : quote(value));
}

/** The same for a path, in which `$NAME` and a leading `~/` are expanded too: volumes are written as for a shell. */
export function expandablePath(path: string): Command {
  return expandable(path.replace(/^~\//, "${HOME}/").replaceAll(/\$([A-Za-z_][A-Za-z0-9_]*)/g, "${$1}"));
}

/** `KEY=value` as one word, the value {@link expandable}. */
export const pair = (key: string, value: string | number | boolean): Command => expandable(`${key}=${value}`);

/** A flag and its `KEY=value` words: `--label a=b --label c=d`. An empty value leaves the bare key. */
export function pairs(flag: string, values: Readonly<Record<string, string | number | boolean>>): readonly (string | Command)[] {
  return Object.entries(values).flatMap(([key, value]) => [flag, String(value) === "" ? key : pair(key, value)]);
}
