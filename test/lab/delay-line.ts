/**
 * A line with latency to hosts of a lab: packets are held back, so that the kernels at both ends see a true round trip, which a relay of bytes hides.
 * A process of its own: `bun test/lab/delay-line.ts MS PREFIX SUBNET NUMBER...`; prints `ready`, ends with its standard input.
 * A host has the address SUBNET.(10 + NUMBER); `201x20` is one with twenty addresses, from SUBNET.11 on. A line of another subnet is another line.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { must } from "./shell.ts";

const { symbols: libc } = dlopen("libc.so.6", {
  setns: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  ppoll: { args: [FFIType.ptr, FFIType.u64, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
});

/** From linux/sched.h, linux/if_tun.h and poll.h. */
const CLONE_NEWNET = 0x40000000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const POLLIN = 1;
const packetBytes = 65_536;

interface Held {
  readonly due: number;
  readonly to: number;
  readonly packet: Uint8Array;
}

function openTun(name: string): number {
  const fd = openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(40);
  request.write(name, 0, "latin1");
  request.writeUInt16LE(IFF_TUN_NO_PI, 16);
  if (libc.ioctl(fd, TUNSETIFF, ptr(request)) !== 0) throw new Error(`Cannot make the interface ${name}`);
  return fd;
}

/** Makes the interface inside a host's network. */
function openTunIn(namespace: string, name: string): number {
  const [here, there] = [openSync("/proc/self/ns/net", "r"), openSync(`/run/netns/${namespace}`, "r")];
  try {
    if (libc.setns(there, CLONE_NEWNET) !== 0) throw new Error(`Cannot enter ${namespace}`);
    const fd = openTun(name);
    libc.setns(here, CLONE_NEWNET);
    return fd;
  } finally {
    closeSync(here);
    closeSync(there);
  }
}

/** The next packet; undefined when there is none. */
function receive(fd: number, into: Uint8Array): Uint8Array | undefined {
  try {
    return into.slice(0, readSync(fd, into));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

/** A full queue drops packets, as a line does. */
function send(fd: number, packet: Uint8Array): void {
  try {
    writeSync(fd, packet);
  } catch {
    return;
  }
}

const [ms = "0", prefix = "", subnet = "10.98.0", ...numbers] = Bun.argv.slice(2);
const holdMs = Number(ms);
/** Of the interface at the hosts' end; that of this end has the prefix before it. */
const name = `dly${subnet.split(".")[1]}`;
const near = openTun(`${prefix}${name}`);
await must(["ip", "addr", "add", `${subnet}.1/24`, "dev", `${prefix}${name}`]);
await must(["ip", "link", "set", `${prefix}${name}`, "txqueuelen", "5000", "up"]);
const far = new Map<string, number>();
for (const text of numbers) {
  const [number = "", count] = text.split("x");
  const namespace = `${prefix}-h${number}`;
  const addresses = count === undefined ? [`${subnet}.${10 + Number(number)}`] : Array.from({ length: Number(count) }, (_, i) => `${subnet}.${11 + i}`);
  const fd = openTunIn(namespace, name);
  for (const address of addresses) far.set(address, fd);
  await must(["ip", "-n", namespace, "-batch", "-"], { input: addresses.map((address) => `addr add ${address}/24 dev ${name}\n`).join("") });
  await must(["ip", "-n", namespace, "link", "set", name, "txqueuelen", "5000", "up"]);
}

const fds = [...new Set([near, ...far.values()])];
const polled = Buffer.alloc(8 * (fds.length + 1));
[...fds, 0].forEach((fd, i) => {
  polled.writeInt32LE(fd, 8 * i);
  polled.writeInt16LE(POLLIN, 8 * i + 4);
});
const timeout = Buffer.alloc(16);
const buffer = new Uint8Array(packetBytes);
const queue: Held[] = [];
process.stdout.write("ready\n");
for (;;) {
  const waitMs = queue[0] === undefined ? 1_000 : Math.max(0, queue[0].due - performance.now());
  timeout.writeBigInt64LE(BigInt(Math.floor(waitMs / 1000)), 0);
  timeout.writeBigInt64LE(BigInt(Math.round((waitMs % 1000) * 1e6)), 8);
  libc.ppoll(ptr(polled), fds.length + 1, ptr(timeout), null);
  // Whoever started this is gone.
  if (polled.readInt16LE(8 * fds.length + 6) !== 0) process.exit(0);
  fds.forEach((fd, i) => {
    if (polled.readInt16LE(8 * i + 6) === 0) return;
    for (let packet = receive(fd, buffer); packet !== undefined; packet = receive(fd, buffer)) {
      const to = fd === near ? far.get(packet.slice(16, 20).join(".")) : near;
      if ((packet[0] ?? 0) >> 4 === 4 && to !== undefined) queue.push({ due: performance.now() + holdMs, to, packet });
    }
  });
  for (let [next] = queue; next !== undefined && next.due <= performance.now(); [next] = queue) {
    queue.shift();
    send(next.to, next.packet);
  }
}
