import type { ToolEvent } from "./boundary.ts";
import { claimProblems } from "./claims.ts";
import type { Outage } from "./inject.ts";
import type { Fault } from "./kinds.ts";
import { ratePerHost, type CampaignLoad, type Loss } from "./load.ts";
import type { Point } from "./points.ts";
import type { ToolRun } from "./tool.ts";

/** What one host was like. */
export interface HostSight {
  /** What it answers; `failed` when it does not. */
  readonly serves: string;
  /** Names of the app's containers that run, and of all. */
  readonly running: readonly string[];
  readonly containers: readonly string[];
  /** Networks, volumes, files of the tool, normalised. */
  readonly things: readonly string[];
}

/** Containers of a host, by name. */
export interface Left {
  readonly containers: readonly string[];
  readonly running: readonly string[];
}

/** `silent`: it is there, and its holder has given no sign for longer than another run waits before it takes it over. */
export type LockState = "free" | "held" | "silent";

/** All that was seen of a point. Times are milliseconds since 1970. */
export interface Observation {
  readonly point: Point;
  readonly run: ToolRun;
  readonly service: string;
  /** Addresses, in order. */
  readonly hosts: readonly string[];
  /** Served before. */
  readonly before: string;
  /** Served once the operation has gone through. */
  readonly target: string;
  readonly nextVersion: string;
  /** Number of the host that was new. */
  readonly fresh: number | undefined;
  readonly outages: readonly Outage[];
  readonly crashedAt: number | undefined;
  /** Number of the host that was hit. */
  readonly struckHost: number;
  readonly rival: ToolRun | undefined;
  readonly lockTakenByKamal: boolean;
  /** The lock that somebody took the Kamal way was gone before they released it. */
  readonly kamalLockGone: boolean;
  /** What each host served once the tool had ended and the fault was over. */
  readonly after: readonly string[];
  /** The containers that each host had then. */
  readonly left: readonly Left[];
  /** The lock within 30 s after the tool's end, or the network's return. */
  readonly lock: LockState;
  readonly converge: ToolRun;
  readonly converged: readonly HostSight[];
  /** Of a fleet that no fault ever struck. */
  readonly usual: readonly string[];
  readonly retained: number;
  readonly load: CampaignLoad;
  /** Processes, files and tags of the tool on the operator's machine: once it has ended, or after `kill -9` once the next deploy has. */
  readonly strays: readonly string[];
  /** How long each part took, in seconds, as text. */
  readonly times: readonly string[];
}

/** What a point came to. */
export interface Verdict {
  readonly problems: readonly string[];
  /** The fleet is as it is after any deploy: the next point can begin. */
  readonly isSound: boolean;
  readonly sent: number;
  /** Requests lost that may not be. */
  readonly lost: number;
  /** Requests lost to a host that was down itself. */
  readonly excused: number;
  /** From the fault to the tool's end. */
  readonly endMs: number;
}

/** The statuses that the documentation gives to what a fault may lead to, besides 0. */
const failures = [4, 5, 6, 7, 8, 9, 10, 11];
const stops: readonly Fault[] = ["sigint", "sigterm", "sighup", "terminal-gone"];

/** Judges a point. */
export function judge(seen: Observation): Verdict {
  const { point, run, load } = seen;
  const unsound = convergeProblems(seen);
  const bad = load.losses.filter((loss) => !isExcused(loss, seen));
  const problems = [
    ...(run.struckAt === undefined ? ["the boundary was never told"] : []),
    ...(bad.length === 0 ? [] : [`${bad.length} requests lost: ${summary(bad, seen)}`]),
    ...endProblems(point.fault, run),
    ...(run.status !== undefined && run.status !== 0 ? toldProblems(run) : []),
    ...stateProblems(seen),
    ...(seen.rival === undefined ? [] : rivalProblems(seen, seen.rival)),
    ...(seen.lockTakenByKamal && run.status === 0 && lockWasTaken(run) && !lockWasReleased(run) ? ["Kamal could take the lock while it was held"] : []),
    ...(seen.kamalLockGone ? ["the lock that somebody took the Kamal way was taken from them"] : []),
    ...(isLockOver(seen.lock, point.fault, seen.struckHost) ? [] : ["the lock was left for 30 s"]),
    ...seen.outages.flatMap(({ host, lateMs }) => (lateMs === undefined ? [] : [`h${host} does not serve again within ${lateMs / 1000} s after the fault`])),
    ...loadProblems(load),
    ...unsound,
    ...seen.strays.map((stray) => `left here: ${stray}`),
  ];
  return { problems, isSound: unsound.length === 0, sent: load.sent, lost: bad.length, excused: load.losses.length - bad.length, endMs: run.endedAt - (run.struckAt ?? run.startedAt) };
}

