import http from "node:http";
import { fileURLToPath } from "node:url";

/** What to send. */
export interface LoadPlan {
  readonly urls: readonly string[];
  /** Requests a second over all URLs, sent whether or not earlier ones were answered. */
  readonly rate: number;
  /** Requests of that many seconds always in flight, for each URL. */
  readonly slow: { readonly count: number; readonly seconds: number };
  /** Length of the streams that are always open, one for each URL, in tenths of a second; 0: none. */
  readonly streamTicks: number;
}

/** What came back. */
export interface LoadReport {
  readonly sent: number;
  readonly failed: number;
  readonly slowSent: number;
  readonly slowFailed: number;
  readonly streams: number;
  readonly streamsFailed: number;
  /** Failures by kind: `HTTP 502`, `ECONNRESET`. */
  readonly errors: Readonly<Record<string, number>>;
  /** Answers by body. */
  readonly bodies: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Requests without an answer when the generator was stopped and had waited. */
  readonly unfinished: number;
}

/** A load generator that runs. */
export interface Load extends AsyncDisposable {
  /** Stops sending, waits for what is in flight, and tells what came back. */
  stop(): Promise<LoadReport>;
}

/** All requests that did not come to a good end. */
export const lost = (report: LoadReport): number => report.failed + report.slowFailed + report.streamsFailed + report.unfinished;

/** Starts a load generator in a process of its own, so that nothing here can stall it. */
export function startLoad(urls: readonly string[], plan: Partial<Omit<LoadPlan, "urls">> = {}): Load {
  const full: LoadPlan = { urls, rate: plan.rate ?? 100, slow: plan.slow ?? { count: 2, seconds: 2 }, streamTicks: plan.streamTicks ?? 30 };
  const child = Bun.spawn([process.execPath, fileURLToPath(import.meta.url), JSON.stringify(full)], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const output = new Response(child.stdout).text();
  let report: Promise<LoadReport> | undefined;
  const stop = (): Promise<LoadReport> => {
    child.kill("SIGTERM");
    report ??= output.then((text) => JSON.parse(text) as LoadReport);
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
const patienceMs = 40_000;

class Generator {
  readonly #plan: LoadPlan;
  readonly #keepAlive = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #fresh = new http.Agent({ keepAlive: false, maxSockets: Infinity });
  readonly #started = performance.now();
  readonly #latencies: number[] = [];
  readonly #errors: Record<string, number> = {};
  readonly #bodies: Record<string, number> = {};
  #counts = { sent: 0, failed: 0, slowSent: 0, slowFailed: 0, streams: 0, streamsFailed: 0 };
  #open = 0;
  #stopped = false;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  start(): void {
    setInterval(() => this.#tick(), 2);
    for (const url of this.#plan.urls) {
      for (let i = 0; i < this.#plan.slow.count; i++) this.#slow(url);
      if (this.#plan.streamTicks > 0) this.#stream(url);
    }
  }

  async finish(): Promise<LoadReport> {
    this.#stopped = true;
    const deadline = performance.now() + patienceMs;
    while (this.#open > 0 && performance.now() < deadline) await Bun.sleep(20);
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const quantile = (part: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) * 10) / 10;
    return { ...this.#counts, errors: this.#errors, bodies: this.#bodies, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), unfinished: this.#open };
  }

  #tick(): void {
    const { urls, rate } = this.#plan;
    const due = Math.floor(((performance.now() - this.#started) / 1000) * rate);
    while (this.#counts.sent < due && !this.#stopped) {
      const turn = this.#counts.sent++;
      const url = urls[turn % urls.length] ?? "";
      // Every other round over the hosts opens a new connection.
      const agent = Math.floor(turn / urls.length) % 2 === 0 ? this.#keepAlive : this.#fresh;
      const begun = performance.now();
      this.#get(url, agent, (error, body) => {
        this.#latencies.push(performance.now() - begun);
        if (error === undefined) this.#bodies[body] = (this.#bodies[body] ?? 0) + 1;
        else this.#count("failed", error);
      });
    }
  }

  #slow(url: string): void {
    if (this.#stopped) return;
    this.#counts.slowSent++;
    this.#get(new URL(`/cgi-bin/slow?${this.#plan.slow.seconds}`, url).href, this.#keepAlive, (error) => {
      if (error !== undefined) this.#count("slowFailed", `slow: ${error}`);
      setTimeout(() => this.#slow(url), error === undefined ? 0 : 100);
    });
  }

  #stream(url: string): void {
    if (this.#stopped) return;
    this.#counts.streams++;
    this.#get(new URL(`/cgi-bin/stream?${this.#plan.streamTicks}`, url).href, this.#fresh, (error, body) => {
      const cut = error ?? (body.endsWith("end") ? undefined : "cut short");
      if (cut !== undefined) this.#count("streamsFailed", `stream: ${cut}`);
      setTimeout(() => this.#stream(url), cut === undefined ? 0 : 100);
    });
  }

  #count(counter: "failed" | "slowFailed" | "streamsFailed", error: string): void {
    this.#counts[counter]++;
    this.#errors[error] = (this.#errors[error] ?? 0) + 1;
  }

  #get(url: string, agent: http.Agent, done: (error: string | undefined, body: string) => void): void {
    this.#open++;
    let over = false;
    const end = (error: string | undefined, body = ""): void => {
      if (over) return;
      over = true;
      this.#open--;
      done(error, body);
    };
    const request = http.get(url, { agent, timeout: patienceMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => end(response.statusCode === 200 ? undefined : `HTTP ${response.statusCode}`, body.trim()));
      response.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      response.on("aborted", () => end("aborted"));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  }
}

if (import.meta.main) {
  const generator = new Generator(JSON.parse(process.argv[2] ?? "") as LoadPlan);
  generator.start();
  const stop = (): void => void generator.finish().then((report) => {
    console.log(JSON.stringify(report));
    process.exit(0);
  });
  process.once("SIGTERM", stop);
  process.on("SIGINT", () => undefined);
}
