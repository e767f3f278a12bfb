import { isDeployError } from "../../ground/errors.ts";
import type { Exit, Programs } from "../../ground/world.ts";
import { throwIfCancelled } from "../cancel.ts";

/** What Docker said to something. */
export interface DockerAnswer {
  readonly ok: boolean;
  /** What was asked for; what it complains of where it is not ok. */
  readonly text: string;
}

export interface DockerLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called for each piece of what it says meanwhile. */
  readonly onOutput?: ((stream: "stdout" | "stderr", text: string) => void) | undefined;
}

/** The Docker of this machine, as far as images are collected from it. What it does not do is no error; each of these rejects with a cancellation, or where there is no Docker at all. */
export interface LocalDocker {
  /** Whether it is behind a socket: then it may be on this machine. */
  isBehindSocket(limits: DockerLimits): Promise<boolean>;
  /** The ID of an image: that of its config, or of its manifest where containerd keeps it. */
  idOf(image: string, limits: DockerLimits): Promise<DockerAnswer>;
  tag(image: string, name: string, limits: DockerLimits): Promise<DockerAnswer>;
  pull(image: string, limits: DockerLimits): Promise<DockerAnswer>;
  push(image: string, limits: DockerLimits): Promise<DockerAnswer>;
  /** Names of images that fit a pattern, each with its tag. */
  names(pattern: string, limits: DockerLimits): Promise<readonly string[]>;
  /** Takes names off; what has no other one goes, its parents stay. */
  untag(names: readonly string[], limits: DockerLimits): Promise<void>;
}

/** A Docker behind a socket may be on this machine; behind anything else it is reached over a network. */
export const isSocket = (endpoint: string): boolean => /^(?:unix|npipe):/.test(endpoint);

/** Docker by the program `docker`. */
export function dockerByProgram(programs: Programs): LocalDocker {
  const run = async (words: readonly string[], { timeoutMs, signal, onOutput }: DockerLimits): Promise<DockerAnswer> => {
    const exit: Exit = await programs.run({ argv: ["docker", ...words] }, { timeoutMs, signal, ...(onOutput === undefined ? {} : { onOutput }) });
    return { ok: exit.status === 0, text: exit.status === 0 ? exit.stdout.trim() : exit.stderr };
  };
  const quietly = (words: readonly string[], limits: DockerLimits): Promise<DockerAnswer> => run(words, limits).catch((error: unknown) => {
    throwIfCancelled(limits.signal);
    if (isDeployError(error) && error.failure === "cancelled") throw error;
    return { ok: false, text: String(error) };
  });
  return {
    isBehindSocket: async (limits) => {
      const { ok, text } = await quietly(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], limits);
      return ok && isSocket(text);
    },
    idOf: (image, limits) => run(["image", "inspect", "--format", "{{.Id}}", image], limits),
    tag: (image, name, limits) => quietly(["tag", image, name], limits),
    pull: (image, limits) => quietly(["pull", "--quiet", image], limits),
    push: (image, limits) => quietly(["push", image], limits),
    async names(pattern, limits) {
      const { ok, text } = await quietly(["image", "ls", "--filter", `reference=${pattern}`, "--format", "{{.Repository}}:{{.Tag}}"], limits);
      return ok ? text.split("\n").map((line) => line.trim()) : [];
    },
    untag: async (names, limits) => void (await quietly(["rmi", "--no-prune", ...names], limits)),
  };
}
