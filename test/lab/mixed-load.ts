import http from "node:http";
import { fileURLToPath } from "node:url";

/** What came back, of everything a browser, a phone and a script may do at once. */
export interface MixedReport {
  readonly sent: Readonly<Record<Kind, number>>;
  /** Failures: kind and what went wrong. */
  readonly errors: Readonly<Record<string, number>>;
  /** By version: when the last request was sent that it answered, milliseconds since 1970. */
  readonly lastSent: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly sockets: { readonly opened: number; readonly closed: number; readonly echoes: number; readonly wrong: number; readonly longestMs: number };
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Requests without an answer when the generator was stopped and had waited. */
  readonly unfinished: number;
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

class Generator {
  readonly #url: string;
  readonly #host: string;
  readonly #agents = { kept: new http.Agent({ keepAlive: true, maxSockets: 16 }), fresh: new http.Agent({ keepAlive: false }) };
  readonly #sent = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  readonly #errors: Record<string, number> = {};
  readonly #lastSent: Record<string, number> = {};
  readonly #answers: Record<string, number> = {};
  readonly #latencies: number[] = [];
  readonly #sockets = { opened: 0, closed: 0, echoes: 0, wrong: 0, longestMs: 0 };
  #open = 0;
  #stopped = false;

  constructor(url: string, host: string) {
    this.#url = url;
    this.#host = host;
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
    return { sent: this.#sent, errors: this.#errors, lastSent: this.#lastSent, answers: this.#answers, sockets: this.#sockets, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), unfinished: this.#open };
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await once();
      await Bun.sleep(pauseMs);
    }
  }

  async #post(kind: "kept" | "fresh"): Promise<void> {
    const started = performance.now();
    await this.#ask(kind, "POST", "/echo", this.#agents[kind], (request) => request.end("x".repeat(1_000)));
    this.#latencies.push(performance.now() - started);
  }

  /** Three seconds of chunks. */
  #upload(): Promise<void> {
    return this.#ask("upload", "POST", "/echo", this.#agents.fresh, (request) => {
      let left = 30;
      const timer = setInterval(() => {
        if (request.destroyed) return clearInterval(timer);
        if (left-- > 0) return void request.write("chunk".repeat(20));
        clearInterval(timer);
        request.end();
      }, 100);
    });
  }

  #ask(kind: Kind, method: string, path: string, agent: http.Agent, write: (request: http.ClientRequest) => void = (request) => request.end()): Promise<void> {
    const sentAt = Date.now();
    this.#sent[kind]++;
    this.#open++;
    return new Promise((done) => {
      let over = false;
      const end = (error: string | undefined, body = ""): void => {
        if (over) return;
        over = true;
        this.#open--;
        const problem = error ?? (kind === "stream" && !body.endsWith("data: end") ? "cut short" : undefined);
        if (problem !== undefined) this.#errors[`${kind}: ${problem}`] = (this.#errors[`${kind}: ${problem}`] ?? 0) + 1;
        else this.#answered(/^(?:data: )?(\S+)/.exec(body)?.[1] ?? "", sentAt);
        done();
      };
      const request = http.request(new URL(path, this.#url), { method, agent, timeout: patienceMs, headers: { host: this.#host } }, (response) => {
        let body = "";
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

  #answered(version: string, sentAt: number): void {
    this.#answers[version] = (this.#answers[version] ?? 0) + 1;
    this.#lastSent[version] = Math.max(this.#lastSent[version] ?? 0, sentAt);
  }

  /** One socket at a time: a text five times a second, every one must come back, in order. */
  #socket(): void {
    if (this.#stopped) return;
    const socket = new WebSocket(`${this.#url.replace("http", "ws")}ws`, { headers: { host: this.#host } } as unknown as string);
    const started = performance.now();
    let opened = false;
    let next = 0;
    let expected = 0;
    const timer = setInterval(() => {
      if (this.#stopped) return socket.close();
      if (socket.readyState === WebSocket.OPEN) socket.send(String(next++));
    }, 200);
    socket.onopen = () => {
      opened = true;
      this.#sockets.opened++;
    };
    socket.onmessage = ({ data }) => {
      const text = String(data);
      if (text.startsWith("hello ")) return;
      if (text.endsWith(` ${expected++}`)) this.#sockets.echoes++;
      else this.#sockets.wrong++;
    };
    socket.onclose = () => {
      clearInterval(timer);
      if (opened && !this.#stopped) this.#sockets.closed++;
      if (!opened) this.#errors["websocket: not opened"] = (this.#errors["websocket: not opened"] ?? 0) + 1;
      this.#sockets.longestMs = Math.max(this.#sockets.longestMs, Math.round(performance.now() - started));
      if (!this.#stopped) setTimeout(() => this.#socket(), 50);
    };
  }
}

if (import.meta.main) {
  const [, , url = "", host = ""] = process.argv;
  const generator = new Generator(url, host);
  generator.start();
  process.once("SIGTERM", () => void generator.finish().then((report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  }));
  process.on("SIGINT", () => undefined);
}
