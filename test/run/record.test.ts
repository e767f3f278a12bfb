import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import { batchScript, MarkReader } from "../../lib/run/batch.ts";
import { recordCommand } from "../../lib/run/record.ts";
import { run, shells } from "../support/shell.ts";

// Each looks at all processes of this machine, which may be many.
setDefaultTimeout(60_000);

const item = (command: ReturnType<typeof sh>, optional = false) => ({ command, optional });

/** A batch in a shell, and what a later connection finds out about it. */
class Left {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #mark = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  readonly #shell: readonly string[];
  #out = "";

  constructor(shell: readonly string[], items: Parameters<typeof batchScript>[0]) {
    this.#shell = shell;
    this.#child = Bun.spawn([...shell, "-c", batchScript(items, this.#mark).text], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  }

  /** Reads until the batch has told so many ends. */
  async until(ends: number): Promise<void> {
    const reader = this.#child.stdout.getReader();
    while (new MarkReader(this.#mark).feed(this.#out).filter((piece) => typeof piece !== "string" && piece.kind !== "pid").length < ends) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`It ended early: ${this.#out}`);
      this.#out += new TextDecoder().decode(value);
    }
    reader.releaseLock();
  }

  /** Nobody reads what it prints, nor writes to it: the session is gone. */
  async cut(): Promise<void> {
    await Promise.all([this.#child.stdout.cancel(), this.#child.stderr.cancel(), this.#child.stdin.end()]);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  /** Hears it out, as whoever sent it does. */
  async hear(): Promise<number> {
    this.#child.stdin.write("\n");
    await this.#child.stdin.end();
    return this.#child.exited;
  }

  async record(waitMs = 10_000, pid: number | undefined = this.#child.pid): Promise<string> {
    return (await run(recordCommand({ mark: this.#mark, pid }, waitMs).text, { shell: this.#shell })).stdout.trim();
  }
}

describe.each(shells.map((shell) => [shell]))("the record of a batch in %j", (shell) => {
  test("is there when nobody reads any more: the command in flight ends, and none begins after it", async () => {
    const left = new Left(shell, [item(sh`true`), item(sh`sleep 0.5; exit 3`, true), item(sh`echo never`)]);
    await left.until(1);
    await Bun.sleep(100);
    await left.cut();
    expect(await left.record()).toBe("did 0 3 .");
    expect(await left.record()).toBe("gone");
  });

  test("is there though the connection was only silent, and the shell stops when it is asked", async () => {
    const left = new Left(shell, [item(sh`true`), item(sh`sleep 0.5`), item(sh`echo never`)]);
    await left.until(1);
    expect(await left.record()).toBe("did 0 0 .");
  });

  test("is there when all was done, and nobody said that the end was heard", async () => {
    const left = new Left(shell, [item(sh`true`), item(sh`false`), item(sh`echo never`)]);
    await left.until(3);
    expect(await left.record(10_000, undefined)).toBe("did 0 1 .");
  });

  test("is not there when the end was heard", async () => {
    const left = new Left(shell, [item(sh`true`)]);
    await left.until(2);
    expect(await left.hear()).toBe(0);
    expect(await left.record()).toBe("gone");
  });

  test("is gone with a shell that was killed; one that is at work is not waited for without limit", async () => {
    const left = new Left(shell, [item(sh`sleep 2`)]);
    expect(await left.record(300)).toBe("busy");
    await left.kill();
    expect(await left.record()).toBe("gone");
  });
});

test("recordCommand() touches no process that is not of the batch", async () => {
  await using other = Bun.spawn(["sleep", "20"]);
  expect((await run(recordCommand({ mark: "0123456789abcdef", pid: other.pid }, 2_000).text)).stdout.trim()).toBe("gone");
  expect(other.exitCode).toBeNull();
});
