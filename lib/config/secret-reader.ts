import { programText } from "../ground/command.ts";
import { isDeployError } from "../ground/errors.ts";
import type { CliPort } from "./secret-sources/cli.ts";
import type { Managers } from "./secret-sources/managers.ts";
import type { SecretReader } from "./secret-function.ts";

/** It may ask the user for a password. */
const timeoutMs = 5 * 60_000;

/** A program that gave no secret, told under the name of the secret by whoever asked. */
export class NoOutput extends Error {
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[], cause?: unknown) {
    super(message, { cause });
    this.details = details;
  }
}

/** What the functions of the config read secrets with. */
export function secretReader({ programs, cwd, signal }: CliPort, managers: Managers): SecretReader {
  return {
    vault: (request) => managers.read(request),
    async output(...argv) {
      const program = { argv, cwd, givesSecrets: true, terminal: "ask" } as const;
      const exit = await programs.run(program, { timeoutMs, signal: signal ?? new AbortController().signal }).catch((cause: unknown) => {
        throw isDeployError(cause) && cause.failure !== "cancelled" ? new NoOutput(cause.message, cause.details, cause) : cause;
      });
      if (exit.status === 0) return exit.stdout.replace(/[\r\n]+$/, "");
      const ending = exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`;
      throw new NoOutput(`"${programText(program)}" ended with ${ending}`, exit.stderr.trim().split("\n").filter(Boolean).slice(-20));
    },
  };
}
