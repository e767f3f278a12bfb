import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { batchScript, chunks, MarkReader, type Mark } from "../../lib/run/batch.ts";

const item = (command: ReturnType<typeof sh>, optional = false) => ({ command, optional });

async function runIn(shell: readonly string[], items: Parameters<typeof batchScript>[0], question?: ReturnType<typeof sh>): Promise<{ out: readonly (string | Mark)[]; err: readonly (string | Mark)[] }> {
  const script = batchScript(items, "abcd", question);
  const input = script.input === undefined ? "" : typeof script.input === "string" ? script.input : script.input.reveal();
  const child = Bun.spawn([...shell, "-c", script.text], { stdin: new Blob([`${input}\n`]), stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return { out: new MarkReader("abcd").feed(out), err: new MarkReader("abcd").feed(err) };
}

const ends = (pieces: readonly (string | Mark)[]): string[] => pieces.flatMap((piece) => (typeof piece === "string" || piece.kind !== "end" ? [] : [`${piece.index}:${piece.status}`]));
const texts = (pieces: readonly (string | Mark)[]): string => pieces.filter((piece) => typeof piece === "string").join("|");

describe.each([[["sh"]], [["dash"]], [["bash", "--posix"]], [["busybox", "sh"]]])("batchScript() in %j", (shell) => {
  test("runs every command and marks its end on both streams", async () => {
    const { out, err } = await runIn(shell, [item(sh`echo one`), item(sh`echo two; echo oops >&2`)]);
    expect(ends(out)).toEqual(["0:0", "1:0"]);
    expect(ends(err)).toEqual(["0:0", "1:0"]);
    expect(texts(out)).toBe("one\n|two\n");
    expect(texts(err)).toBe("oops\n");
  });

  test("stops at the first failure, and not at an optional one", async () => {
    const { out } = await runIn(shell, [item(sh`exit 4`, true), item(sh`false`), item(sh`echo never`)]);
    expect(ends(out)).toEqual(["0:4", "1:1"]);
    expect(texts(out)).toBe("");
  });

  test("asks after a failure whether what the command is for is there all the same", async () => {
    const { out, err } = await runIn(shell, [{ ...item(sh`echo said; exit 4`), passIf: sh`echo not shown; cat; echo nor this >&2` }, { ...item(sh`true`), passIf: sh`exit 9` }, { ...item(sh`exit 5`), passIf: sh`exit 9` }, item(sh`echo never`)]);
    expect(ends(out)).toEqual(["0:0", "1:0", "2:5"]);
    expect([texts(out), texts(err)]).toEqual(["said\n", ""]);
  });

  test("leaves out what is there already, and asks with the same input", async () => {
    const { out, err } = await runIn(shell, [
      { ...item(sh`echo said; cat`.stdin("word")), unless: sh`cat; echo oops >&2; exit 0` }, { ...item(sh`cat`.stdin("kept")), unless: sh`read -r word; [ "$word" != kept ]` },
      { ...item(sh`echo never`), unless: sh`true` }, { ...item(sh`echo last; exit 7`), unless: sh`exit 1` },
    ]);
    expect(ends(out)).toEqual(["0:0", "1:0", "2:0", "3:7"]);
    expect([texts(out), texts(err)]).toEqual(["kept|last\n", ""]);
  });

  test("feeds each command its own input, byte for byte", async () => {
    const nasty = "a\\b'\"$HOME `id`\n\nünï\t\x01end";
    const { out } = await runIn(shell, [item(sh`cat`.stdin(nasty)), item(sh`cat`), item(sh`cat; printf .`.stdin(new Secret("S", "s3cret\n")))]);
    expect(texts(out)).toBe(`${nasty}|s3cret\n.`);
    expect(ends(out)).toEqual(["0:0", "1:0", "2:0"]);
  });

  test("asks a question once all is done, and not after a failure", async () => {
    const { out } = await runIn(shell, [item(sh`echo one`)], sh`echo state; cat; echo oops >&2`);
    expect(out.slice(1, 5)).toEqual(["one\n", { kind: "end", index: 0, status: 0 }, { kind: "asked" }, "state\n"]);
    expect(texts((await runIn(shell, [item(sh`echo one`)], sh`echo oops >&2; exit 3`)).err)).toBe("");
    expect(texts((await runIn(shell, [item(sh`false`)], sh`echo state`)).out)).toBe("");
  });

  test("makes folders and removes files as the programs do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "batch-"));
    try {
      const { out, err } = await runIn(shell, [
        sh`cd ${folder} && mkdir -p there && mkdir -p there 'new/in it' && mkdir -p 'new/in it' && ls new`,
        sh`cd ${folder} && mkdir there 2> /dev/null`,
        sh`cd ${folder} && : > file && mkdir -p file 2> /dev/null`,
        sh`cd ${folder} && ln -s nowhere link && : > -f && rm -f absent link file -- -f && ls`,
        sh`cd ${folder} && rm absent 2> /dev/null`,
        sh`cd ${folder} && rm -f there 2> /dev/null`,
        sh`cd ${folder} && rm -f absent && rm -f -r there new && rm -rf absent && ls`,
      ].map((command) => item(command, true)));
      expect(ends(out)).toEqual(["0:0", "1:1", "2:1", "3:0", "4:1", "5:1", "6:0"]);
      expect(texts(out)).toBe("in it\n|new\nthere\n");
      expect(texts(err)).toBe("");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("takes the status of the command, not of what feeds it", async () => {
    const { out } = await runIn(shell, [item(sh`exit 9`.stdin("x".repeat(100_000)))]);
    expect(ends(out)).toEqual(["0:9"]);
  });
});

test.each([[["sh"]], [["busybox", "sh"]]])("batchScript() in %j goes on with what is only for a brief beginning only after one", async (shell) => {
  const after = (seconds: number) => runIn(shell, [item(sh`sleep ${String(seconds)}`), { ...item(sh`echo two`), ifBrief: true }, item(sh`echo three`)]);
  const [brief, long] = await Promise.all([after(0), after(4)]);
  expect([ends(brief.out), texts(brief.out)]).toEqual([["0:0", "1:0", "2:0"], "two\n|three\n"]);
  expect([ends(long.out), texts(long.out), long.out.at(-1)]).toEqual([["0:0"], "", { kind: "over" }]);
});

test("batchScript() starts no program for a folder that is there and a file that is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "batch-"));
  try {
    for (const name of ["mkdir", "rm"]) await writeFile(join(folder, name), `#!/bin/sh\necho "${name} $*" >> ${folder}/record\nexec /bin/${name} "$@"\n`, { mode: 0o755 });
    await runIn(["sh"], [sh`mkdir -p ${folder} && rm -f ${folder}/one ${folder}/two`, sh`mkdir -p ${folder}/new && : > ${folder}/two && rm -f ${folder}/one ${folder}/two`].map((command) => item(sh`PATH=${folder}:/usr/bin:/bin; ${command}`)));
    expect(await Bun.file(join(folder, "record")).text()).toBe(`mkdir -p ${folder}/new\nrm -f ${folder}/one ${folder}/two\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("batchScript() ends between two commands after a TERM", async () => {
  const script = batchScript([item(sh`sleep 0.5; echo first`), item(sh`echo second`)], "abcd");
  const child = Bun.spawn(["sh", "-c", script.text], { stdin: new Blob(["\n"]), stdout: "pipe", stderr: "ignore" });
  await Bun.sleep(150);
  child.kill("SIGTERM");
  const out = await new Response(child.stdout).text();
  expect(out).toContain("first");
  expect(out).not.toContain("second");
  expect(ends(new MarkReader("abcd").feed(out))).toEqual(["0:0"]);
});

test("batchScript() keeps secrets out of its text", () => {
  expect(batchScript([item(sh`docker login --password-stdin`.stdin(new Secret("P", "hunter2")))], "ab").text).not.toContain("hunter2");
});

test("MarkReader.feed() finds marks wherever the stream is cut", () => {
  const stream = "out\x1eabcd 0 0\x1emore \x1e odd\x1eabcd 1 7\x1etail";
  for (let cut = 0; cut <= stream.length; cut++) {
    const reader = new MarkReader("abcd");
    const pieces = [...reader.feed(stream.slice(0, cut)), ...reader.feed(stream.slice(cut))];
    expect(ends(pieces)).toEqual(["0:0", "1:7"]);
    expect(pieces.filter((piece) => typeof piece === "string").join("")).toBe("outmore \x1e oddtail");
  }
});

test("chunks() keeps every script below what one argument can hold", () => {
  const items = Array.from({ length: 30 }, (_, i) => item(sh`echo ${"x".repeat(10_000)}${i}`));
  const cut = chunks(items);
  expect(cut.flat()).toEqual(items);
  expect(Math.max(...cut.map((chunk) => batchScript(chunk, "ab").text.length))).toBeLessThan(120_000);
});
