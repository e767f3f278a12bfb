import { CancelledError, CommandError, ConnectError, DeployError, isDeployError } from "../ground/errors.ts";
import { layersThere, type ImageArchive, type ImageVariant } from "../ground/image.ts";
import type { Named } from "../ground/names.ts";
import type { DeliverStep } from "../ground/step.ts";
import type { Channel, World } from "../ground/world.ts";
import { differsLine, haveLine, keepLine, loadedLine, loadLine, lookLine, parseHostImages, readyLine, receivedLine, sameLine, taggedLine, takeLine, type HostImages } from "../remote/delivery.ts";
import { handOn, HandOns, tellOf, type HandedOn } from "./hand-on.ts";
import { tell } from "./stamp.ts";

/** What a host was sent of an image. */
export interface Delivered {
  readonly sentBytes: number;
  /** Bytes of the layers it had. */
  readonly thereBytes: number;
  /** The host that handed it on; then nothing was sent from here. */
  readonly from?: string;
}

/** How often it is told how far a host is. */
const tellEveryMs = 500;
/** How long a host may take to say what it has. */
const answerMs = 120_000;
/** How long nothing may get through to a host, and how long Docker may work on an archive once all of it is there. */
const stallMs = 120_000;
const loadMs = 1_800_000;
/** The most a host says of what it has, and what is kept of its words after that. */
const mostAnswerLines = 20_000;
const mostAnswerChars = 32 * 1024 * 1024;
const keptLines = 200;
const keptChars = 4096;
/** What is smaller is sent sooner than a neighbour logs in. */
const leastHandedOn = 1_000_000;

/**
 * Brings an image to a host: the layers it does not have, through the connection that is open. What came in a try that was cut off is not sent again.
 * @param handOns what the hosts of the same plan hand on to each other; whoever gives it closes it
 * @throws DeployError (build) when it has no variant for the host or the cache was damaged, CommandError when the host cannot load it, ConnectError, or
 * a cancellation
 */
export async function deliver(world: World, host: string, step: DeliverStep, handOns = new HandOns()): Promise<Delivered> {
  const attempt = async (whole: boolean): Promise<Delivered> => {
    try {
      return await attemptDelivery(world, host, step, handOns, whole);
    } catch (error) {
      if (error instanceof LoadError) await world.transport.run(host, step.forget, { timeoutMs: 60_000, signal: world.signal }).catch(() => undefined);
      throw error;
    }
  };
  if (step.isSpare === true && !(await isHere(world, step))) return { sentBytes: 0, thereBytes: 0 };
  try {
    return await attempt(false);
  } catch (error) {
    if (!(error instanceof LoadError) || world.signal.aborted) throw error;
    const damaged = await world.images.verify(step.image);
    if (damaged > 0) throw damagedCache(host, step, damaged, error);
    // A layer that was there a moment ago may have been pruned, and a Docker that has one unpacked need not have it as a file.
    tell(world, { type: "notice", level: "warn", host, text: `${error.message}: all layers are sent` });
    return await attempt(true);
  }
}

const damagedCache = (host: string, { image }: DeliverStep, damaged: number, cause: LoadError): DeployError =>
  new DeployError("build", `Cannot deliver ${image} to ${host}: its Docker refused what was damaged in the cache of this machine`, {
    host, cause, details: [`${damaged === 1 ? "One layer was" : `${damaged} layers were`} not what ${damaged === 1 ? "its digest says" : "their digests say"}, and left the cache.`], hint: "Run the same command again: the image is collected anew.",
  });

/** Whether this machine has the image. What else went wrong with it is found out when it is delivered. */
const isHere = (world: World, { image }: DeliverStep): Promise<boolean> =>
  world.images.collected(image).then(() => true, (error: unknown) => !(error instanceof Error && isDeployError(error.cause) && error.cause.failure === "missing"));

/** The host could not load what it was sent. */
class LoadError extends CommandError {}

