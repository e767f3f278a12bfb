/**
 * Many hosts that only answer: SSH servers on addresses of the loopback network in a process of their own, with a docker of which nothing is real.
 * What is measured beside it is the client. Prints `ready` once all listen, ends with its standard input.
 * @example bun test/lab/fleet.ts 200 22022 [milliseconds that each docker command takes] [milliseconds of the first host's]
 */
import { spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, type ServerChannel } from "ssh2";
import { batchParts } from "../support/world.ts";
import { newHostKey } from "../support/ssh-server.ts";

/** The address of the host with this number, from 0. */
export const addressOf = (number: number): string => `127.1.${1 + Math.floor(number / 200)}.${1 + (number % 200)}`;

const state = "running||0|false|0|172.18.0.2";
const answers: readonly (readonly [RegExp, string])[] = [
  [/docker version --format/, "28.0.4\n"],
  [/^docker container inspect --format '{{\.State/, `${state}\n`],
];
const answerTo = (command: string): string => answers.find(([pattern]) => pattern.test(command))?.[1] ?? "";

/** What stands behind `sh -c`, one word in the quotes of lib/world/ssh/shell.ts. */
const scriptOf = (line: string): string => line.slice(line.indexOf(" sh -c ") + " sh -c ".length).slice(1, -1).replaceAll(/'\\(['\\])'/g, "$1");

function reply(line: string, channel: ServerChannel, commandMs: number): void {
  const command = scriptOf(line);
  const end = (status: number): void => {
    channel.exit(status);
    channel.end();
  };
  const parts = batchParts(command);
  if (parts !== undefined) {
    const { mark, commands, question } = parts;
    channel.write(`\x1e${mark} pid 7\x1e`);
    let at = 0;
    const next = (): void => {
      const one = commands[at];
      if (one === undefined) {
        const asked = question === undefined ? "" : `\x1e${mark} asked 0\x1e${answerTo(question)}`;
        const over = `\x1e${mark} over 0\x1e`;
        channel.stderr.write(over + over);
        channel.write(asked + over + over);
        channel.on("data", () => undefined);
        return end(0);
      }
      channel.write(`${answerTo(one)}\x1e${mark} ${at} 0\x1e`);
      channel.stderr.write(`\x1e${mark} ${at} 0\x1e`);
      at++;
      if (/\bdocker\b/.test(one) && commandMs > 0) setTimeout(next, commandMs);
      else next();
    };
    return next();
  }
  const queries = command.split("\n) </dev/null || exit\n");
  if (queries.length > 1) {
    setTimeout(() => {
      channel.write(queries.slice(0, -1).map((query) => `${answerTo(query.slice(query.lastIndexOf("\n(\n") + 3).replace(/^\{ /, ""))}\x1e`).join(""));
      end(0);
    }, commandMs);
    return;
  }
  // Only who holds the lock must be a real process; nothing else may burden the machine that measures.
  if (!command.includes("lock")) {
    channel.write(answerTo(command));
    return end(0);
  }
  const child = spawn("sh", ["-c", line], { cwd: home });
  channel.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => channel.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => channel.stderr.write(chunk));
  child.on("close", (status) => end(status ?? 1));
}

const home = mkdtempSync(join(tmpdir(), "capstan-fleet-"));

if (import.meta.main) {
  const [count = 1, port = 22022, commandMs = 0, slowMs = commandMs] = process.argv.slice(2).map(Number);
  const hostKeys = [newHostKey()];
  let unfinished = 0;
  let most = 0;
  for (let number = 0; number < count; number++) {
    const ms = number === 0 ? slowMs : commandMs;
    const server = new Server({ hostKeys }, (client) => {
      most = Math.max(most, ++unfinished);
      let greeted = false;
      const done = (): void => { if (!greeted) { greeted = true; unfinished--; } };
      client.on("error", () => undefined);
      client.on("close", done);
      client.on("authentication", (context) => (context.method === "publickey" ? context.accept() : context.reject(["publickey"])));
      client.on("ready", () => {
        done();
        client.on("session", (accept) => {
          accept().on("exec", (acceptExec, _reject, { command }) => {
            const channel = acceptExec();
            channel.on("error", () => undefined);
            reply(command, channel, ms);
          });
        });
        client.on("tcpip", (accept) => {
          const stream = accept();
          stream.on("error", () => undefined);
          stream.once("data", () => stream.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        });
      });
    });
    const gate = createServer((socket: Socket) => {
      socket.on("error", () => undefined);
      socket.setNoDelay(true);
      server.injectSocket(socket);
    });
    await new Promise<void>((done) => gate.listen(port, addressOf(number), done));
  }
  console.log("ready");
  process.stdin.on("data", () => console.log(most)).on("end", () => process.exit(0));
}
