import { connect, type Socket } from "node:net";

/** Numbers of the messages. Source: PROTOCOL.mux of OpenSSH, version 4 of the protocol. */
const message = {
  hello: 0x00000001,
  openForward: 0x10000006,
  closeForward: 0x10000007,
  proxy: 0x1000000f,
  ok: 0x80000001,
  denied: 0x80000002,
  failure: 0x80000003,
  proxyGranted: 0x8000000f,
} as const;
const protocolVersion = 4;
const remoteForward = 2;
const loopback = "127.0.0.1";

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const text = (value: string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
const packet = (...parts: readonly Buffer[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([u32(payload.length), payload]);
};

/**
 * A stream of the SSH connection protocol through the master that listens at `path`: RFC 4254's messages in frames without padding or encryption.
 * @throws Error when no master of ours answers there
 */
export async function openProxy(path: string): Promise<Socket> {
  const control = await openControl(path);
  const { type } = await control.ask(message.proxy);
  if (type === message.proxyGranted) return control.release();
  control.close();
  throw new Error("it cannot share its connection: OpenSSH 7.4 or newer is needed");
}

/** Makes a port of this machine the same port of the host, at 127.0.0.1 on both sides. @throws Error with OpenSSH's words for the refusal */
export const openForward = (path: string, port: number): Promise<void> => forward(path, message.openForward, port);

/** Takes a forward back. @throws Error when there is none, or no master any more */
export const closeForward = (path: string, port: number): Promise<void> => forward(path, message.closeForward, port);

async function forward(path: string, type: number, port: number): Promise<void> {
  const control = await openControl(path);
  try {
    const answer = await control.ask(type, u32(remoteForward), text(loopback), u32(port), text(loopback), u32(port));
    if (answer.type === message.failure || answer.type === message.denied) throw new Error(answer.body.subarray(8).toString());
  } finally {
    control.close();
  }
}

interface Control {
  /** Sends a request and waits for what the master says to it. */
  ask(type: number, ...fields: readonly Buffer[]): Promise<{ readonly type: number; readonly body: Buffer }>;
  /** The socket itself: nothing reads from it any more. */
  release(): Socket;
  close(): void;
}

async function openControl(path: string): Promise<Control> {
  const socket = connect({ path });
  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Buffer> | undefined;
  const take = (): void => {
    if (waiting === undefined || received.length < 4 || received.length < 4 + received.readUInt32BE()) return;
    const end = 4 + received.readUInt32BE();
    const body = received.subarray(4, end);
    received = received.subarray(end);
    waiting.resolve(body);
    waiting = undefined;
  };
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    take();
  };
  const lost = (): void => waiting?.reject(new Error("the master of the connection is gone"));
  socket.on("data", onData).on("error", lost).on("close", lost);
  const next = async (): Promise<{ type: number; body: Buffer }> => {
    waiting = Promise.withResolvers<Buffer>();
    const { promise } = waiting;
    if (socket.destroyed) lost();
    take();
    const body = await promise;
    return { type: body.length < 4 ? 0 : body.readUInt32BE(), body: body.subarray(4) };
  };
  socket.write(packet(u32(message.hello), u32(protocolVersion)));
  try {
    const { type, body } = await next();
    if (type !== message.hello || body.readUInt32BE() !== protocolVersion) throw new Error("what listens there speaks another protocol");
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    async ask(type, ...fields) {
      socket.write(packet(u32(type), u32(0), ...fields));
      return await next();
    },
    release() {
      socket.off("data", onData).off("close", lost).off("error", lost);
      return socket;
    },
    close: () => void socket.destroy(),
  };
}
