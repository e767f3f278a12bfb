import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quote, sh } from "../../lib/ground/command.ts";
import { CancelledError, ConnectError, DeployError, TimeoutError } from "../../lib/ground/errors.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { newHostKey, startSshServer, type SshServer } from "../support/ssh-server.ts";
import { temporaryHome } from "./sshd.ts";
import { failureOf, limits, never, openTransport, transports, type TestTransport } from "./transport.ts";

describe.each(transports)("over %s", (_, make) => {
  const home = temporaryHome();
  writeFileSync(join(home.path, ".ssh/id_ed25519"), newHostKey(), { mode: 0o600 });
  let server: SshServer;
  let open: TestTransport;

  beforeAll(async () => {
    server = await startSshServer();
    open = openTransport(home.path, {}, { make });
  });
  afterAll(async () => {
    await open[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  const run = (command: Parameters<TestTransport["transport"]["run"]>[1], more: Partial<typeof limits> = {}) => open.transport.run(server.host, command, { ...limits, ...more });

  describe("transport.run()", () => {
    test("gives status, output and errors apart", async () => {
      const { durationMs, ...exit } = await run(sh`echo out; echo err >&2; exit 3`);
      expect(exit).toEqual({ status: 3, signal: undefined, stdout: "out\n", stderr: "err\n" });
      expect(durationMs).toBeGreaterThan(0);
    });

    test("tells the signal that ended a command", async () => {
      expect(await run(sh`kill -KILL $$`)).toMatchObject({ status: undefined, signal: "SIGKILL" });
    });

    test("gives the command its input and then closes it", async () => {
      expect((await run(sh`cat; echo end`.stdin("one\ntwo\n"))).stdout).toBe("one\ntwo\nend\n");
      expect((await run(sh`cat; echo end`)).stdout).toBe("end\n");
    });

    test("sends a large input and takes a large output", async () => {
      const text = "0123456789abcdef".repeat(200_000);
      expect((await run(sh`cat`.stdin(text))).stdout).toBe(text);
    });

    test.each(["it's", "back\\slash", "\\\\'\\", "$HOME `id`", "new\nline", "ünïcödé ✓", "*", "a\"b", "!x"])("passes the word %j through the wrapper and the login shell", async (word) => {
      expect((await run(sh`printf %s ${word}`)).stdout).toBe(word);
    });

    test("speaks POSIX sh with messages in English", async () => {
      expect((await run(sh`echo $LC_ALL; printf %s a"b"`)).stdout).toBe("C\nab");
    });

    test("hands on output as it comes", async () => {
      const seen: string[] = [];
      await run(sh`echo one; sleep 0.1; echo two >&2`, { onOutput: (stream, text) => void seen.push(`${stream} ${text}`) });
      expect(seen).toEqual(["stdout one\n", "stderr two\n"]);
    });

    test("keeps the tail of a long output", async () => {
      expect((await run(sh`seq 1 100000`, { keepBytes: 12 })).stdout).toBe("9999\n100000\n");
    });

    test("does not show a secret that it sent", async () => {
      const password = new Secret("PASSWORD", "hunter2-hunter2");
      const seen: string[] = [];
      const exit = await run(sh`cat; echo hunter2-; echo hunter2-hunter2 >&2`.stdin(password.map("line", (value) => `password=${value}\n`)), { onOutput: (_, text) => void seen.push(text) });
      expect(exit.stdout).toBe("password=‹secret PASSWORD›\nhunter2-\n");
      expect(exit.stderr).toBe("‹secret PASSWORD›\n");
      expect(seen.join("")).not.toContain("hunter2-hunter2");
    });

    test("refuses a text with the placeholder of a secret", async () => {
      const error = await failureOf(run(sh`login ${String(new Secret("TOKEN", "x"))}`));
      expect(error).toBeInstanceOf(DeployError);
      expect(error).toMatchObject({ failure: "command", message: `Cannot run "login '‹secret TOKEN›'" on ${server.host}: it holds the placeholder of a secret` });
    });

    test("refuses a text that no shell would take", async () => {
      expect(await failureOf(run(sh`: ${"x".repeat(130_000)}`))).toMatchObject({ failure: "command" });
    });

    test("stops a command whose time is up and says how long it waited", async () => {
      const started = performance.now();
      const error = await failureOf(run(sh`echo before; sleep 61`, { timeoutMs: 200 }));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ message: `Cannot run "echo before; sleep 61" on ${server.host}: it did not end within 200ms`, details: ["before"] });
      expect(performance.now() - started).toBeLessThan(3000);
      expect((await run(sh`ps -eo args | grep -c '^sleep 6[1]'`)).stdout).toBe("0\n");
    });

    test("stops all processes of a cancelled command", async () => {
      const aborter = new AbortController();
      const started = run(sh`(sleep 62; echo no) | cat; sleep 63`, { signal: aborter.signal, onOutput: () => undefined });
      setTimeout(() => aborter.abort(), 150);
      expect(await failureOf(started)).toBeInstanceOf(CancelledError);
      expect((await run(sh`ps -eo args | grep -c '^sleep 6[23]'`)).stdout).toBe("0\n");
    });

    test("does nothing once cancelled", async () => {
      expect(await failureOf(run(sh`true`, { signal: AbortSignal.abort() }))).toBeInstanceOf(CancelledError);
    });

    test("uses one connection, with one session kept open ahead", async () => {
      const before = server.sessions;
      for (const i of [1, 2, 3]) expect((await run(sh`echo ${i}`)).stdout).toBe(`${i}\n`);
      expect(server.sessions - before).toBe(3);
      expect(server.connections).toBe(1);
    });

    test("stays within the ten sessions that sshd allows a connection", async () => {
      let most = 0;
      const exits = await Promise.all(Array.from({ length: 30 }, async (_, i) => {
        const exit = await run(sh`sleep 0.02; echo ${i}`);
        most = Math.max(most, server.openSessions);
        return exit.stdout;
      }));
      expect(exits).toEqual(Array.from({ length: 30 }, (_, i) => `${i}\n`));
      expect(most).toBeLessThanOrEqual(10);
    });
  });

  describe("a lost connection", () => {
    test("fails the command that was running", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const running = open.transport.run(server.host, sh`sleep 5`, limits);
      void (async () => {
        while (server.commands.length === 0) await Bun.sleep(5);
        server.cut();
      })();
      const error = await failureOf(running);
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ reason: "lost", message: `Lost the connection to ${server.host} while it ran "sleep 5": the host closed it` });
      expect(open.events.at(-1)).toMatchObject({ type: "connect", state: "failed", text: "connection lost: the host closed it" });
    });

    test("is opened again for the next command", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      await open.transport.run(server.host, sh`true`, limits);
      server.cut();
      while (!open.events.some((event) => event.type === "connect" && event.state === "failed")) await Bun.sleep(5);
      expect((await open.transport.run(server.host, sh`echo back`, limits)).stdout).toBe("back\n");
      expect(server.connections).toBe(2);
    });

    test("fails a command that was sent into it: it may have run", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      await open.transport.run(server.host, sh`true`, limits);
      server.cut();
      expect(await failureOf(open.transport.run(server.host, sh`true`, limits))).toMatchObject({ reason: "lost" });
    });

    test("is not taken for success when the host closes the session without a status", async () => {
      await using server = await startSshServer({ exec: (_, channel) => void channel.end("half of it") });
      await using open = openTransport(home.path, {}, { make });
      expect(await failureOf(open.transport.run(server.host, sh`backup`, limits))).toMatchObject({ reason: "lost" });
    });
  });

  test("transport.run() makes do with a host that allows two sessions", async () => {
    await using server = await startSshServer({ maxSessions: 2 });
    await using open = openTransport(home.path, {}, { make });
    const exits = await Promise.all(Array.from({ length: 6 }, (_, i) => open.transport.run(server.host, sh`sleep 0.02; echo ${i}`, limits)));
    expect(exits.map(({ stdout }) => stdout)).toEqual(["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
  });

  test("transport.run() names a host that opens no session", async () => {
    await using server = await startSshServer({ maxSessions: 0 });
    await using open = openTransport(home.path, {}, { make });
    expect(await failureOf(open.transport.run(server.host, sh`true`, limits))).toMatchObject({ reason: "protocol" });
  });

  describe("transport.open()", () => {
    test("gives lines, takes input and tells the end", async () => {
      const channel = await open.transport.open(server.host, sh`while read line; do echo "got $line"; done; echo over >&2; exit 4`, never);
      channel.write("one\n");
      channel.write("two\n");
      channel.end();
      expect(await Array.fromAsync(channel.lines)).toEqual(["got one", "got two"]);
      expect(await channel.ended).toEqual({ status: 4, stderr: "over\n", lost: false });
    });

    test("sends bytes as they are, as fast as they are taken", async () => {
      const channel = await open.transport.open(server.host, sh`sha256sum | cut -d " " -f 1`, never);
      const bytes = crypto.getRandomValues(new Uint8Array(65_536));
      const hash = new Bun.CryptoHasher("sha256");
      for (let i = 0; i < 60; i++) {
        await channel.send(bytes);
        hash.update(bytes);
      }
      channel.end();
      expect(await Array.fromAsync(channel.lines)).toEqual([hash.digest("hex")]);
      expect((await channel.ended).status).toBe(0);
    });

    test("sending to a command that has ended does not wait for ever", async () => {
      const channel = await open.transport.open(server.host, sh`head -c 1 > /dev/null; exec < /dev/null; exit 3`, never);
      for (let i = 0; i < 200; i++) await channel.send(new Uint8Array(65_536));
      expect((await channel.ended).status).toBe(3);
    });

    test("tells a lost connection", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const channel = await open.transport.open(server.host, sh`echo ready; cat`, never);
      for await (const line of channel.lines) if (line === "ready") server.cut();
      expect(await channel.ended).toMatchObject({ status: undefined, lost: true });
    });

    test("ends the command when the signal aborts, its input first", async () => {
      const aborter = new AbortController();
      const polite = await open.transport.open(server.host, sh`cat; echo released`, aborter.signal);
      const stubborn = await open.transport.open(server.host, sh`sleep 64`, aborter.signal);
      aborter.abort();
      expect(await Array.fromAsync(polite.lines)).toEqual(["released"]);
      expect(await polite.ended).toMatchObject({ status: 0 });
      expect(await stubborn.ended).toMatchObject({ status: undefined, lost: false });
    });

    test("ends the command when the transport is disposed", async () => {
      const mark = `/tmp/capstan-released-${process.pid}`;
      const open = openTransport(home.path, {}, { make });
      const channel = await open.transport.open(server.host, sh`cat; sleep 0.1; echo yes > ${mark}`, never);
      await open[Symbol.asyncDispose]();
      expect(await channel.ended).toMatchObject({ lost: false });
      expect((await run(sh`cat ${mark}; rm ${mark}`)).stdout).toBe("yes\n");
    });
  });

  test("quote() and the wrapper agree on a text with every quote there is", async () => {
    const text = "'\"\\ '\\'' \"'\"";
    expect((await run(sh`eval ${`printf %s ${quote(text)}`}`)).stdout).toBe(text);
  });

  describe("transport.run() of a command that says itself that it is over", () => {
    const script = sh`echo begun; IFS= read -r ack && echo "heard" > /dev/null && exit 3; echo alone`;

    test("tells it that it was heard, and waits for no more", async () => {
      const over = new AbortController();
      const exit = await run(sh`echo begun; IFS= read -r ack; sleep 5`, { over: over.signal, onOutput: () => over.abort() });
      expect(exit).toMatchObject({ status: 0, stdout: "begun\n" });
      expect(exit.durationMs).toBeLessThan(4_000);
    });

    test("keeps its input open behind what it brings, and the command reads the line", async () => {
      const over = new AbortController();
      const folder = join(home.path, "heard");
      const exit = await run(sh`IFS= read -r input; echo "$input"; IFS= read -r ack && touch ${folder}`.stdin("one\n"), { over: over.signal, onOutput: () => over.abort() });
      expect(exit.stdout).toBe("one\n");
      for (let tries = 0; tries < 100 && !existsSync(folder); tries++) await Bun.sleep(20);
      expect(existsSync(folder)).toBe(true);
    });

    test("gives its own end where that comes first", async () => {
      expect(await run(sh`echo begun; exit 4`, { over: new AbortController().signal })).toMatchObject({ status: 4, stdout: "begun\n" });
      await using short = openTransport(home.path, {}, { make });
      expect(await failureOf(short.transport.run(server.host, script, { ...limits, timeoutMs: 300, over: new AbortController().signal }))).toBeInstanceOf(TimeoutError);
    });
  });
});
