import { afterAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { utils } from "ssh2";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError, ConnectError } from "../../lib/ground/errors.ts";
import { newHostKey, startSshServer, type SshServer } from "../support/ssh-server.ts";
import { freePort, temporaryHome } from "./sshd.ts";
import { failureOf, limits, never, openTransport, transports } from "./transport.ts";

const homes: Disposable[] = [];
afterAll(() => homes.forEach((home) => home[Symbol.dispose]()));

const aKey = newHostKey();
/** A home with one key and a known_hosts. */
function home(knownHosts?: string): string {
  const made = temporaryHome();
  homes.push(made);
  writeFileSync(join(made.path, ".ssh/id_ed25519"), aKey, { mode: 0o600 });
  if (knownHosts !== undefined) writeFileSync(join(made.path, ".ssh/known_hosts"), knownHosts);
  return made.path;
}
const knownHosts = (path: string): string => readFileSync(join(path, ".ssh/known_hosts"), "utf8");
const nameOf = (server: SshServer): string => `[127.0.0.1]:${server.port}`;
const entry = (server: SshServer): string => `${nameOf(server)} ${server.hostKeyType} ${server.hostKey}\n`;
const other = (): string => {
  const key = utils.parseKey(newHostKey());
  if (key instanceof Error) throw key;
  return key.getPublicSSH().toString("base64");
};

