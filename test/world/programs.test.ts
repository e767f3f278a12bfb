import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../lib/ground/command.ts";
import { CancelledError, TimeoutError } from "../../lib/ground/errors.ts";
import { Secret } from "../../lib/ground/secret.ts";
import type { Limits } from "../../lib/ground/world.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { localFiles } from "../../lib/world/files.ts";
import { createPrograms } from "../../lib/world/programs.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { temporaryHome } from "./sshd.ts";
import { failureOf, limits } from "./transport.ts";

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());
const programs = createPrograms({ env: { PATH: process.env["PATH"], OURS: "yes" }, cwd: home.path, redactor: createRedactor(), clock: systemClock });
const run = (program: Program, more: Partial<Limits> = {}) => programs.run(program, { ...limits, ...more });

describe("programs.run()", () => {
  test("gives status, output and errors apart", async () => {
    const { durationMs: _, ...exit } = await run({ argv: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
    expect(exit).toEqual({ status: 3, signal: undefined, stdout: "out\n", stderr: "err\n" });
  });

  test("passes words as they are: there is no shell", async () => {
    expect((await run({ argv: ["printf", "%s|", "a b", "$HOME", "'", "*"] })).stdout).toBe("a b|$HOME|'|*|");
  });

  test("adds to the environment, opens secrets there and in the input, and shows neither", async () => {
    const [token, password] = [new Secret("TOKEN", "tok-12345"), new Secret("PASSWORD", "pass-12345")];
    const exit = await run({ argv: ["sh", "-c", "echo $OURS $CLEAR $TOKEN; cat; printf %s $TOKEN | wc -c"], env: { CLEAR: "c", TOKEN: token }, input: password });
    expect(exit.stdout.replaceAll(" ", "")).toBe("yesc‹secretTOKEN›\n‹secretPASSWORD›9\n");
  });

  test("leaves standard output as it is where it gives secrets, and hands on none of it", async () => {
    const seen: string[] = [];
    const token = new Secret("TOKEN", "tok-67890");
    const exit = await run({ argv: ["sh", "-c", "printf '\\303'; sleep 0.05; printf '\\251 %s' $TOKEN; echo $TOKEN >&2"], env: { TOKEN: token }, givesSecrets: true }, { onOutput: (_, text) => void seen.push(text) });
    expect([exit.stdout, exit.stderr, seen.join("")]).toEqual(["é tok-67890", "‹secret TOKEN›\n", "‹secret TOKEN›\n"]);
  });

  test("lends the terminal to one program at a time, progress paused meanwhile", async () => {
    const seen: string[] = [];
    const pause = () => {
      seen.push("pause");
      return () => void seen.push("resume");
    };
    const lending = createPrograms({ env: { PATH: process.env["PATH"] }, cwd: home.path, redactor: createRedactor(), clock: systemClock, pause });
    const log = join(home.path, "turns");
    const ask = (name: string, terminal: "ask" | "talk") => lending.run({ argv: ["sh", "-c", `echo ${name} >> turns; sleep 0.05; echo ${name} >> turns; ${terminal === "ask" ? "echo token; " : ""}exit 3`], terminal }, limits);
    const exits = await Promise.all([ask("a", "ask"), ask("b", "talk"), lending.run({ argv: ["true"] }, limits)]);
    expect(readFileSync(log, "utf8")).toBe("a\na\nb\nb\n");
    expect(exits.slice(0, 2)).toMatchObject([{ status: 3, stdout: "token\n", stderr: "" }, { status: 3, stdout: "", stderr: "" }]);
    expect(seen).toEqual(["pause", "resume", "pause", "resume"]);
  });

  test("passes standard input and standard error on to a program that asks, and what it says to standard error", async () => {
    const script = `import { createPrograms } from "${import.meta.dir}/../../lib/world/programs.ts";
import { createRedactor } from "${import.meta.dir}/../../lib/world/redact.ts";
import { systemClock } from "${import.meta.dir}/../../lib/world/clock.ts";
const programs = createPrograms({ env: process.env, cwd: process.cwd(), redactor: createRedactor(), clock: systemClock });
const run = (code, terminal) => programs.run({ argv: ["sh", "-c", code], terminal }, { timeoutMs: 5000, signal: new AbortController().signal });
const one = await run("echo Password? >&2; read -r word; echo got $word", "ask");
await run("echo Look at your browser", "talk");
console.log(JSON.stringify(one.stdout));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdin: new Blob(["sesame\n"]), stdout: "pipe", stderr: "pipe" });
    expect([await new Response(child.stdout).text(), await new Response(child.stderr).text()]).toEqual([`"got sesame\\n"\n`, "Password?\nLook at your browser\n"]);
  });

  test("starts in the folder that is asked for", async () => {
    mkdirSync(join(home.path, "sub"), { recursive: true });
    expect((await run({ argv: ["pwd"], cwd: join(home.path, "sub") })).stdout).toEndWith("/sub\n");
    expect((await run({ argv: ["pwd"] })).stdout).toBe(`${home.path}\n`);
  });

  test("hands on output as it comes", async () => {
    const seen: string[] = [];
    await run({ argv: ["sh", "-c", "echo one; sleep 0.1; echo two >&2"] }, { onOutput: (stream, text) => void seen.push(`${stream} ${text}`) });
    expect(seen).toEqual(["stdout one\n", "stderr two\n"]);
  });

  test("tells a signal", async () => {
    expect(await run({ argv: ["sh", "-c", "kill -KILL $$"] })).toMatchObject({ status: undefined, signal: "SIGKILL" });
  });

  test.each<[Program, string]>([
    [{ argv: ["no-such-program", "x"] }, "Cannot run no-such-program here: it was not found"],
    [{ argv: ["true"], cwd: "/no/such/folder" }, "Cannot run true in /no/such/folder: there is no such folder"],
  ])("explains why %j does not start", async (program, message) => {
    expect(await failureOf(run(program))).toMatchObject({ failure: "build", message, hint: expect.any(String) });
  });

  test("explains a file that is not executable", async () => {
    const path = join(home.path, "script");
    writeFileSync(path, "#!/bin/sh\n", { mode: 0o644 });
    expect(await failureOf(run({ argv: [path] }))).toMatchObject({ message: `Cannot run ${path} here: it is not executable`, hint: `Run "chmod +x ${path}".` });
  });

  test("stops a program whose time is up, children that hold its output included", async () => {
    const error = await failureOf(run({ argv: ["sh", "-c", "echo begun; sleep 71 & sleep 72"] }, { timeoutMs: 200 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ message: 'Cannot run "sh -c \'echo begun; sleep 71 & sleep 72\'" here: it did not end within 200ms', details: ["begun"] });
    Bun.spawnSync(["sh", "-c", "kill $(ps -eo pid,args | awk '$2 == \"sleep\" && ($3 == 71 || $3 == 72) { print $1 }')"]);
  });

  test("stops a program when the user does", async () => {
    const aborter = new AbortController();
    setTimeout(() => aborter.abort(), 50);
    expect(await failureOf(run({ argv: ["sleep", "73"] }, { signal: aborter.signal }))).toBeInstanceOf(CancelledError);
  });
});

describe("localFiles", () => {
  const at = (name: string): string => join(home.path, "files", name);

  test("writes, reads and appends, making folders", async () => {
    await localFiles.write(at("a/b"), "one\n");
    await localFiles.append(at("a/b"), "two\n");
    await localFiles.append(at("c/d"), "new\n");
    expect(await localFiles.read(at("a/b"))).toBe("one\ntwo\n");
    expect(await localFiles.read(at("c/d"))).toBe("new\n");
    expect([await localFiles.exists(at("a/b")), await localFiles.exists(at("a")), await localFiles.exists(at("x"))]).toEqual([true, true, false]);
    expect(await localFiles.read(at("x"))).toBeUndefined();
    expect(await localFiles.read(at("a/b/c"))).toBeUndefined();
  });

  test("narrows the mode of a file that was there", async () => {
    await localFiles.write(at("env"), "old");
    await localFiles.write(at("env"), "new", 0o600);
    expect((statSync(at("env")).mode & 0o777).toString(8)).toBe("600");
    expect(readFileSync(at("env"), "utf8")).toBe("new");
  });

  test("names the path that it cannot use", async () => {
    await localFiles.write(at("a/b"), "");
    expect(await failureOf(localFiles.read(at("a")))).toMatchObject({ failure: "config", message: `Cannot read ${at("a")}: it is a folder` });
  });
});

test("systemClock.sleep() ends when the signal aborts", async () => {
  const aborter = new AbortController();
  setTimeout(() => aborter.abort(), 20);
  expect(await failureOf(systemClock.sleep(10_000, aborter.signal))).toBeInstanceOf(CancelledError);
  await systemClock.sleep(1, new AbortController().signal);
});
