import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Clock } from "../../ground/world.ts";
import { onAbort, throwIfCancelled, unlessCancelled } from "../cancel.ts";
import { socketFailure, unresolved } from "./failures.ts";
import type { Target } from "./target.ts";

/** Resolvers drop questions when many are asked at once: the next one waits longer each time, up to two seconds. */
const lookupPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Opens a TCP connection, trying the addresses of a name in order. Without Nagle's delay, which would hold back every small packet.
 * @param signal ends the attempt; what it rejects with is up to the caller
 * @throws ConnectError (resolve, refused, timeout, unreachable)
 */
export async function dial(target: Target, clock: Clock, signal: AbortSignal): Promise<Socket> {
  const addresses = await addressesOf(target, clock, signal);
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await openSocket(address, target.port, target.timeoutMs / addresses.length, signal);
    } catch (error) {
      throwIfCancelled(signal);
      failure = error;
    }
  }
  throw socketFailure(target, failure);
}

async function addressesOf(target: Target, clock: Clock, signal: AbortSignal): Promise<readonly string[]> {
  if (isIP(target.hostName) !== 0) return [target.hostName];
  for (let retries = 0; ; retries++) {
    try {
      const found = await unlessCancelled(lookup(target.hostName, { all: true }), signal);
      return [...new Set(found.map(({ address }) => address))];
    } catch (error) {
      throwIfCancelled(signal);
      if (retries >= target.dnsRetries) throw unresolved(target, error);
      await clock.sleep(Math.min(lookupPauseMs * 2 ** retries, longestPauseMs), signal);
    }
  }
}

async function openSocket(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, noDelay: true });
  using _ = onAbort(signal, () => {
    socket.destroy();
    reject(new Error("aborted"));
  });
  const timer = setTimeout(() => {
    socket.destroy();
    reject(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" }));
  }, timeoutMs);
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.setNoDelay(true);
    socket.off("error", reject);
    resolve(socket);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** The standard input and output of a ProxyCommand as a connection. */
export function dialCommand(command: string, env: Readonly<Record<string, string | undefined>>): Duplex {
  const child = spawn("sh", ["-c", `exec ${command}`], { env: { ...env }, stdio: ["pipe", "pipe", "ignore"] });
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.stdout.on("end", () => stream.push(null));
  child.stdin.on("error", (error) => stream.destroy(error));
  child.on("error", (error) => stream.destroy(error));
  stream.on("close", () => child.kill());
  return stream;
}

