import { spawn } from "node:child_process";
import { Duplex } from "node:stream";

/** A ProxyCommand as a connection. */
export interface CommandStream {
  readonly stream: Duplex;
  /** How the command ended, and what it complained of, once it has. Undefined while it runs. */
  complaint(): string | undefined;
}

/** How much of what a command complains of is kept. */
const mostComplaint = 2000;

const lastWordsMs = 300;

/** The standard input and output of a ProxyCommand as a connection. The user's own shell runs it, as with OpenSSH. */
export function dialCommand(command: string, env: Readonly<Record<string, string | undefined>>): CommandStream {
  const child = spawn(env["SHELL"] || "sh", ["-c", `exec ${command}`], { env: { ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  let ending: string | undefined;
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (said = (said + chunk).slice(-mostComplaint)));
  child.on("exit", (status, signal) => (ending = status === null ? `was ended by ${signal}` : `ended with status ${status}`));
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
  });
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  const { promise: exited, resolve: exit } = Promise.withResolvers<void>();
  child.on("exit", exit);
  // How it ended comes a moment after its output does. It may leave a program behind that keeps standard error open: that is not waited for.
  child.stdout.on("end", () => void Promise.race([exited, Bun.sleep(lastWordsMs)]).then(() => setImmediate(() => stream.push(null))));
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => {
    ending = `cannot be started: ${error.message}`;
    stream.destroy();
  });
  stream.on("error", () => undefined);
  stream.on("close", () => {
    child.kill();
    child.stderr.destroy();
  });
  const last = (): string => said.trim().split("\n").at(-1)?.trim() ?? "";
  return { stream, complaint: () => ending && `its ProxyCommand ${ending}${last() === "" ? "" : `: ${last()}`}` };
}
