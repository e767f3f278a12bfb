import { escaped, escapeValue } from "../ground/env-text.ts";
import { quote, sh, type Command } from "../ground/command.ts";
import { Secret } from "../ground/secret.ts";
import type { UploadStep } from "../ground/step.ts";
import type { EnvSettings } from "../config/settings.ts";

const about = "env file of ";

/**
 * The env file of a role or an accessory: `NAME=value` lines in the order of the config, a single newline without secrets. Nothing is
 * opened. Source: what Kamal writes for `docker run --env-file`; docker does not undo the escapes.
 */
export function envFile({ name, env }: { readonly name: string; readonly env: Pick<EnvSettings, "secret"> }): Secret {
  const lines = Object.entries(env.secret).flatMap(([variable, secret]) => [`${variable}=`, secret.map(variable, escapeValue), "\n"]);
  return Secret.join(`${about}${name}`, lines.length === 0 ? ["\n"] : lines);
}

/** True for what {@link envFile} made of secrets whose values nobody has read: whether they have to be {@link handedOn} is not known. */
export const isUnread = (content: Secret): boolean => content.name.startsWith(about) && content.holds(escaped) === undefined;

/** Variables that an env file cannot bring as they are, as far as their values are known. One that is also set in the clear is not among them: that goes over it. */
const handedOn = ({ clear, secret }: EnvSettings): readonly string[] => Object.keys(secret).filter((variable) => !Object.hasOwn(clear, variable) && secret[variable]?.holds(escaped) === true);

/** The file of the values that an env file cannot hold, beside it. */
export const valuesPath = (envPath: string): string => envPath.replace(/\.env$/, ".values");

/** Shell code that sets variables to values byte for byte. Nothing is opened. */
export function valuesFile(name: string, { secret }: Pick<EnvSettings, "secret">, variables: readonly string[]): Secret {
  return Secret.join(`values of ${name}`, variables.flatMap((variable) => {
    const value = secret[variable];
    return value === undefined ? [] : [`export ${variable}=`, value.map(variable, singleQuoted), "\n"];
  }));
}

const singleQuoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

/** Writes the env file at a path, and beside it the values that it cannot hold; where there are none, a file of them from before goes. @param outdates what else goes then */
export function envUploads({ name, env, path, role, outdates = [] }: { readonly name: string; readonly env: EnvSettings; readonly path: string; readonly role?: string; readonly outdates?: readonly string[] }): readonly UploadStep[] {
  const variables = handedOn(env);
  const values = valuesPath(path);
  const served = role === undefined ? {} : { role };
  const outdated = [...(variables.length > 0 ? [] : [values]), ...outdates];
  return [
    ...(variables.length === 0 ? [] : [{ kind: "upload" as const, ...served, title: `Write values of ${name} that no env file can hold`, path: values, content: valuesFile(name, env, variables), mode: "0600" }]),
    { kind: "upload", ...served, title: `Write env file of ${name}`, path, content: envFile({ name, env }), mode: "0600", ...(outdated.length === 0 ? {} : { outdates: outdated }) },
  ];
}

/** Flags of `docker run` for an env file at a path, and for the variables that docker then takes from its own environment: a name without a value. Source: `--env`, docker's reference. */
export const secretFlags = (env: EnvSettings, path: string): readonly string[] => ["--env-file", path, ...handedOn(env).flatMap((variable) => ["--env", variable])];

/**
 * A docker command that has {@link secretFlags}. The values are set in a shell of its own that becomes docker: the words of the command are complete
 * by then, so that no `${NAME}` in them can become a secret on a command line, and nothing after it has them.
 */
export function withValues(env: EnvSettings, path: string, command: Command): Command {
  return handedOn(env).length === 0 ? command : sh`sh -c ${`. ./${quote(valuesPath(path))} && exec "$@"`} sh ${command}`;
}
