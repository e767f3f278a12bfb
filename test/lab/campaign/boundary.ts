/** One line of the tool's `--json` output. */
export interface ToolEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A moment of an operation that the tool itself reports. */
export interface Boundary {
  /** The same in every run of the operation, whatever versions and addresses are: words joined by dots. */
  readonly key: string;
  /** Number of the host it is about, from 1; undefined: of none. */
  readonly host: number | undefined;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/**
 * A title without what differs from run to run: the campaign's versions become `V`, hex `H`, addresses of hosts `h1`,
 * `h2`, other addresses `A`.
 * @param hosts addresses, in order
 */
export function normalised(title: string, hosts: readonly string[]): string {
  return title
    .replaceAll(/\b\d+\.\d+\.\d+\.\d+\b/g, (address) => (hosts.includes(address) ? `h${hosts.indexOf(address) + 1}` : "A"))
    .replaceAll(/(?<![a-z0-9])r\d+x\d+(?![a-z0-9])/g, "V")
    .replaceAll(/(?<![a-z0-9])(?=[0-9a-f]*\d)[0-9a-f]{7,64}(?![a-z0-9])/g, "H");
}

const slug = (words: string): string => words.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");

/** The boundary that an event is; undefined for lines that mark none: output, notes, what only a failing run says. */
export function boundaryOf(event: ToolEvent, hosts: readonly string[]): Boundary | undefined {
  const words = wordsOf(event);
  if (words === undefined) return undefined;
  const host = hosts.indexOf(text(event["host"])) + 1;
  const key = [event.type, ...words.map((word) => slug(normalised(word, hosts))), ...(host === 0 ? [] : [`h${host}`])].filter((word) => word !== "").join(".");
  return { key, host: host === 0 ? undefined : host };
}

function wordsOf(event: ToolEvent): readonly string[] | undefined {
  switch (event.type) {
    case "start":
    case "summary": return [];
    case "phase-start":
    case "phase-end": return [text(event["phase"])];
    case "step-start":
    case "step-end": return [text(event["phase"]), text(event["title"])];
    case "connect": return [text(event["state"])];
    case "lock": return [text(event["state"])];
    case "hook": return [text(event["name"]), text(event["state"])];
    // How often a starting container is asked in vain is chance, as are the pieces of a transfer.
    case "transfer": return event["state"] === "end" ? ["end"] : undefined;
    case "probe": return event["ok"] === true ? ["ok"] : undefined;
    default: return undefined;
  }
}

/** Every boundary of a run once, sorted: two hosts that work side by side come in no order. */
export function boundariesOf(events: readonly ToolEvent[], hosts: readonly string[]): readonly Boundary[] {
  const found = new Map(events.flatMap((event) => boundaryOf(event, hosts) ?? []).map((boundary) => [boundary.key, boundary]));
  return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
