import { isSecret, type Secret } from "../ground/secret.ts";

/** Knows every secret value that left the process and takes it out of texts. */
export interface Redactor {
  /** The value of a text or secret. A secret, and what it is made of, is scrubbed from now on. */
  open(text: string | Secret): string;
  /** Scrubs `value` from now on. Values under four characters are left: they would tear ordinary words apart. */
  conceal(value: string, name?: string): void;
  scrub(text: string): string;
  /** Scrubs a text that arrives in pieces: a value cut by the border of two pieces is found too. */
  stream(): { push(piece: string): string; end(): string };
  /** The same data with every string in it scrubbed. */
  scrubData<T>(data: T): T;
}

const shortest = 4;
/** Lines of a longer value, such as a private key, are worth hiding by themselves; short ones are ordinary words. */
const shortestLine = 16;

export function createRedactor(): Redactor {
  /** Value to what stands for it, the longest first: a value inside another must not break it up. */
  let known: (readonly [value: string, stand: string])[] = [];
  const values = new Set<string>();
  const opened = new WeakSet<Secret>();

  const add = (value: string, name: string): void => {
    if (value.length < shortest || values.has(value)) return;
    values.add(value);
    known = [...known, [value, `‹secret ${name}›`] as const].sort(([a], [b]) => b.length - a.length);
  };
  const conceal = (value: string, name = "value"): void => {
    add(value, name);
    add(value.trim(), name);
    add(JSON.stringify(value).slice(1, -1), name);
    const lines = value.split(/\r?\n/);
    if (lines.length > 1) for (const line of lines) if (line.length >= shortestLine && !line.startsWith("-----")) add(line, name);
  };
  const remember = (secret: Secret): void => {
    if (opened.has(secret)) return;
    opened.add(secret);
    for (const part of secret.parts) remember(part);
    // A joined text, such as an env file, also holds clear values: its lines are no secrets, only its parts are.
    if (secret.parts.length === 0) conceal(secret.reveal(), secret.name);
    else add(secret.reveal(), secret.name);
  };
  const scrub = (text: string): string => known.reduce((text, [value, stand]) => (text.includes(value) ? text.replaceAll(value, stand) : text), text);
  const scrubUnknown = (data: unknown): unknown => {
    if (typeof data === "string") return scrub(data);
    if (Array.isArray(data)) return data.map(scrubUnknown);
    if (typeof data !== "object" || data === null || Object.getPrototypeOf(data) !== Object.prototype) return data;
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, scrubUnknown(value)]));
  };

  return {
    conceal,
    scrub,
    open(text) {
      if (!isSecret(text)) return text;
      remember(text);
      return text.reveal();
    },
    stream() {
      let held = "";
      return {
        push(piece) {
          const text = held + piece;
          const border = safeBorder(text, known);
          held = text.slice(border);
          return scrub(text.slice(0, border));
        },
        end() {
          const rest = scrub(held);
          held = "";
          return rest;
        },
      };
    },
    scrubData: <T>(data: T): T => (known.length === 0 ? data : (scrubUnknown(data) as T)),
  };
}

/** Where `text` may be cut: behind it could be the beginning of a value, and no value lies across it. */
function safeBorder(text: string, known: readonly (readonly [string, string])[]): number {
  let border = text.length;
  for (const [value] of known) {
    for (let length = Math.min(value.length - 1, text.length); length > text.length - border; length--) {
      if (text.endsWith(value.slice(0, length))) border = text.length - length;
    }
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const [value] of known) {
      const start = text.lastIndexOf(value, border - 1);
      if (start === -1 || start >= border || start + value.length <= border) continue;
      border = start;
      moved = true;
    }
  }
  return border;
}
