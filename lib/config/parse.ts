import { DeployError } from "../ground/errors.ts";
import type { Files, Programs } from "../ground/world.ts";
import { placements } from "./accessories.ts";
import { crossProblems } from "./checks.ts";
import { locate, type Path } from "./locate.ts";
import { isMap } from "./merge.ts";
import { pathText, type Problem, schemaProblems, silent } from "./problems.ts";
import { fileText, placeAt, placeText, type Place } from "./place.ts";
import { resolveSettings } from "./resolve.ts";
import { ConfigSchema, type ParsedConfig } from "./schema.ts";
import { textProblems } from "./texts.ts";
import { type SecretSources, secretStore } from "./secrets.ts";
import type { Settings } from "./settings.ts";
import type { DeployConfig } from "./types.ts";

/** A file a config was read from. */
export interface ConfigText {
  readonly file: string;
  readonly text: string;
  /** The place of its `defineConfig`. */
  readonly defined: Place | undefined;
  /** Finds keys in it. Default: as in TypeScript, see {@link locate}. */
  readonly locate?: (path: Path) => ReturnType<typeof locate>;
}

/** Where a config comes from, and what its secrets may be read with. */
export interface ConfigPlace {
  readonly files: Files;
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Errors name files relative to it. */
  readonly cwd: string;
  /** Folder that paths of the config are relative to: absolute. */
  readonly root: string;
  readonly destination: string | undefined;
  /** The files the config was read from, the one that goes over first. Empty: it was made by a program. */
  readonly sources: readonly ConfigText[];
  /** What was found wrong while the files were read. */
  readonly problems?: readonly Problem[];
  /** How problems name keys, for a config that was written under other names. */
  readonly words?: { path(path: Path): Path; text(text: string): string };
  readonly signal?: AbortSignal | undefined;
  readonly conceal?: SecretSources["conceal"];
  /** Names that aliases must not take. */
  readonly commands?: readonly string[] | undefined;
}

/**
 * Checks a config and gives its settings.
 * @throws DeployError (config) with every problem, where it stands, what was found and what is expected; (usage) when a destination is required
 */
export function parseConfig(config: DeployConfig, place: ConfigPlace): Settings {
  const name = place.sources.length === 0 ? "the config" : fileText(place.sources.at(-1)?.file ?? "", place.cwd);
  const { parsed, problems: wrong } = check(config, { commands: place.commands ?? [], destination: place.destination });
  const given = place.problems ?? [];
  const problems = [...given, ...wrong.filter(({ path }) => !given.some((first) => pathText(first.path) === pathText(path)))];
  if (parsed?.requireDestination === true && place.destination === undefined) {
    throw new DeployError("usage", `Cannot run without a destination: ${name} requires one`, { hint: "Add -d DESTINATION" });
  }
  if (parsed === undefined || problems.length > 0) {
    throw new DeployError("config", `Cannot use ${name}: it has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}`, {
      details: problemLines(problems, place),
      hint: "`capstan docs` describes every key",
    });
  }
  const { files, programs, env, root, destination, signal, conceal } = place;
  const secrets = secretStore({ files, programs, env, root, destination, path: parsed.secretsPath, functions: parsed.secrets, signal, conceal });
  return resolveSettings(parsed, { destination, root, secrets });
}

