import { CancelledError } from "../../lib/ground/errors.ts";
import type { Event } from "../../lib/ground/event.ts";
import type { Channel, Exit, HttpAnswer, Images, World } from "../../lib/ground/world.ts";
import { fakeClock } from "./clock.ts";

/** What is answered to a text: the first pattern that matches. A number is an exit status, a text is standard output. */
export type Table = readonly (readonly [RegExp, string | number])[];
/** What each host answers. */
export type Answers = Readonly<Record<string, Table>>;

export interface FakeWorld {
  readonly world: World;
  /** `host $ command` of every command that ran, batches taken apart; `here $ program` of every program. */
  readonly ran: string[];
  readonly events: Event[];
  /** Hosts in the order in which they were connected. */
  readonly connected: string[];
  /** What was written to the holder of the lock. */
  readonly beats: string[];
  abort(): void;
}

/** Hosts and a machine of the user's own that answer from tables. */
export interface FakeOptions {
  readonly answers?: Answers;
  /** What programs on this machine answer; default: there is no git repository, all else ends with status 0 and says nothing. */
  readonly here?: Table;
  readonly probe?: (host: string, attempt: number) => HttpAnswer | Promise<HttpAnswer>;
  /** Own files by path. A Dockerfile is always there. */
  readonly files?: Readonly<Record<string, string>>;
  /** What each try to take the lock is answered; the last one counts for all further ones. Anything but `taken`, with or without for how long it was free, is what a held lock prints. */
  readonly locks?: readonly string[];
  /** What a host says of a batch that was cut off; default: it knows nothing of it. */
  readonly records?: Readonly<Record<string, string>>;
  /** What is asked before a command that may be left out; default: it is not. */
  readonly needless?: (host: string, question: string) => boolean;
  /** Called before a command runs: to press Ctrl-C, or to throw as a lost connection does. */
  readonly onRun?: (host: string, text: string) => void;
  /** How every session ends; default 0. */
  readonly sessionStatus?: number;
  /** Called when a session begins: to throw as a lost connection does. */
  readonly onSession?: () => void;
  readonly onConnect?: (host: string) => void;
  /** Called before a tunnel opens: to throw as a host does that opens none. */
  readonly onTunnel?: (host: string) => void;
  /** Called at each try to claim a file; default: it is to be had. */
  readonly claims?: (path: string) => Disposable | undefined;
  /** What is collected and sent; default: nothing is there to collect. */
  readonly images?: Images;
}

const noImages: Images = {
  collect: async (image) => { throw new Error(`Nobody made ${image}`); },
  collected: async (image) => { throw new Error(`Nobody collected ${image}`); },
  archive: async (image) => { throw new Error(`Nobody collected ${image}`); },
  verify: async (image) => { throw new Error(`Nobody collected ${image}`); },
};

const healthy: HttpAnswer = { ok: true, status: 200, headers: {}, body: "ok", durationMs: 1 };
/** Process id of every batch. */
const batchPid = 7;

