import { randomBytes } from "node:crypto";
import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { startLab, type Lab } from "../lab.ts";
import type { LabHost } from "../host.ts";
import { makeLoadApp } from "../load-app.ts";
import { capstan, makeProject, served, type Project } from "../project.ts";
import { pushSideImage } from "../side-image.ts";
import { normalised, type ToolEvent } from "./boundary.ts";
import { RegistryGate } from "./gate.ts";
import { inject, type Injected } from "./inject.ts";
import { isLockOver, isSwitch, judge, type HostSight, type Left, type LockState, type Observation, type Verdict } from "./judge.ts";
import type { Operation, Way } from "./kinds.ts";
import { LoadGenerator } from "./load.ts";
import type { Point } from "./points.ts";
import { seededBy } from "./random.ts";
import { OperatorsMachine } from "./strays.ts";
import { runTool, type ToolPlan, type ToolRun } from "./tool.ts";

const retained = 2;
const boundMs = 150_000;
const lockMs = 30_000;
/** A layer that differs in each version: without a registry it is what is sent. */
const changeBytes = 1_000_000;

/** A lab of two hosts with an app, an accessory and the proxy, on which points are tried one after the other. */
export class Lane implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #gate: RegistryGate;
  readonly #store: string;
  readonly #number: number;
  readonly #load: LoadGenerator;
  readonly #operator: OperatorsMachine;
  #project: Project;
  #way: Way;
  #versions = 0;
  /** In place on both hosts, and the one before it. */
  #current = "";
  #previous: string | undefined;
  #usual: readonly string[] = [];

  private constructor(number: number, way: Way, lab: Lab, gate: RegistryGate, store: string, project: Project) {
    this.#number = number;
    this.#way = way;
    this.#lab = lab;
    this.#gate = gate;
    this.#store = store;
    this.#project = project;
    this.#load = new LoadGenerator(lab.urls);
    this.#operator = new OperatorsMachine(`${lab.folder}/tmp`, lab.builder);
  }

  /** Brings a lab up and deploys to it. @param number of the lane, from 1 */
  static async start(number: number, way: Way, say: (text: string) => void): Promise<Lane> {
    const lab = await startLab({ hosts: 2, diskMb: 400, oneDisk: true, registryBehind: true, say });
    const gate = await RegistryGate.start(lab.registry.address, lab.registry.origin);
    let lane: Lane | undefined;
    try {
      const store = await pushSideImage(lab, "acme/store", "1");
      await mkdir(`${lab.folder}/tmp`, { recursive: true });
      lane = new Lane(number, way, lab, gate, store, await projectOf(lab, way, store));
      await lane.#freshen(retained + 1);
      return lane;
    } catch (error) {
      if (lane !== undefined) await lane.#load[Symbol.asyncDispose]();
      await gate[Symbol.asyncDispose]();
      await lab.stop();
      throw error;
    }
  }

  /** How images come to its hosts. */
  get way(): Way {
    return this.#way;
  }

  get addresses(): readonly string[] {
    return this.#lab.hosts.map(({ address }) => address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
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
    const rivalVersion = await this.#newVersion();
    const host = this.#lab.host(boundary.host ?? (random() < 0.5 ? 1 : 2));
    clock("prepare");
    await this.#load.begin();
    clock("warm");
    let ended = false;
    let injected: Promise<Injected> | undefined;
    const events: ToolEvent[] = [];
    /** The new host, as long as nothing was switched there. */
    const newHost = (): number | undefined => (fresh !== undefined && events.some((event) => isSwitch(event, "step-end", this.addresses[fresh - 1]) && event["ok"] === true) ? undefined : fresh);
    const run = await runTool({
      ...this.#plan(prepared), terminal: fault === "terminal-gone", onEvent: (event) => void events.push(event),
      disturbance: { boundary, strike: (tool) => {
        const healthy = (): boolean => operation === "accessory-reboot" || events.some((event) => event.type === "probe" && event["ok"] === true && event["host"] === host.address);
        injected = inject(fault, { lab: this.#lab, rival: this.#plan({ before, target: rivalVersion, fresh: undefined, args: ["deploy", "--version", rivalVersion] }), project: this.#project, gate: this.#gate, operation, tool, host, version: target, random, fresh: newHost(), healthy, ended: () => ended });
        injected.catch(() => undefined);
      } },
    });
    ended = true;
    clock("run");
    const result = await injected;
    await result?.mend();
    clock("mend");
    const lock = await this.#lockEnd(Date.now(), point, host.number);
    clock("lock");
    const [after, left, early] = await Promise.all([
      Promise.all(this.#lab.hosts.map((one) => this.#servesSoon(one, result, newHost()))), Promise.all(this.#lab.hosts.map(leftOn)),
      // After `kill -9` nobody is there to take anything away, until the next run.
      fault === "kill-9" ? [] : this.#operator.strays(),
    ]);
    clock("look");
    const { run: converge, version: nextVersion } = await this.#converge();
    clock("converge");
    const [converged, late, load] = await Promise.all([this.#look(), fault === "kill-9" ? this.#operator.strays() : [], this.#load.end()]);
    if (converged.some(({ things }) => !things.includes(`running ${this.#project.service}-store`))) await this.#capstan(["accessory", "boot", "store"]);
    const seen: Observation = {
      point, run, service: this.#project.service, hosts: this.addresses, before, target, nextVersion, fresh, outages: result?.outages ?? [], crashedAt: result?.crashedAt, struckHost: host.number,
      rival: result?.rival, lockTakenByKamal: result?.lockTakenByKamal ?? false, kamalLockGone: result?.kamalLockGone ?? false, after, left, lock, converge, converged, usual: this.#usual, retained, load,
      strays: [...early, ...late], times,
    };
    clock("end");
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
    }
    await this.#begin(1);
  }

  /** Lets images come another way from now on. */
  async become(way: Way): Promise<void> {
    this.#project = await projectOf(this.#lab, way, this.#store);
    this.#way = way;
    await this.#begin(retained + 1);
  }

  async #begin(deploys: number): Promise<void> {
    await this.#load.end();
    await this.#operator.strays(0);
    await Promise.all(this.#lab.hosts.map((host) => this.#wipe(host)));
    this.#previous = undefined;
    await this.#freshen(deploys);
  }

  async #freshen(deploys: number): Promise<void> {
    const version = await this.#newVersion();
    await this.#must(["setup", "--version", version], version);
    this.#current = version;
    // It notes the accessory's volumes in a file that stays.
    await this.#must(["accessory", "reboot", "store"], version);
    for (let i = 0; i < deploys; i++) {
      const { run } = await this.#converge();
      if (run.status !== 0) throw new Error(`A deploy fails with nothing in its way:\n${run.events.slice(-3).map((event) => JSON.stringify(event)).join("\n")}\n${run.stderr}`);
    }
    // Few deploys need not have brought all that many do.
    this.#usual = [...new Set([...this.#usual, ...(await this.#look()).flatMap(({ things }) => things)])];
  }

  async #newVersion(): Promise<string> {
    await writeFile(`${this.#project.folder}/change.bin`, randomBytes(changeBytes));
    return `r${this.#number}x${++this.#versions}`;
  }

  /** How the tool is called: without a registry, Docker has to reach it at 127.0.0.1. */
  get #program(): readonly string[] {
    return this.#way === "ssh" ? this.#lab.builder.inNetwork(capstan) : capstan;
  }

  async #capstan(args: readonly string[]): Promise<void> {
    await this.#project.run(args, { TMPDIR: this.#operator.temporary }, this.#program);
  }

  async #must(args: readonly string[], version: string): Promise<void> {
    await this.#project.must(args, { VERSION: version, TMPDIR: this.#operator.temporary }, this.#program);
  }

  async #prepare(operation: Operation): Promise<Prepared> {
    const before = this.#current;
    const base = { before, fresh: undefined };
    switch (operation) {
      case "deploy": {
        const target = await this.#newVersion();
        return { ...base, target, args: ["deploy", "--version", target] };
      }
      case "setup": {
        const target = await this.#newVersion();
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
    return { project: this.#project, program: this.#program, hosts: this.addresses, args, env: { VERSION: target, TMPDIR: this.#operator.temporary }, boundMs };
  }

  async #bothHave(version: string | undefined): Promise<boolean> {
    if (version === undefined) return false;
    const all = await Promise.all(this.#lab.hosts.map((host) => host.containers(this.#project.service)));
    return all.every((names) => names.includes(`${this.#project.service}-web-${version}`));
  }

  /** The plain deploy that has to bring everything right again. */
  async #converge(): Promise<{ readonly run: ToolRun; readonly version: string }> {
    const version = await this.#newVersion();
    const run = await runTool(this.#plan({ before: this.#current, target: version, fresh: undefined, args: ["deploy", "--version", version] }));
    this.#previous = this.#current;
    this.#current = version;
    return { run, version };
  }

  async #wipe(host: LabHost): Promise<void> {
    await host.exec("docker rm -f $(docker ps -aq) > /dev/null 2>&1; docker volume prune -af > /dev/null; docker network rm kamal > /dev/null 2>&1; docker rmi -f $(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep acme/) > /dev/null 2>&1; rm -rf .kamal app-store; true");
  }

  /** Waits until the lock is gone, or is one that need not go. */
  async #lockEnd(from: number, { fault }: Point, struckHost: number): Promise<LockState> {
    for (;;) {
      const { stdout } = await this.#lab.host(1).exec(`cd .kamal/lock-${this.#project.service} 2> /dev/null || { echo free; exit; }; [ -e beat ] && [ $(($(date +%s) - $(stat -c %Y beat))) -gt 20 ] && echo silent || echo held`);
      const state = stdout.trim() === "free" ? "free" : stdout.trim() === "silent" ? "silent" : "held";
      if (isLockOver(state, fault, struckHost)) return state;
      if (Date.now() > from + lockMs) {
        await this.#lab.host(1).exec(`rm -rf .kamal/lock-${this.#project.service}`);
        return state;
      }
      await Bun.sleep(50);
    }
  }

  /** What a host serves, with a moment's patience unless nothing is expected of it. */
  async #servesSoon(host: LabHost, result: Injected | undefined, fresh: number | undefined): Promise<string> {
    const isDown = host.number === fresh || (result?.outages.some((outage) => outage.host === host.number && (outage.to === undefined || outage.lateMs !== undefined)) ?? false);
    const patience = performance.now() + (isDown ? 0 : 5_000);
    for (;;) {
      const [serves = "failed"] = await served([host]);
      if (serves !== "failed" || performance.now() >= patience) return serves;
      await Bun.sleep(100);
    }
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

