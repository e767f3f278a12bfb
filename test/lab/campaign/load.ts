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
  /** Requests sent to each host, in order. */
  readonly sentTo: readonly number[];
  /** How long they were sent, in milliseconds. */
  readonly ms: number;
  readonly losses: readonly Loss[];
}

/** Requests a second for each host; besides, a request and a stream of a second each are always in flight there. */
export const ratePerHost = 20;
const patienceMs = 15_000;

type Word = "begin" | "end";

/** Sends requests to each host alone, from a process of its own, so that nothing here can stall it. It lives as long as the lab: its start costs nothing then. */
export class LoadGenerator implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  #answered: (answer: unknown) => void = () => undefined;

  /** @param urls of the hosts, in order */
  constructor(urls: readonly string[]) {
    this.#child = Bun.spawn([process.execPath, fileURLToPath(import.meta.url), ...urls], { stdin: "ignore", stdout: "inherit", stderr: "inherit", ipc: (answer) => this.#answered(answer) });
  }

  /** Begins to send. Resolves once each host has had the time to answer. */
  async begin(): Promise<void> {
    await this.#ask("begin");
  }

  /** Ends what is being sent, and waits for the answers. */
  async end(): Promise<CampaignLoad> {
    return (await this.#ask("end")) as CampaignLoad;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #ask(word: Word): Promise<unknown> {
    const answer = new Promise((done) => (this.#answered = done));
    this.#child.send(word);
    const gone = this.#child.exited.then(() => {
      throw new Error("The load generator has ended");
    });
    return await Promise.race([answer, gone]);
  }
}

class Generator {
  readonly #urls: readonly string[];
  readonly #keepAlive = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  readonly #fresh = new http.Agent({ keepAlive: false, maxSockets: Infinity });
  #losses: Loss[] = [];
  #sentTo: number[] = [];
  #begun = 0;
  #open = 0;
  #isOn = false;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    urls.forEach((url, i) => {
      let turn = 0;
      setInterval(() => {
        // Every other one opens a new connection.
        if (this.#isOn) void this.#get(i + 1, "plain", url, turn++ % 2 === 0 ? this.#keepAlive : this.#fresh);
      }, 1000 / ratePerHost);
    });
  }

  begin(): void {
    this.#losses = [];
    this.#sentTo = this.#urls.map(() => 0);
    this.#begun = Date.now();
    this.#isOn = true;
    this.#urls.forEach((url, i) => {
      void this.#again(i + 1, "slow", `${url}slow?seconds=1`, this.#keepAlive);
      void this.#again(i + 1, "stream", `${url}events?seconds=1`, this.#fresh);
    });
  }

  async end(): Promise<CampaignLoad> {
    this.#isOn = false;
    const ms = Date.now() - this.#begun;
    const deadline = Date.now() + patienceMs + 1_000;
    while (this.#open > 0 && Date.now() < deadline) await Bun.sleep(10);
    return { sent: this.#sentTo.reduce((sum, sent) => sum + sent, 0), sentTo: this.#sentTo, ms, losses: this.#losses };
  }

  async #again(host: number, kind: Loss["kind"], url: string, agent: http.Agent): Promise<void> {
    while (this.#isOn) if (!(await this.#get(host, kind, url, agent))) await Bun.sleep(100);
  }

  /** @returns whether it came to a good end */
  async #get(host: number, kind: Loss["kind"], url: string, agent: http.Agent): Promise<boolean> {
    this.#sentTo[host - 1] = (this.#sentTo[host - 1] ?? 0) + 1;
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
  process.on("message", (word) => {
    if (word === "end") return void generator.end().then((report) => process.send?.(report));
    generator.begin();
    // A few requests of each kind are under way then.
    setTimeout(() => process.send?.("begun"), 150);
  });
  // Ctrl-C goes to everybody; whoever started this ends it, and when they are gone so is this.
  process.on("SIGINT", () => undefined).on("disconnect", () => process.exit(0));
}
