import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Asker, Questions, type Asking } from "../../lib/world/openssh/ask.ts";
import { Touch } from "../../lib/world/openssh/touch.ts";
import { opensshVersion } from "../../lib/world/openssh-program.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { Deadline } from "../../lib/world/ssh/deadline.ts";
import { temporaryHome } from "./sshd.ts";

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());

const long = `/keys/${"k".repeat(120)}`;
const web: Asking = { host: "web", names: ["(root@web) ", "root@web's "], keys: ["/k", long], isMixed: false };
const kbd = "debug1: Next authentication method: keyboard-interactive";
let count = 0;

/** What the user is asked, and what the hosts are given, for the lines of several connections one after the other. */
async function play(connections: readonly (readonly [lines: readonly string[], asking?: Partial<Asking>])[]): Promise<{ asked: string[]; given: string[] }> {
  const asked: string[] = [];
  const given: string[] = [];
  const asker = new Asker(async (question) => `answer ${asked.push(question)}`, createRedactor());
  for (const [lines, asking] of connections) {
    const folder = join(home.path, String(count++));
    mkdirSync(folder);
    const works: Promise<void>[] = [];
    await using questions = new Questions(folder, "MARK", asker, { ...web, ...asking }, { asking: (work) => void works.push(work), told: () => undefined });
    await questions.prepare();
    for (const line of lines) {
      const reading = line.startsWith("MARK ") ? Bun.spawn(["sh", "-c", 'IFS= read -r line <"$1"; printf %s "$line"', "sh", join(folder, "answer")], { stdout: "pipe" }) : undefined;
      expect(questions.take(line)).toBe(reading !== undefined);
      await Promise.all(works);
      if (reading !== undefined) given.push(await reading.stdout.text());
    }
  }
  return { asked, given };
}

describe("a passphrase", () => {
  const passphrase = "MARK secret Enter passphrase for key '/k': ";

  test("is asked for once for all hosts, and again where it is wrong", async () => {
    expect(await play([[[passphrase]], [[passphrase], { host: "db" }], [[passphrase, passphrase]]])).toEqual({
      asked: ["Passphrase of /k", "Wrong. Passphrase of /k"], given: ["answer 1", "answer 1", "answer 1", "answer 2"],
    });
  });

  test("of a long path is known by its beginning, where OpenSSH cuts it", async () => {
    expect((await play([[[`MARK secret Enter passphrase for key '${long.slice(0, 100)}': `]]])).asked).toEqual([`Passphrase of ${long}`]);
  });

  const notGiven: [string, string[], Partial<Asking>, string][] = [
    ["once the host has begun to ask", [kbd, "debug1: Next authentication method: publickey", passphrase], {}, "web: Enter passphrase for key '/k'"],
    ["of a key that is not to log in with", ["MARK secret Enter passphrase for key '/other': "], {}, "web: Enter passphrase for key '/other'"],
    ["in other words than OpenSSH's", ["MARK secret Enter passphrase for /k: "], {}, "web: Enter passphrase for /k"],
    ["by way of a jump host, before OpenSSH marks the questions of hosts", [passphrase], { isMixed: true }, "web: Enter passphrase for key '/k'"],
  ];
  test.each(notGiven)("is not given unasked %s", async (_, lines, asking, question) => {
    expect(await play([[[passphrase]], [lines, asking]])).toEqual({ asked: ["Passphrase of /k", question], given: ["answer 1", "answer 2"] });
  });
});

test.each([
  ["(root@web) Verification code: ", "(root@web) Verification code"],
  ["root@web's password: ", "root@web's password"],
  ["(root@jump) Verification code: ", "web: (root@jump) Verification code"],
  ["Password of your bank: ", "web: Password of your bank"],
])("a question reads so that the host shows: %s", async (question, expected) => {
  expect((await play([[[`MARK secret ${question}`]]])).asked).toEqual([expected]);
});

test.each<[string, number | undefined]>([
  ["OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19", 902], ["OpenSSH_8.4p1, LibreSSL", 804], ["OpenSSH_9.10p1", 910], ["OpenSSH_for_Windows_8.1p1", 801], ["Sun_SSH_1.1", undefined],
])("opensshVersion() reads %s", async (text, expected) => {
  const folder = join(home.path, String(count++));
  mkdirSync(folder);
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\necho "${text}" >&2\n`, { mode: 0o700 });
  expect(await opensshVersion({ PATH: folder })).toBe(expected);
});

describe("the clock of a connection", () => {
  const play = async (longestMs: number, lines: readonly string[]): Promise<boolean> => {
    let passed = false;
    using deadline = new Deadline(60, () => (passed = true));
    using touch = new Touch(deadline, longestMs);
    for (const line of lines) expect(touch.heard(line)).toBe(false);
    await Bun.sleep(300);
    return passed;
  };
  const accepts = "debug1: Server accepts key: token ED25519-SK SHA256:abc agent";

  test("stands still while a key is to be touched", async () => expect(await play(60_000, [accepts])).toBe(false));
  test("goes on with the next line", async () => expect(await play(60_000, [accepts, "Authenticated to web using publickey"])).toBe(true));
  test("does not stand still for ever", async () => expect(await play(100, [accepts])).toBe(true));
});
