import { connect } from "node:net";
import type { AcceptConnection, ClientChannel, RejectConnection, TcpConnectionDetails } from "ssh2";
import { ConnectError } from "../../ground/errors.ts";
import { unlessCancelled, within } from "../cancel.ts";
import type { Connection } from "./connection.ts";

/** How long a host may take to open the port. */
const openMs = 30_000;
/** How long it may take to close it. */
const closeMs = 5_000;
const loopback = "127.0.0.1";

/**
 * Makes a port of this machine the same port of the host, at 127.0.0.1 on both sides.
 * @returns closes the port; connections that are open through it are cut
 * @throws ConnectError when the host does not open the port, or a cancellation
 */
export async function openTunnel(connection: Connection, port: number, signal: AbortSignal): Promise<AsyncDisposable> {
  const { client, host } = connection;
  const open = new Set<ClientChannel>();
  const onConnection = ({ destPort }: TcpConnectionDetails, accept: AcceptConnection<ClientChannel>, reject: RejectConnection): void => {
    if (destPort === port) join(port, accept, reject, open);
  };
  client.on("tcp connection", onConnection);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${openMs / 1000} s`)), openMs);
  const close = async (): Promise<void> => {
    client.off("tcp connection", onConnection);
    for (const channel of open) channel.destroy();
    if (connection.isGone) return;
    await within(closeMs, Promise.race([new Promise<void>((done) => client.unforwardIn(loopback, port, () => done())), connection.gone.then(() => undefined)])).catch(() => undefined);
  };
  try {
    client.forwardIn(loopback, port, (error) => (error === undefined ? resolve() : reject(error)));
    await unlessCancelled(Promise.race([promise, connection.gone.then((reason) => Promise.reject(reason))]), signal);
    return { [Symbol.asyncDispose]: close };
  } catch (error) {
    client.off("tcp connection", onConnection);
    if (signal.aborted) throw error;
    if (connection.isGone) throw connection.lost(`while it opened port ${port}`);
    throw new ConnectError(host, "protocol", `Cannot make port ${port} of this machine reachable from ${host}: ${error instanceof Error ? error.message : String(error)}`, {
      hint: `Check that nothing else listens on port ${port} there, and that sshd_config has "AllowTcpForwarding yes".`, cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Joins a connection that the host accepted to this machine's port. */
function join(port: number, accept: AcceptConnection<ClientChannel>, reject: RejectConnection, open: Set<ClientChannel>): void {
  const socket = connect(port, loopback);
  let channel: ClientChannel | undefined;
  socket.on("error", () => (channel === undefined ? reject() : channel.destroy()));
  socket.on("connect", () => {
    const accepted = accept();
    channel = accepted;
    open.add(accepted);
    accepted.on("error", () => undefined);
    accepted.on("close", () => {
      open.delete(accepted);
      socket.destroySoon();
    });
    socket.pipe(accepted).pipe(socket);
  });
}
