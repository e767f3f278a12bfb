import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "../../lib/ground/event.ts";
import { sh } from "../../lib/ground/command.ts";
import { DeployError } from "../../lib/ground/errors.ts";
import { errorJson, errorText } from "../../lib/report/error.ts";
import { fileLines } from "../../lib/report/file.ts";
import { hostOutput } from "../../lib/report/host-output.ts";
import { jsonLine, jsonReporter } from "../../lib/report/json.ts";
import { lineReporter } from "../../lib/report/lines.ts";
import { harmless } from "../../lib/report/printable.ts";
import { emptyScreen, frame, next } from "../../lib/report/screen.ts";
import { createStyle, plain } from "../../lib/report/style.ts";
import { knownHostLine, parseKnownHosts } from "../../lib/world/ssh/known-hosts.ts";
import { createWorld } from "../../lib/world/create.ts";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { LineSplitter, longestLine } from "../../lib/ground/line-splitter.ts";
import { startSshServer } from "../support/ssh-server.ts";
import type { ServerChannel } from "ssh2";

const colours = createStyle(true);
const foreign = fc.array(fc.oneof(
  fc.constantFrom("\x1b]52;c;aGk=\x07", "\x1b]8;;http://x\x1b\\", "\x1b]0;title\x07", "\x1b[2J", "\x1b[8m", "\x1b[31m", "\x9b31m", "\x9d52;c;x\x9c", "\x07", "\r", "\b", "\u202e", "\u2066", "\u200b", "\u200e", "\ufeff", "\u00ad", "\u{e0041}", "a\u200db", "\x1b", "\0", "\x7f", "\x0e", "\t", "ok", "😀", "x".repeat(300), "\x1bP1$r\x1b\\", "\x1b_x\x1b\\"),
  fc.string({ unit: "binary", maxLength: 4 }),
), { maxLength: 10 }).map((pieces) => pieces.join("").replaceAll("\n", ""));