/** A lock must be gone. Only where the first host itself lost its power there is nobody left to take it away: it must be one then that the next run takes over. */
export function isLockOver(lock: LockState, fault: Fault, struckHost: number): boolean {
  return lock === "free" || (lock === "silent" && fault === "reboot" && struckHost === 1);
}

/** A host is down for good only when its proxy was stopped by hand. */
const isDown = ({ point, outages }: Observation, host: number): boolean => point.fault === "proxy-kill" && outages.some((outage) => outage.host === host && outage.to === undefined);

/** Too few requests show nothing. */
function loadProblems({ sentTo, ms }: CampaignLoad): string[] {
  const least = Math.floor((ratePerHost * ms) / 1000 / 2);
  return sentTo.flatMap((sent, i) => (sent >= least ? [] : [`only ${sent} requests were sent to h${i + 1} in ${seconds(ms)} s, ${least} are the least`]));
}

/** Whether a request may be lost: its host was down itself in its time. */
function isExcused(loss: Loss, seen: Observation): boolean {
  const windows: readonly Outage[] = [...seen.outages, ...announcedGaps(seen), ...crashWindow(seen), ...newHost(seen)];
  const end = ({ host, from, to }: Outage): number => to ?? (isDown(seen, host) ? seen.converge.endedAt : from);
  return windows.some((window) => window.host === loss.host && loss.begun <= end(window) && loss.ended >= window.from - 50);
}

/** A step of a host's switch to the new version. @param address of the host */
export const isSwitch = (event: ToolEvent, type: string, address: string | undefined): boolean => event.type === type && event["host"] === address && String(event["phase"]).startsWith("Switch");

/** A new host serves nothing until the setup has switched there, or the deploy after a setup that failed. */
function newHost({ fresh, run, converge, hosts }: Observation): Outage[] {
  if (fresh === undefined) return [];
  const switched = (run.status === 0 ? run : converge).events.findLast((event) => isSwitch(event, "step-end", hosts[fresh - 1]) && event["ok"] === true);
  return [{ host: fresh, from: 0, to: switched === undefined ? converge.endedAt : timeOf(switched) + settleMs }];
}

/** A crash after the switch is the app's own loss until Docker has started it again. Before the switch nobody asks the new container. */
function crashWindow({ crashedAt, struckHost, run, hosts, after }: Observation): Outage[] {
  if (crashedAt === undefined) return [];
  const switched = run.events.find((event) => isSwitch(event, "step-start", hosts[struckHost - 1]));
  const at = switched === undefined ? Infinity : timeOf(switched);
  return at > crashedAt && after[struckHost - 1] !== "failed" ? [] : [{ host: struckHost, from: crashedAt - 200, to: crashedAt + 5_000 }];
}

const timeOf = (event: ToolEvent): number => Date.parse(String(event["at"]));

/** How long a host may be without its proxy when nobody hears any more how the replacement went. */
const gapMs = 15_000;
/** From the end of a step to the tool's word of it, and to the last answer of what was replaced. */
const settleMs = 500;

/**
 * `proxy reboot` says that each host refuses connections while its proxy is replaced. The host carries that to its end, whatever becomes of who asked for it:
 * one that was killed in the phase may not have heard any more that it began.
 */
