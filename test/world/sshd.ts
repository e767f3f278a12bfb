import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real sshd on a loopback port, run by the user who runs the tests. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Line for known_hosts. */
  readonly knownHost: string;
  log(): string;
}

const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/opt/homebrew/sbin/sshd"].find((path) => existsSync(path)) ?? Bun.which("sshd");

/** The path of sshd. @throws Error on a machine without one: what is checked with it is worth having it */
export function sshdProgram(): string {
  if (program === null || program === undefined) throw new Error("These tests need a real sshd: install openssh-server");
  // sshd of root insists on this folder, which the package makes at boot.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  return program;
}

/** A folder that serves as home: keys and known_hosts in `.ssh`. */
export function temporaryHome(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "capstan-home-"));
  mkdirSync(join(path, ".ssh"), { mode: 0o700 });
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes a key pair with ssh-keygen. Returns the path of the private key. */
export function makeKey(folder: string, name: string, type: "ed25519" | "rsa" | "ecdsa", passphrase = "", ...more: string[]): string {
  const path = join(folder, name);
  run(["ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", `${name}@test`, "-f", path, ...more]);
  return path;
}

export function run(argv: string[], env: Record<string, string | undefined> = process.env): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { env });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with status ${exitCode}: ${stderr.toString()}`);
  return stdout.toString();
}

/**
 * Starts sshd.
 * @param publicKeys paths of the public keys that may log in
 */
export async function startSshd(publicKeys: readonly string[], options: readonly string[] = []): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "capstan-sshd-"));
  const hostKey = makeKey(folder, "host", "ed25519");
  const port = freePort();
  const authorized = join(folder, "authorized_keys");
  writeFileSync(authorized, publicKeys.map((path) => readFileSync(path, "utf8")).join(""));
  const config = [
    `Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${hostKey}`, `AuthorizedKeysFile ${authorized}`, "PidFile none", "StrictModes no",
    // The first value of an option wins.
    ...options, "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "LogLevel VERBOSE", "",
  ];
  writeFileSync(join(folder, "config"), config.join("\n"));
  const log = join(folder, "log");
  const child = Bun.spawn([sshdProgram(), "-D", "-e", "-f", join(folder, "config")], { stdin: "ignore", stdout: "ignore", stderr: Bun.file(log) });
  const readLog = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
  for (let i = 0; !readLog().includes("Server listening"); i++) {
    if (i > 100 || child.exitCode !== null) throw new Error(`sshd does not start: ${readLog()}`);
    await Bun.sleep(20);
  }
  const [type = "", key = ""] = readFileSync(`${hostKey}.pub`, "utf8").split(" ");
  return {
    port,
    pid: child.pid,
    knownHost: `[127.0.0.1]:${port} ${type} ${key}\n`,
    log: readLog,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The name to log in with. */
export const me = run(["id", "-un"]).trim();

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