/** What a terminal acts on, or nobody sees, but for our own colours. */
const effects = (text: string): string | undefined => /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u.exec(text.replaceAll(/\x1b\[(?:1|2|22|3[1-4]|39)m/g, "").replaceAll(/[\t\n]/g, ""))?.[0];

const at = "2030-01-02T03:04:05Z";
const eventsOf = (x: string): readonly Event[] => [
  { at, type: "start", command: "deploy", service: x, destination: x, version: x, hosts: [x] },
  { at, type: "connect", host: x, state: "failed", durationMs: 1, text: x },
  { at, type: "phase-start", phase: x, hosts: [x] },
  { at, type: "step-start", phase: x, host: x, role: x, title: x, kind: "run", command: x },
  { at, type: "output", host: x, title: x, stream: "stdout", line: x, loud: true },
  { at, type: "probe", host: x, role: x, container: x, attempt: 1, ok: false, answer: x, durationMs: 1 },
  { at, type: "step-end", phase: x, host: x, role: x, title: x, kind: "run", ok: false, durationMs: 1 },
  { at, type: "lock", host: x, state: "lost", text: x },
  { at, type: "hook", name: x, state: "failed", durationMs: 1 },
  { at, type: "audit", host: x, line: x },
  { at, type: "undo", host: x, title: x, ok: false, text: x },
  { at, type: "notice", level: "warn", host: x, text: x },
  { at, type: "phase-end", phase: x, ok: false, durationMs: 1 },
  { at, type: "summary", command: x, service: x, destination: x, ok: false, from: [x], to: x, hosts: [x], durationMs: 1, phases: [{ phase: x, durationMs: 1 }] },
];

test("no event moves the cursor, hides text or sets a title, in any reporter", () => {
  fc.assert(fc.property(foreign, (x) => {
    let screen = emptyScreen;
    for (const event of eventsOf(x)) {
      const lines: string[] = [];
      lineReporter((line) => lines.push(line), { verbosity: "verbose", style: colours }).report(event);
      screen = next(screen, event);
      const json: string[] = [];
      jsonReporter((line) => json.push(line)).report(event);
      for (const line of json) expect(JSON.parse(line)).toMatchObject({ v: 1, type: event.type });
      const shown = [...lines, ...fileLines(event, 10), ...frame(screen, { columns: 100, rows: 10 }, Date.parse(at), colours), ...json];
      expect(shown.map(effects).filter((found) => found !== undefined)).toEqual([]);
      expect([...json, ...frame(screen, { columns: 100, rows: 10 }, Date.parse(at), plain)].filter((line) => line.includes("\n"))).toEqual([]);
    }
  }), { numRuns: 40, seed: 21 });
});

test("nor does an error, what a command prints, or a line of JSON", () => {
  fc.assert(fc.property(foreign, (x) => {
    const cause = new AggregateError([new DeployError("command", x, { host: x, details: [x], hint: x, cause: new Error(x) }), new Error(x)], x);
    for (const error of [new DeployError("fleet", x, { details: [x], state: [x], hint: x, cause }), new DeployError("command", x, { host: x, details: [x], cause: new Error(x) }), new Error(x)]) {
      expect(effects(harmless(errorText(error, colours)))).toBeUndefined();
      expect(effects(jsonLine(errorJson(error)))).toBeUndefined();
    }
    expect(effects(harmless(hostOutput("App", x, `${x}\n${x}`, { style: colours, quiet: false })))).toBeUndefined();
  }), { numRuns: 40, seed: 22 });
});

test("our own colours and ordinary text of all languages stay", () => {
  const text = `${colours.red(colours.bold("✗ naïve 漢字 👩‍👩‍👧 می‌خواهم"))}\n${colours.dim("x\ty")}`;
  expect(harmless(text)).toBe(text);
  expect(harmless("a\x1b[8mb\x1b]0;x\x07c\rd\u202ee")).toBe("abc\\x0dd\\u202ee");
});

test("a host key whose type has more lines in it adds one line to known_hosts, for that host alone", () => {
  const type = Buffer.from("x y\nother ssh-ed25519 AAAA\n");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  const line = knownHostLine("web", Buffer.concat([length, type, Buffer.from("rest")]), false);
  expect(line.trimEnd().split("\n")).toHaveLength(1);
  expect(parseKnownHosts(line, "f").map(({ hosts, type: read }) => [hosts, read])).toEqual([["web", "unknown"]]);
});

describe("a host that never stops talking", () => {
  const folder = mkdtempSync(join(tmpdir(), "capstan-hostile-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  /** FUZZ_MEGABYTES=200 lets more come: what is kept stays the same. */
  const most = Number(process.env["FUZZ_MEGABYTES"] ?? 32) * 1024 * 1024;

  /** Writes until it is enough, no faster than it is read. */
  function flood(channel: ServerChannel, text: string, to: "stdout" | "stderr"): void {
    const block = Buffer.from(text.repeat(Math.ceil((256 * 1024) / text.length)));
    let sent = 0;
    const stream = to === "stdout" ? channel : channel.stderr;
    const more = (): void => {
      while (sent < most) {
        sent += block.length;
        if (!stream.write(block)) return void stream.once("drain", more);
      }
      channel.exit(0);
      channel.end();
    };
    more();
  }

  test.each([["without a line break", "stdout", "x"], ["on standard error", "stderr", `${"y".repeat(99)}\n`], ["with what looks like marks", "stdout", "\x1eabcd pid "]] as const)("%s does not fill the memory", async (_, to, text) => {
    await using server = await startSshServer({ exec: (_command, channel) => flood(channel, text, to) });
    const opened = createWorld({ cwd: folder, env: { HOME: folder, PATH: process.env["PATH"] }, report: () => undefined });
    try {
      opened.useSsh({ ...defaultSshOptions, user: "u", config: false, strictHostKeyChecking: "no", ...(await keyOf()) });
      Bun.gc(true);
      const before = process.memoryUsage().rss;
      let [peak, lines, longest, came] = [0, 0, 0, 0];
      const splitter = new LineSplitter((line) => {
        lines++;
        longest = Math.max(longest, line.length);
      });
      const exit = await opened.world.transport.run(server.host, sh`yes`, {
        timeoutMs: 120_000, signal: new AbortController().signal,
        onOutput: (_stream, piece) => {
          splitter.feed(piece);
          came += piece.length;
          if (came < 8 * 1024 * 1024) return;
          // Garbage is no growth.
          came = 0;
          Bun.gc(true);
          peak = Math.max(peak, process.memoryUsage().rss - before);
        },
      });
      expect(exit.stdout.length + exit.stderr.length).toBeLessThanOrEqual(8 * 1024 * 1024);
      expect([lines > 0, longest <= longestLine]).toEqual([true, true]);
      expect(Math.round(peak / 1024 / 1024)).toBeLessThan(200);
    } finally {
      await opened.close();
    }
  }, 180_000);

  async function keyOf(): Promise<{ readonly keyData: readonly { readonly name: string; read(): Promise<string> }[]; readonly keysOnly: true }> {
    const { newHostKey } = await import("../support/ssh-server.ts");
    const key = newHostKey();
    return { keyData: [{ name: "KEY", read: async () => key }], keysOnly: true };
  }
});
