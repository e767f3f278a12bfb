import { type SecretSources, secretStore } from "./secrets.ts";

/**
 * Reads variables of the environment; those that are not set there come from `.env`, the file of the destination over the plain one.
 * The files are read when the first such variable is asked for, once.
 */
export function dotenvReader(sources: Omit<SecretSources, "path" | "functions">): (name: string) => Promise<string | undefined> {
  let loaded: Promise<Readonly<Record<string, string>>> | undefined;
  return async (name) => sources.env[name] ?? (await (loaded ??= secretStore({ ...sources, path: ".env", functions: {} }).all()))[name];
}
