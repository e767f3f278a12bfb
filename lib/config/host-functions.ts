import { DeployError, isDeployError } from "../ground/errors.ts";
import { settle } from "../ground/settle.ts";
import type { Clock, Files } from "../ground/world.ts";
import type { ConfigEnv } from "./config-env.ts";
import { thrownIn } from "./import-error.ts";
import { locate, type Path } from "./locate.ts";
import { isMap } from "./merge.ts";
import { placeAt } from "./place.ts";
import { foundText, pathText, type Problem } from "./problems.ts";
import type { RoleConfig } from "./types.ts";

/** What functions that give hosts get. */
export interface HostsContext extends ConfigEnv {
  /** Aborted when the time of the function is over, or the run is cancelled: for `fetch(url, { signal })`. */
  readonly signal: AbortSignal;
}

/** Hosts, each as a text, or with tags as `{ "host": ["tag"] }`. */
export type HostList = readonly (string | Readonly<Record<string, string | readonly string[]>>)[];

/**
 * Gives the hosts of a role or of an accessory: from a cloud's API, a state file, a program. It is called once a run, when the config is loaded, and has a
 * minute; several are called side by side. Give the hosts in an order that stays: the first of the primary role holds the deploy lock.
 */
export type HostsFunction = (context: HostsContext) => HostList | Promise<HostList>;

/** Gives all roles with their hosts, or the hosts of the one role `web`. As {@link HostsFunction}. */
export type ServersFunction = (context: HostsContext) => Servers | Promise<Servers>;
type Servers = HostList | Readonly<Record<string, HostList | HostsFunction | RoleConfig>>;

/** What hosts are read with. */
export interface HostReading {
  readonly context: ConfigEnv;
  readonly files: Files;
  readonly clock: Clock;
  /** The user's working directory: absolute. */
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
  /** The config, for the places of keys. Undefined: a program made it. */
  readonly source: { readonly file: string; readonly text: string } | undefined;
}

/** How long a function has. */
const limitMs = 60_000;

type Asked = (context: HostsContext) => unknown;
type Key = readonly [path: Path, ask: Asked];

/**
 * Calls the functions that stand for hosts in a config and puts what they give in their places. The config is checked afterwards.
 * @returns the config without such functions, and what is wrong with what they gave
 * @throws DeployError (config) that shows the user's own code for every function that throws or takes too long
 */
export async function withHosts(config: unknown, reading: HostReading): Promise<{ readonly config: unknown; readonly problems: readonly Problem[] }> {
  const root = isMap(config) && typeof config["servers"] === "function" ? await answered(config, [[["servers"], config["servers"] as Asked]], reading) : { config, problems: [] };
  const inner = await answered(root.config, keysOf(root.config), reading);
  return { config: inner.config, problems: [...root.problems, ...inner.problems] };
}

/** The functions in the places of host lists. */
function keysOf(config: unknown): Key[] {
  if (!isMap(config)) return [];
  const found = (path: Path, value: unknown): Key[] => (typeof value === "function" ? [[path, value as Asked]] : []);
  const each = (section: string, ofOne: (name: string, one: unknown) => Key[]): Key[] => (isMap(config[section]) ? Object.entries(config[section]).flatMap(([name, one]) => ofOne(name, one)) : []);
  const hostsOf = (section: string) => (name: string, one: unknown): Key[] => (isMap(one) ? found([section, name, "hosts"], one["hosts"]) : []);
  return [
    ...each("servers", (name, one) => [...found(["servers", name], one), ...hostsOf("servers")(name, one)]),
    ...each("accessories", hostsOf("accessories")),
  ];
}

async function answered(config: unknown, keys: readonly Key[], reading: HostReading): Promise<{ readonly config: unknown; readonly problems: readonly Problem[] }> {
  if (keys.length === 0) return { config, problems: [] };
  // A function that stands in several places is one question.
  const answers = new Map<Asked, Promise<unknown>>();
  const results = await settle(keys, keys.length, async ([path, ask]) => {
    const answer = answers.get(ask) ?? answerOf(path, ask, reading);
    answers.set(ask, answer);
    return await answer;
  });
  const errors = new Set(results.flatMap((result) => (result.ok ? [] : [result.error])));
  if (errors.size > 0) throw joined([...errors]);
  let filled = config;
  const problems: Problem[] = [];
  for (const { item: [path], ...result } of results) {
    const { value, wrong } = listOf(config, path, result.ok ? result.value : undefined);
    filled = replaced(filled, path, value);
    if (wrong !== undefined) problems.push({ path, text: wrong });
  }
  return { config: filled, problems };
}

/** What stands for an answer, and what is wrong with it. */
function listOf(config: unknown, path: Path, answer: unknown): { readonly value: unknown; readonly wrong?: string } {
  const isRoot = path.length === 1;
  if (isRoot && isMap(answer) && Object.keys(answer).length > 0) return { value: answer };
  if (!Array.isArray(answer)) return { value: [], wrong: `expected its function to give ${isRoot ? "a list of hosts or a map of roles" : "a list of hosts"}, found ${foundText(answer, path)}` };
  return answer.length > 0 || mayBeEmpty(config, path) ? { value: answer } : { value: answer, wrong: "expected at least one host, but its function gave none" };
}

const mayBeEmpty = (config: unknown, [section, name]: Path): boolean => isMap(config) && config["allowEmptyRoles"] === true && section === "servers" && name !== undefined && name !== (config["primaryRole"] ?? "web");

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === key ? replaced(one, rest, by) : one])) : value;
}

async function answerOf(path: Path, ask: Asked, reading: HostReading): Promise<unknown> {
  const { clock, context, signal } = reading;
  const over = new AbortController();
  const done = new AbortController();
  const late = clock.sleep(limitMs, signal === undefined ? done.signal : AbortSignal.any([done.signal, signal])).then(() => {
    throw new DeployError("config", `Cannot read the hosts of ${pathText(path)}: its function gave none within ${limitMs / 1000} s`, { hint: "Look at what it waits for; a `fetch` with the `signal` that it gets ends with it" });
  });
  try {
    return await Promise.race([(async () => ask({ ...context, signal: over.signal }))(), late]);
  } catch (error) {
    over.abort(error);
    if (isDeployError(error)) throw error;
    throw await thrown(path, error, reading);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** Where the error was thrown; one that came without a place of the user's, such as that of a failed `fetch`, is shown at the key. */
async function thrown(path: Path, error: unknown, { source, files, cwd }: HostReading): Promise<DeployError> {
  const located = source === undefined ? undefined : locate(source.text, path);
  const key = source === undefined || located === undefined ? undefined : placeAt(source.file, source.text, located.offset);
  return thrownIn(error, { lead: `Cannot read the hosts of ${pathText(path)}`, file: source?.file, at: key, hint: "Correct the function, or what it asks" }, { files, cwd });
}

function joined(errors: readonly unknown[]): unknown {
  const [first] = errors;
  const cancelled = errors.find((error) => isDeployError(error) && error.failure === "cancelled");
  const told = errors.filter(isDeployError);
  if (cancelled !== undefined || told.length < 2) return cancelled ?? first;
  return new DeployError("config", `Cannot read the hosts of ${told.length} places`, { cause: new AggregateError(told), hint: "Correct the functions, or what they ask" });
}
