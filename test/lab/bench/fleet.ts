import { readFile, writeFile } from "node:fs/promises";
import type { Lab } from "../lab.ts";
import { dockerClient } from "../prerequisites.ts";
import { must, type Ran } from "../shell.ts";
import { delayedSubnet, knowHosts } from "./network.ts";

/** What hosts are made of: real ones have a Docker each, stand-ins one that only remembers. */
export type Kind = "real" | "stand-in";

/** Where Debian's sshd has programs looked for. */
const sshPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Hosts that the benchmark deploys to. */
export interface Fleet {
  readonly kind: Kind;
  /** Addresses of the first so many hosts. @param delayMs one way; 0: direct */
  addresses(count: number, delayMs: number): readonly string[];
  /** Runs a shell script on a host as SSH would, without SSH. @param index from 0 */
  exec(index: number, script: string): Promise<Ran>;
  sshdLog(index: number): Promise<string>;
  /** Records each call of `docker` on a host from now on. @returns ends it; gives what was recorded: the number of words and the words, each with a NUL behind it */
  record(index: number): Promise<() => Promise<string>>;
}

/** The lab's own hosts. */
export class RealFleet implements Fleet {
  readonly kind = "real";
  readonly #lab: Lab;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** @param delays one way, in ms: each will have a line */
  static async of(lab: Lab, delays: readonly number[]): Promise<RealFleet> {
    const fleet = new RealFleet(lab);
    const keys = await Promise.all(lab.hosts.map((host) => host.hostKey()));
    await knowHosts(lab, delays.filter((delay) => delay > 0).flatMap((delay) => fleet.addresses(lab.hosts.length, delay).map((address, i) => `${address} ${keys[i]}`)));
    return fleet;
  }

  addresses(count: number, delayMs: number): readonly string[] {
    const hosts = this.#lab.hosts.slice(0, count);
    return delayMs === 0 ? hosts.map(({ address }) => address) : hosts.map(({ number }) => `${delayedSubnet(this.#lab, "real", delayMs)}.${10 + number}`);
  }

  exec(index: number, script: string): Promise<Ran> {
    return this.#lab.host(index + 1).exec(`export PATH=${sshPath} && ${script}`, 120_000);
  }

  sshdLog(index: number): Promise<string> {
    return this.#lab.host(index + 1).sshdLog();
  }

  async record(index: number): Promise<() => Promise<string>> {
    const [file, real, wrapper] = ["record", "docker.real", "docker.recording"].map((name) => `${this.#lab.folder}/${name}`) as [string, string, string];
    await must(["cp", Bun.which("docker", { PATH: sshPath }) ?? dockerClient, real]);
    await writeFile(wrapper, `#!/bin/bash\nprintf '%s\\0' "$#" "$@" >> ${file}\nexec ${real} "$@"\n`, { mode: 0o755 });
    await writeFile(file, "");
    const each = (command: string): string => `for docker in /usr/local/bin/docker /usr/bin/docker; do [ ! -e $docker ] || ${command} $docker || exit; done`;
    const mounted = await this.exec(index, each(`mount --bind ${wrapper}`));
    if (mounted.status !== 0) throw new Error(`Cannot record docker: ${mounted.stderr.trim()}`);
    return async () => {
      await this.exec(index, each("umount"));
      return readFile(file, "utf8");
    };
  }
}
