import { programText } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import type { CliPort } from "./secret-sources/cli.ts";
import type { Managers } from "./secret-sources/managers.ts";
import type { SecretReader } from "./secret-function.ts";

/** It may ask the user for a password. */
const timeoutMs = 5 * 60_000;

/** What the functions of the config read secrets with. */
export function secretReader({ programs, cwd, signal }: CliPort, managers: Managers): SecretReader {
  return {
    vault: (request) => managers.read(request),
    async output(...argv) {
      const program = { argv, cwd, givesSecrets: true, terminal: "ask" } as const;
      const exit = await programs.run(program, { timeoutMs, signal: signal ?? new AbortController().signal });
      if (exit.status === 0) return exit.stdout.replace(/[\r\n]+$/, "");
      throw new DeployError("config", `Cannot read a secret: "${programText(program)}" ended with ${exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`}`, {
        details: exit.stderr.trim().split("\n").filter(Boolean).slice(-20), hint: "Run the command in a shell to see what is wrong; perhaps you have to log in first",
      });
    },
  };
}
