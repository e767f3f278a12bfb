import { mkdir, writeFile } from "node:fs/promises";
import { PrerequisiteError } from "./prerequisites.ts";
import { isAlive, until } from "./shell.ts";

/** A registry that all hosts reach. Logging in is needed. */
export class LabRegistry {
  readonly address: string;
  /** Where it listens itself. */
  readonly origin: string;
  readonly username = "lab";
  /** Another one each time: several labs may run at once, and each looks for its own. */
  readonly password = `registry-canary-${crypto.randomUUID().slice(0, 8)}`;
  readonly #folder: string;
  #pid = 0;

  /** @param origin where it listens when something else stands at its address */
  constructor(address: string, folder: string, origin = address) {
    this.address = address;
    this.origin = origin;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${this.#folder}/htpasswd`, `${this.username}:${await Bun.password.hash(this.password, { algorithm: "bcrypt", cost: 4 })}\n`, { mode: 0o600 });
    await writeFile(`${this.#folder}/config.yml`, [
      "version: 0.1", "log: {level: warn}", `storage: {filesystem: {rootdirectory: ${this.#folder}/data}, delete: {enabled: true}}`,
      `http: {addr: "${this.origin}"}`, `auth: {htpasswd: {realm: lab, path: ${this.#folder}/htpasswd}}`, "",
    ].join("\n"));
    const child = Bun.spawn(["setsid", "docker-registry", "serve", `${this.#folder}/config.yml`], { stdin: "ignore", stdout: Bun.file(`${this.#folder}/log`), stderr: Bun.file(`${this.#folder}/err`) });
    child.unref();
    this.#pid = child.pid;
    await writeFile(`${this.#folder}/pid`, String(child.pid));
    await until("the registry answers", async () => {
      if (!isAlive(this.#pid)) throw new PrerequisiteError(`The registry ended at once: ${(await Bun.file(`${this.#folder}/err`).text()).trim().split("\n").at(-1)}`);
      const answer = await fetch(`http://${this.origin}/v2/`).catch(() => undefined);
      return answer?.status === 401;
    });
  }

  async stop(): Promise<void> {
    if (this.#pid > 0 && isAlive(this.#pid)) process.kill(this.#pid, "SIGTERM");
    await until("the registry has ended", () => this.#pid === 0 || !isAlive(this.#pid), 10_000);
    this.#pid = 0;
  }
}
