import type { Event } from "../ground/event.ts";
import type { Entry } from "./lines.ts";
import { elapsed } from "./elapsed.ts";
import { hostCount, listed } from "./names.ts";

/** Up to so many hosts are told of one by one, whatever they say. */
export const fewHosts = 10;
/** Of more hosts so many may say the same; the others are counted. */
const spokesmen = 5;

/** Hosts that say the same. */
interface Chorus {
  readonly shown: Set<string>;
  readonly counted: Set<string>;
  readonly entry: Entry;
}

/**
 * Keeps the lines of a large fleet readable: what more than a few hosts say alike is counted and told once, at the end of the phase, so that the odd one out
 * is seen. Pure but for what it remembers.
 */
export class Crowd {
  #hosts = 0;
  readonly #choruses = new Map<string, Chorus>();
  /** How long each host was at work in a phase. */
  readonly #times = new Map<string, Map<string, number>>();

  /** The entries to show for an event. @param entry its own, undefined where it has none */
  take(event: Event, entry: Entry | undefined): readonly Entry[] {
    if (event.type === "start" || event.type === "phase-start") this.#hosts = Math.max(this.#hosts, event.hosts.length);
    if (event.type === "step-end" && event.host !== undefined && this.#hosts > fewHosts) {
      const times = this.#times.get(event.phase) ?? new Map<string, number>();
      this.#times.set(event.phase, times.set(event.host, (times.get(event.host) ?? 0) + event.durationMs));
    }
    const ends = event.type === "phase-end" || event.type === "summary";
    const spread = event.type === "phase-end" ? spreadOf(this.#times.get(event.phase)) : "";
    const own = entry === undefined || this.#joins(entry) ? [] : [spread === "" ? entry : { ...entry, text: entry.text + spread }];
    return ends ? [...this.end(), ...own] : own;
  }

  /** What was counted and not told yet. */
  end(): readonly Entry[] {
    const told = [...this.#choruses].flatMap(([words, { counted, entry }]): Entry[] => (counted.size === 0 ? [] : [{ from: entry.from, text: `${counted.size} more host${counted.size === 1 ? "" : "s"} (${listed([...counted], 3)}): ${words}` }]));
    this.#choruses.clear();
    return told;
  }

  /** True for an entry that is only counted. */
  #joins(entry: Entry): boolean {
    const { host, text } = entry;
    if (host === undefined || this.#hosts <= fewHosts) return false;
    const words = alike(text, host);
    const chorus = this.#choruses.get(words) ?? { shown: new Set(), counted: new Set(), entry };
    this.#choruses.set(words, chorus);
    if (chorus.shown.size < spokesmen && !chorus.counted.has(host)) chorus.shown.add(host);
    if (chorus.shown.has(host)) return false;
    chorus.counted.add(host);
    return true;
  }
}

/** From a host on that took so many times as long as the one in the middle it is named. */
const slowTimes = 2;
const slowMs = 1000;

/** How long the hosts of a phase were at work, and which of them much longer than the others. Empty: there were few. */
function spreadOf(times: ReadonlyMap<string, number> | undefined): string {
  if (times === undefined || times.size <= fewHosts) return "";
  const sorted = [...times].toSorted(([, a], [, b]) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.[1] ?? 0;
  const slow = sorted.filter(([, ms]) => ms > slowTimes * at(0.5) && ms - at(0.5) > slowMs).toReversed();
  return `  ${hostCount(times.size)} in ${elapsed(at(0)).replace(/ s$/, "")} to ${elapsed(at(1))}${slow.length === 0 ? "" : `, slow: ${listed(slow.map(([host, ms]) => `${host} ${elapsed(ms)}`), 4)}`}`;
}

/** A text without what differs from host to host: its name, times, what was made by chance, fingerprints. */
const alike = (text: string, host: string): string =>
  text.replaceAll(new RegExp(`(?<![\\w.])${RegExp.escape(host)}(?![\\w.])`, "g"), "…").replaceAll(/\bSHA256:[\w+/]{20,}/g, "SHA256:…").replaceAll(/\b[\da-f]{12,}\b/g, "…").replaceAll(/\b\d+(\.\d+)?(?= (?:s|ms|min)\b)/g, "…");
