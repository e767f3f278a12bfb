import { Command, sh, type Query } from "../ground/command.ts";
import { CommandError, DeployError } from "../ground/errors.ts";
import type { World } from "../ground/world.ts";
import { askTwice } from "./reconnect.ts";
import { keepVigil } from "./vigil.ts";

type Answers<Q> = { readonly [Name in keyof Q]: Q[Name] extends Query<infer T> ? T : never };

/** How long the questions to one host may take together. */
const askTimeoutMs = 60_000;

/**
 * Asks many queries of one host in one round trip; once more when the connection is lost on the way.
 * @throws CommandError that names the query that failed; ConnectError
 */
export async function ask<Q extends Readonly<Record<string, Query<unknown>>>>(world: World, host: string, queries: Q): Promise<Answers<Q>> {
  const entries = Object.entries(queries);
  using _ = keepVigil(world, { host, title: "Look at the host", deadlineMs: askTimeoutMs });
  const exit = await askTwice(world, host, () => world.transport.run(host, askScript(entries.map(([, query]) => query.command)), { timeoutMs: askTimeoutMs, signal: world.signal }));
  const parts = exit.stdout.split("\x1e");
  if (exit.status !== 0) throw new CommandError(host, entries[parts.length - 1]?.[1].command ?? new Command(""), exit);
  return Object.fromEntries(entries.map(([name, query], i) => [name, read(host, name, query, parts[i] ?? "")])) as Answers<Q>;
}

/**
 * All queries as one script, a separator after each answer. It ends at the first one that fails. The answers are sent in one piece: a connection that
 * was just made lets ten packets out, however small, and waits for the other side before the next.
 */
export function askScript(commands: readonly Command[]): Command {
  return new Command(sh`said=$(${new Command(commands.map((command) => sh`
(
${command}
) </dev/null || exit
printf '\036'`.text).join(""))}
)
status=$?
printf %s "$said"
exit $status
`.text);
}

function read<T>(host: string, name: string, query: Query<T>, answer: string): T {
  try {
    return query.parse(answer);
  } catch (cause) {
    throw new DeployError("command", `Cannot read the answer of ${host} to "${query.command}"`, { host, cause, details: answer.split("\n").slice(0, 10), hint: `Run the command on the host by hand; "${name}" expects Docker's usual output.` });
  }
}
