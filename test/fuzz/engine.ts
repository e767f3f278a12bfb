import fc from "fast-check";
import { isDeployError } from "../../lib/ground/errors.ts";

/** Something of lib that reads text which nobody vouches for. */
export interface Reader {
  readonly name: string;
  /** The file in lib whose parser this is; a test sees that none is left out. */
  readonly file: string;
  /** Pieces of its grammar: inputs are made of them, and of anything else. */
  readonly tokens: readonly string[];
  /** Whole inputs as they should be, to be damaged. */
  readonly samples?: readonly string[];
  /** Inputs that are made in another way than of tokens and damaged samples. */
  readonly inputs?: fc.Arbitrary<string>;
  /** A DeployError is a refusal. Anything else that is thrown is a defect, and so is what a check in here throws. */
  readonly read: (text: string) => unknown;
  /** How a refusal that is no DeployError is known: what a Query's parser throws becomes one where it is asked. */
  readonly refuses?: (error: unknown) => boolean;
  /** Fewer inputs: each one starts something slow. */
  readonly share?: number;
}

/** What came of a reader. */
export interface Outcome {
  readonly name: string;
  readonly inputs: number;
  readonly refusals: number;
  /** Of processor time. */
  readonly slowestMs: number;
  /** The slowest of the inputs of about a megabyte. */
  readonly longestMs: number;
  readonly failure: string | undefined;
}

const nasty = ["", " ", "\t", "\n", "\r\n", "\r", "\0", "\"", "'", "`", "\\", "$(id)", "${HOME}", "$", "=", "#", "-", "--", "-o", ":", ",", "/", "..", "|", "*", "?", "[", "]", "{", "}", "(", ")", "<", ">", "\x1b[31m", "\x1b]0;x\x07", "\x1e", "\u009b", "\u202e", "\u200b", "\ufeff", "\ufffd", "😀", "é", "0", "1", "-1", "1e999", "99999999999999999999", "NaN", "null", "true", "__proto__", "constructor", "toString"];

/** Texts of a grammar, near it, and far from it. */
export function texts(tokens: readonly string[], samples: readonly string[] = []): fc.Arbitrary<string> {
  const piece = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...(tokens.length === 0 ? [""] : tokens)) }, { weight: 2, arbitrary: fc.constantFrom(...nasty) }, { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) });
  const made = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(""));
  if (samples.length === 0) return made;
  const damaged = fc.tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(8), piece), { minLength: 1, maxLength: 5 })).map(([sample, wounds]) =>
    wounds.reduce((text, [where, length, put]) => {
      const at = Math.floor(where * text.length);
      return text.slice(0, at) + put + text.slice(at + length);
    }, sample));
  return fc.oneof({ weight: 2, arbitrary: damaged }, { weight: 1, arbitrary: made });
}

export const megabyte = 1_000_000;

/** Inputs of about a megabyte: what a careless reader would go over again for each piece of it. */
export function long({ tokens, samples = [] }: Pick<Reader, "tokens" | "samples">): readonly (readonly [what: string, text: string])[] {
  const repeated = (piece: string): string => piece.repeat(Math.max(1, Math.floor(megabyte / piece.length)));
  const units = [...new Set([...tokens, ...samples, "a", " ", "\n", "\"", "\\", "(", "[", "{", "a\n", "a b ", "$(", "${", "=", "a=b\n"])].filter((unit) => unit !== "");
  return [...units.map((unit) => [JSON.stringify(unit.slice(0, 30)), repeated(unit)] as const), ...samples.map((sample) => [`${JSON.stringify(sample.slice(0, 20))} and a`, sample + "a".repeat(megabyte)] as const)];
}

/** Runs a reader over many inputs. The same seed makes the same inputs. */
export async function fuzz(reader: Reader, count: number, seed: number, longest: { readonly deadlineMs: number; readonly inputs?: number } | undefined): Promise<Outcome> {
  let [inputs, refusals, slowestMs, longestMs] = [0, 0, 0, 0];
  const once = async (text: string): Promise<number> => {
    // Of this process alone: the machine may have other things to do.
    const started = process.cpuUsage();
    try {
      await reader.read(text);
    } catch (error) {
      const refused = isDeployError(error) ? error.message !== "" : reader.refuses?.(error) === true;
      if (!refused) throw error;
      refusals++;
    }
    inputs++;
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  const property = fc.asyncProperty(reader.inputs ?? texts(reader.tokens, reader.samples), async (text) => {
    slowestMs = Math.max(slowestMs, await once(text));
  });
  const details = await fc.check(property, { numRuns: Math.max(1, Math.ceil(count * (reader.share ?? 1))), seed, endOnFailure: false });
  let failure = details.failed ? `${JSON.stringify(details.counterexample?.[0])}: ${textOf(details.errorInstance)}` : undefined;
  for (const [what, text] of longest === undefined || failure !== undefined ? [] : long(reader).slice(0, longest.inputs)) {
    try {
      const tookMs = await once(text);
      longestMs = Math.max(longestMs, tookMs);
      if (tookMs > longest!.deadlineMs) failure ??= `${what}, a megabyte of it, took ${Math.round(tookMs)} ms`;
    } catch (error) {
      failure ??= `${what}, a megabyte of it: ${textOf(error)}`;
    }
  }
  return { name: reader.name, inputs, refusals, slowestMs, longestMs, failure };
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message).slice(0, 1500) : String(error));
