import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { LineSplitter } from "../../ground/line-splitter.ts";
import type { Programs } from "../../ground/world.ts";
import { throwIfCancelled } from "../cancel.ts";
import { dockerByProgram, type DockerAnswer, type DockerLimits, type LocalDocker } from "./docker.ts";
import { sha256 } from "./store.ts";

/** Where a Docker is that nobody said anything of. Source: the docker command's own default. */
const usualSocket = "/var/run/docker.sock";
/** A Docker that serves its socket answers this at once. */
const pingMs = 2_000;
/** No credentials, in base64: a push wants the header all the same. Source: Docker Engine API, "ImagePush". */
const nobody = Buffer.from("{}").toString("base64url");

const Config = z.object({ currentContext: z.string().optional() });
const Context = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) });
const Identified = z.object({ Id: z.string() });
const Complaint = z.object({ message: z.string() });
const Listed = z.array(z.object({ RepoTags: z.array(z.string()).nullable() }));
const Progress = z.object({ id: z.string().optional(), status: z.string().optional(), error: z.string().optional(), progressDetail: z.object({ current: z.number().optional() }).optional() });

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The Docker of this machine: by its socket, where that is the one that `docker` would speak to and it answers, since a start of `docker` takes longer than
 * most of what it is asked here; else by the program.
 */
export async function localDocker(programs: Programs, env: Environment, signal: AbortSignal): Promise<LocalDocker> {
  const path = await socketPath(env);
  return path !== undefined && (await ask(path, "GET", "/_ping", { timeoutMs: pingMs, signal })).ok ? dockerBySocket(path, dockerByProgram(programs)) : dockerByProgram(programs);
}

/** The socket that `docker` speaks to; undefined where it is none, or that is not clear. Source: the docker command: DOCKER_HOST, then DOCKER_CONTEXT, then the config's context. */
export async function socketPath(env: Environment): Promise<string | undefined> {
  const { DOCKER_HOST: host = "", DOCKER_CONTEXT: chosen = "", DOCKER_CONFIG: folder = "", HOME: home = "" } = env;
  if (host !== "") return pathIn(host);
  const config = folder !== "" ? folder : join(isAbsolute(home) ? home : userInfo().homedir, ".docker");
  const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));
  const context = chosen !== "" ? chosen : (Config.safeParse(await json(`${config}/config.json`).catch(() => undefined)).data?.currentContext ?? "");
  if (context === "" || context === "default") return process.platform === "win32" ? undefined : usualSocket;
  const found = Context.safeParse(await json(`${config}/contexts/meta/${sha256(context).slice(7)}/meta.json`).catch(() => undefined));
  return found.success ? pathIn(found.data.Endpoints.docker.Host) : undefined;
}

const pathIn = (endpoint: string): string | undefined => /^unix:\/\/(\/.+)$/.exec(endpoint)?.[1];

/** @param program asked for an image that is not there: what is called `docker` may have images of its own. Source of the paths: Docker Engine API 1.41, "Image", as any Docker from 20.10 on has it without a version in the path. */
function dockerBySocket(path: string, program: LocalDocker): LocalDocker {
  const imagePath = (image: string, what: string): string => `/images/${image.split("/").map(encodeURIComponent).join("/")}${what}`;
  const split = (name: string): readonly [repository: string, tag: string] => [name.slice(0, name.lastIndexOf(":")), name.slice(name.lastIndexOf(":") + 1)];
  const query = (values: Readonly<Record<string, string>>): string => `?${new URLSearchParams(values)}`;
  return {
    isBehindSocket: async () => true,
    async idOf(image, limits) {
      const answer = await ask(path, "GET", imagePath(image, "/json"), limits);
      const id = answer.ok ? known(Identified, answer.text)?.Id : undefined;
      return id === undefined ? await program.idOf(image, limits) : { ok: true, text: id };
    },
    tag: (image, name, limits) => {
      const [repo, tag] = split(name);
      return ask(path, "POST", imagePath(image, `/tag${query({ repo, tag })}`), limits);
    },
    pull: (image, limits) => {
      const [fromImage, tag] = split(image);
      return follow(path, `/images/create${query({ fromImage, tag })}`, limits);
    },
    push: (image, limits) => {
      const [repository, tag] = split(image);
      return follow(path, imagePath(repository, `/push${query({ tag })}`), limits);
    },
    async names(pattern, limits) {
      const answer = await ask(path, "GET", `/images/json${query({ filters: JSON.stringify({ reference: [pattern] }) })}`, limits);
      return (answer.ok ? known(Listed, answer.text) : undefined)?.flatMap(({ RepoTags: names }) => names ?? []) ?? [];
    },
    async untag(names, limits) {
      for (const name of names) await ask(path, "DELETE", imagePath(name, "?noprune=1"), limits);
    },
  };
}

async function request(path: string, method: string, target: string, { timeoutMs, signal }: DockerLimits): Promise<Response> {
  return await fetch(`http://localhost${target}`, { unix: path, method, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), headers: { "X-Registry-Auth": nobody } });
}

/** One question, one answer. @throws a cancellation */
async function ask(path: string, method: string, target: string, limits: DockerLimits): Promise<DockerAnswer> {
  try {
    const response = await request(path, method, target, limits);
    const text = await response.text();
    return { ok: response.ok, text: response.ok ? text : complaintIn(text) };
  } catch (error) {
    throwIfCancelled(limits.signal);
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

/** A question whose answer is told as it goes on, a line of JSON at a time. @throws a cancellation */
async function follow(path: string, target: string, limits: DockerLimits): Promise<DockerAnswer> {
  try {
    const response = await request(path, "POST", target, limits);
    if (!response.ok || response.body === null) return { ok: false, text: complaintIn(await response.text()) };
    let failure: string | undefined;
    const lines = new LineSplitter((line) => {
      const { id, status, error, progressDetail } = Progress.parse(JSON.parse(line));
      failure ??= error;
      // How far a layer has come is told many times a second: what `docker` leaves out too where nobody watches.
      if (status !== undefined && progressDetail?.current === undefined) limits.onOutput?.("stdout", `${id === undefined ? "" : `${id}: `}${status}\n`);
      if (error !== undefined) limits.onOutput?.("stderr", `${error}\n`);
    });
    const decoder = new TextDecoder();
    for await (const piece of response.body) lines.feed(decoder.decode(piece, { stream: true }));
    lines.end();
    return failure === undefined ? { ok: true, text: "" } : { ok: false, text: failure };
  } catch (error) {
    throwIfCancelled(limits.signal);
    return { ok: false, text: error instanceof Error ? error.message : String(error) };
  }
}

const complaintIn = (text: string): string => known(Complaint, text)?.message ?? text;

/** What JSON says; undefined where it is none, or says something else. */
function known<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
