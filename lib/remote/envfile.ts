import { Secret } from "../ground/secret.ts";
import type { EnvSettings } from "../config/settings.ts";

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\v": "\\v", "\b": "\\b", "\x07": "\\a", "\x1b": "\\e" };

/** ASCII as in a C string without its quotes, so that a value stays on its line; anything else as it is. */
function escape(value: string): string {
  return value.replaceAll(/[\\\x00-\x1f\x7f]/g, (char) => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/**
 * The env file of a role or an accessory: `NAME=value` lines in the order of the config, a single newline without secrets. Nothing is
 * opened. Source: what Kamal writes for `docker run --env-file`; docker does not undo the escapes.
 */
export function envFile({ name, env }: { readonly name: string; readonly env: Pick<EnvSettings, "secret"> }): Secret {
  const lines = Object.entries(env.secret).flatMap(([variable, secret]) => [`${variable}=`, secret.map(variable, escape), "\n"]);
  return Secret.join(`env file of ${name}`, lines.length === 0 ? ["\n"] : lines);
}
