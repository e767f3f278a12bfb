import { basename, join, resolve } from "node:path";
import { DeployError, isDeployError } from "../ground/errors.ts";
import { Secret } from "../ground/secret.ts";
import { escaped, escapeValue, obstacleTo } from "../ground/env-text.ts";
import { settle } from "../ground/settle.ts";
import type { Files, Programs } from "../ground/world.ts";
import { type Entry, parseDotenv, type Part } from "./dotenv.ts";
import { fileText } from "./place.ts";
import type { SecretFunction, SecretReader } from "./secret-function.ts";
import { NoOutput, secretReader } from "./secret-reader.ts";
import { shellProgram } from "./shell-command.ts";
import { isSecretsCommand, runSecretsCommand } from "./secret-sources/inline.ts";
import { type Managers, passwordManagers } from "./secret-sources/managers.ts";
import type { SecretRef } from "./secret-ref.ts";
import type { SecretStore } from "./settings.ts";

/** Where secrets come from, first match wins: the files, the functions of the config, the environment. */
export interface SecretSources {
  readonly files: Files;
  /** Runs `$(command)` of the files. */
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the config file: absolute. */
  readonly root: string;
  readonly destination: string | undefined;
  /** The secrets file without destination, relative to the root. */
  readonly path: string;
  /** Secrets of the config itself. */
  readonly functions: Readonly<Record<string, SecretFunction | SecretRef>>;
  readonly signal?: AbortSignal | undefined;
  /** Told of every value that is given out: it must not be shown from then on. */
  readonly conceal?: ((value: string, name: string) => void) | undefined;
}

/** How long one `$(command)` may take: it may ask the user for a password. */
const commandTimeoutMs = 5 * 60_000;

/** `.env` and its kin are read as everybody reads them: the environment goes first, and the file of a destination over the plain one. */
const isDotenv = (path: string): boolean => basename(path) === ".env";

/** The paths of the secrets files, the one that goes over last. */
export function secretFiles({ root, path, destination }: Pick<SecretSources, "root" | "path" | "destination">): readonly string[] {
  const base = resolve(root, path);
  if (isDotenv(path)) return [base, ...(destination === undefined ? [] : [`${base}.${destination}`])];
  return [`${base}-common`, destination === undefined ? base : `${base}.${destination}`];
}

/** A store of secrets. Nothing is read until it is asked to {@link SecretStore.load}, or for a value. */
export function secretStore(sources: SecretSources): SecretStore {
  const wanted = new Set<string>();
  const loaded = new Map<string, string>();
  const filled = new Map<string, Set<string>>();
  const find = finder(sources);
  const keep = (name: string, value: string): void => {
    sources.conceal?.(value, name);
    loaded.set(name, value);
  };
  const missing = (names: readonly string[]): Promise<never> => missingError(sources, names);
  return Object.freeze({
    get(name: string, variable?: string): Secret {
      wanted.add(name);
      if (variable !== undefined) filled.set(name, (filled.get(name) ?? new Set()).add(variable));
      return new Secret(name, () => loaded.get(name));
    },
    async value(name: string): Promise<string> {
      const value = loaded.get(name) ?? (await find(name)) ?? (await missing([name]));
      keep(name, value);
      return value;
    },
    async all(): Promise<Readonly<Record<string, string>>> {
      const names = [...new Set([...(await find.names()), ...wanted])];
      const results = await settle(names, 16, find);
      const failures = results.flatMap((result) => (result.ok ? [] : [result.error]));
      if (failures.length > 0) throw allFailures(failures);
      return Object.fromEntries(results.flatMap((result) => (result.ok && result.value !== undefined ? [[result.item, result.value]] : [])));
    },
    async load(): Promise<void> {
      const names = [...wanted].filter((name) => !loaded.has(name));
      const results = await settle(names, 16, find);
      const failures = results.flatMap((result) => (result.ok ? [] : [result.error]));
      const gone = results.flatMap((result) => (result.ok && result.value === undefined ? [result.item] : []));
      if (failures.length > 0) throw allFailures(failures);
      if (gone.length > 0) await missing(gone);
      const unfit = results.flatMap((result) => (result.ok && result.value !== undefined ? unfitFor(result.value, [...(filled.get(result.item) ?? [])]).map((why) => `${result.item}: ${why}`) : []));
      if (unfit.length > 0) throw new DeployError("config", unfit.length === 1 ? `Cannot use secret ${unfit[0]}` : `Cannot use ${unfit.length} secrets`, { details: unfit.length === 1 ? [] : unfit, hint: "Correct the value where it comes from, or give the variable another name; bytes that are no text can be written as base64" });
      for (const result of results) if (result.ok && result.value !== undefined) keep(result.item, result.value);
    },
    async concealAtHand(): Promise<void> {
      // A file that cannot be read is told to whoever needs a secret: this command does not.
      const results = await settle([...wanted], 16, (name) => find.atHand(name));
      for (const result of results) if (result.ok && result.value !== undefined) keep(result.item, result.value);
    },
  });
}

