import type { Settings } from "../config/settings.ts";
import { isInPlace, type FleetState, type Leftover, type PlaceState, type Trouble } from "./fleet.ts";
import type { Choice } from "./rollback.ts";

/** What is known of the deploy lock, as far as it is told. */
export interface LockNews {
  readonly host: string;
  /** Who, since when, why: one sentence. */
  readonly text: string;
  /** `alive`: a run is at work. `dead`: its run is gone, the next one takes it over. `manual`: it stays until it is released. */
  readonly kind: "alive" | "dead" | "manual";
}

/** All that is told of a fleet at a glance. */
export interface Glance {
  readonly state: FleetState;
  /** Why hosts could not be looked at. */
  readonly unseen: ReadonlyMap<string, string>;
  readonly lock: LockNews | undefined;
  /** Where `rollback` goes. */
  readonly back: Choice | undefined;
}

/** What to type, and what it does. */
export interface Advice {
  readonly command: string;
  readonly effect: string;
}

/** A glance as it is told. */
export interface Told {
  /** One version serves everywhere as it should, and nothing is left of another run. */
  readonly ok: boolean;
  readonly headline: string;
  /** A line each: host, role, what is true there. Empty when all is well. */
  readonly rows: readonly (readonly [host: string, role: string, text: string])[];
  readonly advice: readonly Advice[];
}

/** Says first whether all is well, then what is not, then what to do. */
export function tellFleet(settings: Settings, glance: Glance): Told {
  const { state: { places }, unseen, lock } = glance;
  const ok = isWell(glance);
  return {
    ok,
    headline: headline(settings, glance),
    rows: ok ? [] : [
      ...places.flatMap((place) => linesOf(place).map((text): [string, string, string] => [place.host, place.role, text])),
      ...[...unseen].map(([host, why]): [string, string, string] => [host, "", `could not be looked at: ${why}`]),
      ...(lock === undefined ? [] : [[lock.host, "", `the deploy lock is held: ${lock.text}`] as const]),
    ],
    advice: ok ? [] : adviceOf(settings, glance),
  };
}

function isWell({ state: { places, versions }, unseen, lock }: Glance): boolean {
  return unseen.size === 0 && lock === undefined && versions.length <= 1 && places.every(({ trouble, left, mode, canary }) => trouble === undefined && left.length === 0 && canary === undefined && (mode ?? "live") === "live");
}

function headline(settings: Settings, glance: Glance): string {
  const { state: { places, versions }, unseen } = glance;
  const hosts = new Set([...places.map(({ host }) => host), ...unseen.keys()]).size;
  const [version, ...more] = versions;
  const where = hosts === 1 ? `on ${places[0]?.host ?? ""}` : `on all ${hosts} hosts`;
  if (places.length === 0) return unseen.size > 0 ? `Nothing is known: ${count(unseen.size, "host")} could not be looked at.` : "No host of the app is among those you chose.";
  if (isWell(glance)) return `All is well: version ${version} serves ${where}.`;
  const rest = [...restOf(glance), ...(unseen.size === 0 ? [] : [`${count(unseen.size, "host")} could not be looked at.`])];
  if (version === undefined) return [`Nothing of ${settings.service} serves${unseen.size === 0 ? "" : " where it could be seen"}.`, ...rest].join(" ");
  if (more.length > 0) return [`Hosts differ: ${versions.map((one) => `${one} on ${placesWith(places, one)}`).join("; ")}.`, ...rest].join(" ");
  const names = (those: readonly PlaceState[]): string => [...new Set(those.map(({ host }) => host))].join(", ");
  const serving = places.filter((place) => place.version === version && place.trouble === undefined);
  const lacking = places.filter(({ trouble }) => trouble !== undefined);
  const reach = serving.length === 0 ? "is in place, but gets no requests" : lacking.length > 0 ? `serves, but not on ${names(lacking)}` : unseen.size > 0 ? `serves on ${names(serving)}` : `serves ${where}`;
  return [`Version ${version} ${reach}.`, ...rest].join(" ");
}