function announcedGaps({ point, run, hosts }: Observation): Outage[] {
  if (point.operation !== "proxy-reboot") return [];
  return hosts.flatMap((address, i): Outage[] => {
    const own = run.events.filter((event) => event["host"] === address && String(event["phase"]).startsWith("Reboot proxy"));
    const steps = own.filter((event) => event["title"] === "Replace the proxy's container");
    const begun = steps.find((event) => event.type === "step-start");
    const last = own.at(-1);
    if (begun === undefined) return run.signal === "SIGKILL" && last !== undefined ? [{ host: i + 1, from: timeOf(last), to: timeOf(last) + gapMs }] : [];
    const ended = steps.find((event) => event.type === "step-end" && event["ok"] === true);
    const from = timeOf(begun);
    return [{ host: i + 1, from, to: Math.min(from + gapMs, ended === undefined ? Infinity : timeOf(ended) + settleMs) }];
  });
}

function summary(losses: readonly Loss[], { run }: Observation): string {
  const start = run.struckAt ?? run.startedAt;
  const kinds = new Map<string, Loss[]>();
  for (const loss of losses) {
    const kind = `h${loss.host} ${loss.error}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), loss]);
  }
  return [...kinds].map(([kind, those]) => `${those.length} x ${kind} at ${seconds(Math.min(...those.map(({ ended }) => ended)) - start)} to ${seconds(Math.max(...those.map(({ ended }) => ended)) - start)} s`).join(", ");
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function endProblems(fault: Fault, { status, signal, hung }: ToolRun): string[] {
  if (hung) return ["it did not end"];
  if (fault === "kill-9") return signal === "SIGKILL" || status === 0 || status === 137 ? [] : [`ended with ${signal ?? status}, not with SIGKILL`];
  if (status === undefined) return [`died of ${signal}`];
  const expected = stops.includes(fault) ? [0, 130] : [0, ...failures];
  return expected.includes(status) ? [] : [`exit status ${status}`];
}

const errorOf = ({ events }: ToolRun): ToolEvent | undefined => events.findLast((event) => event.type === "error");
const lines = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

/** An error has a text, a state or a hint, and is never a stack trace. */
function toldProblems(run: ToolRun): string[] {
  const error = errorOf(run);
  if (error === undefined) return ["nothing was told"];
  return [
    ...(error["failure"] === "bug" ? [`told as a bug: ${String(error["message"])} ${String(error["stack"]).split("\n").slice(1, 4).join(" ")}`] : []),
    ...(String(error["message"] ?? "").trim() === "" ? ["an error without a text"] : []),
    ...(error["failure"] !== "cancelled" && typeof error["hint"] !== "string" && !hasHint(error["causes"]) ? [`no hint: ${String(error["message"])}`] : []),
    ...(lines(error["state"]).length === 0 && !lines(error["state"]).length && error["failure"] !== "connect" ? [`no state: ${String(error["message"])}`] : []),
    ...(/^\s+at .+:\d+:\d+/m.test(run.stderr) ? ["a stack trace on standard error"] : []),
  ];
}

const hasHint = (causes: unknown): boolean => Array.isArray(causes) && causes.some((cause: unknown) => typeof cause === "object" && cause !== null && "hint" in cause && typeof cause.hint === "string");

/** What it said is true now, and the exit status says. */
function stateProblems(seen: Observation): string[] {
  const { run, after, target, fresh, rival, lockTakenByKamal } = seen;
  const looked = after.map((serves, i) => ({ host: i + 1, serves })).filter(({ host }) => !isDown(seen, host));
  const rivalWon = rival?.status === 0;
  const problems: string[] = [];
  if (run.status === 0 && !rivalWon) for (const { host, serves } of looked) if (serves !== target) problems.push(`ended with 0, and h${host} serves ${serves}, not ${target}`);
  if (run.status !== 0) for (const { host, serves } of looked) if (host !== fresh && serves === "failed") problems.push(`h${host} serves nothing afterwards`);
  // Who came after it has changed what it told of.
  if (rivalWon || lockTakenByKamal) return problems;
  return [...problems, ...claimProblems(lines(errorOf(run)?.["state"]), seen, (host) => isDown(seen, host))];
}

const lockWasTaken = ({ events }: ToolRun): boolean => events.some((event) => event.type === "lock" && event["state"] === "taken");
const lockWasReleased = ({ events }: ToolRun): boolean => events.some((event) => event.type === "lock" && event["state"] === "released");

/** Two at once: one goes through at least, the other too, after it, or is told who holds the lock. */
function rivalProblems({ run }: Observation, rival: ToolRun): string[] {
  const problems = [run, rival].flatMap((one, i) => (one.status === 0 || one.status === 7 ? [] : [`the ${i === 0 ? "first" : "second"} of two deploys ended with ${one.signal ?? one.status}: ${String(errorOf(one)?.["message"] ?? "")}`]));
  return run.status === 7 && rival.status === 7 ? [...problems, "both of two deploys were refused"] : problems;
}

const dockerDies: readonly Fault[] = ["reboot", "dockerd"];

/**
 * Whether a host may be without its accessory after a plain deploy, which boots none: in a setup that failed, the new host;
 * where Docker itself died while the accessory of that very host was being replaced, when the error names it.
 */
function mayLackAccessory({ point, run, fresh, struckHost, hosts }: Observation, host: number): boolean {
  if (run.status === 0) return false;
  if (host === fresh) return true;
  if (point.operation !== "accessory-reboot" || host !== struckHost || !dockerDies.includes(point.fault)) return false;
  const address = hosts[host - 1];
  const steps = run.events.filter((event) => event["host"] === address && String(event["phase"]).startsWith("Reboot accessories"));
  const begun = steps.filter(({ type }) => type === "step-start").length;
  const done = steps.filter((event) => event.type === "step-end" && event["ok"] === true).length;
  const { message, state, details, hint, host: told } = errorOf(run) ?? { type: "" };
  return begun > done && JSON.stringify([message, state, details, hint]).includes("store") && JSON.stringify([told, message, state]).includes(String(address));
}

function convergeProblems(seen: Observation): string[] {
  const { converge, converged, nextVersion, service, usual, retained } = seen;
  if (converge.hung) return ["the next deploy did not end"];
  if (converge.status !== 0) return [`the next deploy ended with ${converge.signal ?? converge.status}: ${String(errorOf(converge)?.["message"] ?? converge.stderr.trim().split("\n").at(-1))} ${lines(errorOf(converge)?.["details"]).slice(-2).join(" / ")}`];
  return converged.flatMap(({ serves, running, containers, things }, i) => {
    const host = `h${i + 1}`;
    const wanted = `${service}-web-${nextVersion}`;
    const odd = containers.filter((name) => !/^[a-z]+-web-r\d+x\d+$/.test(name));
    const missing = usual.filter((thing) => thing.startsWith("running ") && !things.includes(thing) && !(thing === `running ${service}-store` && mayLackAccessory(seen, i + 1)));
    const surplus = things.filter((thing) => !usual.includes(thing));
    return [
      ...(serves === nextVersion ? [] : [`after the next deploy ${host} serves ${serves}, not ${nextVersion}`]),
      ...(running.join() === wanted ? [] : [`after the next deploy ${host} runs ${running.join(", ")}`]),
      ...(odd.length === 0 ? [] : [`after the next deploy ${host} has ${odd.join(", ")}`]),
      ...(containers.length <= retained + 1 ? [] : [`after the next deploy ${host} keeps ${containers.length} containers`]),
      ...(missing.length === 0 ? [] : [`after the next deploy ${host} has no ${missing.join(", ")}`]),
      ...(surplus.length === 0 ? [] : [`after the next deploy ${host} has ${surplus.join(", ")}`]),
    ];
  });
}
