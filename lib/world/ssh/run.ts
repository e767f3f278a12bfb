import type { ClientChannel } from "ssh2";
import type { Command } from "../../ground/command.ts";
import { TimeoutError } from "../../ground/errors.ts";
import type { Channel, Clock, Exit, Limits } from "../../ground/world.ts";
import { cancellation, onAbort } from "../cancel.ts";
import { formatDuration } from "../duration.ts";
import { Output } from "../output.ts";
import type { Redactor } from "../redact.ts";
import type { Connection } from "./connection.ts";
import { execute, type Ending, type Execution } from "./execution.ts";
import { Lines } from "./lines.ts";

/** Bytes of the standard error of a long-lived command that are kept. */
const keepErrorBytes = 64 * 1024;

/**
 * Runs a command in an open session to its end.
 * @param onClosed called when its session is free again, which may be later
 * @throws ConnectError (lost), TimeoutError, or a cancellation
 */
export async function runCommand(connection: Connection, channel: ClientChannel, command: Command, limits: Limits, redactor: Redactor, clock: Clock, onClosed: () => void): Promise<Exit> {
  const startedAt = clock.now();
  const { onOutput, over } = limits;
  const collect = (stream: "stdout" | "stderr"): Output => new Output(redactor, limits.keepBytes, onOutput && ((text) => onOutput(stream, text)));
  const [stdout, stderr] = [collect("stdout"), collect("stderr")];
  channel.on("data", (chunk: Buffer) => stdout.push(chunk));
  channel.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const execution = execute(connection, channel, command.text);
  void execution.ended.then(onClosed);
  const input = command.input === undefined ? undefined : redactor.open(command.input);
  if (over === undefined) channel.end(input);
  else if (input !== undefined) channel.write(input);

  const { promise: heard, resolve: hear } = Promise.withResolvers<Ending>();
  using _ = over === undefined ? undefined : onAbort(over, () => {
    channel.end("\n");
    hear({ status: 0, signal: undefined, lost: false });
  });
  const ending = await endOf(execution, heard, limits, () => tooLate(connection.host, command, limits, stderr.text.trim() || stdout.text.trim()));
  const exit = { status: ending.status, signal: ending.signal, stdout: stdout.end(), stderr: stderr.end(), durationMs: clock.now() - startedAt };
  if (ending.lost) throw connection.lost(`while it ran "${command}"`);
  return exit;
}

/** How the command ended, or said that it did; when time is up or the user stops us, it is stopped and this rejects. */
async function endOf(execution: Execution, heard: Promise<Ending>, { timeoutMs, signal }: Limits, late: () => Error): Promise<Ending> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  interrupted.catch(() => undefined);
  const timer = setTimeout(() => reject(late()), timeoutMs);
  using _ = onAbort(signal, () => reject(cancellation(signal)));
  try {
    return await Promise.race([execution.ended, heard, interrupted]);
  } catch (error) {
    await execution.stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(host: string, command: Command, limits: Limits, output: string): TimeoutError {
  return new TimeoutError("command", `Cannot run "${command}" on ${host}: it did not end within ${formatDuration(limits.timeoutMs)}`, {
    host,
    details: output.split("\n").filter(Boolean).slice(-20),
    hint: "Look at what it waits for on the host; it was stopped.",
  });
}

/** Starts a command that stays. Aborting `signal` closes its input, then stops it. */
export function openChannel(connection: Connection, channel: ClientChannel, command: Command, signal: AbortSignal, redactor: Redactor): Channel & { stop(): Promise<void> } {
  const lines = new Lines((full) => (full ? channel.pause() : channel.resume()));
  const stdout = new Output(redactor, 0, (text) => lines.push(text));
  const stderr = new Output(redactor, keepErrorBytes);
  channel.on("data", (chunk: Buffer) => stdout.push(chunk));
  channel.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const execution = execute(connection, channel, command.text);
  if (command.input !== undefined) channel.write(redactor.open(command.input));

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopGently(channel, execution));
  const listener = onAbort(signal, () => void stop());
  const ended = execution.ended.then((ending) => {
    listener[Symbol.dispose]();
    stdout.end();
    lines.end();
    return { status: ending.status, stderr: stderr.end(), lost: ending.lost && !connection.isClosing && stopping === undefined };
  });
  return {
    write: (text) => void (channel.writable && channel.write(text)),
    send: (bytes) => sendBytes(channel, bytes),
    end: () => void channel.end(),
    lines,
    ended,
    stop,
  };
}

/** A command that ends by itself when its input ends may do so: the holder of the lock gives it back. */
async function stopGently(channel: ClientChannel, execution: Execution): Promise<void> {
  channel.end();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, gentleMs);
  const over = await Promise.race([execution.ended.then(() => true), promise.then(() => false)]);
  clearTimeout(timer);
  if (!over) await execution.stop();
}

/** How long a command may take to notice that its input has ended. */
const gentleMs = 500;

/** Writes bytes with regard to how fast they are taken. */
async function sendBytes(channel: ClientChannel, bytes: Uint8Array): Promise<void> {
  if (!channel.writable || channel.write(bytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const event of ["drain", "close"]) channel.once(event, resolve);
  await promise;
  for (const event of ["drain", "close"]) channel.off(event, resolve);
}
