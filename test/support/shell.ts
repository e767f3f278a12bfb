import { mkdtempSync, rmSync, writeFileSync, chmodSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The `sh` of common hosts, as far as they are here. */
const known = [["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(([name = ""]) => Bun.which(name) !== null);
export const shells: readonly (readonly string[])[] = known.length > 0 ? known : [["sh"]];

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a text as a host would, in a folder. */
export async function run(text: string, options: { readonly shell?: readonly string[]; readonly cwd?: string; readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Ran> {
  const shell = Bun.spawn([...(options.shell ?? ["sh"]), "-c", text], {
    cwd: options.cwd ?? tmpdir(), env: { ...process.env, LC_ALL: "C", ...options.env }, stdin: new Blob([options.input ?? ""]), stdout: "pipe", stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text(), shell.exited]);
  return { status, stdout, stderr };
}

/** A folder that is a user's home on a host, with programs of our own in front of the PATH. Gone when disposed. */
export class Home implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "home-"));

  /** Puts a program in place of the real one: shell code that sees its arguments. */
  program(name: string, code: string): this {
    mkdirSync(join(this.path, "bin"), { recursive: true });
    writeFileSync(join(this.path, "bin", name), `#!/bin/sh\n${code}\n`);
    chmodSync(join(this.path, "bin", name), 0o755);
    return this;
  }

  /** Puts a file into it, with its folders. */
  place(path: string, text = ""): void {
    mkdirSync(join(this.path, path, ".."), { recursive: true });
    writeFileSync(join(this.path, path), text);
  }

  run(text: string, options: { readonly shell?: readonly string[]; readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Ran> {
    return run(text, { ...options, cwd: this.path, env: { HOME: this.path, PATH: `${join(this.path, "bin")}:${process.env["PATH"] ?? ""}`, ...options.env } });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
