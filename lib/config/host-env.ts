import type { EnvSettings, Role } from "./settings.ts";

/** The environment of a role's containers on a host: its tags may add to it. */
export const envOn = ({ env, hostEnv }: Pick<Role, "env" | "hostEnv">, host: string): EnvSettings => hostEnv[host] ?? env;