/** What else is going on: a run at work, one that was interrupted, maintenance, a canary. */
function restOf({ state: { places, unfinished, pending, returning }, lock }: Glance): readonly string[] {
  const resting = places.filter(({ mode }) => mode === "maintenance" || mode === "paused");
  const canaries = places.filter(({ canary }) => canary !== undefined);
  const of = (those: readonly PlaceState[]): string => those.map(({ role, host }) => `${role} on ${host}`).join(", ");
  const begun = returning !== undefined ? `A rollback to ${returning.version}` : pending.length === 0 ? "A deploy" : `A deploy of ${pending.join(", ")}`;
  return [
    ...(lock?.kind === "alive" ? ["A run is at work."] : unfinished ? [`${begun} was begun and not finished.`] : []),
    ...(resting.length === 0 ? [] : [`In maintenance: ${of(resting)}.`]),
    ...(canaries.length === 0 ? [] : [`With a canary: ${of(canaries)}.`]),
  ];
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

/** The hosts where a version serves, with the role where a host has several versions. */
function placesWith(places: readonly PlaceState[], version: string): string {
  const found = places.filter((place) => place.version === version && isInPlace(place)).map(({ host, role }) => (places.some((other) => other.host === host && other.version !== version) ? `${host} (${role})` : host));
  return [...new Set(found)].join(", ");
}

const troubles: Readonly<Record<Trouble, (place: PlaceState) => string>> = {
  "no docker": () => "Docker is missing or not running",
  "no proxy": ({ version }) => `there is no proxy: ${version === undefined ? "no requests arrive" : `${version} runs and gets no requests`}`,
  "proxy stopped": ({ version }) => `the proxy is stopped: ${version === undefined ? "no requests arrive" : `${version} gets no requests`}`,
  "no route": ({ version, container }) => `the proxy has no route to it: ${version ?? "what runs"} gets no requests (${container ?? ""})`,
  "route leads nowhere": ({ version }) => `the proxy sends its requests to a container that is gone${version === undefined ? "" : `: ${version} runs and gets none`}`,
  stopped: ({ version, container }) => (version === undefined ? "everything is stopped" : `${version} is in place, but stopped (${container ?? ""})`),
  "nothing there": () => "nothing of it is there",
};

const modes = { live: "", paused: ", paused", maintenance: ", in maintenance" } as const;

function linesOf(place: PlaceState): readonly string[] {
  const { proxied, version, mode, canary, trouble, left } = place;
  const state = trouble === undefined ? `${version ?? ""} ${proxied ? "serves" : "runs"}${modes[mode ?? "live"]}` : troubles[trouble](place);
  return [
    `${state}${canary === undefined ? "" : `; canary ${canary.version ?? "that is gone"} gets ${canary.percent} %`}`,
    ...left.map((one) => `left over: ${one.name} ${leftText(one, proxied)}`),
  ];
}

function leftText({ state }: Leftover, proxied: boolean): string {
  if (state === "running" || state === "restarting") return proxied ? `is ${state} and gets no requests` : `is ${state} too`;
  return ({ exited: "is stopped", created: "was never started" } as Readonly<Record<string, string>>)[state] ?? `is ${state}`;
}

function adviceOf({ destination }: Settings, { state, unseen, lock, back }: Glance): readonly Advice[] {
  const { places, unfinished, pending, returning } = state;
  const advice = (command: string, effect: string): Advice => ({ command: `capstan ${command}${destination === undefined ? "" : ` -d ${destination}`}`, effect });
  const has = (...kinds: readonly Trouble[]): boolean => places.some(({ trouble }) => trouble !== undefined && kinds.includes(trouble));
  const found: Advice[] = [];
  if (lock?.kind === "alive") return [advice("lock status", "shows what the run at work is doing: wait for its end")];
  if (lock?.kind === "manual") found.push(advice("lock release", "once you are sure that nobody is at work: the lock is in the way of all others"));
  if (unseen.size > 0) found.push({ command: `ssh ${[...unseen.keys()][0] ?? ""}`, effect: `finds out why ${[...unseen.keys()].join(", ")} cannot be reached; everything else needs all hosts, or -h with the others` });
  if (has("no docker")) found.push(advice("server bootstrap", "installs Docker where it is missing; else start its daemon"));
  const tidies = places.some(({ left }) => left.length > 0);
  if (returning !== undefined) {
    if (back !== undefined) found.push(advice("rollback", `finishes it: ${back.version} on every host, which ${back.why}`));
    if (returning.from !== back?.version) found.push(advice(`rollback ${returning.from}`, `undoes it: ${returning.from} on every host`));
    found.push(advice("deploy", "ends it too: all hosts get the version you deploy, what is left over is tidied up"));
  } else if (unfinished) {
    found.push(advice("deploy", "finishes it: all hosts get the version you deploy, what is left over is tidied up"));
    if (pending.length === 1) found.push(advice(`rollback ${pending[0]}`, `finishes it with ${pending[0]} itself, which is not built again`));
    if (back !== undefined) found.push(advice("rollback", `undoes it: back to ${back.version} on every host, which ${back.why}`));
  } else if (places.length > 0 && places.every(({ trouble }) => trouble === "nothing there")) found.push(advice("setup", "makes the hosts ready and deploys"));
  else if (has("stopped")) found.push(advice("app start", "starts what ran last"), advice("deploy", "puts a new version in place"));
  else if (has("no proxy", "proxy stopped", "no route", "route leads nowhere", "nothing there") || tidies) found.push(advice("deploy", tidies && !places.some(({ trouble }) => trouble !== undefined) ? "tidies up what is left over" : "brings every host to one version again, proxy and routes included"));
  if (has("no proxy")) found.push(advice("proxy boot", "starts the proxy alone"));
  if (has("proxy stopped")) found.push(advice("proxy start", "starts the proxy with the routes it had"));
  if (places.some(({ mode }) => mode === "maintenance" || mode === "paused")) found.push(advice("app live", "ends the maintenance"));
  if (places.some(({ canary }) => canary !== undefined)) found.push(advice("canary promote", "gives the canary all requests"), advice("canary abort", "ends the canary"));
  return found;
}
