import http from "node:http";
import { fileURLToPath } from "node:url";

/** What came back, of everything a browser, a phone and a script may do at once. */
export interface MixedReport {
  readonly sent: Readonly<Record<Kind, number>>;
  /** Failures: kind and what went wrong. */
  readonly errors: Readonly<Record<string, number>>;
  /** By version: when its first answer came, milliseconds since 1970. */
  readonly firstAnswered: Readonly<Record<string, number>>;
  /** By version: when the last request was sent, or websocket asked for, that it answered, milliseconds since 1970. */
  readonly lastSent: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  /** By kind: requests under way when a newer version came, and answered by the one they were sent to. */
  readonly drained: Readonly<Partial<Record<Kind, number>>>;
  /** Requests sent after the first answer of a newer version, and answered by an older one. */
  readonly mixed: number;
  /** Connections that the 16 workers with keep-alive have had. */
  readonly keptConnections: number;
  readonly sockets: { readonly opened: number; readonly echoes: number; readonly wrong: number; readonly closed: readonly ClosedSocket[] };
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Requests without an answer when the generator was stopped and had waited. */
  readonly unfinished: number;
}

/** A websocket that was closed from the other side. Times in milliseconds since 1970. */
export interface ClosedSocket {
  readonly version: string;
  readonly openedAt: number;
  readonly closedAt: number;
  /** Texts that never came back; one may have been on its way. */
  readonly unanswered: number;
}

const kinds = ["kept", "fresh", "slow", "upload", "stream"] as const;
type Kind = (typeof kinds)[number];

/** A generator that runs in a process of its own. */
export interface MixedLoad extends AsyncDisposable {
  stop(): Promise<MixedReport>;
}

/** Starts it against one address. @param hostHeader what requests ask for */
export function startMixedLoad(url: string, hostHeader = new URL(url).host): MixedLoad {
  const child = Bun.spawn([process.execPath, fileURLToPath(import.meta.url), url, hostHeader], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const output = new Response(child.stdout).text();
  let report: Promise<MixedReport> | undefined;
  const stop = (): Promise<MixedReport> => {
    child.kill("SIGTERM");
    report ??= output.then((text) => JSON.parse(text) as MixedReport);
    return report;
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop().catch(() => undefined);
    },
  };
}

/** How long the generator waits for answers once it is stopped. */
const patienceMs = 20_000;
const pauseMs = 20;
/** Where it ends by itself: whoever started it may be gone. */
const limits = { ms: 600_000, requests: 1_000_000 };

class Generator {
  readonly #url: string;
  readonly #host: string;
  readonly #agents = { kept: new http.Agent({ keepAlive: true, maxSockets: 16 }), fresh: new http.Agent({ keepAlive: false }) };
  readonly #sent = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  readonly #errors: Record<string, number> = {};
  readonly #firstAnswered: Record<string, number> = {};
  readonly #lastSent: Record<string, number> = {};
  readonly #answers: Record<string, number> = {};
  readonly #latencies: number[] = [];
  readonly #drained: Partial<Record<Kind, number>> = {};
  readonly #keptPorts = new Set<number>();
  readonly #closed: ClosedSocket[] = [];
  readonly #sockets = { opened: 0, echoes: 0, wrong: 0, closed: this.#closed };
  readonly #onLimit: () => void;
  #newest = "";
  #mixed = 0;
  #asked = 0;
  #open = 0;
  #stopped = false;

  /** @param onLimit called when there have been too many requests */
  constructor(url: string, host: string, onLimit: () => void) {
    this.#url = url;
    this.#host = host;
    this.#onLimit = onLimit;
  }

  start(): void {
    for (let i = 0; i < 16; i++) void this.#repeat(() => this.#post("kept"));
    for (let i = 0; i < 4; i++) void this.#repeat(() => this.#post("fresh"));
    void this.#repeat(() => this.#ask("slow", "GET", "/slow?seconds=3", this.#agents.fresh));
    void this.#repeat(() => this.#upload());
    void this.#repeat(() => this.#ask("stream", "GET", "/events?seconds=2", this.#agents.fresh));
    for (let i = 0; i < 4; i++) this.#socket();
  }

  async finish(): Promise<MixedReport> {
    this.#stopped = true;
    const deadline = performance.now() + patienceMs;
    while (this.#open > 0 && performance.now() < deadline) await Bun.sleep(20);
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const quantile = (part: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) * 10) / 10;
    return {
      sent: this.#sent, errors: this.#errors, firstAnswered: this.#firstAnswered, lastSent: this.#lastSent, answers: this.#answers, drained: this.#drained, mixed: this.#mixed,
      keptConnections: this.#keptPorts.size, sockets: this.#sockets, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), unfinished: this.#open,
    };
  }

