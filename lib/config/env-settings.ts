import type { z } from "zod";
import { Secret } from "../ground/secret.ts";
import type { secretMap } from "./schema/common.ts";
import type { Env } from "./schema/env.ts";
import type { Registry } from "./schema/registry.ts";
import { nameOf, type SecretInput } from "./secret-ref.ts";
import type { EnvSettings, RegistrySettings, SecretStore } from "./settings.ts";

/** Variables and secrets, each later one over the one before. */
export const mergedEnv = (base: EnvSettings, over: EnvSettings): EnvSettings => ({ clear: { ...base.clear, ...over.clear }, secret: { ...base.secret, ...over.secret } });

/** What the config says of an environment, with its secrets. */
export function envSettings(env: z.output<typeof Env>, secrets: SecretStore): EnvSettings {
  const grouped = ["clear", "secret", "tags"].some((key) => typeof env[key as keyof typeof env] === "object");
  // A map of clear variables has no lists and maps in it, so a `clear` or `secret` that is one tells the two apart.
  const { clear = {}, secret = [] } = grouped ? (env as { clear?: EnvSettings["clear"]; secret?: z.output<typeof secretMap> }) : { clear: env as EnvSettings["clear"] };
  return { clear, secret: secretsOf(secret, (name, variable) => secrets.get(name, variable)) };
}

/** Secrets by the name of a variable. @param get gives each, told the variable it is for */
export function secretsOf(input: z.output<typeof secretMap>, get: (name: string, variable: string) => Secret): Record<string, Secret> {
  if (!isList(input)) return Object.fromEntries(Object.entries(input).map(([variable, ref]) => [variable, get(nameOf(ref), variable)]));
  return Object.fromEntries(input.map((item) => {
    if (typeof item !== "string") return [item.name, get(item.name, item.name)];
    const [variable = "", name = variable] = item.split(":");
    return [variable, get(name, variable)];
  }));
}

const isList = (value: z.output<typeof secretMap>): value is Extract<z.output<typeof secretMap>, readonly unknown[]> => Array.isArray(value);

/** A text is the value itself. */
export const secretOf = (input: string | SecretInput, label: string, secrets: SecretStore): Secret => (typeof input === "string" ? new Secret(label, input) : secrets.get(nameOf(input)));

/** What the config says of a registry, with its secrets. */
export function registryOf(registry: z.output<typeof Registry>, secrets: SecretStore): RegistrySettings {
  return {
    server: registry.server,
    username: typeof registry.username === "object" ? secrets.get(nameOf(registry.username)) : registry.username,
    password: registry.password === undefined ? undefined : secretOf(registry.password, "registry password", secrets),
  };
}
