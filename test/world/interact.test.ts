import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError } from "../../lib/ground/errors.ts";
import { newHostKey, startSshServer } from "../support/ssh-server.ts";
import { fakeTerminal } from "../support/terminal.ts";
import { temporaryHome } from "./sshd.ts";
import { failureOf, limits, never, openTransport, transports } from "./transport.ts";

describe.each(transports)("over %s", (_, make) => {
  const home = temporaryHome();
  writeFileSync(join(home.path, ".ssh/id_ed25519"), newHostKey(), { mode: 0o600 });
  afterAll(() => home[Symbol.dispose]());

  describe("transport.interact() with a terminal", () => {
    test("asks for one of the same kind and size, in the language of the host, and gives it back at the end", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const { terminal, shown, log } = fakeTerminal("screen-256color");
      expect(await open.transport.interact(server.host, sh`echo "$LC_ALL|$CAPSTAN_RUN"; exit 7`, terminal, never)).toBe(7);
      expect(server.sizes).toEqual(["screen-256color 80x24", "80x24"]);
      expect(server.commands.at(-1)).toBe(`exec sh -c 'echo "$LC_ALL|$CAPSTAN_RUN"; exit 7'`);
      expect(shown.stdout).toBe(`${process.env["LC_ALL"] ?? ""}|\n`);
      expect(log).toEqual(["lent", "given back"]);
    });

    test("passes every byte both ways, Ctrl-C too, and new sizes", async () => {
      await using server = await startSshServer({
        exec: (_, channel) => {
          channel.write("$ ");
          channel.on("data", (bytes: Buffer) => {
            channel.write(bytes);
            if (bytes.includes(4)) { channel.exit(0); channel.end(); }
          });
        },
      });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal("xterm");
      const session = open.transport.interact(server.host, sh`sh`, user.terminal, never);
      await user.shows("$ ");
      user.type(Uint8Array.from([3, 26, 0, 255, 0xc3, 27, 91, 65]));
      await user.shows("[A");
      user.resize(132, 50);
      user.type("\x04");
      expect(await session).toBe(0);
      expect(Buffer.from(user.shown.stdout, "latin1")).toEqual(Buffer.from([36, 32, 3, 26, 0, 255, 0xc3, 27, 91, 65, 4]));
      expect(server.sizes).toEqual(["xterm 80x24", "80x24", "132x50"]);
    });

    test.each([["KILL", 137], ["TERM", 143]])("gives %s as a shell has it: %p", async (signal, status) => {
      await using server = await startSshServer({ exec: (_, channel) => { channel.exit(signal); channel.end(); } });
      await using open = openTransport(home.path, {}, { make });
      expect(await open.transport.interact(server.host, sh`sh`, fakeTerminal("xterm").terminal, never)).toBe(status);
    });

    test("hides no secret and holds nothing back: what is typed is seen at once", async () => {
      await using server = await startSshServer({ exec: (_, channel) => { channel.write("hunter2"); channel.on("data", () => { channel.exit(0); channel.end(); }); } });
      await using open = openTransport(home.path, {}, { make });
      open.redactor.conceal("hunter2-hunter2");
      const user = fakeTerminal("xterm");
      const session = open.transport.interact(server.host, sh`sh`, user.terminal, never);
      await user.shows("hunter2");
      user.type("q");
      expect(await session).toBe(0);
    });

    test("tells a lost connection and gives the terminal back", async () => {
      await using server = await startSshServer({ exec: (_, channel) => void channel.write("$ ") });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal("xterm");
      const session = open.transport.interact(server.host, sh`bin/console`, user.terminal, never);
      await user.shows("$ ");
      server.cut();
      expect(await failureOf(session)).toMatchObject({ failure: "connect", reason: "lost", message: `Lost the connection to ${server.host} while it ran "bin/console": the host closed it` });
      expect(user.log).toEqual(["lent", "given back"]);
    });

    test("does not take a session that the host ends without a status for success", async () => {
      await using server = await startSshServer({ exec: (_, channel) => void channel.end("bye") });
      await using open = openTransport(home.path, {}, { make });
      expect(await failureOf(open.transport.interact(server.host, sh`sh`, fakeTerminal("xterm").terminal, never))).toMatchObject({ reason: "lost" });
    });

    test("lends nothing when the host gives no terminal", async () => {
      await using server = await startSshServer({ terminals: false });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal("xterm");
      expect(await failureOf(open.transport.interact(server.host, sh`bin/console`, user.terminal, never))).toMatchObject({ reason: "protocol", message: `Cannot run "bin/console" on ${server.host}: it gives no terminal` });
      expect(user.log).toEqual([]);
      expect(server.commands).toEqual([]);
      expect((await open.transport.run(server.host, sh`echo still there`, limits)).stdout).toBe("still there\n");
    });

    test("hangs up when it is cancelled", async () => {
      const hungUp = Promise.withResolvers<void>();
      await using server = await startSshServer({ exec: (_, channel) => { channel.on("close", () => hungUp.resolve()); channel.resume(); channel.write("$ "); } });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal("xterm");
      const aborter = new AbortController();
      const session = open.transport.interact(server.host, sh`sh`, user.terminal, aborter.signal);
      await user.shows("$ ");
      aborter.abort();
      expect(await failureOf(session)).toBeInstanceOf(CancelledError);
      expect(user.log).toEqual(["lent", "given back"]);
      await hungUp.promise;
    });
  });

  describe("transport.interact() with pipes", () => {
    test("asks for no terminal, keeps the outputs apart and ends the command's input with ours", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal(undefined);
      const session = open.transport.interact(server.host, sh`echo ready; cat; echo end >&2; exit 3`, user.terminal, never);
      await user.shows("ready\n");
      user.type("one\n");
      user.end();
      expect(await session).toBe(3);
      expect(user.shown).toEqual({ stdout: "ready\none\n", stderr: "end\n" });
      expect(server.sizes).toEqual([]);
    });

    test("reads no faster than the host takes it, and writes all that came", async () => {
      await using server = await startSshServer({
        exec: (_, channel) => {
          let bytes = 0;
          channel.on("data", (chunk: Buffer) => void (bytes += chunk.length));
          channel.on("end", () => { channel.write(`${bytes} `.repeat(100_000)); channel.exit(0); channel.end(); });
          channel.pause();
          setTimeout(() => channel.resume(), 100);
          channel.write("ready\n");
        },
      });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal(undefined, () => Bun.sleep(1));
      const session = open.transport.interact(server.host, sh`load`, user.terminal, never);
      await user.shows("ready\n");
      for (let i = 0; i < 80; i++) user.type(new Uint8Array(65_536));
      expect(user.log).toContain("stopped reading");
      user.end();
      expect(await session).toBe(0);
      expect(user.shown.stdout).toBe(`ready\n${"5242880 ".repeat(100_000)}`);
    });

    test("reads on when the host has caught up", async () => {
      await using server = await startSshServer({ exec: (_, channel) => { channel.write("ready\n"); channel.resume(); channel.on("end", () => { channel.exit(0); channel.end(); }); } });
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal(undefined);
      const session = open.transport.interact(server.host, sh`load`, user.terminal, never);
      await user.shows("ready\n");
      for (let i = 0; i < 80; i++) user.type(new Uint8Array(65_536));
      for (let i = 0; i < 200 && !user.log.includes("reads"); i++) await Bun.sleep(5);
      expect(user.log).toContain("reads");
      user.end();
      expect(await session).toBe(0);
    });

    test("stops all processes of a cancelled command", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal(undefined);
      const aborter = new AbortController();
      const session = open.transport.interact(server.host, sh`echo ready; (sleep 71; echo no) | cat; sleep 72`, user.terminal, aborter.signal);
      await user.shows("ready\n");
      aborter.abort();
      expect(await failureOf(session)).toBeInstanceOf(CancelledError);
      expect((await open.transport.run(server.host, sh`ps -eo args | grep -c '^sleep 7[12]'`, limits)).stdout).toBe("0\n");
    });

    test("refuses a command that brings an input of its own", async () => {
      await using server = await startSshServer();
      await using open = openTransport(home.path, {}, { make });
      const user = fakeTerminal(undefined);
      expect(await failureOf(open.transport.interact(server.host, sh`cat`.stdin("mine"), user.terminal, never))).toMatchObject({ message: `"cat" brings its own input: it cannot have the user's` });
      expect(user.log).toEqual([]);
    });
  });
});
