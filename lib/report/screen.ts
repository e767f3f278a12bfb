import type { Event } from "../ground/event.ts";
import { byteText } from "../ground/image.ts";
import { roughly, ticking } from "./elapsed.ts";
import { here } from "./lines.ts";
import { hostCount } from "./names.ts";
import { harmless, printable } from "./printable.ts";
import { plain, type Style } from "./style.ts";
import { fitted, padded } from "./table.ts";

/** What one host is doing. */
export interface Row {
  readonly host: string;
  /** Steps in work, oldest first: one per role at most. */
  readonly working: readonly { readonly key: string; readonly title: string; readonly sinceMs: number; readonly detail: string }[];
  /** What ended last. */
  readonly last: string;
  readonly state: "waiting" | "working" | "idle" | "failed";
}

/** What the live view shows. Times are milliseconds since 1970. */
export interface Screen {
  /** Those under way, oldest first: hosts go on to the next one each by itself, and this machine builds while they are connected to. */
  readonly phases: readonly { readonly title: string; readonly sinceMs: number }[];
  readonly rows: ReadonlyMap<string, Row>;
  /** Host that holds our lock. */
  readonly lockedOn: string | undefined;
  readonly hook: { readonly name: string; readonly sinceMs: number } | undefined;
}

export const emptyScreen: Screen = { phases: [], rows: new Map(), lockedOn: undefined, hook: undefined };

/** The screen after an event. Pure. */
export function next(screen: Screen, event: Event): Screen {
  const nowMs = Date.parse(event.at);
  switch (event.type) {
    case "phase-start": {
      const before = screen.phases.length === 0 ? new Map<string, Row>() : screen.rows;
      return { ...screen, phases: [...screen.phases, { title: event.phase, sinceMs: nowMs }], rows: new Map([...before, ...event.hosts.filter((host) => !before.has(host)).map((host) => [host, blank(host)] as const)]) };
    }
    case "phase-end": {
      const phases = screen.phases.filter(({ title }) => title !== event.phase);
      return { ...screen, phases, rows: phases.length === 0 ? new Map() : screen.rows };
    }
    case "summary":
      return emptyScreen;
    case "connect":
      if (event.state === "opening") return begin(screen, event.host, "connect", "Connect", nowMs);
      return event.state === "ready" ? finish(screen, event.host, "connect", "Connected", true) : finish(screen, event.host, "connect", printable(event.text ?? "Cannot connect"), false);
    case "step-start":
      return begin(screen, event.host ?? here, event.role ?? "", event.title, nowMs);
    case "step-end":
      return finish(screen, event.host ?? here, event.role ?? "", event.title, event.ok);
    case "probe":
      return detail(screen, event.host, event.role ?? "", `try ${event.attempt}: ${printable(event.answer)}`);
    case "transfer":
      return event.state === "progress" ? detail(screen, event.host, "", `${byteText(event.sentBytes)} of ${byteText(event.totalBytes)}, ${byteText(event.sentBytes / Math.max(0.001, event.durationMs / 1000))}/s`) : screen;
    case "waiting":
      return detail(screen, event.host ?? here, event.role ?? "", `at most ${roughly(event.deadlineMs)}${event.text === undefined ? "" : `; ${printable(event.text)}`}`);
    case "undo":
      return change(screen, event.host ?? here, (row) => ({ ...row, last: `Taken back: ${event.title}`, working: [], state: event.ok ? "idle" : "failed" }));
    case "lock":
      return { ...screen, lockedOn: event.state === "taken" ? event.host : undefined };
    case "hook":
      return { ...screen, hook: event.state === "start" ? { name: event.name, sinceMs: nowMs } : undefined };
    case "output":
      return event.loud ? detail(screen, event.host ?? here, undefined, printable(event.line)) : screen;
    default:
      return screen;
  }
}

const blank = (host: string): Row => ({ host, working: [], last: "", state: "waiting" });

function change(screen: Screen, host: string, to: (row: Row) => Row): Screen {
  return { ...screen, rows: new Map(screen.rows).set(host, to(screen.rows.get(host) ?? blank(host))) };
}

function begin(screen: Screen, host: string, key: string, title: string, sinceMs: number): Screen {
  return change(screen, host, (row) => ({ ...row, state: "working", working: [...row.working.filter((step) => step.key !== key), { key, title, sinceMs, detail: "" }] }));
}

