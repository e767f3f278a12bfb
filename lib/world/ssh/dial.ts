import { lookup } from "node:dns/promises";
import { connect, isIP, isIPv6, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { isDeployError } from "../../ground/errors.ts";
import type { Clock } from "../../ground/world.ts";
import { onAbort, throwIfCancelled, unlessCancelled } from "../cancel.ts";
import { connectFailure, socketFailure, unresolved } from "./failures.ts";
import type { Target } from "./target.ts";

/** Resolvers drop questions when many are asked at once: the next one waits longer each time, up to two seconds. */
const lookupPauseMs = 100;
const longestPauseMs = 2000;
/** Source: RFC 8305, section 5: how long an address may take before the next one is tried beside it. */
const headStartMs = 250;
/** Between attempts, as OpenSSH has it. */
const attemptPauseMs = 1000;

/** How names and sockets are reached: replaced in tests. */
export interface Network {
  /** The addresses of a name. @param family undefined: both. @throws Error with a code such as `EAI_AGAIN` */
  lookup(name: string, family: 4 | 6 | undefined): Promise<readonly string[]>;
  /** @param from the address here to connect from */
  connect(host: string, port: number, from: string | undefined): Socket;
}

export const systemNetwork: Network = {
  lookup: async (name, family) => (await lookup(name, { all: true, family: family ?? 0 })).map(({ address }) => address),
  connect: (host, port, from) => connect({ host, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) }),
};

/**
 * Opens a TCP connection. All addresses of a name have their chance: the next one is tried when one fails, or is slow. Without Nagle's delay,
 * which would hold back every small packet.
 * @param signal ends the attempt; what it rejects with is up to the caller
 * @throws ConnectError (resolve, refused, timeout, unreachable)
 */
export async function dial(target: Target, clock: Clock, signal: AbortSignal, network: Network = systemNetwork): Promise<Socket> {
  const addresses = await addressesOf(target, clock, signal, network);
  for (let attempt = 1; ; attempt++) {
    try {
      return await race(target, addresses, signal, network);
    } catch (error) {
      throwIfCancelled(signal);
      if (isDeployError(error)) throw error;
      if (attempt >= target.connectionAttempts) throw socketFailure(target, error);
      await clock.sleep(attemptPauseMs, signal);
    }
  }
}

async function addressesOf(target: Target, clock: Clock, signal: AbortSignal, network: Network): Promise<readonly string[]> {
  // A zone, as in fe80::1%eth0, is part of the address.
  if (isIP(target.hostName.replace(/%.*$/, "")) !== 0) return [target.hostName];
  for (let retries = 0; ; retries++) {
    try {
      return alternating(await unlessCancelled(network.lookup(target.hostName, target.addressFamily), signal));
    } catch (error) {
      throwIfCancelled(signal);
      if (retries >= target.dnsRetries) throw unresolved(target, error);
      await clock.sleep(Math.min(lookupPauseMs * 2 ** retries, longestPauseMs), signal);
    }
  }
}

/** One of each family in turn, beginning with the resolver's first: a family that leads nowhere costs one address, not all of its. */
function alternating(addresses: readonly string[]): readonly string[] {
  const all = [...new Set(addresses)];
  const isOther = (address: string): boolean => isIPv6(address) !== isIPv6(all[0] ?? "");
  const [first, other] = [all.filter((address) => !isOther(address)), all.filter(isOther)];
  return first.flatMap((address, i) => [address, ...other.slice(i, i + 1)]).concat(other.slice(first.length));
}

async function race(target: Target, addresses: readonly string[], signal: AbortSignal, network: Network): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const sockets = new Set<Socket>();
  const left = [...addresses];
  let headStart: ReturnType<typeof setTimeout> | undefined;
  let failure: unknown;

  const fail = (socket: Socket | undefined, error: unknown): void => {
    // The first address is the one that people mean: what it says is told.
    failure ??= error;
    if (socket !== undefined) sockets.delete(socket);
    if (left.length > 0) next();
    else if (sockets.size === 0) reject(failure);
  };
  const next = (): void => {
    clearTimeout(headStart);
    const address = left.shift();
    if (address === undefined) return;
    if (left.length > 0) headStart = setTimeout(next, headStartMs);
    let socket: Socket;
    try {
      socket = network.connect(address, target.port, localAddress(target, isIPv6(address.replace(/%.*$/, "")) ? "IPv6" : "IPv4"));
    } catch (error) {
      return fail(undefined, error);
    }
    sockets.add(socket);
    const onError = (error: Error): void => fail(socket, error);
    socket.once("error", onError);
    socket.once("connect", () => {
      sockets.delete(socket);
      socket.off("error", onError);
      socket.setNoDelay(true);
      resolve(socket);
    });
  };
  using _ = onAbort(signal, () => reject(new Error("aborted")));
  const timer = setTimeout(() => reject(failure ?? Object.assign(new Error("timed out"), { code: "ETIMEDOUT" })), target.timeoutMs);
  try {
    next();
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(headStart);
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      socket.destroy();
    }
  }
}

/** Where to connect from. An interface stands for its first address of the family: binding to the device itself takes root. */
function localAddress(target: Target, family: "IPv4" | "IPv6"): string | undefined {
  if (target.bindAddress !== undefined || target.bindInterface === undefined) return target.bindAddress;
  const found = networkInterfaces()[target.bindInterface]?.find((address) => address.family === family);
  if (found === undefined) throw connectFailure(target, "unreachable", `the network interface ${target.bindInterface} has no ${family} address`, "Check BindInterface in the SSH config.");
  return found.address;
}
