import net from "node:net";

/** How the registry behaves. */
export type GateMode = "open" | "down" | "slow" | "500";

const slowMs = 2_000;

/** Stands before the lab's registry and lets it be down, slow or broken. Connections that are open see it too. */
export class RegistryGate implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();
  #mode: GateMode = "open";

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /** @param listenAt `host:port` */
  static async start(listenAt: string, registry: string): Promise<RegistryGate> {
    const [host = "", port = ""] = listenAt.split(":");
    const [farHost = "", farPort = ""] = registry.split(":");
    const server = net.createServer({ noDelay: true });
    const gate = new RegistryGate(server);
    server.on("connection", (near) => gate.#accept(near, () => net.connect({ host: farHost, port: Number(farPort), noDelay: true })));
    await new Promise<void>((ready, failed) => server.once("error", failed).listen(Number(port), host, ready));
    return gate;
  }

  set(mode: GateMode): void {
    this.#mode = mode;
    if (mode !== "slow") for (const socket of this.#open) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set("down");
    await new Promise((closed) => this.#server.close(closed));
  }

  #accept(near: net.Socket, connect: () => net.Socket): void {
    near.on("error", () => near.destroy());
    if (this.#mode === "down") return void near.resetAndDestroy();
    this.#track(near);
    if (this.#mode === "500") {
      near.once("data", () => near.end("HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\ncontent-length: 20\r\nconnection: close\r\n\r\nthe registry is ill\n"));
      return;
    }
    const far = connect();
    this.#track(far);
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    near.pipe(far);
    far.on("data", (chunk) => {
      if (this.#mode === "slow") setTimeout(() => near.writable && near.write(chunk), slowMs);
      else near.write(chunk);
    });
    far.on("end", () => setTimeout(() => near.end(), this.#mode === "slow" ? slowMs + 50 : 0));
    far.on("close", () => setTimeout(() => near.end(), this.#mode === "slow" ? slowMs + 50 : 0));
  }

  #track(socket: net.Socket): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
  }
}