async function attemptDelivery(world: World, host: string, step: DeliverStep, handOns: HandOns, whole: boolean): Promise<Delivered> {
  const started = world.clock.now();
  const giveUp = new AbortController();
  const channel = await world.transport.open(host, step.command, AbortSignal.any([world.signal, giveUp.signal]));
  try {
    const output = read(world, channel, host, step);
    const ended = endedBefore(world, channel, host, step, output.rest);
    ended.catch(() => undefined);
    const answer = (): Promise<HostImages> => within(world, answerMs, Promise.race([output.answer(), ended]), host, "say what images it has");
    const [{ variants }, first] = await Promise.all([Promise.race([world.images.collected(step.image), ended]), answer()]);
    let there = first;
    if (!isEnough(variants, first)) {
      channel.write(lookLine(variants.map(({ layers }) => layers[0]?.diffId ?? "")));
      const second = await answer();
      there = { ...second, images: [...first.images, ...second.images], parts: first.parts };
    }
    const variant = variantFor(variants, there, host, step.image);
    const skipped = whole ? 0 : layersThere(variant, there.images.map(({ layers }) => layers));
    const archive = await world.images.archive(step.image, variant, skipped);
    const known = whole ? undefined : there.images.find(({ id }) => id === variant.config || id === archive.manifest)?.id;
    const thereBytes = variant.layers.slice(0, known === undefined ? skipped : undefined).reduce((sum, { size }) => sum + size, 0);
    const told = { type: "transfer", host, title: step.title, image: step.image, thereBytes } as const;
    const onSent = (sentBytes: number, totalBytes: number, from?: string): void => tell(world, { ...told, state: "progress", sentBytes, totalBytes, durationMs: world.clock.now() - started, ...(from === undefined ? {} : { from }) });
    const before = Math.min(there.parts.get(archive.id) ?? 0, archive.size);
    const left = archive.size - before;
    const way = { world, channel, host, step, archive, before, onSent };
    let [sentBytes, from] = [0, undefined as string | undefined];
    if (known === undefined && step.handOn !== undefined && left >= leastHandedOn) {
      ({ sentBytes, from } = await takeTurn(way, step.handOn, handOns, output, ended, giveUp.signal));
    } else {
      if (known === undefined) sentBytes = await send(way, loadLine(archive.id, archive.size));
      else channel.write(haveLine(known));
      channel.end();
      await within(world, loadMs, known === undefined ? finished(world, channel, host, step, output.rest) : tagged(world, channel, host, step, output.rest), host, "load the image");
    }
    const handed = from === undefined ? {} : { from };
    tell(world, { ...told, state: "end", sentBytes, totalBytes: sentBytes, durationMs: world.clock.now() - started, ...handed });
    return { sentBytes, thereBytes, ...handed };
  } catch (error) {
    giveUp.abort(error);
    throw error;
  }
}

/** Whether what a host has of the service is all there is to know: one platform, and an image that begins as this one. */
const isEnough = ([variant, ...others]: readonly ImageVariant[], { images }: HostImages): boolean =>
  variant !== undefined && others.length === 0 && (layersThere(variant, images.map(({ layers }) => layers)) > 0 || images.some(({ id }) => id === variant.config));

/** Rejects when the command ends before it should. */
async function endedBefore(world: World, channel: Channel, host: string, step: DeliverStep, rest: Promise<string>): Promise<never> {
  await finished(world, channel, host, step, rest);
  throw endedEarly(host, step, { status: 0, stderr: "" }, await rest);
}

/** Waits until the host has given the name to the image it had. Its Docker was started for nothing, and fails. */
async function tagged(world: World, channel: Channel, host: string, step: DeliverStep, rest: Promise<string>): Promise<void> {
  await finished(world, channel, host, step, rest).catch(async (error: unknown) => {
    if (!(error instanceof LoadError) || !(await rest).split("\n").includes(taggedLine)) throw error;
  });
}

/** Waits until the host has loaded the image. */
async function finished(world: World, channel: Channel, host: string, step: DeliverStep, rest: Promise<string>): Promise<void> {
  const ending = await channel.ended;
  if (world.signal.aborted) throw new CancelledError();
  if (ending.lost) throw new ConnectError(host, "lost", `The connection to ${host} was lost while ${step.image} was sent`, { hint: "Run the same command again: it goes on from where this was cut off." });
  const said = await rest;
  // A Docker whose images containerd keeps tells of this, and ends as if nothing were wrong.
  if (ending.status !== 0 || said.includes("Error unpacking")) throw endedEarly(host, step, ending, said);
}