/** The longest line that docker reads of an env file is 64 KiB: the name and what is escaped need room too. */
const mostEnvBytes = 60_000;

/** Why a value would not arrive as it is. */
function unfitFor(value: string, variables: readonly string[]): readonly string[] {
  if (value.includes("\ufffd")) return ["its value is no UTF-8"];
  if (variables.length === 0) return [];
  if (value.includes("\0")) return ["its value has a NUL character, which no environment can hold"];
  const bytes = Buffer.byteLength(escapeValue(value));
  if (bytes > mostEnvBytes) return [`its value has ${bytes} bytes${escaped.test(value) ? " as an env file holds it" : ""}, and docker reads at most ${mostEnvBytes} of a variable`];
  return escaped.test(value) ? variables.flatMap((variable) => obstacleTo(variable) ?? []).map((why) => `its value has a line break, another control character or a backslash, which no env file can hold; to hand it on in another way fails, since ${why}`) : [];
}

/** One failure as it is, several as one. A failure that several secrets share is told once. */
function allFailures(failures: readonly unknown[]): unknown {
  const different = [...new Set(failures)];
  const bug = different.find((failure) => !isDeployError(failure));
  if (different.length === 1 || bug !== undefined) return bug ?? different[0];
  const errors = different.filter(isDeployError);
  return new DeployError("config", `Cannot read ${errors.length} secrets`, { details: errors.flatMap(({ message, details }) => [message, ...details.map((line) => `  ${line}`)]), hint: errors[0]?.hint });
}

type Variable = Extract<Part, { kind: "variable" }>;

/** Gives the value of a secret, and the names of all that files and config know. */
interface Finder {
  (name: string): Promise<string | undefined>;
  names(): Promise<readonly string[]>;
  /** The value where nothing has to be run for it; undefined where something would have to be. */
  atHand(name: string): Promise<string | undefined>;
}

/** Finds values by name; each file, entry, command and function is read at most once, and only when it is needed. */
function finder(sources: SecretSources): Finder {
  let entries: Promise<readonly Entry[]> | undefined;
  const evaluated = new Map<Entry, Promise<string>>();
  const called = new Map<string, Promise<string>>();
  const port = { programs: sources.programs, env: sources.env, cwd: sources.root, signal: sources.signal };
  const managers = passwordManagers(port);
  const reader = secretReader(port, managers);
  const ofEnv = ({ name }: Variable): string => sources.env[name] ?? "";

  const evaluate = (all: readonly Entry[], entry: Entry): Promise<string> => {
    const value = evaluated.get(entry) ?? evaluateParts(entry.value, all.slice(0, all.indexOf(entry)), entry, ofEnv);
    evaluated.set(entry, value);
    return value;
  };
  const evaluateParts = async (parts: readonly Part[], before: readonly Entry[], entry: Entry, otherwise: (variable: Variable) => string): Promise<string> => {
    const texts = await Promise.all(parts.map(async (part) => {
      if (part.kind === "text") return part.text;
      if (part.kind === "command" && isSecretsCommand(part.source)) return fetched(managers, await evaluateParts(part.parts, before, entry, ofEnv), entry);
      if (part.kind === "command") return output(sources, await evaluateParts(part.parts, before, entry, ({ source }) => source), part.source, entry);
      const earlier = before.findLast(({ name }) => name === part.name);
      return earlier === undefined ? otherwise(part) : evaluate(before, earlier);
    }));
    return texts.join("");
  };
  const call = (name: string, source: SecretFunction): Promise<string> => {
    const value = called.get(name) ?? callFunction(name, source, reader);
    called.set(name, value);
    return value;
  };
  const read = (): Promise<readonly Entry[]> => (entries ??= readEntries(sources));
  const find = async (name: string, asked: readonly string[], atHand = false): Promise<string | undefined> => {
    const given = sources.env[name];
    if (isDotenv(sources.path) && given !== undefined && given !== "") return given;
    const all = await read();
    const entry = all.findLast((candidate) => candidate.name === name);
    if (entry !== undefined) return atHand && !isPlain(all, entry) ? undefined : evaluate(all, entry);
    const source = sources.functions[name];
    if (typeof source === "function") return atHand ? undefined : call(name, source);
    if (source !== undefined && !asked.includes(source.name)) return find(source.name, [...asked, name], atHand);
    // An empty variable is how CI systems pass on a secret that does not exist.
    return given === "" ? undefined : given;
  };
  return Object.assign((name: string) => find(name, [name]), { atHand: (name: string) => find(name, [name], true), names: async () => [...(await read()).map(({ name }) => name), ...Object.keys(sources.functions)] });
}

