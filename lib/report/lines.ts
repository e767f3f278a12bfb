import type { Event } from "../ground/event.ts";
import { byteText } from "../ground/image.ts";
import { Crowd } from "./crowd.ts";
import { elapsed, roughly, timeOfDay } from "./elapsed.ts";
import { hostCount, listed } from "./names.ts";
import { harmless, printable, printableText } from "./printable.ts";
import type { Reporter, Verbosity } from "./reporter.ts";
import type { Style } from "./style.ts";
import { summaryLines, transferText } from "./summary.ts";
import { padded } from "./table.ts";

/** An event in words. */
export interface Entry {
  /** The least verbosity at which it is shown: `quiet` is always. */
  readonly from: Verbosity;
  /** Where it happened; undefined: it is about the run as a whole. */
  readonly host?: string;
  readonly text: string;
  /** An entry whose predecessor with the same key had the same text is not shown again. */
  readonly key?: string;
}

type Printers = { readonly [T in Event["type"]]: (event: Extract<Event, { type: T }>, style: Style) => Entry | undefined };

/** Name of the user's own machine in the column of hosts. */
export const here = "here";

/** A new event does not compile until it has a line here. */
const printers: Printers = {
  "start": ({ command, service, destination, version, hosts }, style) => {
    const what = `${command} of ${service}${destination === undefined ? "" : ` (${destination})`}${version === undefined ? "" : `, version ${version}`}`;
    return { from: "normal", text: hosts.length === 0 ? style.bold(what) : `${style.bold(what)}, ${hostCount(hosts.length)}: ${listed(hosts)}` };
  },
  "connect": ({ host, state, durationMs, text }, style) => {
    if (state === "opening") return { from: "verbose", host, text: style.dim("connecting") };
    if (state === "ready") return { from: "verbose", host, text: style.dim(`connected in ${elapsed(durationMs)}`) };
    return { from: "normal", host, text: style.red(`cannot connect${text === undefined ? "" : `: ${printable(text)}`}`) };
  },
  "phase-start": ({ phase, hosts }, style) => ({ from: "normal", text: style.bold(`== ${phase}${hosts.length === 0 ? "" : ` (${hostCount(hosts.length)})`}`) }),
  "phase-end": ({ phase, ok, durationMs }, style) =>
    ({ from: "normal", text: ok ? `${style.green("✓")} ${phase} ${style.dim(elapsed(durationMs))}` : style.red(`✗ ${phase} failed after ${elapsed(durationMs)}`) }),
  "step-start": ({ host = here, title, command }, style) => ({ from: "verbose", host, text: `${title}\n${style.dim(`$ ${printableText(command)}`)}` }),
  "step-end": ({ host = here, title, ok, durationMs }, style) =>
    ok ? { from: "verbose", host, text: `${style.green("✓")} ${title} ${style.dim(elapsed(durationMs))}` } : { from: "normal", host, text: style.red(`✗ ${title} failed after ${elapsed(durationMs)}`) },
  "output": ({ host = here, line, loud }, style) => ({ from: loud ? "normal" : "verbose", host, text: `${style.dim("|")} ${printable(line)}` }),
  "probe": ({ host, container, attempt, ok, answer, durationMs }, style) =>
    ok
      ? { from: "verbose", host, text: style.dim(`${container} is ready at try ${attempt} (${Math.round(durationMs)} ms)`) }
      : { from: "normal", host, text: style.yellow(`${container} is not ready yet: ${printable(answer)}`), key: `${host} ${container}` },
  "transfer": ({ host, image, state, sentBytes, totalBytes, thereBytes, from, durationMs }, style) => {
    if (state === "progress") return sentBytes < totalBytes / 10 ? undefined : { from: "normal", host, text: style.dim(`${image}: ${Math.floor((10 * sentBytes) / totalBytes)}0 % of ${byteText(totalBytes)} ${from === undefined ? "sent" : `handed on by ${from}`}`), key: `${host} ${image}` };
    return { from: "normal", host, text: `${style.green("✓")} ${image}: ${from === undefined ? transferText(sentBytes, thereBytes) : `handed on by ${from}`} ${style.dim(elapsed(durationMs))}` };
  },
  "waiting": ({ host = here, title, elapsedMs, deadlineMs, text }, style) =>
    ({ from: "normal", host, text: style.yellow(`${title}: ${roughly(elapsedMs)}, at most ${roughly(deadlineMs)}${text === undefined ? "" : `; ${printable(text)}`}`) }),
  "lock": ({ host, state, text }, style) => {
    const why = text === undefined ? "" : `: ${printable(text)}`;
    return state === "lost" ? { from: "quiet", host, text: style.red(`the deploy lock was lost${why}`) } : { from: "verbose", host, text: style.dim(`deploy lock ${state}${why}`) };
  },
  "hook": ({ name, state, durationMs, loud }, style) => {
    switch (state) {
      case "start": return { from: loud === true ? "normal" : "verbose", text: style.dim(`hook ${name} starts`) };
      case "end": return { from: loud === false ? "verbose" : "normal", text: `${style.green("✓")} hook ${name} ${style.dim(elapsed(durationMs))}` };
      case "failed": return { from: "normal", text: style.red(`✗ hook ${name} failed after ${elapsed(durationMs)}`) };
      case "skipped": return { from: loud === false ? "verbose" : "normal", text: style.dim(`hook ${name} skipped`) };
    }
  },
  "audit": ({ host, line }, style) => ({ from: "verbose", host, text: style.dim(`audit: ${printable(line)}`) }),
  "undo": ({ host = here, title, ok, text }, style) =>
    ok ? { from: "normal", host, text: style.yellow(`↶ ${title}`) } : { from: "quiet", host, text: style.red(`cannot take back: ${title}${text === undefined ? "" : `: ${printableText(text)}`}`) },
  "notice": ({ level, host, text, loud = true }, style) => {
    const said = printableText(text);
    return { from: loud ? "normal" : "verbose", ...(host === undefined ? {} : { host }), text: level === "warn" ? style.yellow(`warning: ${said}`) : said };
  },
  "summary": (event, style) => ({ from: "normal", text: summaryLines(event, style).join("\n") }),
};

