import { afterAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CancelledError } from "../../lib/ground/errors.ts";
import { newHostKey, startSshServer } from "../support/ssh-server.ts";
import { freePort, makeKey, me, startSshd, temporaryHome } from "./sshd.ts";
import { failureOf, never, openTransport, transports } from "./transport.ts";

describe.each(transports)("over %s", (_, make) => {
  const homes: Disposable[] = [];
  afterAll(() => homes.forEach((home) => home[Symbol.dispose]()));

  function home(): string {
    const made = temporaryHome();
    homes.push(made);
    writeFileSync(join(made.path, ".ssh/id_ed25519"), newHostKey(), { mode: 0o600 });
    return made.path;
  }

  /** A registry on this machine that has one large layer. */
  const layer = "x".repeat(3_000_000);
  const serveRegistry = () => Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => new Response(new URL(request.url).pathname === "/v2/" ? "{}" : layer, { headers: { connection: "close" } }) });
  const portOf = (server: { readonly port?: number | undefined }): number => server.port ?? 0;

  describe("transport.tunnel()", () => {
    test("makes a port of this machine one of the host, for many connections at once, until it is disposed", async () => {
      await using server = await startSshServer();
      using registry = serveRegistry();
      const port = portOf(registry);
      await using open = openTransport(home(), { config: false }, { make });
      const tunnel = await open.transport.tunnel(server.host, port, never);
      const there = server.opened.get(port) ?? 0;
      expect(there).not.toBe(0);
      const answers = await Promise.all(Array.from({ length: 6 }, async () => (await fetch(`http://127.0.0.1:${there}/layer`)).text()));
      expect(answers.map((text) => text.length)).toEqual(Array.from({ length: 6 }, () => layer.length));
      await tunnel[Symbol.asyncDispose]();
      for (let i = 0; i < 400 && server.opened.size > 0; i++) await Bun.sleep(5);
      expect(server.opened.size).toBe(0);
      expect(await failureOf(fetch(`http://127.0.0.1:${there}/layer`))).toBeInstanceOf(Error);
      await using again = await open.transport.tunnel(server.host, port, never);
      expect([server.opened.has(port), again !== tunnel]).toEqual([true, true]);
    });

    test("carries what the host sends, to the last byte", async () => {
      const sent = "y".repeat(2_000_000);
      const received = Promise.withResolvers<number>();
      const sink = createServer((socket) => {
        let length = 0;
        socket.on("data", (chunk) => void (length += chunk.length)).on("end", () => {
          received.resolve(length);
          socket.end();
        });
      });
      const listening = Promise.withResolvers<void>();
      sink.listen(0, "127.0.0.1", listening.resolve);
      await listening.promise;
      const { port } = sink.address() as { port: number };
      await using server = await startSshServer();
      await using open = openTransport(home(), { config: false }, { make });
      await using _ = await open.transport.tunnel(server.host, port, never);
      const socket = await Bun.connect({ hostname: "127.0.0.1", port: server.opened.get(port) ?? 0, socket: { data: () => undefined } });
      let at = 0;
      while (at < sent.length) {
        at += socket.write(sent.slice(at));
        await Bun.sleep(1);
      }
      socket.end();
      expect(await received.promise).toBe(sent.length);
      sink.close();
    });

    test("ends a connection for which nothing listens here", async () => {
      await using server = await startSshServer();
      const port = freePort();
      await using open = openTransport(home(), { config: false }, { make });
      await using _ = await open.transport.tunnel(server.host, port, never);
      expect(await failureOf(fetch(`http://127.0.0.1:${server.opened.get(port)}/`))).toBeInstanceOf(Error);
    });

    test("says why a host does not open it", async () => {
      await using server = await startSshServer({ forwards: false });
      await using open = openTransport(home(), { config: false }, { make });
      expect(await failureOf(open.transport.tunnel(server.host, 5001, never))).toMatchObject({
        failure: "connect", host: server.host, hint: `Check that nothing else listens on port 5001 there, and that sshd_config has "AllowTcpForwarding yes".`,
        message: expect.stringMatching(/^Cannot make port 5001 of this machine reachable from 127\.0\.0\.1:\d+: (Unable to bind|remote port forwarding failed)/),
      });
    });

    test("can be cancelled", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home(), { config: false }, { make });
      await open.transport.connect(server.host, never);
      const reason = new CancelledError();
      expect(await failureOf(open.transport.tunnel(server.host, 5001, AbortSignal.abort(reason)))).toBe(reason);
    });

    test("a real sshd that is this machine has the registry already", async () => {
      using registry = serveRegistry();
      const path = home();
      const key = makeKey(path, "key", "ed25519");
      await using sshd = await startSshd([`${key}.pub`]);
      await using open = openTransport(path, { config: false, keys: [key] }, { make });
      const host = `${me}@127.0.0.1:${sshd.port}`;
      await using _ = await open.transport.tunnel(host, portOf(registry), never);
      expect(open.notices()).toContain(`Port ${portOf(registry)} leads to a registry there already: it is used as it is`);
      using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("no", { status: 404 }) });
      expect(await failureOf(open.transport.tunnel(host, portOf(other), never))).toMatchObject({ failure: "connect" });
    });
  });
});