function finish(screen: Screen, host: string, key: string, title: string, ok: boolean): Screen {
  return change(screen, host, (row) => {
    const working = row.working.filter((step) => step.key !== key);
    const failed = !ok || row.state === "failed";
    return { ...row, working, last: failed && ok ? row.last : title, state: failed ? "failed" : working.length > 0 ? "working" : "idle" };
  });
}

/** @param key undefined: whatever is in work there */
function detail(screen: Screen, host: string, key: string | undefined, text: string): Screen {
  if (!screen.rows.has(host)) return screen;
  return change(screen, host, (row) => ({ ...row, working: row.working.map((step) => (key === undefined || step.key === key ? { ...step, detail: text } : step)) }));
}

/** Size of a terminal in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The lines to paint: at most one less than the terminal has rows, none wider than the terminal.
 * Hosts keep their order while they fit; else the odd ones out come first and the rest is counted. Pure.
 */
export function frame(screen: Screen, size: Size, nowMs: number, style: Style = plain): string[] {
  if (screen.phases.length === 0 && screen.hook === undefined && screen.rows.size === 0) return [];
  const room = Math.max(1, size.rows - 2);
  const all = [...screen.rows.values()];
  const shown = all.length <= room ? all : oddFirst(all).slice(0, room - 1);
  const rest = all.filter((row) => !shown.includes(row));
  const hostWidth = Math.min(24, Math.max(0, ...shown.map((row) => Bun.stringWidth(row.host))));
  const lines = [status(screen, nowMs, style), ...shown.map((row) => rowLine(row, hostWidth, nowMs, style)), ...(rest.length === 0 ? [] : [style.dim(`  … and ${counted(rest)}`)])];
  // One column stays free: a terminal that wraps at its last one would take a second row.
  return lines.map((line) => fitted(harmless(line.replaceAll("\n", " ")), size.columns - 1));
}

function status(screen: Screen, nowMs: number, style: Style): string {
  const { phases, hook, lockedOn, rows } = screen;
  const phase = phases.at(-1);
  const done = [...rows.values()].filter((row) => row.state === "idle").length;
  const parts = [
    phase === undefined ? undefined : `${style.bold(phase.title)} ${ticking(nowMs - phase.sinceMs)}`,
    hook === undefined ? undefined : `hook ${hook.name} ${ticking(nowMs - hook.sinceMs)}`,
    phase === undefined || rows.size < 2 ? undefined : `${done} of ${rows.size} done`,
    lockedOn === undefined ? undefined : style.dim(`lock held on ${lockedOn}`),
  ];
  return parts.filter((part) => part !== undefined).join("  ");
}

function rowLine(row: Row, hostWidth: number, nowMs: number, style: Style): string {
  const host = padded(fitted(row.host, hostWidth), hostWidth);
  const [oldest, ...more] = row.working;
  if (row.state === "failed") return `  ${host}  ${style.red(`✗ ${row.last}`)}`;
  if (oldest === undefined) return style.dim(row.state === "waiting" ? `  ${host}  · waiting` : `  ${host}  ✓ ${row.last}`);
  const others = more.length === 0 ? "" : ` (+${more.length})`;
  const said = oldest.detail === "" ? "" : style.dim(`  ${oldest.detail}`);
  return `  ${host}  › ${oldest.title}${others} ${style.dim(ticking(nowMs - oldest.sinceMs))}${said}`;
}

const urgency: Readonly<Record<Row["state"], number>> = { failed: 0, working: 1, waiting: 2, idle: 3 };

/** Failed hosts, then those at work on what few others are, the longest first; then the waiting and the done. */
function oddFirst(rows: readonly Row[]): Row[] {
  const title = (row: Row): string => row.working[0]?.title ?? "";
  const alike = Map.groupBy(rows, title);
  const company = (row: Row): number => (row.state === "working" ? (alike.get(title(row))?.length ?? 0) : 0);
  return rows.toSorted((a, b) => urgency[a.state] - urgency[b.state] || company(a) - company(b) || (a.working[0]?.sinceMs ?? 0) - (b.working[0]?.sinceMs ?? 0));
}

function counted(rows: readonly Row[]): string {
  const words: Readonly<Record<Row["state"], string>> = { failed: "failed", working: "at work", waiting: "waiting", idle: "done" };
  const counts = (["failed", "working", "waiting", "idle"] as const).map((state) => [rows.filter((row) => row.state === state).length, words[state]] as const);
  return `${hostCount(rows.length)} more: ${counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ")}`;
}
