import { parseArgs } from "node:util";
import { faultNames, operationNames, wayNames, type Fault, type Operation, type Way } from "./kinds.ts";

/** What the command line of the campaign says. */
export interface CampaignOptions {
  readonly seed: number;
  /** How many; undefined: so many that every boundary has one, {@link usualCount} at least. */
  readonly points: number | undefined;
  readonly lanes: number;
  readonly operations: readonly Operation[];
  readonly ways: readonly Way[];
  readonly faults: readonly Fault[] | undefined;
  /** One point alone. */
  readonly point: { readonly id: string; readonly way: Way; readonly operation: Operation; readonly fault: Fault; readonly key: string } | undefined;
  /** No point is begun after so many minutes; undefined: all are. */
  readonly minutes: number | undefined;
  /** Writes the page of the documentation. */
  readonly write: boolean;
  readonly record: string | undefined;
}

/** The seed of the campaign in the documentation. */
export const usualSeed = 2026;

/** How many points a whole campaign has at least. */
export const usualCount = 320;

/** Reads the command line. @throws Error that says what is wrong with it */
export function campaignOptions(args: readonly string[]): CampaignOptions {
  const { values } = parseArgs({ args: [...args], strict: true, options: {
    seed: { type: "string" }, points: { type: "string" }, lanes: { type: "string" }, operation: { type: "string", multiple: true }, way: { type: "string", multiple: true }, fault: { type: "string", multiple: true }, point: { type: "string" }, minutes: { type: "string" },
    write: { type: "boolean" }, record: { type: "string" },
  } });
  const point = values.point === undefined ? undefined : readPoint(values.point);
  return {
    seed: whole("seed", values.seed, usualSeed, 0), points: values.points === undefined ? undefined : whole("points", values.points, usualCount, 1), lanes: point === undefined ? whole("lanes", values.lanes, 3, 1) : 1,
    operations: point === undefined ? (values.operation ?? operationNames).map((word) => known("operation", word, operationNames)) : [point.operation],
    ways: point === undefined ? (values.way ?? wayNames).map((word) => known("way", word, wayNames)) : [point.way],
    faults: values.fault?.map((word) => known("fault", word, faultNames)), point, minutes: values.minutes === undefined ? undefined : whole("minutes", values.minutes, 0, 1), write: values.write ?? false, record: values.record,
  };
}

function whole(name: string, text: string | undefined, fallback: number, min: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new Error(`--${name} is a whole number of at least ${min}, not ${text}`);
  return value;
}

function known<Word extends string>(what: string, word: string, words: readonly Word[]): Word {
  const found = words.find((one) => one === word);
  if (found === undefined) throw new Error(`${word} is no ${what}: ${words.join(", ")}`);
  return found;
}

function readPoint(id: string): CampaignOptions["point"] {
  const [way = "", operation = "", fault = "", ...key] = id.split("/");
  if (key.length !== 1 || key[0] === undefined) throw new Error(`A point is WAY/OPERATION/FAULT/BOUNDARY, not ${id}`);
  return { id, way: known("way", way, wayNames), operation: known("operation", operation, operationNames), fault: known("fault", fault, faultNames), key: key[0] };
}