/** What an archive is sent with. */
interface Way {
  readonly world: World;
  readonly channel: Channel;
  readonly host: string;
  readonly step: DeliverStep;
  readonly archive: ImageArchive;
  /** How much of it came in an earlier try. */
  readonly before: number;
  readonly onSent: (sentBytes: number, totalBytes: number, from?: string) => void;
}

/** @param line what tells the host that it comes. @returns how many bytes were sent; what the host took of an earlier try is not among them */
async function send({ world, channel, host, archive, before, onSent }: Way, line: string): Promise<number> {
  let sentBytes = 0;
  let toldMs = world.clock.now();
  let over = false;
  void channel.ended.then(() => { over = true; });
  channel.write(line);
  for await (const bytes of archive.read(before)) {
    await within(world, stallMs, channel.send(bytes), host, "take more of it");
    if (over) break;
    sentBytes += bytes.length;
    const now = world.clock.now();
    if (now - toldMs < tellEveryMs) continue;
    toldMs = now;
    onSent(sentBytes, archive.size - before);
  }
  return sentBytes;
}

/**
 * Gets an archive to a host from a neighbour that has it, or from here, and has it loaded. The host keeps it until all are done, to hand it on itself.
 * @param ended rejects when the command ends
 */
async function takeTurn(way: Way, { width, of }: NonNullable<DeliverStep["handOn"]>, handOns: HandOns, output: Heard, ended: Promise<never>, signal: AbortSignal): Promise<{ readonly sentBytes: number; readonly from: string | undefined }> {
  const { world, channel, host, step, archive, before } = way;
  const gone = new AbortController();
  ended.catch(() => gone.abort());
  const stopped = AbortSignal.any([world.signal, signal, gone.signal]);
  const giver = await Promise.race([handOns.turn(archive.id, width, stopped), ended]);
  let isHere = false;
  try {
    const from = giver.host !== undefined && (await takeFrom(way, giver.host, of, width, handOns, output, ended, stopped)) ? giver.host : undefined;
    const sentBytes = from === undefined ? await send(way, keepLine(archive.id, archive.size, archive.size - before)) : 0;
    await within(world, loadMs, Promise.race([output.received, ended]), host, "take the image");
    isHere = true;
    handOns.has(archive.id, width, host);
    const { status, said } = await within(world, loadMs, Promise.race([output.loaded, ended]), host, "load the image");
    if (status !== 0 || said.includes("Error unpacking")) {
      channel.end();
      throw endedEarly(host, step, { status, stderr: (await channel.ended).stderr }, said);
    }
    handOns.keep(channel);
    return { sentBytes, from };
  } catch (error) {
    if (!isHere) handOns.failed(archive.id, width);
    throw error;
  }
}

/** Has a neighbour hand an archive on, which is taken if it is the one that is known here: a neighbour is believed nothing. @returns whether it was */
async function takeFrom(way: Way, from: string, of: Named, width: number, handOns: HandOns, output: Heard, ended: Promise<never>, signal: AbortSignal): Promise<boolean> {
  const { world, channel, host, step, archive, onSent } = way;
  let how: HandedOn = "failed";
  try {
    const digest = handOns.digest(archive);
    how = await handOn(world, of, { from, to: host }, step, archive, signal, (came) => onSent(came, archive.size, from));
    if (how !== "ok") return false;
    channel.write(takeLine(archive.id, archive.size, await digest));
    if (await within(world, loadMs, Promise.race([output.isSame, ended]), host, "compare what was handed on")) return true;
    how = "unable";
    tellOf(world, { from, to: host }, step, "what it handed on is not the image, or the host has no sha256sum to tell");
    return false;
  } finally {
    handOns.gave(archive.id, width, from, how);
  }
}

/** What a host says. */
interface Heard {
  /** Whether what a neighbour handed on is the archive. */
  readonly isSame: Promise<boolean>;
  answer(): Promise<HostImages>;
  /** An archive that it keeps is there. */
  readonly received: Promise<void>;
  /** How Docker ended with it, and what it said. */
  readonly loaded: Promise<{ readonly status: number; readonly said: string }>;
  readonly rest: Promise<string>;
}