/** An event in words; undefined when it has none at this verbosity. */
export function entryOf(event: Event, verbosity: Verbosity, style: Style): Entry | undefined {
  const print = printers[event.type] as (event: Event, style: Style) => Entry | undefined;
  const entry = print(event, style);
  return entry !== undefined && order.indexOf(entry.from) <= order.indexOf(verbosity) ? entry : undefined;
}

const order: readonly Verbosity[] = ["quiet", "normal", "verbose"];

/** The lines of an entry: host in front, or nothing when it is about the whole run. */
export function entryLines(entry: Entry, hostWidth: number, style: Style): string[] {
  const lead = entry.host === undefined ? "" : `${style.blue(padded(entry.host, hostWidth))}  `;
  return entry.text.split("\n").map((line) => harmless(lead + line));
}

/** Leaves out an entry that says what its predecessor with the same key said. */
export function withoutRepeats(): (entry: Entry) => boolean {
  const last = new Map<string, string>();
  return ({ key, text }) => {
    if (key === undefined) return true;
    const isNew = last.get(key) !== text;
    last.set(key, text);
    return isNew;
  };
}

/** Grows with the hosts it is shown, up to 24 columns. */
export function hostColumn(): (event: Event) => number {
  let width = here.length;
  return (event) => {
    const hosts = event.type === "start" ? event.hosts : "host" in event && event.host !== undefined ? [event.host] : [];
    width = Math.min(24, Math.max(width, ...hosts.map((host) => host.length)));
    return width;
  };
}

/**
 * For CI logs and pipes: one line an event, the local time first, then the host.
 * @param write gets a line without its line break
 */
export function lineReporter(write: (line: string) => void, options: { readonly verbosity: Verbosity; readonly style: Style }): Reporter {
  const { verbosity, style } = options;
  const widthFor = hostColumn();
  const isNew = withoutRepeats();
  const crowd = new Crowd();
  const held: string[] = [];
  let lastAt = "";
  let pauses = 0;
  const writeHeld = (): void => {
    for (const line of held.splice(0)) write(line);
  };
  return {
    report(event) {
      const width = widthFor(event);
      lastAt = event.at;
      const own = entryOf(event, verbosity, style);
      const entry = own !== undefined && isNew(own) ? own : undefined;
      const entries = verbosity === "verbose" ? [entry].filter((one) => one !== undefined) : crowd.take(event, entry);
      held.push(...entries.flatMap((one) => entryLines(one, width, style)).map((line) => `${style.dim(timeOfDay(event.at))}  ${line}`));
      if (pauses === 0) writeHeld();
    },
    pause() {
      pauses++;
      let over = false;
      return () => {
        if (over) return;
        over = true;
        if (--pauses === 0) writeHeld();
      };
    },
    close() {
      held.push(...crowd.end().flatMap((one) => entryLines(one, 0, style)).map((line) => `${style.dim(timeOfDay(lastAt))}  ${line}`));
      writeHeld();
    },
  };
}
