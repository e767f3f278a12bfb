import { createHash } from "node:crypto";

/**
 * Hex digits that depend on nothing but `seed` and `label`: planners stay pure, names still differ from run to run.
 * @param digits how many, at most 64
 */
export function derivedHex(seed: string, label: string, digits: number): string {
  return createHash("sha256").update(`${seed}\0${label}`).digest("hex").slice(0, digits);
}