/** The host's answers, of which there are two at most, and the end of what it says after them. What a host says without end does not fill the memory. */
function read(world: World, channel: Channel, host: string, step: DeliverStep): Heard {
  const received = Promise.withResolvers<void>();
  const loaded = Promise.withResolvers<{ status: number; said: string }>();
  const isSame = Promise.withResolvers<boolean>();
  const answers = [Promise.withResolvers<HostImages>(), Promise.withResolvers<HostImages>()];
  for (const { promise } of answers) promise.catch(() => undefined);
  let [asked, given] = [0, 0];
  const collect = async (): Promise<string> => {
    let lines: string[] = [];
    let chars = 0;
    for await (const line of channel.lines) {
      const answer = answers[given];
      if (line === readyLine && answer !== undefined) {
        given++;
        answer.resolve(parseHostImages(lines));
        [lines, chars] = [[], 0];
        continue;
      }
      const isAnswer = given < asked;
      if (!isAnswer && line === receivedLine) {
        received.resolve();
        continue;
      }
      if (!isAnswer && (line === sameLine || line === differsLine)) {
        isSame.resolve(line === sameLine);
        continue;
      }
      const [, status] = loadedLine.exec(line) ?? [];
      if (!isAnswer && status !== undefined) {
        loaded.resolve({ status: Number(status), said: lines.join("\n") });
        continue;
      }
      lines.push(isAnswer ? line : line.slice(0, keptChars));
      chars += line.length;
      if (isAnswer && (lines.length > mostAnswerLines || chars > mostAnswerChars)) {
        answer?.reject(tooMuch(host));
        return "";
      }
      if (!isAnswer && lines.length > 2 * keptLines) lines = lines.slice(-keptLines);
      if (given > 0 && !/^(image|platform|part) /.test(line)) tell(world, { type: "output", host, title: step.title, stream: "stdout", line, loud: false });
    }
    return lines.join("\n");
  };
  const answer = (): Promise<HostImages> => answers[asked++]?.promise ?? Promise.reject(tooMuch(host));
  return { answer, isSame: isSame.promise, received: received.promise, loaded: loaded.promise, rest: collect() };
}

const tooMuch = (host: string): DeployError =>
  new DeployError("command", `Cannot deliver the image to ${host}: it says more of its images than any host has to say`, { host, hint: "Look at what its Docker lists: `capstan server exec 'docker image ls --quiet --no-trunc | wc -l'`." });

function variantFor(variants: readonly ImageVariant[], { platform }: HostImages, host: string, image: string): ImageVariant {
  const found = variants.find((variant) => variant.platform === platform) ?? (variants.length === 1 ? variants[0] : undefined);
  if (found !== undefined) return found;
  throw new DeployError("build", `Cannot deliver ${image} to ${host}: it is ${platform ?? "of no known platform"}, and the image was built for ${variants.map((one) => one.platform).join(", ")}`, { host, hint: `Add ${JSON.stringify(platform?.split("/")[1] ?? "")} to builder.arch.` });
}

const endedEarly = (host: string, step: DeliverStep, { status, stderr }: { readonly status: number | undefined; readonly stderr: string }, stdout: string): LoadError =>
  new LoadError(host, step.command, { status, signal: undefined, stdout, stderr: `${stderr}\n${stdout}`.trim(), durationMs: 0 }, { title: step.title, hint: "Check Docker and the disk of the host: `capstan server exec 'docker info; df -h'`." });

/** What a host owes, which must come in time. */
async function within<T>(world: World, ms: number, work: Promise<T>, host: string, what: string): Promise<T> {
  const over = new AbortController();
  const late = async (): Promise<never> => {
    await world.clock.sleep(ms, over.signal);
    throw new DeployError("command", `Cannot deliver the image to ${host}: it did not ${what} within ${ms / 1000} s`, { host, hint: "Look at its Docker and its disk, then run the same command again." });
  };
  const limit = late();
  limit.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}
