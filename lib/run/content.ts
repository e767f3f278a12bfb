import { DeployError } from "../ground/errors.ts";
import { Secret } from "../ground/secret.ts";
import type { World } from "../ground/world.ts";
import type { Accessory, AccessoryFile, Settings } from "../config/settings.ts";
import { renderTemplate } from "../config/template.ts";
import { fileKey, type FileBody, type LocalContent } from "../plan/order.ts";

/** What of this machine a command brings to hosts. */
export interface Brings {
  readonly accessories: readonly Accessory[];
  readonly errorPages: boolean;
}

/** Pages that kamal-proxy looks for. */
const errorPage = /^[45]\d\d\.html$/;

/**
 * Reads the files that go to hosts. What a function of the config gives is opened only when it is sent, since it may hold secrets.
 * @param calling call the functions; a plan that is not carried out does without what they give
 * @throws DeployError (config) that names every file that is missing, before anything is connected to
 */
export async function readContent(world: World, settings: Settings, brings: Brings, calling: boolean): Promise<LocalContent> {
  const wanted = brings.accessories.flatMap((accessory) => accessory.files.flatMap((file) => accessory.hosts.map((host) => ({ accessory, file, host }))));
  const made = new Map<AccessoryFile, Promise<FileBody | undefined>>();
  const body = (accessory: Accessory, file: AccessoryFile, host: string): Promise<FileBody | undefined> => {
    // What is not for one host is read once: a template may run commands that ask the user.
    const known = "path" in file.source ? made.get(file) : undefined;
    const making = known ?? bodyOf(world, settings, accessory, file, host, calling);
    made.set(file, making);
    return making;
  };
  const bodies = await Promise.all(wanted.map(async ({ accessory, file, host }) => [fileKey(accessory.name, host, file.remote), await body(accessory, file, host)] as const));
  const missing = [...new Set(wanted.flatMap(({ accessory, file }, i) => (bodies[i]?.[1] === undefined && "path" in file.source ? [`${file.source.path} (accessories.${accessory.name}.files, for ${file.remote})`] : [])))];
  const errorPages = brings.errorPages && settings.errorPagesPath !== undefined ? await pagesOf(world, settings.errorPagesPath) : new Map<string, FileBody>();
  if (brings.errorPages && settings.errorPagesPath !== undefined && errorPages.size === 0) missing.push(`${settings.errorPagesPath}/502.html, or any other page of errors (errorPagesPath)`);
  if (missing.length > 0) throw new DeployError("config", `Cannot find ${missing.length === 1 ? "a file" : `${missing.length} files`} that should go to hosts`, { details: missing, hint: "Paths in the config are relative to the folder of the config file.", state: ["Nothing was changed."] });
  return { files: new Map(bodies.flatMap(([key, body]) => (body === undefined ? [] : [[key, body]]))), errorPages };
}

async function bodyOf(world: World, settings: Settings, accessory: Accessory, file: AccessoryFile, host: string, calling: boolean): Promise<FileBody | undefined> {
  if ("path" in file.source) {
    const { path } = file.source;
    if (path.endsWith(".erb")) return await templateBody(world, settings, accessory, path, calling);
    const bytes = await world.files.bytes(path);
    return bytes === undefined ? undefined : { content: Buffer.from(bytes).toString("base64"), encoding: "base64" };
  }
  const { content } = file.source;
  if (typeof content === "string") return { content };
  const name = `content of ${file.remote} for ${accessory.name}`;
  if (!calling) return { content: unmade(name) };
  const used = new Set<string>();
  const text = await callContent(content, settings, accessory, file, host, used);
  return holding(name, text, [...used].map((secret) => settings.secrets.get(secret)));
}

const unmade = (name: string): Secret => new Secret(name, () => { throw new Error(`${name} was not made`); });

/** A text is a secret by the secrets in it: its other lines may be shown where a program prints them. */
const holding = (name: string, text: string, secrets: readonly Secret[]): FileBody => ({ content: secrets.length === 0 ? text : new Secret(name, text, secrets) });

/** Kamal renders such files with the variables of the accessory, its secrets too, over those of the environment. */
async function templateBody(world: World, settings: Settings, { name, env }: Accessory, file: string, calling: boolean): Promise<FileBody | undefined> {
  const text = await world.files.read(file);
  if (text === undefined) return undefined;
  if (!calling) return { content: unmade(file) };
  const clear = Object.entries(env.clear).map(([key, value]) => [key, String(value)] as const);
  const secret = await Promise.all(Object.entries(env.secret).map(async ([key, value]) => [key, await settings.secrets.value(value.name)] as const));
  const { programs, signal } = world;
  const rendered = await renderTemplate({ file, text }, { programs, env: { ...world.env, ...Object.fromEntries([...clear, ...secret]) }, cwd: settings.root, signal, conceal: world.conceal });
  return holding(`a file of ${name}`, rendered, Object.values(env.secret));
}

async function callContent(content: Exclude<Extract<AccessoryFile["source"], { content: unknown }>["content"], string>, settings: Settings, accessory: Accessory, file: AccessoryFile, host: string, used: Set<string>): Promise<string> {
  const env = Object.fromEntries(Object.entries(accessory.env.clear).map(([key, value]) => [key, String(value)]));
  let text: unknown;
  try {
    text = await content({ host, env, secret: (name) => (used.add(name), settings.secrets.value(name)) });
  } catch (cause) {
    throw new DeployError("config", `Cannot make ${file.remote} of ${accessory.name}: its function in the config threw ${cause instanceof Error ? `"${cause.message}"` : "something that is no Error"}`, { cause, hint: `Correct accessories.${accessory.name}.files in the config.` });
  }
  if (typeof text === "string") return text;
  throw new DeployError("config", `Cannot make ${file.remote} of ${accessory.name}: its function in the config gave ${text === undefined ? "nothing" : `a ${typeof text}`} instead of a text`, { hint: `Return a text from the content of accessories.${accessory.name}.files.` });
}

async function pagesOf(world: World, folder: string): Promise<Map<string, FileBody>> {
  const names = ((await world.files.list(folder)) ?? []).filter((name) => errorPage.test(name));
  return new Map(await Promise.all(names.map(async (name): Promise<[string, FileBody]> => [name, { content: Buffer.from((await world.files.bytes(`${folder}/${name}`)) ?? "").toString("base64"), encoding: "base64" }])));
}
