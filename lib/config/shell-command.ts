import type { Program } from "../ground/command.ts";
import { Secret } from "../ground/secret.ts";

/**
 * A command line for the shell of this machine whose output is a secret. One that holds values of other secrets travels as a secret in the environment
 * of the shell, which everybody on this machine cannot read.
 * @param name what the command is for
 * @param source the command as it was written: where it is the same it holds no values, and may be shown
 */
export function shellProgram(name: string, command: string, source: string, cwd: string): Program {
  const text = command === source ? command : new Secret(`command of ${name}`, command);
  return { argv: ["sh", "-c", `command=$CAPSTAN_COMMAND; unset CAPSTAN_COMMAND; eval "$command"`], env: { CAPSTAN_COMMAND: text }, cwd, givesSecrets: true };
}