describe.each(transports)("over %s", (over, make) => {
  describe("transport.connect()", () => {
    test("adds an unknown host key to known_hosts, shows its fingerprint and asks no more", async () => {
      await using server = await startSshServer();
      const path = home();
      await using first = openTransport(path, {}, { make });
      await first.transport.connect(server.host, never);
      expect(first.notices()).toEqual([expect.stringMatching(new RegExp(`^New host key accepted and added to ${path}/.ssh/known_hosts: ssh-ed25519 SHA256:[A-Za-z0-9+/]{43}$`))]);
      const { mode } = statSync(join(path, ".ssh/known_hosts"));
      if (over === "ssh2") expect((mode & 0o777).toString(8)).toBe("600");
      await using second = openTransport(path, { strictHostKeyChecking: "yes" }, { make });
      await second.transport.connect(server.host, never);
      expect(second.notices()).toEqual([]);
    });

    test("keeps what stands in known_hosts, also without a line end", async () => {
      await using server = await startSshServer();
      const path = home("# mine\nother ssh-ed25519 AAAA");
      await using open = openTransport(path, { config: false }, { make });
      await open.transport.connect(server.host, never);
      expect(knownHosts(path)).toBe(`# mine\nother ssh-ed25519 AAAA\n${entry(server)}`);
    });

    test("adds the keys of many hosts without losing one", async () => {
      const servers = await Promise.all(Array.from({ length: 8 }, () => startSshServer()));
      const path = home();
      await using open = openTransport(path, { config: false }, { make });
      await Promise.all(servers.map((server) => open.transport.connect(server.host, never)));
      expect(knownHosts(path).split("\n").sort()).toEqual(["", ...servers.map((server) => entry(server).trim())].sort());
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    });

    const salt = Buffer.from("a salt of 20 bytes..").toString("base64");
    const hashed = (name: string): string => `|1|${salt}|${createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64")}`;
    test.each<[string, (server: SshServer) => string]>([
      ["plain", entry],
      ["hashed", (server) => `${hashed(nameOf(server))} ${server.hostKeyType} ${server.hostKey}\n`],
      ["a pattern", (server) => `other,[127.0.0.*]:* ${server.hostKeyType} ${server.hostKey} comment\n`],
      ["without the port", (server) => `127.0.0.1 ${server.hostKeyType} ${server.hostKey}\n`],
      ["one of several", (server) => `${nameOf(server)} ssh-ed25519 ${other()}\n${entry(server)}`],
    ])("takes a host whose key is known: %s", async (_, line) => {
      await using server = await startSshServer();
      await using open = openTransport(home(line(server)), { strictHostKeyChecking: "yes", config: false }, { make });
      await open.transport.connect(server.host, never);
    });

    test("asks a host with several keys for the one that is known", async () => {
      const [known, newer] = [newHostKey("ecdsa"), newHostKey()];
      await using server = await startSshServer({ hostKeys: [known, newer] });
      await using open = openTransport(home(entry(server)), { strictHostKeyChecking: "yes", config: false }, { make });
      await open.transport.connect(server.host, never);
    });

    test("refuses a changed key and names the line to look at", async () => {
      await using server = await startSshServer();
      const path = home(`# a comment\n${nameOf(server)} ssh-ed25519 ${other()}\n`);
      await using open = openTransport(path, { config: false }, { make });
      const error = await failureOf(open.transport.connect(server.host, never));
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({
        reason: "host-key",
        message: `Cannot connect to ${server.host}: its host key is not the one in ${path}/.ssh/known_hosts:2`,
        hint: `Find out why. If the host was installed anew, remove that line, or run "ssh-keygen -R '${nameOf(server)}' -f ${path}/.ssh/known_hosts", and try again; otherwise somebody may be in between.`,
      });
      expect((error as ConnectError).details[1]).toEndWith(`(${path}/.ssh/known_hosts:2)`);
      expect(server.commands).toEqual([]);
    });

    test.each<[string, (server: SshServer) => string, string]>([
      ["a key of another type", (server) => `${nameOf(server)} ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAA=\n`, over === "ssh2" ? "its host key is not the one in" : "its host key is not known"],
      ["a revoked key", (server) => `${entry(server)}@revoked * ${server.hostKeyType} ${server.hostKey}\n`, over === "ssh2" ? "its host key is revoked in" : "its host key is revoked"],
      ["an unknown key where a pattern excludes the host", (server) => `!${nameOf(server)},!127.0.0.1,* ${server.hostKeyType} ${server.hostKey}\n`, "its host key is not known"],
      ["an unknown key", () => "", "its host key is not known"],
    ])("refuses %s when checking is strict", async (_, line, message) => {
      await using server = await startSshServer();
      await using open = openTransport(home(line(server)), { strictHostKeyChecking: "yes", config: false }, { make });
      const error = await failureOf(open.transport.connect(server.host, never));
      expect(error).toMatchObject({ reason: "host-key", hint: expect.any(String) });
      expect((error as Error).message).toContain(message);
    });

    test("takes any key and writes none when checking is off, with a warning for a changed one", async () => {
      await using server = await startSshServer();
      const path = home(`${nameOf(server)} ssh-ed25519 ${other()}\n`);
      await using open = openTransport(path, { strictHostKeyChecking: "no", config: false }, { make });
      await open.transport.connect(server.host, never);
      expect(open.notices()).toEqual([expect.stringContaining("has changed and is not checked")]);
      expect(knownHosts(path)).not.toContain(server.hostKey);
      expect(await failureOf(open.transport.tunnel(server.host, 5001, never))).toMatchObject({ reason: "host-key", message: `Cannot make port 5001 of this machine reachable from ${server.host}: its host key is not the known one` });
      expect(server.opened.size).toBe(0);
    });

    test("takes this very machine as it is where ssh_config says so", async () => {
      await using server = await startSshServer();
      const path = home(`${nameOf(server)} ssh-ed25519 ${other()}\n`);
      writeFileSync(join(path, ".ssh/config"), "NoHostAuthenticationForLocalhost yes\n");
      await using open = openTransport(path, {}, { make });
      await using _ = await open.transport.tunnel(server.host, 5001, never);
      expect([open.notices(), server.opened.size]).toEqual([[], 1]);
    });

    test.if(over === "ssh2")("says once what ssh2 does not look at", async () => {
      await using server = await startSshServer();
      const path = home(`${entry(server)}@cert-authority 127.0.0.1 ssh-ed25519 ${other()}\n`);
      writeFileSync(join(path, ".ssh/config"), "RevokedHostKeys /revoked\nKnownHostsCommand /bin/keys %H\n");
      await using open = openTransport(path, { transport: "ssh2" }, { make });
      await open.transport.connect(server.host, never);
      await open.transport.renew(server.host);
      await open.transport.connect(server.host, never);
      expect(open.notices()).toEqual([`Not looked at by ssh2: the revoked host keys in /revoked (RevokedHostKeys in the SSH config), the program that knows host keys (KnownHostsCommand in the SSH config), the authority that signs its host key (@cert-authority in ${path}/.ssh/known_hosts:2). OpenSSH does: set ssh.transport to "openssh" or "auto"`]);
    });

    test("opens one connection for many calls", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home(), {}, { make });
      await Promise.all(Array.from({ length: 5 }, () => open.transport.connect(server.host, never)));
      expect(server.connections).toBe(1);
      expect(open.events.map((event) => (event.type === "connect" ? event.state : event.type))).toEqual(["opening", "notice", "ready"]);
    });

    test.if(over === "ssh2")("logs in with one question when the key lies open", async () => {
      const asked: boolean[] = [];
      await using server = await startSshServer({ accepts: (_, __, signed) => { asked.push(signed); return true; } });
      await using open = openTransport(home(), {}, { make });
      await open.transport.connect(server.host, never);
      expect(asked).toEqual([true]);
    });

    test("ends for the caller who cancels, and goes on for the others", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home(), {}, { make });
      const aborter = new AbortController();
      const [cancelled, kept] = [open.transport.connect(server.host, aborter.signal), open.transport.connect(server.host, never)];
      aborter.abort();
      expect(await failureOf(cancelled)).toBeInstanceOf(CancelledError);
      await kept;
      expect(server.connections).toBe(1);
    });
  });

  describe("a host that cannot be reached", () => {
    test("because its name has no address", async () => {
      await using open = openTransport(home(), {}, { make });
      expect(await failureOf(open.transport.connect("nowhere.invalid", never))).toMatchObject({ reason: "resolve", message: "Cannot connect to nowhere.invalid: the name nowhere.invalid has no address", host: "nowhere.invalid" });
    });

    test("because nothing listens", async () => {
      await using open = openTransport(home(), {}, { make });
      const port = freePort();
      expect(await failureOf(open.transport.connect(`127.0.0.1:${port}`, never))).toMatchObject({ reason: "refused", message: `Cannot connect to 127.0.0.1:${port}: nothing listens on port ${port}` });
      expect(open.events.at(-1)).toMatchObject({ type: "connect", state: "failed" });
    });

    test.each<[string, (write: (text: string) => void, end: () => void) => void, string, string]>([
      ["it says nothing", () => undefined, "timeout", "the handshake was not done within 300ms"],
    ["it hangs up, again and again", (_, end) => end(), "protocol", "it hung up without a word"],
    ["it is no SSH server", (write, end) => { write("HTTP/1.1 400 Bad Request\r\n\r\n"); end(); }, "protocol", 'does not answer as an SSH server: "HTTP/1.1 400 Bad Request"'],
    ["it speaks a version of long ago", (write, end) => { write("SSH-1.5-old\r\n"); end(); }, "protocol", 'does not speak SSH 2.0: "SSH-1.5-old"'],
    ["it shuts us out", (write, end) => { write("Not allowed at this time\r\n"); end(); }, "protocol", 'it takes no connection now ("Not allowed at this time")'],
    ])("because %s", async (_, behave, reason, message) => {
      const listener = createServer((socket) => {
        socket.on("error", () => undefined);
        behave((text) => socket.write(text), () => socket.end());
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      listener.listen(0, "127.0.0.1", resolve);
      await promise;
      const { port } = listener.address() as { port: number };
      await using open = openTransport(home(), { connectTimeoutSeconds: 0.3 }, { make });
      const error = await failureOf(open.transport.connect(`127.0.0.1:${port}`, never));
      expect(error).toMatchObject({ reason });
      expect((error as Error).message).toContain(message);
      listener.close();
    });

    test("because it takes none of our keys: each that was tried is named", async () => {
      await using server = await startSshServer({ accepts: () => false, methods: ["publickey", "password"] });
      const path = home();
      await using open = openTransport(path, { user: "deploy" }, { make });
      expect(await failureOf(open.transport.connect(server.host, never))).toMatchObject({
        reason: "authentication",
        message: `Cannot connect to ${server.host}: it refused every key for the user deploy`,
        details: [`tried: ${path}/.ssh/id_ed25519`],
        hint: "Add one of these keys to ~/.ssh/authorized_keys of deploy on the host, or set ssh.user or ssh.keys.",
      });
    });

    test("because we have no key", async () => {
      await using server = await startSshServer();
      const bare = temporaryHome();
      homes.push(bare);
      await using open = openTransport(bare.path, {}, { make });
      expect(await failureOf(open.transport.connect(server.host, never))).toMatchObject({ reason: "authentication", message: expect.stringContaining("there is no key to log in with") });
    });

    test.each<[string, (path: string) => void, string]>([
      ["is missing", () => undefined, "there is no such file"],
      ["is no key", (path) => writeFileSync(path, "hello"), "Unsupported key format"],
      ["is a folder", (path) => mkdirSync(path), "EISDIR: illegal operation on a directory, read"],
    ])("because the key the config names %s", async (_, makeKey, why) => {
      await using server = await startSshServer();
      const path = home();
      makeKey(join(path, "key"));
      await using open = openTransport(path, { keys: ["key"] }, { make });
      expect(await failureOf(open.transport.connect(server.host, never))).toMatchObject({ reason: "key-file", message: expect.stringContaining(`Cannot use the key ${path}/key: ${why}`) });
    });

    test("because the user stopped us", async () => {
      await using open = openTransport(home(), {}, { make });
      const listener = createServer(() => undefined);
      const { promise, resolve } = Promise.withResolvers<void>();
      listener.listen(0, "127.0.0.1", resolve);
      await promise;
      const { port } = listener.address() as { port: number };
      const aborter = new AbortController();
      setTimeout(() => aborter.abort(new CancelledError("Stopped by Ctrl-C")), 50);
      expect(await failureOf(open.transport.connect(`127.0.0.1:${port}`, aborter.signal))).toMatchObject({ failure: "cancelled", message: "Stopped by Ctrl-C" });
      listener.close();
    });
  });

  test("handshakes at once are bounded", async () => {
    let [now, most] = [0, 0];
    const servers = await Promise.all(Array.from({ length: 6 }, () => startSshServer({ accepts: () => { most = Math.max(most, ++now); now--; return true; } })));
    const path = home();
    await using open = openTransport(path, { maxConcurrentStarts: 1 }, { make });
    await Promise.all(servers.map((server) => open.transport.connect(server.host, never)));
    const states = open.events.flatMap((event) => (event.type === "connect" && event.state === "ready" ? [event.host] : []));
    expect(states.length).toBe(6);
    expect(existsSync(join(path, ".ssh/known_hosts"))).toBe(true);
    await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  });

  describe("transport.probe()", () => {
    const probing = async (port: number, more: { forwards?: boolean; timeoutMs?: number; headers?: Record<string, string> } = {}) => {
      await using server = await startSshServer({ forwards: more.forwards ?? true });
      await using open = openTransport(home(), {}, { make });
      return await open.transport.probe(server.host, { address: "127.0.0.1", port, path: "/up", headers: more.headers ?? {}, timeoutMs: more.timeoutMs ?? 2000 }, never);
    };

    test("asks over the connection and gives status, headers and body", async () => {
      const app = Bun.serve({ port: 0, fetch: (request) => new Response(`${request.method} ${new URL(request.url).pathname} ${request.headers.get("host")} ${request.headers.get("x-canary")}`, { status: 503, headers: { "Retry-After": "7" } }) });
      const answer = await probing(app.port ?? 0, { headers: { Host: "shop.example", "X-Canary": "1" } });
      expect(answer).toMatchObject({ ok: true, status: 503, body: "GET /up shop.example 1", headers: { "retry-after": "7" } });
      app.stop(true);
    });

    test("does not wait for an answer that goes on for ever", async () => {
      const app = Bun.serve({ port: 0, idleTimeout: 5, fetch: () => new Response(new ReadableStream({ start: (stream) => stream.enqueue("tick\n") })) });
      const answer = await probing(app.port ?? 0);
      expect(answer).toMatchObject({ ok: true, status: 200, body: "tick\n" });
      expect(answer.durationMs).toBeLessThan(1500);
      app.stop(true);
    });

    const raw = async (behave: (write: (text: string) => void, end: () => void) => void, timeoutMs = 1000) => {
      const listener = createServer((socket) => {
        socket.on("error", () => undefined);
        behave((text) => socket.write(text), () => socket.destroy());
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      listener.listen(0, "127.0.0.1", resolve);
      await promise;
      const answer = await probing((listener.address() as { port: number }).port, { timeoutMs });
      listener.close();
      return answer;
    };

    test("tells a silent, a broken and a foreign answer apart", async () => {
      expect(await raw(() => undefined, 200)).toMatchObject({ ok: false, reason: "timeout", detail: "no answer within 200 ms" });
      expect(await raw((_, end) => end())).toMatchObject({ ok: false, reason: "reset" });
      expect(await raw((write) => write("220 mail.example ESMTP\r\n"))).toMatchObject({ ok: false, reason: "malformed", detail: 'not HTTP: "220 mail.example ESMTP"' });
    });

    test("tells a closed port and a host that forbids forwarding apart", async () => {
      expect(await probing(freePort())).toMatchObject({ ok: false });
      expect(await probing(1, { forwards: false })).toMatchObject({ ok: false });
    });
  });

  test("transport.run() connects by itself", async () => {
    await using server = await startSshServer();
    await using open = openTransport(home(), {}, { make });
    expect((await open.transport.run(server.host, sh`echo hi`, limits)).stdout).toBe("hi\n");
  });
});