/** True where neither an entry nor what it refers to holds a command. */
function isPlain(all: readonly Entry[], entry: Entry): boolean {
  const before = all.slice(0, all.indexOf(entry));
  return entry.value.every((part) => {
    if (part.kind !== "variable") return part.kind === "text";
    const earlier = before.findLast(({ name }) => name === part.name);
    return earlier === undefined || isPlain(before, earlier);
  });
}

async function readEntries(sources: SecretSources): Promise<readonly Entry[]> {
  const files = await Promise.all(secretFiles(sources).map(async (file) => ({ file, text: await sources.files.read(file) })));
  return files.flatMap(({ file, text }) => (text === undefined ? [] : parseDotenv(text, fileText(file, sources.root))));
}

async function callFunction(name: string, source: SecretFunction, reader: SecretReader): Promise<string> {
  let value: unknown;
  try {
    value = await source(reader);
  } catch (cause) {
    if (isDeployError(cause)) throw cause;
    if (cause instanceof NoOutput) {
      throw new DeployError("config", `Cannot read secret ${name} (secrets.${name} of the config)`, { details: [cause.message, ...cause.details], hint: "Run the command in a shell to see what is wrong; perhaps you have to log in first", cause });
    }
    throw new DeployError("config", `Cannot read secret ${name}: its function in the config threw ${cause instanceof Error ? `"${cause.message}"` : "something that is no Error"}`, { cause, hint: `Correct secrets.${name} in the config, or what it asks` });
  }
  if (typeof value !== "string") throw new DeployError("config", `Cannot read secret ${name}: its function in the config gave ${value === undefined ? "nothing" : `a ${typeof value}`} instead of a text`, { hint: `Return a text from secrets.${name}` });
  return value;
}

/** What `$(kamal secrets …)` of a file gives. */
async function fetched(managers: Managers, command: string, { file, line, name }: Entry): Promise<string> {
  try {
    return (await runSecretsCommand(command, managers)).replace(/[\r\n]+$/, "");
  } catch (error) {
    if (!isDeployError(error) || error.failure === "cancelled") throw error;
    throw new DeployError("config", `Cannot read secret ${name} (${file}:${line})`, { details: [error.message, ...error.details], hint: error.hint, cause: error });
  }
}

/** What a command prints, without line ends behind it. It is shown only as it was written: it may hold values of other secrets. */
async function output(sources: SecretSources, command: string, source: string, { file, line, name }: Entry): Promise<string> {
  const exit = await sources.programs.run(shellProgram(name, command, source, sources.root), { timeoutMs: commandTimeoutMs, signal: sources.signal ?? new AbortController().signal });
  if (exit.status === 0) return exit.stdout.replace(/[\r\n]+$/, "");
  const ending = exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`;
  throw new DeployError("config", `Cannot read secret ${name} (${file}:${line}): $(${source}) ended with ${ending}`, {
    details: exit.stderr.trim().split("\n").filter(Boolean).slice(-20),
    hint: "Run the command in a shell to see what is wrong; perhaps you have to log in first",
  });
}

/** Lists all missing names and where each was looked for. */
async function missingError(sources: SecretSources, names: readonly string[]): Promise<never> {
  const files = await Promise.all(secretFiles(sources).map(async (file) => ({ text: fileText(file, sources.root), exists: await sources.files.exists(file) })));
  const places = [
    ...files.map(({ text, exists }) => (exists ? text : `${text} (there is no such file)`)),
    ...(Object.keys(sources.functions).length === 0 ? [] : ["secrets of the config"]),
    "the environment",
  ];
  const details = names.map((name) => (sources.env[name] === "" ? `${name} (in the environment, but empty)` : name));
  throw new DeployError("config", names.length === 1 ? `Cannot find secret ${names[0]}` : `Cannot find ${names.length} secrets: ${names.join(", ")}`, {
    details: [...details, `Looked in ${places.join(", ")}`],
    hint: `Add ${names.length === 1 ? "it" : "them"} to ${files.at(-1)?.text ?? join(sources.root, sources.path)}, or set ${names.length === 1 ? "it" : "them"} in the environment`,
  });
}
