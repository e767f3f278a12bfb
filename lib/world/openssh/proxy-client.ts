import type { Socket } from "node:net";
import { Client } from "ssh2";

/** The inside of an ssh2 client, version 1.17.0: what is needed to begin behind the handshake, which OpenSSH has done. */
interface ClientInside {
  readonly _protocol: {
    readonly _onPayload: (payload: Buffer) => void;
    readonly _onWrite: (packet: Buffer) => void;
    readonly _onHeader: (header: { readonly versions: { readonly software: string } }) => void;
  };
}

/** Bytes before the payload: its length, and that of a padding, which is none. */
const headBytes = 5;
const mostBytes = 1024 * 1024;

/**
 * An ssh2 client for the channels of a connection that OpenSSH has opened.
 * @param stream the messages of RFC 4254, each behind its length (4 bytes) and a zero byte
 */
export function clientOver(stream: Socket): Client {
  const client = new Client();
  // The master has logged in and keeps the connection alive: ssh2 sends no identification, which would begin a handshake, and no goodbye.
  client.connect({ sock: stream, username: "unused", readyTimeout: 0, keepaliveInterval: 0 });
  const { _protocol: protocol } = client as unknown as ClientInside;
  const { _onWrite: write, _onPayload: onPayload, _onHeader: onHeader } = protocol;
  let isOver = false;
  Object.assign(protocol, {
    start: () => undefined,
    disconnect: () => undefined,
    _cipher: {
      allocPacket(payloadBytes: number): Buffer {
        const packet = Buffer.alloc(headBytes + payloadBytes);
        packet.writeUInt32BE(1 + payloadBytes);
        return packet;
      },
      encrypt(packet: Buffer): void {
        if (!isOver) write(packet);
      },
      free: () => void (isOver = true),
    },
    _parse: frameParser(onPayload),
  });
  onHeader({ versions: { software: "OpenSSH" } });
  return client;
}

/** Takes frames apart, however they are cut. */
function frameParser(onPayload: (payload: Buffer) => void): (chunk: Buffer, at: number, end: number) => number {
  let held: Buffer | undefined;
  return (chunk, at, end) => {
    const bytes = held === undefined ? chunk.subarray(at, end) : Buffer.concat([held, chunk.subarray(at, end)]);
    held = undefined;
    let from = 0;
    while (bytes.length - from >= headBytes) {
      const length = bytes.readUInt32BE(from);
      if (length < 2 || length > mostBytes) throw new Error("OpenSSH sent a message of an impossible length");
      if (bytes.length - from < 4 + length) break;
      onPayload(bytes.subarray(from + headBytes, from + 4 + length));
      from += 4 + length;
    }
    if (from < bytes.length) held = bytes.subarray(from);
    return end;
  };
}
