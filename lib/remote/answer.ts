/**
 * A piece of what a host answered, which goes into commands later, there or on other hosts.
 * @throws Error, which becomes one of that host, when it cannot be what it is taken for
 */
export function checked(ok: boolean, what: string, text: string): string {
  if (ok) return text;
  throw new Error(`Cannot read ${what}: ${JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)}`);
}

/** Docker's rule for ids and for names of containers. */
export const isName = (text: string): boolean => /^[A-Za-z0-9][\w.-]{0,252}$/.test(text);

/** A text without control characters. */
export const isPlain = (text: string): boolean => !/\p{Cc}/u.test(text);

/** One word without control characters, that is no option. */
export const isWord = (text: string): boolean => /^(?!-)[^\s\p{Cc}]*$/u.test(text);

/** Where a proxy sends requests: `id:port`, or an address. */
export const isTarget = (text: string): boolean => /^[\w.@[][\w.:@[\]-]{0,300}$/.test(text);