  /** Counts a failure. */
  fail(what: string): void {
    this.#errors[what] = (this.#errors[what] ?? 0) + 1;
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await once();
      await Bun.sleep(pauseMs);
    }
  }

  async #post(kind: "kept" | "fresh"): Promise<void> {
    const started = performance.now();
    const body = `${this.#asked} `.padEnd(1_000, "x");
    await this.#ask(kind, "POST", "/echo", this.#agents[kind], (request) => request.end(body), echoOf(body));
    this.#latencies.push(performance.now() - started);
  }

  /** Three seconds of chunks. */
  #upload(): Promise<void> {
    const chunks = Array.from({ length: 30 }, (_, i) => `${this.#asked}.${i} `.padEnd(100, "x"));
    const echo = echoOf(chunks.join(""));
    return this.#ask("upload", "POST", "/echo", this.#agents.fresh, (request) => {
      const timer = setInterval(() => {
        if (request.destroyed) return clearInterval(timer);
        const chunk = chunks.shift();
        if (chunk !== undefined) return void request.write(chunk);
        clearInterval(timer);
        request.end();
      }, 100);
    }, echo);
  }

  /** @param echo what has to come after the version, if anything must */
  #ask(kind: Kind, method: string, path: string, agent: http.Agent, write: (request: http.ClientRequest) => void = (request) => request.end(), echo?: string): Promise<void> {
    const sentAt = Date.now();
    if (++this.#asked === limits.requests) this.#onLimit();
    this.#sent[kind]++;
    this.#open++;
    return new Promise((done) => {
      let over = false;
      const end = (error: string | undefined, body = ""): void => {
        if (over) return;
        over = true;
        this.#open--;
        const [, version = "", rest] = /^(?:data: )?(\S+) ?([^]*)/.exec(body) ?? [];
        const problem = error ?? (kind === "stream" && !body.endsWith("data: end") ? "cut short" : echo !== undefined && rest !== echo ? "other bytes arrived" : undefined);
        if (problem !== undefined) this.fail(`${kind}: ${problem}`);
        else this.#answered(kind, version, sentAt);
        done();
      };
      const request = http.request(new URL(path, this.#url), { method, agent, timeout: patienceMs, headers: { host: this.#host } }, (response) => {
        let body = "";
        if (kind === "kept" && response.socket?.localPort !== undefined) this.#keptPorts.add(response.socket.localPort);
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () => end(response.statusCode === 200 ? undefined : `HTTP ${response.statusCode}`, body.trim()));
        response.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
        response.on("aborted", () => end("aborted"));
      });
      request.on("timeout", () => request.destroy(new Error("timeout")));
      request.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      write(request);
    });
  }

  #answered(kind: Kind | "websocket", version: string, sentAt: number): void {
    if (this.#firstAnswered[version] === undefined) {
      this.#firstAnswered[version] = Date.now();
      this.#newest = version;
    } else if (version !== this.#newest) {
      if (sentAt > (this.#firstAnswered[this.#newest] ?? Infinity)) this.#mixed++;
      else if (kind !== "websocket") this.#drained[kind] = (this.#drained[kind] ?? 0) + 1;
    }
    this.#answers[version] = (this.#answers[version] ?? 0) + 1;
    this.#lastSent[version] = Math.max(this.#lastSent[version] ?? 0, sentAt);
  }

  /** One socket at a time: a text five times a second, every one must come back, in order. */
  #socket(): void {
    if (this.#stopped) return;
    const socket = new WebSocket(`${this.#url.replace("http", "ws")}ws`, { headers: { host: this.#host } } as unknown as string);
    const openedAt = Date.now();
    let version: string | undefined;
    let next = 0;
    let expected = 0;
    const timer = setInterval(() => {
      if (this.#stopped) return socket.close();
      if (socket.readyState === WebSocket.OPEN) socket.send(String(next++));
    }, 200);
    socket.onopen = () => {
      this.#sockets.opened++;
    };
    socket.onmessage = ({ data }) => {
      const text = String(data);
      if (version === undefined && text.startsWith("hello ")) {
        version = text.slice("hello ".length);
        return this.#answered("websocket", version, openedAt);
      }
      if (text === `${version} ${expected++}`) this.#sockets.echoes++;
      else this.#sockets.wrong++;
    };
    socket.onclose = () => {
      clearInterval(timer);
      if (this.#stopped) return;
      if (version === undefined) this.fail("websocket: not opened");
      else this.#closed.push({ version, openedAt, closedAt: Date.now(), unanswered: next - expected });
      setTimeout(() => this.#socket(), 50);
    };
  }
}

/** What the app says of a body, after its version. */
const echoOf = (body: string): string => `${body.length} ${new Bun.CryptoHasher("sha256").update(body).digest("hex")}`;

if (import.meta.main) {
  const [, , url = "", host = ""] = process.argv;
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void generator.finish().then((report) => {
      console.log(JSON.stringify(report));
      process.exit(0);
    });
  };
  const endEarly = (): void => {
    generator.fail("generator: came to its limit");
    end();
  };
  const generator = new Generator(url, host, endEarly);
  generator.start();
  setTimeout(endEarly, limits.ms);
  process.on("SIGTERM", end);
  process.on("SIGINT", () => undefined);
}
