import { dirname } from "node:path";
import { DeployError, isDeployError } from "../ground/errors.ts";
import type { Files } from "../ground/world.ts";
import { codeFrame, fileText, placeAt, placesOf, placeText, type Place } from "./place.ts";

interface Reader {
  readonly files: Files;
  readonly cwd: string;
}

/** What Bun throws for code it cannot parse. Its class is global, but not the same in all ways to run. */
interface BuildFailure {
  readonly name: string;
  readonly message: string;
  readonly position: { readonly file: string; readonly line: number; readonly column: number } | null;
}

/** What Bun throws for an import it cannot find. */
interface ResolveFailure {
  readonly specifier: string;
  readonly referrer: string;
}

/**
 * A DeployError (config) for whatever came out of importing or calling a config: the user's own file, line and column, and the code there.
 * A DeployError that the config threw itself is given back as it is.
 */
export async function importError(error: unknown, file: string, reader: Reader): Promise<DeployError> {
  if (isDeployError(error)) return error;
  const name = fileText(file, reader.cwd);
  const syntax = buildFailures(error);
  if (syntax.length > 0) return syntaxError(error, name, syntax, reader);
  if (isResolveFailure(error)) return resolveError(error, name, reader);
  const missing = error instanceof Error ? /^Export named '(.+)' not found in module '(.+)'\.?$/.exec(error.message) : null;
  if (missing !== null) return exportError(error, file, missing[1] ?? "", missing[2] ?? "", reader);
  return thrownError(error, file, reader);
}

function buildFailures(error: unknown): readonly BuildFailure[] {
  const isOne = (value: unknown): value is BuildFailure => typeof value === "object" && value !== null && "name" in value && value.name === "BuildMessage" && "message" in value && "position" in value;
  if (isOne(error)) return [error];
  return error instanceof AggregateError ? error.errors.filter(isOne) : [];
}

const isResolveFailure = (error: unknown): error is ResolveFailure =>
  typeof error === "object" && error !== null && "specifier" in error && typeof error.specifier === "string" && "referrer" in error && typeof error.referrer === "string";

async function syntaxError(cause: unknown, name: string, failures: readonly BuildFailure[], reader: Reader): Promise<DeployError> {
  const blocks = await Promise.all(failures.slice(0, 5).map(async ({ message, position }) =>
    position === null ? [message] : [`${placeText(position, reader.cwd)}: ${message}`, ...(await frameAt(position, reader))]));
  const broken = failures[0]?.position?.file;
  return new DeployError("config", `Cannot read ${broken === undefined ? name : fileText(broken, reader.cwd)}: it is not valid TypeScript`, { cause, details: blocks.flat(), hint: "Correct the code at the first place: the others may follow from it" });
}

async function resolveError(cause: ResolveFailure, name: string, reader: Reader): Promise<DeployError> {
  const { specifier, referrer } = cause;
  const local = /^[./]/.test(specifier);
  return new DeployError("config", `Cannot load ${name}: it imports "${specifier}", which cannot be found`, {
    cause,
    details: await quotedAt(referrer, specifier, reader),
    hint: local ? "Correct the path: it is relative to the file that imports it" : `Install it beside the config: bun add ${specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/")}`,
  });
}

async function exportError(cause: unknown, file: string, missing: string, module: string, reader: Reader): Promise<DeployError> {
  const source = (await reader.files.read(file)) ?? "";
  const at = new RegExp(`\\b${missing.replaceAll(/[^\w]/g, "\\$&")}\\b`).exec(source);
  const place = at === null ? undefined : placeAt(file, source, at.index);
  return new DeployError("config", `Cannot load ${fileText(file, reader.cwd)}: "${fileText(module, reader.cwd)}" exports no "${missing}"`, {
    cause,
    details: place === undefined ? [] : [`${placeText(place, reader.cwd)}:`, ...codeFrame(source, place)],
    hint: "Correct the name in the import",
  });
}

const thrownError = (error: unknown, file: string, reader: Reader): Promise<DeployError> => {
  const name = fileText(file, reader.cwd);
  return thrownIn(error, { lead: `Cannot load ${name}`, file, at: undefined, hint: `Correct ${name}, or what it asks` }, reader);
};

/** What code of the user was called for. */
interface Called {
  /** Begins the sentence: `Cannot load deploy.config.ts`. */
  readonly lead: string;
  /** The config; what lies beside and below it is the user's code. Undefined: a program made it. */
  readonly file: string | undefined;
  /** What is shown where the error does not tell its own place. */
  readonly at: Place | undefined;
  readonly hint: string;
}

/** A DeployError (config) for what code of the user threw: their own file, line and column, and the code there. */
export async function thrownIn(error: unknown, { lead, file, at, hint }: Called, reader: Reader): Promise<DeployError> {
  if (!(error instanceof Error)) {
    return new DeployError("config", `${lead}: it threw ${typeof error === "string" ? JSON.stringify(error) : Bun.inspect(error)}`, { cause: error, details: await shown(at, reader), hint: "Throw an Error instead: it knows where it was thrown" });
  }
  const places = placesOf(error.stack);
  const own = places.filter((place) => place.file.startsWith(file === undefined ? reader.cwd : dirname(file)) && !place.file.includes("/node_modules/") && !place.file.startsWith(import.meta.dir));
  return new DeployError("config", `${lead}: ${error.name}: ${error.message}`, {
    cause: error,
    details: [...(await shown(own[0] ?? places.find((candidate) => candidate.file === file) ?? at, reader)), ...own.slice(1, 5).map((caller) => `called from ${placeText(caller, reader.cwd)}`)],
    hint,
  });
}

/** A place and the code there. */
async function shown(place: Place | undefined, reader: Reader): Promise<string[]> {
  return place === undefined ? [] : [`${placeText(place, reader.cwd)}:`, ...(await frameAt(place, reader))];
}

async function frameAt(place: Place, { files }: Reader): Promise<string[]> {
  return codeFrame((await files.read(place.file)) ?? "", place);
}

/** Where a quoted text stands in a file. */
async function quotedAt(file: string, text: string, { files, cwd }: Reader): Promise<string[]> {
  const source = (await files.read(file)) ?? "";
  const offset = [`"${text}"`, `'${text}'`].map((quoted) => source.indexOf(quoted)).find((found) => found >= 0);
  if (offset === undefined) return [`${fileText(file, cwd)}`];
  const place = placeAt(file, source, offset);
  return [`${placeText(place, cwd)}:`, ...codeFrame(source, place)];
}
