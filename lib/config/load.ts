import { basename, dirname, join, resolve } from "node:path";
import { DeployError } from "../ground/errors.ts";
import type { Clock, Files, Programs } from "../ground/world.ts";
import type { ConfigEnv } from "./config-env.ts";
import { type ConfigExport, placeOf } from "./define.ts";
import { aliasesOf } from "./aliases.ts";
import { dotenvReader } from "./dotenv-reader.ts";
import { withHosts } from "./host-functions.ts";
import { importError } from "./import-error.ts";
import { isMap, overlay } from "./merge.ts";
import { type ConfigPlace, parseConfig } from "./parse.ts";
import { fileText, placeAt, type Place } from "./place.ts";
import { foundText } from "./problems.ts";
import type { Settings } from "./settings.ts";
import type { DeployConfig } from "./types.ts";

/** What a config is read with. */
export interface ConfigSource {
  readonly files: Files;
  /** Runs the commands of secrets files. */
  readonly programs: Programs;
  /** Ends functions that give hosts and take too long. */
  readonly clock: Clock;
  /** The user's working directory: absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What stands after `-d`. */
  readonly destination?: string | undefined;
  /** Such as `deploy`. */
  readonly command: string;
  /** What stands after `--version`. */
  readonly version?: string | undefined;
  /** Ends commands of secrets files. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every secret that is read: it must not be shown from then on. */
  readonly conceal?: ((value: string, name: string) => void) | undefined;
  /** Names of commands: aliases must not take them. */
  readonly commands?: readonly string[] | undefined;
}

/** Where a config file is looked for. */
interface ConfigFile {
  /** Relative to the working directory, or absolute. */
  readonly configFile?: string | undefined;
}

const endings = ["ts", "js", "mjs"] as const;
const isYaml = (file: string): boolean => /\.ya?ml$/.test(file);
/** Where Kamal and MRSK have their config. */
const yamlFile = "config/deploy.yml";

/**
 * Loads `deploy.config.ts` (or .js, .mjs) of the working directory, or the file that `configFile` names, and what differs for the destination.
 * A file that ends with .yml or .yaml is a project of Kamal or MRSK, see yaml/load.ts.
 * @throws DeployError (config) when there is no such file, when it cannot be read or throws, or with every problem of the config; (usage) when a destination is required
 */
export async function loadConfig(options: ConfigSource & ConfigFile): Promise<Settings> {
  const { config, place } = await loadUnchecked(options);
  return await withoutFunctions(config, place, options);
}

/** Calls the functions that stand for hosts, and gives the settings of what is a plain config then. */
async function withoutFunctions(given: unknown, place: ConfigPlace, options: ConfigSource): Promise<Settings> {
  const { files, clock, cwd, signal } = options;
  const { config, problems } = await withHosts(given, { context: configEnv(options, place.root), files, clock, cwd, signal, source: place.sources[0] });
  // The schema looks at it next: whatever was exported, what comes out is a config.
  return parseConfig(config as DeployConfig, { ...place, problems: [...(place.problems ?? []), ...problems] });
}

/**
 * The aliases of the config that {@link loadConfig} would load; nothing else in it is checked. None where there is no config.
 * @throws DeployError (config) when it cannot be read or throws
 */
export async function loadAliases(options: ConfigSource & ConfigFile): Promise<Readonly<Record<string, string | undefined>>> {
  const none = options.configFile === undefined && (await existing(options.files, candidatesOf(options))) === undefined;
  if (none) return {};
  const file = await findConfig(options);
  const known = isYaml(file) ? await (await import("./yaml/aliases.ts")).yamlAliases(file, options) : undefined;
  return known ?? aliasesOf((await loadUnchecked(options)).config);
}

/** What the config files say, merged, and where. */
async function loadUnchecked(options: ConfigSource & ConfigFile): Promise<{ readonly config: unknown; readonly place: ConfigPlace }> {
  const { cwd, files, destination } = options;
  checkDestination(destination);
  const file = await findConfig(options);
  if (isYaml(file)) return (await import("./yaml/load.ts")).loadYaml(file, options);
  const base = await evaluate(file, options);
  const overFile = destination === undefined ? undefined : await existing(files, overlayFiles(file, destination));
  if (destination !== undefined && overFile === undefined && !base.isFunction) {
    const wanted = fileText(overlayFiles(file, destination)[0] ?? "", cwd);
    throw new DeployError("config", `Cannot find ${wanted}, and ${fileText(file, cwd)} is no function of the destination`, {
      hint: `Write ${wanted} with what differs for ${destination}, or export a function: defineConfig(({ destination }) => ({ ... }))`,
    });
  }
  const over = overFile === undefined ? undefined : await evaluate(overFile, options);
  const config = over === undefined ? base.config : overlay(base.config, over.config);
  return { config, place: placeOfConfig(options, dirname(file), over === undefined ? [base.source] : [over.source, base.source]) };
}

