import net from "node:net";

/** A relay before some hosts. */
export interface Relay extends AsyncDisposable {
  /** `127.0.0.1:port` for each host, in order. */
  readonly addresses: readonly string[];
}

/**
 * Puts a relay with latency before sshd of some hosts. Bytes are held back for the given time in each direction and keep
 * their order; the opening of a connection is held back for one round trip as well.
 * @param delayMs one way
 */
export async function startRelay(addresses: readonly string[], delayMs: number): Promise<Relay> {
  const servers = await Promise.all(addresses.map((address) => listen(address, delayMs)));
  return {
    addresses: servers.map((server) => `127.0.0.1:${(server.address() as net.AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
    },
  };
}

async function listen(address: string, delayMs: number): Promise<net.Server> {
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect({ host: address, port: 22, noDelay: true });
    hold(near, far, delayMs, 2 * delayMs);
    hold(far, near, delayMs, 0);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
}

function hold(from: net.Socket, to: net.Socket, delayMs: number, extraMs: number): void {
  const queue: { readonly due: number; readonly work: () => void }[] = [];
  // The first bytes of the caller wait for the round trip that a real connection takes to open.
  const notBefore = performance.now() + extraMs;
  const drain = (): void => {
    for (let [next] = queue; next !== undefined && next.due <= performance.now(); [next] = queue) {
      queue.shift();
      next.work();
    }
    const [next] = queue;
    if (next !== undefined) setTimeout(drain, Math.max(1, next.due - performance.now()));
  };
  const later = (work: () => void): void => {
    queue.push({ due: Math.max(notBefore, performance.now()) + delayMs, work });
    if (queue.length === 1) drain();
  };
  from.on("data", (chunk) => later(() => to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("error", () => later(() => to.destroy()));
}
