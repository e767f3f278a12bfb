import { connect } from "node:net";
import type { DockerLimits, LocalDocker } from "./docker.ts";

/** Names that images have in Docker while it pushes them to us: `127.0.0.1:PORT/capstan/NAME:delivery`. */
const pattern = "127.0.0.1:*/capstan/*:delivery";
const form = /^127\.0\.0\.1:(\d{1,5})\/capstan\/[a-z0-9-]+:delivery$/;
const timeoutMs = 60_000;
const connectMs = 2000;

const limits = (): DockerLimits => ({ timeoutMs, signal: new AbortController().signal });

/** Takes names of ours off; the images keep their own. */
export async function removeTags(docker: LocalDocker, tags: readonly string[]): Promise<void> {
  if (tags.length > 0) await docker.untag(tags, limits());
}

/**
 * Takes off what runs that were killed left, which would keep their images for ever. A run that still pushes has its registry open, and keeps its name.
 * @param own ours. Whatever else has its port is left, since the port is ours
 * @param isOpen whether something listens on a port of 127.0.0.1; default: a connection tells
 */
export async function sweepTags(docker: LocalDocker, own: string, isOpen: (port: number) => Promise<boolean> = isListening): Promise<void> {
  const found = await docker.names(pattern, limits());
  const portOf = (tag: string): number => Number(form.exec(tag)?.[1] ?? 0);
  const isLeft = async (tag: string): Promise<boolean> => portOf(tag) === portOf(own) || !(await isOpen(portOf(tag)));
  const checked = await Promise.all(found.filter((tag) => form.test(tag) && tag !== own).map(async (tag) => ((await isLeft(tag)) ? [tag] : [])));
  await removeTags(docker, checked.flat());
}

/** Unclear counts as open. */
function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: "127.0.0.1", port, timeout: connectMs });
  const settle = (open: boolean) => () => {
    socket.destroy();
    resolve(open);
  };
  socket.once("connect", settle(true)).once("timeout", settle(true)).once("error", settle(false));
  return promise;
}
