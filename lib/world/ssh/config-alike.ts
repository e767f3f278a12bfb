import type { Address } from "./address.ts";
import { configLines, fitsAny } from "./config-lines.ts";

/** What may say something else of each host, or depends on more than the sections that its name fits. */
const individual = ["match", "hostname", "proxyjump", "canonicalizehostname", "canonicaldomains"];

/**
 * Tells which hosts an ssh_config says the same of, so that OpenSSH is asked of one of them only.
 * @param texts all files that it read, included ones too
 * @returns a key that such hosts share, but for their name; undefined for a host that must be asked of by itself
 */
export function alikeIn(texts: readonly string[]): (address: Address) => string | undefined {
  const lines = texts.flatMap(configLines);
  // OpenSSH takes a keyword in quotes, and whatever else we do not take for one.
  if (lines.some(({ keyword }) => !/^[a-z0-9]+$/.test(keyword))) return () => undefined;
  // A token such as %h becomes the name of the host.
  if (lines.some(({ keyword, rest }) => individual.includes(keyword) || /%|\$\{/.test(rest))) return () => undefined;
  const sections = lines.filter(({ keyword }) => keyword === "host");
  return ({ user, host, port }) => (host === host.toLowerCase() ? JSON.stringify([user, port, sections.map(({ words }) => fitsAny(words, host))]) : undefined);
}
