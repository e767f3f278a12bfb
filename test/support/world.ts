import type { Event } from "../../lib/ground/event.ts";
import type { Channel, Exit, HttpAnswer, World } from "../../lib/ground/world.ts";
import type { Command } from "../../lib/ground/command.ts";

/** What a host answers: the first pattern that matches. A number is an exit status, a text is its standard output. */
export type Answers = Readonly<Record<string, readonly (readonly [RegExp, string | number])[]>>;

export interface FakeWorld {
  readonly world: World;
  /** `host $ command` of every command that ran, batches taken apart. */
  readonly ran: string[];
  readonly events: Event[];
  abort(): void;
}

/** Hosts whose commands run in a real `sh`, after each command of a batch was looked up in a table. */
export interface FakeOptions {
  readonly answers?: Answers;
  readonly probe?: (host: string, attempt: number) => HttpAnswer;
}

const healthy: HttpAnswer = { ok: true, status: 200, headers: {}, body: "ok", durationMs: 1 };

/** A world of hosts that answer from a table. A command without an answer fails the test: silence is never success. The clock moves when the code sleeps. */
export function fakeWorld({ answers = {}, probe = () => healthy }: FakeOptions = {}): FakeWorld {
  const ran: string[] = [];
  const events: Event[] = [];
  const aborter = new AbortController();
  const probes = new Map<string, number>();
  let now = Date.UTC(2030, 0, 2, 3, 4, 5);
  const answerTo = (host: string, text: string): { status: number; stdout: string } => {
    ran.push(`${host} $ ${text}`);
    const answer = answers[host]?.find(([pattern]) => pattern.test(text))?.[1];
    if (answer === undefined) throw new Error(`No answer on ${host} for: ${text}`);
    return typeof answer === "number" ? { status: answer, stdout: "" } : { status: 0, stdout: answer };
  };
  const world: World = {
    signal: aborter.signal,
    randomHex: (bytes) => "0f".repeat(bytes),
    clock: { now: () => now, sleep: async (ms, signal) => { signal.throwIfAborted(); now += ms; await Promise.resolve(); } },
    report: (event) => void events.push(event),
    conceal: () => undefined,
    env: {},
    cwd: "/app",
    files: { read: async () => undefined, exists: async () => false, write: async () => undefined, append: async () => undefined },
    programs: { run: async (program) => { ran.push(`here $ ${program.argv.join(" ")}`); return exit(0, ""); } },
    transport: {
      async connect() {},
      async run(host, command, limits): Promise<Exit> {
        const parts = batchParts(command);
        if (parts === undefined) {
          const { status, stdout } = answerTo(host, command.text);
          return exit(status, stdout);
        }
        limits.onOutput?.("stdout", `\x1e${parts.mark} pid 7\x1e`);
        for (const [i, part] of parts.commands.entries()) {
          const { status, stdout } = answerTo(host, part);
          limits.onOutput?.("stdout", `${stdout}\x1e${parts.mark} ${i} ${status}\x1e`);
          limits.onOutput?.("stderr", `\x1e${parts.mark} ${i} ${status}\x1e`);
          if (status !== 0 && !parts.optional[i]) break;
        }
        return exit(0, "");
      },
      async open(): Promise<Channel> {
        return { write: () => undefined, end: () => undefined, lines: (async function* () { yield "taken"; })(), ended: Promise.resolve({ status: 0, stderr: "", lost: false }) };
      },
      async probe(host) {
        const attempt = (probes.get(host) ?? 0) + 1;
        probes.set(host, attempt);
        return probe(host, attempt);
      },
    },
  };
  return { world, ran, events, abort: () => aborter.abort() };
}

const exit = (status: number, stdout: string): Exit => ({ status, signal: undefined, stdout, stderr: "", durationMs: 1 });

/** Takes a batch script apart again: the commands between its marks. */
function batchParts(command: Command): { mark: string; commands: string[]; optional: boolean[] } | undefined {
  const mark = /printf '\\036([0-9a-f]+) %s %s\\036'/.exec(command.text)?.[1];
  if (mark === undefined) return undefined;
  const blocks = command.text.split('[ -z "$stop" ] || exit 0\n').slice(1);
  return {
    mark,
    commands: blocks.map((block) => block.slice(block.indexOf("(\n") + 2, block.lastIndexOf("\n)"))),
    optional: blocks.map((block) => !block.includes("[ $s -eq 0 ] || exit 0")),
  };
}
