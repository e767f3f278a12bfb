import { describe, expect, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { newHostKey, startSshServer } from "../support/ssh-server.ts";
import { temporaryHome } from "./sshd.ts";
import { limits, openTransport, transports } from "./transport.ts";

/** Stands before a server and falls silent when told to: nothing is passed on, and nothing is closed either. */
async function relay(port: number): Promise<AsyncDisposable & { readonly host: string; silence(): void }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

describe.each(transports)("over %s", (_, make) => {
  test("a host that falls silent keeps nobody from ending", async () => {
    using home = temporaryHome();
    writeFileSync(join(home.path, ".ssh/id_ed25519"), newHostKey(), { mode: 0o600 });
    await using server = await startSshServer();
    await using between = await relay(server.port);
    const open = openTransport(home.path, {}, { make });
    expect((await open.transport.run(between.host, sh`echo there`, limits)).stdout).toBe("there\n");
    between.silence();
    const begun = performance.now();
    await open[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(8_000);
  }, 20_000);
});
