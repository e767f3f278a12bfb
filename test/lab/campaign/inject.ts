import type { LabHost } from "../host.ts";
import type { Lab } from "../lab.ts";
import { releaseLock, takeLock, type KamalRole } from "../kamal.ts";
import { served, type Project } from "../project.ts";
import { until } from "../shell.ts";
import type { RegistryGate } from "./gate.ts";
import type { Fault, Operation } from "./kinds.ts";
import type { Random } from "./random.ts";
import { runTool, type RunningTool, type ToolPlan, type ToolRun } from "./tool.ts";

/** A time in which a host may lose requests, since it is down itself. Milliseconds since 1970. */
export interface Outage {
  readonly host: number;
  readonly from: number;
  /** When it served again, or when it had to at the latest. Undefined: its proxy was stopped by hand, and it is down until it was deployed to again. */
  to: number | undefined;
  /** It did not serve again within so many milliseconds after the fault. */
  lateMs?: number;
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
  /** Another deploy at the same time. */
  readonly rival: ToolPlan;
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
  /** It was gone before they released it. */
  readonly kamalLockGone?: boolean;
  /** Brings everything back that does not come back by itself. Called once the tool has ended. */
  mend(): Promise<void>;
}

const silenceMs = 5_000;
/** How long a host may take to serve again once the fault is over: Docker starts containers one after the other, and one that crashed after a pause. */
const recoveryMs = { silent: 5_000, crash: 15_000, restart: 20_000 } as const;
/** From the first answer to the time that all are good. */
const settleMs = 500;
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
    return over(host, outage, fresh, recoveryMs.silent);
  },
  async "silent-long"({ host, fresh, ended }) {
    const outage = begin(host);
    await host.cut();
    while (!ended()) await Bun.sleep(50);
    return { outages: [outage], mend: async () => {
      await host.restore();
      await over(host, outage, fresh, recoveryMs.silent);
    } };
  },
  async reboot({ host, fresh }) {
    const outage = begin(host);
    await host.powerOff();
    await host.powerOn();
    await host.ready();
    return over(host, outage, fresh, recoveryMs.restart);
  },
  async dockerd({ host, fresh }) {
    const outage = begin(host);
    await host.restartDockerd();
    return over(host, outage, fresh, recoveryMs.restart);
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
    return over(host, outage, fresh, recoveryMs.crash);
  },
  async "proxy-kill"({ host, fresh, ended, random }) {
    const outage = begin(host);
    await host.docker("kill", "kamal-proxy");
    if (host.number === fresh) return nothing;
    // The tool may start it itself; else whoever stopped it does, or the next deploy.
    while (!ended()) {
      if (await serves(host)) {
        outage.to = Date.now() + settleMs;
        return { outages: [outage], mend: async () => undefined };
      }
      await Bun.sleep(50);
    }
    const byHand = random() < 0.5;
    return { outages: [outage], mend: async () => {
      if (!byHand && !(await serves(host))) return;
      await host.docker("start", "kamal-proxy");
      await over(host, outage, fresh, recoveryMs.crash);
    } };
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
  async "two-deploys"({ rival }) {
    return { outages: [], rival: await runTool({ ...rival, boundMs: 90_000 }), mend: async () => undefined };
  },
  async "kamal-lock"({ lab, project }) {
    const role = kamalRole(project);
    const taken = await lab.host(1).exec(`mkdir -p .kamal && ${takeLock(role, "Locked by: Bob at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock")}`);
    const isTaken = taken.status === 0;
    const found = { outages: [], lockTakenByKamal: isTaken, kamalLockGone: false, mend: async () => {
      if (isTaken) found.kamalLockGone = (await lab.host(1).exec(releaseLock(role))).status !== 0;
    } };
    return found;
  },
};

const begin = (host: LabHost): Outage => ({ host: host.number, from: Date.now(), to: undefined });

const serves = async (host: LabHost): Promise<boolean> => (await served([host]))[0] !== "failed";

/** Waits until the host serves again, and notes when it does not. Nothing is expected of one that is new. */
async function over(host: LabHost, outage: Outage, fresh: number | undefined, withinMs: number): Promise<Injected> {
  if (host.number === fresh) return nothing;
  const begun = Date.now();
  try {
    await until("it serves again", () => serves(host), withinMs);
    outage.to = Date.now() + settleMs;
  } catch {
    outage.to = begun + withinMs;
    outage.lateMs = withinMs;
  }
  return { outages: [outage], mend: async () => undefined };
}

/** Kills the process of a container, which Docker then starts again. @returns whether it ran */
async function crash(host: LabHost, name: string): Promise<boolean> {
  const { stdout } = await host.docker("container", "inspect", "--format", "{{.State.Running}} {{.State.Pid}}", name);
  const pid = /^true (\d+)$/.exec(stdout.trim())?.[1];
  if (pid === undefined || pid === "0") return false;
  return (await host.exec(`kill -KILL ${pid}`)).status === 0;
}