/** What the schema finds, and what the cross-field checks find in all that the schema could read. */
function check(config: unknown, given: Parameters<typeof crossProblems>[1]): { readonly parsed: ParsedConfig | undefined; readonly problems: readonly Problem[] } {
  if (!isMap(config)) {
    const problems = schemaProblems(config, ConfigSchema.safeParse(config, silent).error?.issues ?? []);
    return { parsed: undefined, problems: problems.length > 0 ? problems : [{ path: [], text: "expected a map" }] };
  }
  // Nothing else is looked at: what the schema says of such texts would be as long as they are.
  const unfit = textProblems(config);
  if (unfit.length > 0) return { parsed: undefined, problems: unfit };
  const result = ConfigSchema.safeParse(config, silent);
  if (result.success) return { parsed: result.data, problems: crossProblems(result.data, given) };
  const problems = schemaProblems(config, result.error.issues);
  const rest = readable(config, problems);
  // What was taken out must not be missed: those problems would follow from the first ones.
  const follows = ({ path }: Problem): boolean => problems.some((first) => onOneWay(path, first.path) || (path[0] === "primaryRole" && first.path[0] === "servers") || (isPlacement(path) && isPlacement(first.path) && path[1] === first.path[1]));
  const further = rest.success ? crossProblems(rest.data, given).filter((problem) => !follows(problem)) : [];
  return { parsed: undefined, problems: [...problems, ...further] };
}

/** What the schema can read of a config: without what is wrong, then without the maps in which that leaves a key missing. */
function readable(config: Readonly<Record<string, unknown>>, problems: readonly Problem[]) {
  let rest = without(config, problems);
  let result = ConfigSchema.safeParse(rest, silent);
  for (let depth = 0; !result.success && depth < 4; depth++) {
    rest = without(rest, schemaProblems(rest, result.error.issues).map(({ path, text }) => ({ path: path.slice(0, -1), text })));
    result = ConfigSchema.safeParse(rest, silent);
  }
  return result;
}

/** True for the keys that say where an accessory runs: one stands for all of them. */
const isPlacement = ([section, , key]: Path): boolean => section === "accessories" && placements.some((one) => one === key);

/** True when one path leads through the other. */
const onOneWay = (a: Path, b: Path): boolean => a.slice(0, b.length).every((part, i) => part === b[i]);

/** Stand-ins for required keys, so that the rest can be looked at. */
const standIns: Readonly<Record<string, unknown>> = { service: "service", servers: ["host"] };

/** A copy of the config without what is wrong. */
function without(config: Readonly<Record<string, unknown>>, problems: readonly Problem[]): Readonly<Record<string, unknown>> {
  const remove = (value: unknown, here: string): unknown => {
    const wrong = (key: string | number): boolean => problems.some(({ path }) => pathText(path) === joined(here, key));
    if (Array.isArray(value)) return value.flatMap((item: unknown, i) => (wrong(i) ? [] : [remove(item, joined(here, i))]));
    return isMap(value) ? Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (wrong(key) ? [] : [[key, remove(item, joined(here, key))]]))) : value;
  };
  const rest: Readonly<Record<string, unknown>> = { ...standIns, ...(remove(config, "") as object) };
  const { accessories } = rest;
  return isMap(accessories) ? { ...rest, accessories: Object.fromEntries(Object.entries(accessories).map(([name, one]) => [name, isMap(one) ? { image: "image", ...one } : one])) } : rest;
}

const joined = (here: string, key: string | number): string => {
  const end = pathText(["x", key]).slice(1);
  return here === "" ? end.replace(/^\./, "") : `${here}${end}`;
};

/** The problems as lines, in the order of the files. */
function problemLines(problems: readonly Problem[], { sources, cwd, words }: ConfigPlace): string[] {
  const placed = problems.map(({ path, text }) => {
    const line = `${pathText(words?.path(path) ?? path) || "config"}: ${words?.text(text) ?? text}`;
    const found = sources.flatMap((source) => {
      const located = source.locate === undefined ? locate(source.text, path) : source.locate(path);
      return located === undefined ? [] : [{ ...located, source }];
    }).toSorted((a, b) => b.depth - a.depth)[0];
    const place = found === undefined ? sources.at(-1)?.defined : placeAt(found.source.file, found.source.text, found.offset);
    return { line: place === undefined ? line : `${line} (${placeText(place, cwd)})`, file: sources.findIndex(({ file }) => file === place?.file), offset: found?.offset ?? -1 };
  });
  return placed.toSorted((a, b) => b.file - a.file || a.offset - b.offset).map(({ line }) => line);
}
