import type { Command } from "../ground/command.ts";
import { isDeployError } from "../ground/errors.ts";
import { LineSplitter } from "../ground/line-splitter.ts";
import { settle } from "../ground/settle.ts";
import type { Phase } from "../ground/step.ts";
import type { Exit, World } from "../ground/world.ts";
import { askTwice } from "./reconnect.ts";
import { keepVigil } from "./vigil.ts";

/** What one command printed on one host. */
export interface HostOutput {
  /** Such as `App Host`, `Proxy Host`. */
  readonly title: string;
  readonly host: string;
  readonly role: string | undefined;
  /** Such as the name of an accessory. */
  readonly subject?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined: the host could not be asked. */
  readonly status: number | undefined;
}

/** Where a command runs, and which. */
export interface Errand {
  readonly host: string;
  readonly role?: string;
  /** What it is about where that is no role: the name of an accessory. */
  readonly subject?: string;
  readonly command: Command;
  /** A question of ours, not a command of the user's own: it has a deadline, and is asked again when the connection is lost. */
  readonly asks?: true;
}

/** What errands come to, as a plan that can be shown. @param title of their phase */
export function errandPlan(title: string, errands: readonly Errand[]): Phase {
  const hosts = [...new Set(errands.map(({ host }) => host))];
  return { title, lanes: hosts.map((host) => ({ host, steps: errands.filter((errand) => errand.host === host).map(({ role, command }) => ({ kind: "run", title, command, ...(role === undefined ? {} : { role }) })) })) };
}

/** How long a host may take to answer a question. */
const askMs = 120_000;

/** How long a command of the user's own may take: a day. */
export const ownCommandMs = 86_400_000;

/**
 * Runs commands on hosts side by side and keeps what they printed, in order; a host that cannot be asked has no status
 * and says why in its stderr.
 * @param onLine called for each line as it arrives, in addition
 */
export async function eachHost(world: World, title: string, errands: readonly Errand[], onLine?: (errand: Errand, stream: "stdout" | "stderr", line: string) => void): Promise<readonly HostOutput[]> {
  const results = await settle(errands, Math.max(1, errands.length), async (errand) => {
    const lines = { stdout: new LineSplitter((line) => onLine?.(errand, "stdout", line)), stderr: new LineSplitter((line) => onLine?.(errand, "stderr", line)) };
    const run = (timeoutMs: number): Promise<Exit> => world.transport.run(errand.host, errand.command, {
      timeoutMs, signal: world.signal, keepBytes: 64 * 1024 * 1024,
      onOutput: (stream, text) => lines[stream].feed(text),
    });
    using _ = errand.asks === true ? keepVigil(world, { host: errand.host, role: errand.role, title: title.replace(/ Host$/, ""), deadlineMs: askMs }) : undefined;
    const exit = errand.asks === true ? await askTwice(world, errand.host, () => run(askMs)) : await run(ownCommandMs);
    lines.stdout.end();
    lines.stderr.end();
    return exit;
  });
  return results.map((result): HostOutput => {
    const { host, role, subject } = result.item;
    const about = { title, host, role, ...(subject === undefined ? {} : { subject }) };
    if (result.ok) return { ...about, stdout: result.value.stdout, stderr: result.value.stderr, status: result.value.status ?? 255 };
    if (!isDeployError(result.error) || result.error.failure === "cancelled") throw result.error;
    return { ...about, stdout: "", stderr: result.error.message, status: undefined };
  });
}
