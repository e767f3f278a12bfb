import type { EventBody } from "../../lib/ground/event.ts";
import type { Limits, Transport } from "../../lib/ground/world.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { createRedactor, type Redactor } from "../../lib/world/redact.ts";
import { defaultSshOptions, type SshOptions } from "../../lib/ground/ssh-options.ts";
import { createOpensshTransport } from "../../lib/world/openssh/transport.ts";
import { createTargets } from "../../lib/world/ssh/target.ts";
import { createTransport, type TransportOptions } from "../../lib/world/ssh/transport.ts";
import { createTransports } from "../../lib/world/transports.ts";

export interface TestTransport extends AsyncDisposable {
  readonly transport: Transport;
  readonly events: EventBody[];
  readonly redactor: Redactor;
  /** Texts of the notices so far. */
  notices(): string[];
}

/** How a test's transport is made. */
export type Maker = (options: TransportOptions) => Transport & AsyncDisposable;
/** Both transports: what holds for one holds for the other. */
export const transports: readonly (readonly ["ssh2" | "OpenSSH", Maker])[] = [["ssh2", createTransport], ["OpenSSH", createOpensshTransport]];
/** The one that chooses by itself. */
export const choosing: Maker = (options) => createTransports(options);

interface More {
  readonly prompt?: (question: string) => Promise<string>;
  readonly env?: Record<string, string | undefined>;
  /** Default: ssh2. */
  readonly make?: Maker;
}

/** A transport with a home of its own: neither the user's keys nor their agent are touched. */
export function openTransport(home: string, given: Partial<SshOptions> = {}, more: More = {}): TestTransport {
  const events: EventBody[] = [];
  const redactor = createRedactor();
  const ssh = { ...defaultSshOptions, ...given };
  const env = { ...process.env, HOME: home, SSH_AUTH_SOCK: undefined, ...more.env };
  const targets = createTargets(ssh, home, home, env);
  const transport = (more.make ?? createTransport)({ ssh, targets, env, cwd: home, report: (event) => void events.push(event), redactor, clock: systemClock, prompt: more.prompt });
  return {
    transport,
    events,
    redactor,
    notices: () => events.flatMap((event) => (event.type === "notice" ? [event.text] : [])),
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await targets[Symbol.asyncDispose]();
    },
  };
}

export const never = new AbortController().signal;
export const limits: Limits = { timeoutMs: 10_000, signal: never };

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}
