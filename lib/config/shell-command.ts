import type { Program } from "../ground/command.ts";
import { Secret } from "../ground/secret.ts";

/**
 * A command line for the shell of this machine whose output is a secret. It may hold values of other secrets, so it travels in the environment of the
 * shell, which everybody on this machine cannot read.
 * @param name what the command is for
 */
export function shellProgram(name: string, command: string, cwd: string): Program {
  return { argv: ["sh", "-c", `command=$CAPSTAN_COMMAND; unset CAPSTAN_COMMAND; eval "$command"`], env: { CAPSTAN_COMMAND: new Secret(`command of ${name}`, command) }, cwd, givesSecrets: true };
}