/** A world of hosts that answer from a table. A command without an answer fails the test: silence is never success. */
export function fakeWorld({ answers = {}, here = [[/^git /, 128], [/./, ""]], probe = () => healthy, locks = ["taken"], files = {}, sessionStatus = 0, records = {}, needless = () => false, onRun, onSession, onConnect, onTunnel, claims = () => ({ [Symbol.dispose]: () => undefined }), images = noImages }: FakeOptions = {}): FakeWorld {
  const ran: string[] = [];
  const events: Event[] = [];
  const connected: string[] = [];
  const beats: string[] = [];
  const aborter = new AbortController();
  const probes = new Map<string, number>();
  /** Hosts whose batch was asked to end. */
  const stopped = new Set<string>();
  let tries = 0;
  const answerTo = (host: string, text: string, table: Table | undefined): Exit => {
    ran.push(`${host} $ ${text}`);
    onRun?.(host, text);
    const answer = table?.find(([pattern]) => pattern.test(text))?.[1];
    if (answer === undefined) throw new Error(`No answer on ${host} for: ${text}`);
    return typeof answer === "number" ? exit(answer, "") : exit(0, answer);
  };
  const world: World = {
    signal: aborter.signal,
    randomHex: (bytes) => "0f".repeat(bytes),
    clock: fakeClock(),
    report: (event) => void events.push(event),
    conceal: () => undefined,
    env: {},
    cwd: "/app",
    hostname: "desk",
    files: { read: async (path) => files[path], bytes: async () => undefined, list: async () => undefined, exists: async (path) => path in files || path.endsWith("/Dockerfile"), write: async () => undefined, append: async () => undefined },
    claim: async (path) => claims(path),
    images,
    programs: { run: async ({ argv }) => answerTo("here", argv.join(" "), here) },
    transport: {
      async connect(host) {
        connected.push(host);
        onConnect?.(host);
      },
      async renew(host) {
        ran.push(`${host} $ connect anew`);
      },
      async run(host, command, limits): Promise<Exit> {
        if (command.text === `kill -TERM ${batchPid}`) {
          stopped.add(host);
          return exit(0, "");
        }
        if (command.text.startsWith("head=")) {
          ran.push(`${host} $ ask for the record`);
          onRun?.(host, command.text);
          return exit(0, records[host] ?? "gone");
        }
        const parts = batchParts(command.text);
        if (parts === undefined) return answerTo(host, command.text, answers[host]);
        stopped.delete(host);
        const whole = { stdout: "", stderr: "" };
        const say = (stream: "stdout" | "stderr", text: string): void => {
          whole[stream] += text;
          limits.onOutput?.(stream, text);
        };
        say("stdout", `\x1e${parts.mark} pid ${batchPid}\x1e`);
        let goesOn = true;
        for (const [i, part] of parts.commands.entries()) {
          if (stopped.has(host)) break;
          const unless = parts.unless[i];
          const { stdout, ...said } = unless !== undefined && needless(host, unless) ? exit(0, "") : answerTo(host, part, answers[host]);
          const passIf = parts.passIf[i];
          const status = said.status === 0 || passIf === undefined ? said.status : (answerTo(host, passIf, answers[host]).status === 0 ? 0 : said.status);
          await Promise.resolve();
          if (limits.signal.aborted) throw limits.signal.reason;
          say("stdout", `${stdout}\x1e${parts.mark} ${i} ${status}\x1e`);
          say("stderr", `\x1e${parts.mark} ${i} ${status}\x1e`);
          goesOn = status === 0 || parts.optional[i] === true;
          if (!goesOn) break;
        }
        if (goesOn && !stopped.has(host) && parts.question !== undefined) say("stdout", `\x1e${parts.mark} asked 0\x1e${answerTo(host, parts.question, answers[host]).stdout}`);
        for (const stream of ["stdout", "stderr"] as const) say(stream, `\x1e${parts.mark} over 0\x1e`);
        return { ...exit(0, whole.stdout), stderr: whole.stderr };
      },
      async open(host): Promise<Channel> {
        ran.push(`${host} $ take the lock`);
        const answer = locks[Math.min(tries++, locks.length - 1)] ?? "taken";
        const taken = answer.startsWith("taken");
        const over = Promise.withResolvers<void>();
        if (!taken) over.resolve();
        const gone = new AbortController();
        let [unheard, wake] = [0, (): void => undefined];
        void over.promise.then(() => { gone.abort(); wake(); });
        return {
          write: (text) => { beats.push(text); unheard++; wake(); },
          send: async () => undefined,
          end: () => { ran.push(`${host} $ release the lock`); over.resolve(); },
          lines: (async function* () {
            yield* answer.split("\n");
            while (!gone.signal.aborted) {
              if (unheard > 0) {
                unheard--;
                yield "heard";
              } else {
                await new Promise<void>((done) => (wake = done));
              }
            }
          })(),
          ended: over.promise.then(() => ({ status: taken ? 0 : 75, stderr: "", lost: false })),
        };
      },
      async interact(host, command, terminal) {
        connected.push(host);
        ran.push(`${host} -${terminal.kind === undefined ? "i" : "it"} ${command.text}`);
        onSession?.();
        return sessionStatus;
      },
      async probe(host) {
        const attempt = (probes.get(host) ?? 0) + 1;
        probes.set(host, attempt);
        return probe(host, attempt);
      },
      async tunnel(host, port) {
        onTunnel?.(host);
        ran.push(`${host} $ open tunnel ${port}`);
        return { [Symbol.asyncDispose]: async () => void ran.push(`${host} $ close tunnel ${port}`) };
      },
      async introduce(host, to) {
        ran.push(`${host} $ may log in to ${to}`);
        return { address: to, port: 22, user: "root", hostKey: "ssh-ed25519 AAAA", [Symbol.asyncDispose]: async () => void ran.push(`${host} $ may no longer log in to ${to}`) };
      },
    },
  };
  return { world, ran, events, connected, beats, abort: () => aborter.abort(new CancelledError("Stopped by Ctrl-C")) };
}

const exit = (status: number, stdout: string): Exit => ({ status, signal: undefined, stdout, stderr: "", durationMs: 1 });

/** Takes a batch script apart again: the commands between its marks. */
export function batchParts(text: string): { mark: string; commands: string[]; optional: boolean[]; unless: (string | undefined)[]; passIf: (string | undefined)[]; question: string | undefined } | undefined {
  const mark = /printf '\\036([0-9a-f]+) %s %s\\036'/.exec(text)?.[1];
  if (mark === undefined) return undefined;
  const [script = "", question] = text.split('[ -z "$stop" ] || over\nm asked 0\n');
  const blocks = script.split('[ -z "$stop" ] || over\n').slice(1);
  const parts = blocks.map((block) => {
    const [first = "", second] = block.split(/^\)(?: <\/dev\/null)? > \/dev\/null 2>&1 \|\| (?=.*\(\n)/m);
    const rest = second ?? first;
    return { unless: second === undefined ? undefined : first.slice(first.indexOf("(\n") + 2, -1), command: rest.slice(rest.indexOf("(\n") + 2, rest.lastIndexOf("\n)", rest.lastIndexOf("\ns=$?\n"))) };
  });
  return {
    mark,
    question: question?.slice(2, question.lastIndexOf("\n)")),
    commands: parts.map(({ command }) => command),
    unless: parts.map(({ unless }) => unless),
    passIf: blocks.map((block) => block.slice(block.lastIndexOf("\ns=$?\n")).match(/\|\| \(\n([^]*)\n\) <\/dev\/null > \/dev\/null 2>&1 && s=0\n/)?.[1]),
    optional: blocks.map((block) => !block.includes("[ $s -eq 0 ] || over")),
  };
}
