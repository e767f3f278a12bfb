import type { LabHost } from "../host.ts";
import type { Lab } from "../lab.ts";
import { releaseLock, takeLock, type KamalRole } from "../kamal.ts";
import { served, type Project } from "../project.ts";
import { until } from "../shell.ts";
import type { RegistryGate } from "./gate.ts";
import type { Fault, Operation } from "./kinds.ts";
import type { Random } from "./random.ts";
import { runTool, type RunningTool, type ToolRun } from "./tool.ts";

/** A time in which a host may lose requests, since it is down itself. Milliseconds since 1970. */
export interface Outage {
  readonly host: number;
  readonly from: number;
  /** Undefined: until it was deployed to again. */
  to: number | undefined;
}

/** What a fault has to work with. */
export interface Scene {
  readonly lab: Lab;
  readonly project: Project;
  readonly gate: RegistryGate;
  readonly operation: Operation;
  readonly tool: RunningTool;
  /** The host that is hit. */
  readonly host: LabHost;
  /** The version that the operation brings. */
  readonly version: string;
  /** The version of another deploy at the same time. */
  readonly rivalVersion: string;
  readonly random: Random;
  /** Number of the host that is new, and serves nothing yet. */
  readonly fresh: number | undefined;
  /** True once the tool has told that the new container of the host that is hit is healthy. */
  readonly healthy: () => boolean;
  /** True once the tool has ended. */
  readonly ended: () => boolean;
}

/** What became of a fault. */
export interface Injected {
  readonly outages: readonly Outage[];
  /** What the other deploy did. */
  readonly rival?: ToolRun;
  /** When the new container crashed; undefined: there was none yet when the tool ended. */
  readonly crashedAt?: number;
  /** Somebody took the lock the Kamal way, and got it. */
  readonly lockTakenByKamal?: boolean;
  /** Brings everything back that does not come back by itself. Called once the tool has ended. */
  mend(): Promise<void>;
}

const silenceMs = 5_000;
const serveAgainMs = 40_000;
const nothing: Injected = { outages: [], mend: async () => undefined };
/** The container that the operation starts anew. */
const newContainer = ({ operation, project, version }: Scene): string => (operation === "accessory-reboot" ? `${project.service}-store` : `${project.service}-web-${version}`);
const kamalRole = (project: Project): KamalRole => ({ service: project.service, role: "web", repository: "", env: "" });

/** Does the fault. Returns when it is done, which may be long after the tool has ended. */
export function inject(fault: Fault, scene: Scene): Promise<Injected> {
  return injections[fault](scene);
}

const signal = (name: NodeJS.Signals) => async ({ tool }: Scene): Promise<Injected> => {
  tool.kill(name);
  return nothing;
};

const registry = (mode: "down" | "slow" | "500") => async ({ gate }: Scene): Promise<Injected> => {
  gate.set(mode);
  return { outages: [], mend: async () => gate.set("open") };
};

const injections: Readonly<Record<Fault, (scene: Scene) => Promise<Injected>>> = {
  "kill-9": signal("SIGKILL"),
  sigint: signal("SIGINT"),
  sigterm: signal("SIGTERM"),
  sighup: signal("SIGHUP"),
  async "terminal-gone"({ tool }) {
    tool.closeTerminal();
    return nothing;
  },
  async reset({ host }) {
    await host.resetConnections();
    return nothing;
  },
  async "silent-short"({ host, fresh }) {
    const outage = begin(host);
    await host.cut();
    await Bun.sleep(silenceMs);
    await host.restore();
    return over(host, outage, fresh);
  },
  async "silent-long"({ host, fresh, ended }) {
    const outage = begin(host);
    await host.cut();
    while (!ended()) await Bun.sleep(50);
    return { outages: [outage], mend: async () => {
      await host.restore();
      await over(host, outage, fresh);
    } };
  },
  async reboot({ host, fresh }) {
    const outage = begin(host);
    await host.powerOff();
    await host.powerOn();
    await host.ready();
    return over(host, outage, fresh);
  },
  async dockerd({ host, fresh }) {
    const outage = begin(host);
    await host.restartDockerd();
    return over(host, outage, fresh);
  },
  "registry-down": registry("down"),
  "registry-slow": registry("slow"),
  "registry-500": registry("500"),
  async "disk-full"({ host }) {
    await host.fillDisk();
    return { outages: [], mend: () => host.freeDisk() };
  },
  async clock({ host, random }) {
    await host.skewClock(random() < 0.5 ? 1 : -1);
    return { outages: [], mend: () => host.skewClock(0) };
  },
  async "proxy-crash"({ host, fresh }) {
    const outage = begin(host);
    await crash(host, "kamal-proxy");
    return over(host, outage, fresh);
  },
  async "proxy-kill"({ host }) {
    const outage = begin(host);
    await host.docker("kill", "kamal-proxy");
    return { outages: [outage], mend: async () => undefined };
  },
  async "new-crash"(scene) {
    const { host, ended, healthy } = scene;
    const name = newContainer(scene);
    // It may not be there yet: as soon as it is healthy.
    while (!healthy() || !(await crash(host, name))) {
      if (ended()) return nothing;
      await Bun.sleep(20);
    }
    return { ...nothing, crashedAt: Date.now() };
  },
  async "two-deploys"({ project, lab, rivalVersion }) {
    const rival = await runTool({ project, hosts: lab.hosts.map(({ address }) => address), args: ["deploy", "--version", rivalVersion], env: { VERSION: rivalVersion }, boundMs: 90_000 });
    return { outages: [], rival, mend: async () => undefined };
  },
  async "kamal-lock"({ lab, project }) {
    const role = kamalRole(project);
    const taken = await lab.host(1).exec(`mkdir -p .kamal && ${takeLock(role, "Locked by: Bob at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock")}`);
    return { outages: [], lockTakenByKamal: taken.status === 0, mend: async () => {
      if (taken.status === 0) await lab.host(1).exec(releaseLock(role));
    } };
  },
};

const begin = (host: LabHost): Outage => ({ host: host.number, from: Date.now(), to: undefined });

/** Waits until the host serves again. One that does not stays down until it is deployed to: the judge says whether it may. */
async function over(host: LabHost, outage: Outage, fresh: number | undefined): Promise<Injected> {
  if (host.number === fresh) return { outages: [outage], mend: async () => undefined };
  await until("it serves again", async () => (await served([host]))[0] !== "failed", serveAgainMs).then(() => (outage.to = Date.now() + 1_000), () => undefined);
  return { outages: [outage], mend: async () => undefined };
}

/** Kills the process of a container, which Docker then starts again. @returns whether it ran */
async function crash(host: LabHost, name: string): Promise<boolean> {
  const { stdout } = await host.docker("container", "inspect", "--format", "{{.State.Running}} {{.State.Pid}}", name);
  const pid = /^true (\d+)$/.exec(stdout.trim())?.[1];
  if (pid === undefined || pid === "0") return false;
  return (await host.exec(`kill -KILL ${pid}`)).status === 0;
}
