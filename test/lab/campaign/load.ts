import http from "node:http";
import { fileURLToPath } from "node:url";

/** A request that did not come to a good end. Times are milliseconds since 1970. */
export interface Loss {
  /** Number of the host, from 1. */
  readonly host: number;
  readonly kind: "plain" | "slow" | "stream";
  readonly begun: number;
  readonly ended: number;
  /** `HTTP 502`, `ECONNRESET`. */
  readonly error: string;
}

/** What came back. */
export interface CampaignLoad {
  readonly sent: number;
  readonly losses: readonly Loss[];
}

/** A load generator that runs. */
export interface RunningLoad extends AsyncDisposable {
  stop(): Promise<CampaignLoad>;
}

/** Requests a second for each host; besides, a request and a stream of a second each are always in flight there. */
const ratePerHost = 20;
const patienceMs = 15_000;

/** Sends requests to each host alone, in a process of its own, so that nothing here can stall it. @param urls of the hosts, in order */
export function startCampaignLoad(urls: readonly string[]): RunningLoad {
  const child = Bun.spawn([process.execPath, fileURLToPath(import.meta.url), ...urls], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const output = new Response(child.stdout).text();
  let report: Promise<CampaignLoad> | undefined;
  const stop = (): Promise<CampaignLoad> => {
    child.kill("SIGTERM");
    report ??= output.then((text) => JSON.parse(text) as CampaignLoad);
    return report;
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop().catch(() => undefined);
    },
  };
}

class Generator {
  readonly #urls: readonly string[];
  readonly #keepAlive = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #fresh = new http.Agent({ keepAlive: false, maxSockets: Infinity });
  readonly #losses: Loss[] = [];
  #sent = 0;
  #open = 0;
  #stopped = false;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  start(): void {
    this.#urls.forEach((url, i) => {
      let turn = 0;
      setInterval(() => {
        // Every other one opens a new connection.
        if (!this.#stopped) void this.#get(i + 1, "plain", url, turn++ % 2 === 0 ? this.#keepAlive : this.#fresh);
      }, 1000 / ratePerHost);
      void this.#again(i + 1, "slow", `${url}slow?seconds=1`, this.#keepAlive);
      void this.#again(i + 1, "stream", `${url}events?seconds=1`, this.#fresh);
    });
  }

  async finish(): Promise<CampaignLoad> {
    this.#stopped = true;
    const deadline = Date.now() + patienceMs + 1_000;
    while (this.#open > 0 && Date.now() < deadline) await Bun.sleep(20);
    return { sent: this.#sent, losses: this.#losses };
  }

  async #again(host: number, kind: Loss["kind"], url: string, agent: http.Agent): Promise<void> {
    while (!this.#stopped) if (!(await this.#get(host, kind, url, agent))) await Bun.sleep(100);
  }

  /** @returns whether it came to a good end */
  async #get(host: number, kind: Loss["kind"], url: string, agent: http.Agent): Promise<boolean> {
    this.#sent++;
    this.#open++;
    const begun = Date.now();
    const error = await ask(url, agent, kind);
    this.#open--;
    if (error !== undefined) this.#losses.push({ host, kind, begun, ended: Date.now(), error });
    return error === undefined;
  }
}

function ask(url: string, agent: http.Agent, kind: Loss["kind"]): Promise<string | undefined> {
  return new Promise((done) => {
    const request = http.get(url, { agent }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => done(response.statusCode !== 200 ? `HTTP ${response.statusCode}` : kind === "stream" && !body.endsWith("data: end\n\n") ? "cut short" : undefined));
      response.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
      response.on("aborted", () => done("aborted"));
    });
    const timer = setTimeout(() => request.destroy(new Error("timeout")), patienceMs);
    request.on("close", () => clearTimeout(timer));
    request.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

if (import.meta.main) {
  const generator = new Generator(process.argv.slice(2));
  generator.start();
  process.once("SIGTERM", () => void generator.finish().then((report) => {
    process.stdout.write(JSON.stringify(report), () => process.exit(0));
  }));
  process.on("SIGINT", () => undefined);
  // Whoever started it may have been killed.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(1), 1_000);
}
