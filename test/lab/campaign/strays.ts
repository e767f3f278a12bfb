import { readdir, readFile, rm } from "node:fs/promises";
import type { LabHost } from "../host.ts";

/** Where the tool runs: what it leaves behind there. */
export class OperatorsMachine {
  /** The folder that the tool takes for temporary files, and nobody else. */
  readonly temporary: string;
  readonly #docker: Pick<LabHost, "docker">;

  /** @param docker whose Docker the tool builds with */
  constructor(temporary: string, docker: Pick<LabHost, "docker">) {
    this.temporary = temporary;
    this.#docker = docker;
  }

  /**
   * Files, processes and tags that are there once the tool has ended, and takes the files and tags away, so that each is told once.
   * @param patienceMs how long processes and files may take to go
   */
  async strays(patienceMs = 3_000): Promise<readonly string[]> {
    const until = performance.now() + patienceMs;
    let found = await this.#look();
    while (found.length > 0 && performance.now() < until) {
      await Bun.sleep(100);
      found = await this.#look();
    }
    for (const name of await readdir(this.temporary)) await rm(`${this.temporary}/${name}`, { recursive: true, force: true });
    const tags = await this.#tags();
    if (tags.length > 0) await this.#docker.docker("rmi", "--no-prune", ...tags);
    return found;
  }

  async #look(): Promise<readonly string[]> {
    const [files, processes, tags] = await Promise.all([readdir(this.temporary), this.#processes(), this.#tags()]);
    return [...files.map((name) => `file ${name}`), ...processes.map((name) => `process ${name}`), ...tags.map((name) => `tag ${name}`)];
  }

  /** Names that only a delivery gives. */
  async #tags(): Promise<readonly string[]> {
    const { stdout } = await this.#docker.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}");
    return stdout.split("\n").filter((name) => name.startsWith("127.0.0.1:"));
  }

  /** Whatever the tool started has its folder for temporary files. */
  async #processes(): Promise<readonly string[]> {
    const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const names = await Promise.all(all.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (!environment.split("\0").includes(`TMPDIR=${this.temporary}`)) return [];
      return [(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim().slice(0, 120)];
    }));
    return names.flat();
  }
}
