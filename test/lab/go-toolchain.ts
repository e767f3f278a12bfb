import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { PrerequisiteError } from "./prerequisites.ts";
import { must, run } from "./shell.ts";

/** Folder for what is costly to make, outside the repository. It survives the lab. */
export const cacheFolder = `${process.env["XDG_CACHE_HOME"] ?? `${homedir()}/.cache`}/capstan-lab`;

/**
 * A Go that is new enough, or can fetch one that is: Go is a module of its own proxy.
 * @param version the least that will do
 * @param purpose what it is for, as errors begin: `The real Traefik`
 * @returns path of the program
 * @throws PrerequisiteError when there is none and none can be had
 */
export async function goToolchain(version: string, purpose: string, say: (text: string) => void): Promise<string> {
  const found = ["go", "/usr/local/go/bin/go"].find((path) => Bun.which(path) !== null);
  if (found !== undefined && (await run([found, "env", "GOTOOLCHAIN"])).stdout.trim() !== "") return found;
  if (found === undefined) {
    if (!existsSync("/usr/bin/apt-get")) throw new PrerequisiteError(`${purpose} cannot be had: it cannot be pulled, and Go is not installed to build it`);
    say("Installing Go");
    const installed = await run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "golang-go", "ca-certificates"], { env: { DEBIAN_FRONTEND: "noninteractive" } });
    if (installed.status !== 0) throw new PrerequisiteError(`${purpose} cannot be had: it cannot be pulled, and Go cannot be installed (${installed.stderr.trim().split("\n").at(-1)})`);
  }
  const old = found ?? "/usr/bin/go";
  if ((await run([old, "env", "GOTOOLCHAIN"])).stdout.trim() !== "") return old;
  // Before 1.21 Go does not fetch toolchains by itself.
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const name = `golang.org/toolchain@v0.0.1-go${version}.linux-${arch}`;
  const folder = `${cacheFolder}/go-toolchain`;
  await mkdir(folder, { recursive: true });
  const fetched = await run([old, "mod", "download", "-json", name], { cwd: folder, env: { GOFLAGS: "-modcacherw" }, timeoutMs: 600_000 });
  if (fetched.status !== 0) throw new PrerequisiteError(`${purpose} cannot be had: it cannot be pulled, and Go ${version} cannot be fetched (${fetched.stderr.trim().split("\n").at(-1)})`);
  const { Dir: dir } = JSON.parse(fetched.stdout) as { Dir: string };
  await must(["sh", "-c", `chmod -R u+w "$1" && chmod +x "$1"/bin/* "$1"/pkg/tool/*/*`, "sh", dir]);
  return `${dir}/bin/go`;
}

/** A program that is built from published Go modules. */
export interface GoProgram {
  /** As errors begin: `The real Traefik`. */
  readonly purpose: string;
  /** Import path of its command. */
  readonly command: string;
  readonly goVersion: string;
  /** Files of the small module that names it, `go.mod` first among them. */
  readonly files: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/**
 * Builds a program, unless `target` is there. Nothing half done is left at `target`.
 * @throws PrerequisiteError when it cannot be built
 */
export async function buildGoProgram(target: string, folder: string, program: GoProgram, say: (text: string) => void): Promise<void> {
  if (existsSync(target)) return;
  say(`Building ${program.command} with Go, once`);
  for (const [name, text] of Object.entries(program.files)) {
    await mkdir(dirname(`${folder}/${name}`), { recursive: true });
    await writeFile(`${folder}/${name}`, text);
  }
  const go = await goToolchain(program.goVersion, program.purpose, say);
  const part = `${target}.${process.pid}`;
  const built = await run([go, "build", "-mod=mod", "-trimpath", ...program.flags, "-o", part, program.command], { cwd: folder, env: { CGO_ENABLED: "0", GOTOOLCHAIN: "auto" }, timeoutMs: 1_800_000 });
  if (built.status !== 0) throw new PrerequisiteError(`${program.purpose} cannot be had: it can neither be pulled nor built (${built.stderr.trim().split("\n").at(-1)})`);
  await rename(part, target);
}