/** All containers of a host. */
async function leftOn(host: LabHost): Promise<Left> {
  const { stdout } = await host.docker("ps", "--all", "--format", "{{.Names}} {{.State}}");
  const lines = stdout.split("\n").filter(Boolean).map((line) => line.split(" "));
  return { containers: lines.map(([name = ""]) => name), running: lines.filter(([, state]) => state === "running").map(([name = ""]) => name) };
}

function projectOf(lab: Lab, way: Way, store: string): Promise<Project> {
  const { server, image } = way === "registry" ? { server: "", image: JSON.stringify(store) } : {
    server: `registry: { server: ${JSON.stringify(lab.registry.address)}, username: ${JSON.stringify(lab.registry.username)}, password: secret("REGISTRY_PASSWORD") }, `, image: JSON.stringify(store.slice(store.indexOf("/") + 1)),
  };
  return makeProject(lab, {
    service: "app", ...(way === "ssh" ? { registry: "none" } : {}),
    app: async (folder) => {
      await makeLoadApp(folder);
      await appendFile(`${folder}/Dockerfile`, "COPY change.bin /change.bin\n");
    },
    more: `deployTimeout: 10, drainTimeout: 4, stopTimeout: 3, readinessDelay: 1, retainContainers: ${retained}, ssh: { connectTimeout: 5 },
  hooks: { preConnect: () => undefined, preDeploy: () => undefined, preAppBoot: () => undefined, postDeploy: () => undefined },
  accessories: { store: { image: ${image}, ${server}hosts: ${JSON.stringify(lab.hosts.map(({ address }) => address))}, directories: ["data:/data"] } },`,
  });
}

interface Prepared {
  readonly before: string;
  readonly target: string;
  readonly fresh: number | undefined;
  readonly args: readonly string[];
}
