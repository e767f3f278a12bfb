import type { EventBody } from "../../lib/ground/event.ts";
import type { Limits, Transport } from "../../lib/ground/world.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { createRedactor, type Redactor } from "../../lib/world/redact.ts";
import { defaultSshOptions, type SshOptions } from "../../lib/ground/ssh-options.ts";
import { createTransport } from "../../lib/world/ssh/transport.ts";

export interface TestTransport extends AsyncDisposable {
  readonly transport: Transport;
  readonly events: EventBody[];
  readonly redactor: Redactor;
  /** Texts of the notices so far. */
  notices(): string[];
}

/** A transport with a home of its own: neither the user's keys nor their agent are touched. */
export function openTransport(home: string, ssh: Partial<SshOptions> = {}, more: { prompt?: (question: string) => Promise<string>; env?: Record<string, string | undefined> } = {}): TestTransport {
  const events: EventBody[] = [];
  const redactor = createRedactor();
  const transport = createTransport({
    ssh: { ...defaultSshOptions, ...ssh },
    env: { ...process.env, HOME: home, SSH_AUTH_SOCK: undefined, ...more.env },
    cwd: home,
    report: (event) => void events.push(event),
    redactor,
    clock: systemClock,
    prompt: more.prompt,
  });
  return {
    transport,
    events,
    redactor,
    notices: () => events.flatMap((event) => (event.type === "notice" ? [event.text] : [])),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
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
