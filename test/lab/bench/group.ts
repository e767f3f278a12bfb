import type { Lab } from "../lab.ts";
import { makeProject, type Project } from "../project.ts";
import { must } from "../shell.ts";
import type { Fleet } from "./fleet.ts";
import { leastOf, readRecord, replayScript, type Recorded } from "./replay.ts";

/** Stopped containers that stay on a host between two rounds: a rollback needs one. */
const kept = 2;

/** A service on some hosts of a fleet: what is deployed again and again. Each has its own, so that all can be on the same hosts. */
export class Group {
  readonly fleet: Fleet;
  readonly hosts: number;
  readonly service: string;
  readonly #lab: Lab;
  /** By delay: the same service, at the addresses behind the line. */
  readonly #projects = new Map<number, Project>();
  #made = 1000;
  /** What serves, and what served before. */
  #current = "";
  #before = "";
  #recorded: Recorded | undefined;

  constructor(lab: Lab, fleet: Fleet, hosts: number) {
    this.#lab = lab;
    this.fleet = fleet;
    this.hosts = hosts;
    this.service = `${fleet.kind === "real" ? "real" : "like"}${hosts}`;
  }

  get before(): string {
    return this.#before;
  }

  /** The docker commands of one deploy on one host, as they were recorded. */
  get recorded(): Recorded {
    if (this.#recorded === undefined) throw new Error(`${this.service} was not prepared`);
    return this.#recorded;
  }

  project(delayMs: number): Project {
    const project = this.#projects.get(delayMs);
    if (project === undefined) throw new Error(`${this.service} has no project for ${delayMs} ms`);
    return project;
  }

  /** Makes the projects, deploys for the first time, and records what docker is asked in a deploy. */
  async prepare(delays: readonly number[], program: readonly string[]): Promise<void> {
    for (const delayMs of new Set([0, ...delays])) {
      this.#projects.set(delayMs, await makeProject(this.#lab, {
        service: this.service, hosts: this.fleet.addresses(this.hosts, delayMs),
        // What is pruned would make one deploy longer than the next: the benchmark tidies up itself.
        proxy: `{ host: "${this.service}.test" }`, more: "retainContainers: 50,",
      }));
    }
    const deploy = async (): Promise<string> => {
      const version = await this.release();
      await this.project(0).must(["deploy", "--skip-push", "--version", version], { VERSION: version }, program);
      return version;
    };
    await this.switched(await deploy());
    await this.switched(await deploy());
    const from = { version: this.#current, id: await this.#idOf(0, this.#current) };
    const stop = await this.fleet.record(0);
    const deployed = await deploy().catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    const record = await stop();
    await this.switched(deployed);
    this.#recorded = { calls: readRecord(record), from, to: { version: this.#current, id: await this.#idOf(0, this.#current) } };
    await this.tidy();
  }

  /** Makes a version that can be deployed. @returns its name */
  async release(): Promise<string> {
    const version = `r${++this.#made}`;
    if (this.fleet.kind === "stand-in") return version;
    const project = this.project(0);
    const image = `${this.#lab.registry.address}/acme/${this.service}:${version}`;
    const options = { cwd: project.folder, env: project.env };
    await must(["docker", "login", this.#lab.registry.address, "--username", this.#lab.registry.username, "--password-stdin"], { ...options, input: this.#lab.registry.password });
    await must(["docker", "build", "--quiet", "--build-arg", `VERSION=${version}`, "--label", `service=${this.service}`, "--tag", image, "."], options);
    await must(["docker", "push", "--quiet", image], options);
    return version;
  }

  /** Makes sure that the first and the last host have switched. @throws Error that says what runs instead */
  async switched(version: string): Promise<void> {
    for (const index of new Set([0, this.hosts - 1])) {
      const { stdout } = await this.fleet.exec(index, `docker ps --filter label=service=${this.service} --format '{{.Names}}'`);
      if (stdout.trim() !== `${this.service}-web-${version}`) throw new Error(`Host ${index + 1} runs ${stdout.trim().split("\n").join(" and ")}, not ${version} of ${this.service}`);
    }
    [this.#before, this.#current] = [this.#current, version];
  }

  /** Sees what serves, after a run of which that is not known. */
  async look(): Promise<void> {
    const { stdout } = await this.fleet.exec(0, `docker ps --filter label=service=${this.service} --format '{{.Names}}'`);
    const version = new RegExp(`^${this.service}-web-(r\\d+)$`, "m").exec(stdout)?.[1];
    if (version !== undefined && version !== this.#current) [this.#before, this.#current] = [this.#current, version];
  }

  /** Replays what was recorded for a new version, on all hosts side by side. @param all false: only what a switch needs at least @returns wall time in ms */
  async replay(all: boolean): Promise<number> {
    const version = await this.release();
    const versions = { from: this.#current, to: version };
    const password = `${this.#lab.folder}/password`;
    await Bun.write(password, this.#lab.registry.password);
    const { recorded } = this;
    const scripts = await Promise.all(this.#indexes.map(async (index) => replayScript(all ? recorded.calls : leastOf(recorded.calls), recorded, versions, await this.#idOf(index, this.#current), password)));
    const started = performance.now();
    const ran = await Promise.all(scripts.map((script, index) => this.fleet.exec(index, script)));
    const wallMs = performance.now() - started;
    const failed = ran.find(({ status }) => status !== 0);
    if (failed !== undefined) throw new Error(`The replay of ${this.service} failed: ${failed.stderr.trim().split("\n").at(-1)}\n${scripts[0]}`);
    await this.switched(version);
    return wallMs;
  }

  /** Removes stopped containers and unused images but the newest: what is listed stays as long as it was. */
  async tidy(): Promise<void> {
    const script = `docker ps --all --quiet --filter label=service=${this.service} --filter status=exited | tail -n +${kept + 1} | xargs -r docker rm > /dev/null
used=$(docker ps --all --format '{{.Image}}')
docker image ls --filter label=service=${this.service} --format '{{.Repository}}:{{.Tag}}' | grep -v -x -F -e "$used" | grep -v ':latest$' | xargs -r docker rmi > /dev/null
true`;
    await Promise.all(this.#indexes.map((index) => this.fleet.exec(index, script)));
  }

  get #indexes(): readonly number[] {
    return Array.from({ length: this.hosts }, (_, index) => index);
  }

  async #idOf(index: number, version: string): Promise<string> {
    return (await this.fleet.exec(index, `docker ps --quiet --filter 'name=^${this.service}-web-${version}$'`)).stdout.trim();
  }
}
