import { mkdir, readdir, rm } from "node:fs/promises";
import { startLab, type Lab } from "../lab.ts";
import type { LabHost } from "../host.ts";
import { makeLoadApp } from "../load-app.ts";
import { makeProject, served, type Project } from "../project.ts";
import { until } from "../shell.ts";
import { pushSideImage } from "../side-image.ts";
import { normalised, type ToolEvent } from "./boundary.ts";
import { RegistryGate } from "./gate.ts";
import { inject, type Injected } from "./inject.ts";
import { judge, type HostSight, type Observation, type Verdict } from "./judge.ts";
import type { Fault, Operation } from "./kinds.ts";
import { startCampaignLoad } from "./load.ts";
import type { Point } from "./points.ts";
import { seededBy } from "./random.ts";
import { runTool, type ToolPlan, type ToolRun } from "./tool.ts";

const retained = 2;
const boundMs = 150_000;
const lockMs = 30_000;

/** A lab of two hosts with an app, an accessory and the proxy, on which points are tried one after the other. */
export class Lane implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #gate: RegistryGate;
  readonly #project: Project;
  readonly #number: number;
  #versions = 0;
  /** In place on both hosts, and the one before it. */
  #current = "";
  #previous: string | undefined;
  #usual: readonly string[] = [];

  private constructor(number: number, lab: Lab, gate: RegistryGate, project: Project) {
    this.#number = number;
    this.#lab = lab;
    this.#gate = gate;
    this.#project = project;
  }

  /** Brings a lab up and deploys to it twice. @param number of the lane, from 1 */
  static async start(number: number, say: (text: string) => void): Promise<Lane> {
    const lab = await startLab({ hosts: 2, diskMb: 400, oneDisk: true, registryBehind: true, say });
    const gate = await RegistryGate.start(lab.registry.address, lab.registry.origin);
    try {
      const store = await pushSideImage(lab, "acme/store", "1");
      const project = await makeProject(lab, {
        service: "app", app: makeLoadApp,
        more: `deployTimeout: 10, drainTimeout: 4, stopTimeout: 3, readinessDelay: 1, retainContainers: ${retained}, ssh: { connectTimeout: 5 },
  hooks: { preConnect: () => undefined, preDeploy: () => undefined, preAppBoot: () => undefined, postDeploy: () => undefined },
  accessories: { store: { image: ${JSON.stringify(store)}, hosts: ${JSON.stringify(lab.hosts.map(({ address }) => address))}, directories: ["data:/data"] } },`,
      });
      const lane = new Lane(number, lab, gate, project);
      await mkdir(lane.#temporary, { recursive: true });
      await lane.#freshen();
      return lane;
    } catch (error) {
      await gate[Symbol.asyncDispose]();
      await lab.stop();
      throw error;
    }
  }

  get addresses(): readonly string[] {
    return this.#lab.hosts.map(({ address }) => address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gate[Symbol.asyncDispose]();
    await this.#lab.stop();
  }

  /** What an operation tells when nothing disturbs it. @throws Error when it fails */
  async clean(operation: Operation): Promise<readonly ToolEvent[]> {
    const prepared = await this.#prepare(operation);
    const run = await runTool(this.#plan(prepared));
    if (run.status !== 0) throw new Error(`${operation} fails with nothing in its way:\n${run.events.slice(-3).map((event) => JSON.stringify(event)).join("\n")}\n${run.stderr}`);
    await this.#converge();
    return run.events;
  }

  /** Tries a point, and leaves the lane as it found it. */
  async try(point: Point): Promise<{ readonly verdict: Verdict; readonly seen: Observation }> {
    const { operation, fault, boundary } = point;
    const random = seededBy(0, point.id);
    const times: string[] = [];
    let since = performance.now();
    const clock = (what: string): void => {
      times.push(`${what} ${((performance.now() - since) / 1000).toFixed(1)}`);
      since = performance.now();
    };
    const prepared = await this.#prepare(operation);
    const { target, before, fresh } = prepared;
    const rivalVersion = this.#newVersion();
    const host = this.#lab.host(boundary.host ?? (random() < 0.5 ? 1 : 2));
    clock("prepare");
    await using load = startCampaignLoad(this.#lab.urls);
    await Bun.sleep(300);
    let ended = false;
    let injected: Promise<Injected> | undefined;
    const events: ToolEvent[] = [];
    const run = await runTool({
      ...this.#plan(prepared), terminal: fault === "terminal-gone", onEvent: (event) => void events.push(event),
      disturbance: { boundary, strike: (tool) => {
        const healthy = (): boolean => operation === "accessory-reboot" || events.some((event) => event.type === "probe" && event["ok"] === true && event["host"] === host.address);
        injected = inject(fault, { lab: this.#lab, project: this.#project, gate: this.#gate, operation, tool, host, version: target, rivalVersion, random, fresh, healthy, ended: () => ended });
        injected.catch(() => undefined);
      } },
    });
    ended = true;
    clock("run");
    const result = await injected;
    await result?.mend();
    clock("mend");
    const networkBack = Date.now();
    const lockFreeMs = await this.#lockFree(Math.max(run.endedAt, networkBack));
    clock("lock");
    const after = await Promise.all(this.#lab.hosts.map((one) => this.#servesSoon(one, result, fresh)));
    const strays = await this.#strays(fault);
    clock("look");
    const { run: converge, version: nextVersion } = await this.#converge();
    clock("converge");
    const converged = await this.#look();
    if (converged.some(({ things }) => !things.includes(`running ${this.#project.service}-store`))) await this.#project.run(["accessory", "boot", "store"]);
    await Bun.sleep(200);
    const seen: Observation = {
      point, run, service: this.#project.service, hosts: this.addresses, before, target, nextVersion, fresh, outages: result?.outages ?? [], crashedAt: result?.crashedAt, crashedHost: host.number,
      rival: result?.rival, lockTakenByKamal: result?.lockTakenByKamal ?? false, after, lockFreeMs, converge, converged, usual: this.#usual, retained, load: await load.stop(), strays, times,
    };
    clock("load");
    return { verdict: judge(seen), seen };
  }

  /** Makes the fleet new after a defect. @throws Error when only a new lab helps */
  async repair(): Promise<void> {
    this.#gate.set("open");
    for (const host of this.#lab.hosts) {
      await host.restore().catch(() => undefined);
      await host.powerOff();
      await host.powerOn();
      await host.ready();
      await host.freeDisk();
      await this.#wipe(host);
    }
    this.#previous = undefined;
    await this.#freshen();
  }

  get #temporary(): string {
    return `${this.#lab.folder}/tmp`;
  }

  async #freshen(): Promise<void> {
    const version = this.#newVersion();
    await this.#project.must(["setup", "--version", version], { VERSION: version });
    this.#current = version;
    // It notes the accessory's volumes in a file that stays.
    await this.#project.must(["accessory", "reboot", "store"]);
    for (let i = 0; i <= retained; i++) {
      const { run } = await this.#converge();
      if (run.status !== 0) throw new Error(`A deploy fails with nothing in its way:\n${run.events.slice(-3).map((event) => JSON.stringify(event)).join("\n")}\n${run.stderr}`);
    }
    this.#usual = [...new Set((await this.#look()).flatMap(({ things }) => things))];
  }

  #newVersion(): string {
    return `r${this.#number}x${++this.#versions}`;
  }

  async #prepare(operation: Operation): Promise<Prepared> {
    const before = this.#current;
    const base = { before, fresh: undefined };
    switch (operation) {
      case "deploy": {
        const target = this.#newVersion();
        return { ...base, target, args: ["deploy", "--version", target] };
      }
      case "setup": {
        const target = this.#newVersion();
        await this.#wipe(this.#lab.host(2));
        return { before, target, fresh: 2, args: ["setup", "--version", target] };
      }
      case "rollback": {
        for (let i = 0; i < 2 && !(await this.#bothHave(this.#previous)); i++) await this.#converge();
        return { before: this.#current, fresh: undefined, target: this.#previous ?? "", args: ["rollback", this.#previous ?? ""] };
      }
      case "accessory-reboot": return { ...base, target: before, args: ["accessory", "reboot", "store"] };
      case "proxy-reboot": return { ...base, target: before, args: ["proxy", "reboot", "-y"] };
    }
  }

  #plan({ args, target }: Prepared): ToolPlan {
    return { project: this.#project, hosts: this.addresses, args, env: { VERSION: target, TMPDIR: this.#temporary }, boundMs };
  }

  async #bothHave(version: string | undefined): Promise<boolean> {
    if (version === undefined) return false;
    const all = await Promise.all(this.#lab.hosts.map((host) => host.containers(this.#project.service)));
    return all.every((names) => names.includes(`${this.#project.service}-web-${version}`));
  }

  /** The plain deploy that has to bring everything right again. */
  async #converge(): Promise<{ readonly run: ToolRun; readonly version: string }> {
    const version = this.#newVersion();
    const run = await runTool(this.#plan({ before: this.#current, target: version, fresh: undefined, args: ["deploy", "--version", version] }));
    this.#previous = this.#current;
    this.#current = version;
    return { run, version };
  }

  async #wipe(host: LabHost): Promise<void> {
    await host.exec("docker rm -f $(docker ps -aq) > /dev/null 2>&1; docker volume prune -af > /dev/null; docker network rm kamal > /dev/null 2>&1; docker rmi -f $(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep acme/) > /dev/null 2>&1; rm -rf .kamal app-store; true");
  }

  async #lockFree(from: number): Promise<number | undefined> {
    // A host that lost its power has nobody left to take the lock away: a run takes over one whose holder was silent for 20 s.
    const isFree = async (): Promise<boolean> => (await this.#lab.host(1).exec(`cd .kamal/lock-${this.#project.service} 2> /dev/null || exit 0; [ -e beat ] && [ $(($(date +%s) - $(stat -c %Y beat))) -gt 20 ]`)).status === 0;
    try {
      await until("the lock is free", isFree, Math.max(1_000, from + lockMs - Date.now()));
      return Math.max(0, Date.now() - from);
    } catch {
      await this.#lab.host(1).exec(`rm -rf .kamal/lock-${this.#project.service}`);
      return undefined;
    }
  }

  /** What a host serves, with a moment's patience unless nothing is expected of it. */
  async #servesSoon(host: LabHost, result: Injected | undefined, fresh: number | undefined): Promise<string> {
    const isDown = host.number === fresh || (result?.outages.some((outage) => outage.host === host.number && outage.to === undefined) ?? false);
    const patience = performance.now() + (isDown ? 0 : 5_000);
    for (;;) {
      const [serves = "failed"] = await served([host]);
      if (serves !== "failed" || performance.now() >= patience) return serves;
      await Bun.sleep(100);
    }
  }

  /** Temporary files that the tool left on this machine. After kill -9 nobody is there to take them away. */
  async #strays(fault: Fault): Promise<readonly string[]> {
    const names = await readdir(this.#temporary);
    for (const name of names) await rm(`${this.#temporary}/${name}`, { recursive: true, force: true });
    return fault === "kill-9" ? [] : names;
  }

  async #look(): Promise<readonly HostSight[]> {
    return Promise.all(this.#lab.hosts.map(async (host) => {
      const [[serves = "failed"], running, containers, { stdout }] = await Promise.all([
        served([host]), host.running(this.#project.service), host.containers(this.#project.service),
        host.exec("docker network ls --format 'network {{.Name}}'; docker volume ls --format 'volume {{.Name}}'; docker ps --format 'running {{.Names}}' | grep -v -e -web-; find .kamal app-store | sed 's/^/file /'"),
      ]);
      return { serves, running, containers, things: [...new Set(stdout.split("\n").filter(Boolean).map((line) => normalised(line, this.addresses)))] };
    }));
  }
}

interface Prepared {
  readonly before: string;
  readonly target: string;
  readonly fresh: number | undefined;
  readonly args: readonly string[];
}