/**
 * The settings of a config that a program made, for use as a library.
 * @param config what a config file would export
 * @throws DeployError (config) with every problem of the config; (usage) when a destination is required
 */
export async function resolveConfig(config: ConfigExport, options: ConfigSource): Promise<Settings> {
  checkDestination(options.destination);
  const defined = placeOf(config);
  const text = defined === undefined ? undefined : await options.files.read(defined.file);
  const sources = defined === undefined || text === undefined ? [] : [{ file: defined.file, text, defined }];
  return await withoutFunctions(await (typeof config === "function" ? config(configEnv(options, options.cwd)) : config), placeOfConfig(options, options.cwd, sources), options);
}

function placeOfConfig({ files, programs, env, cwd, destination, signal, conceal, commands }: ConfigSource, root: string, sources: ConfigPlace["sources"]): ConfigPlace {
  return { files, programs, env, cwd, root, destination, sources, signal, conceal, commands };
}

const configEnv = ({ files, programs, signal, destination, command, version, env }: ConfigSource, root: string): ConfigEnv => ({ destination, command, version, env, dotenv: dotenvReader({ files, programs, env, root, destination, signal }) });

/** The destination becomes a part of names on hosts and of a file name. */
function checkDestination(destination: string | undefined): void {
  if (destination === undefined || /^[\w-]+$/.test(destination)) return;
  throw new DeployError("usage", `Cannot use "${destination}" as a destination: it has only letters, digits, "-" and "_"`, { hint: "Name a destination such as -d staging" });
}

const candidatesOf = ({ cwd, configFile }: ConfigSource & ConfigFile): string[] => (configFile === undefined ? endings.map((ending) => join(cwd, `deploy.config.${ending}`)) : [resolve(cwd, configFile)]);

async function findConfig(options: ConfigSource & ConfigFile): Promise<string> {
  const { cwd, configFile } = options;
  const found = await existing(options.files, candidatesOf(options));
  if (found !== undefined) return found;
  if (configFile === undefined && (await options.files.exists(join(cwd, yamlFile)))) {
    throw new DeployError("config", `Cannot find deploy.config.ts in ${cwd}, but there is ${yamlFile}`, { hint: `Run it as it stands with \`capstan -c ${yamlFile} …\`, or \`capstan import\` to write deploy.config.ts from it` });
  }
  throw new DeployError("config", `Cannot find ${configFile ?? "deploy.config.ts"} in ${cwd}`, { hint: configFile === undefined ? "Run `capstan init` to write one, or name a file with -c" : "Correct the path after -c" });
}

/** Where a destination may say what differs: `deploy.staging.config.ts` for `deploy.config.ts`. */
function overlayFiles(file: string, destination: string): string[] {
  const [, stem = "", config = "", ending = "ts"] = /^(.*?)(\.config)?\.([^.]+)$/.exec(basename(file)) ?? [];
  return [...new Set([ending, ...endings])].map((each) => join(dirname(file), `${stem}.${destination}${config}.${each}`));
}

async function existing(files: Files, paths: readonly string[]): Promise<string | undefined> {
  const exists = await Promise.all(paths.map((path) => files.exists(path)));
  return paths.find((_, i) => exists[i] === true);
}

interface Evaluated {
  readonly config: unknown;
  readonly isFunction: boolean;
  readonly source: { readonly file: string; readonly text: string; readonly defined: Place | undefined };
}

/** Imports a file, calls or awaits what it exports. */
async function evaluate(file: string, options: ConfigSource): Promise<Evaluated> {
  const name = fileText(file, options.cwd);
  const text = (await options.files.read(file)) ?? "";
  let exported: unknown;
  let config: unknown;
  try {
    const module: unknown = await import(file);
    exported = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
    const result: unknown = typeof exported === "function" ? exported(configEnv(options, dirname(file))) : exported;
    config = await result;
  } catch (error) {
    throw await importError(error, file, options);
  }
  if (exported === undefined) throw new DeployError("config", `Cannot use ${name}: it has no default export`, { hint: "Write `export default defineConfig({ ... })`" });
  if (!isMap(config)) throw new DeployError("config", `Cannot use ${name}: expected a config, found ${foundText(config, [])}`, { hint: typeof exported === "function" ? "Return the config from the function" : "Write `export default defineConfig({ ... })`" });
  return { config, isFunction: typeof exported === "function", source: { file, text, defined: placeOf(exported) ?? placeAt(file, text, Math.max(0, text.indexOf("export default"))) } };
}
