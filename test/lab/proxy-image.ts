import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dockerClient, PrerequisiteError } from "./prerequisites.ts";
import { must, run } from "./shell.ts";

const module = "github.com/basecamp/kamal-proxy";
const version = "v0.9.2";
/** As the config's default names it. */
export const proxyImage = `basecamp/kamal-proxy:${version}`;
/** What the module asks for. */
const goVersion = "1.25.5";

/** Folder for what is costly to make, outside the repository. It survives the lab. */
export const cacheFolder = `${process.env["XDG_CACHE_HOME"] ?? `${homedir()}/.cache`}/capstan-lab`;

/**
 * A file that `docker load` turns into the image of the real kamal-proxy: pulled where the network allows it, else its
 * program is built by the Go toolchain.
 * @throws PrerequisiteError when neither can be had
 */
export async function proxyImageFile(dockerHost: string, say: (text: string) => void = () => undefined): Promise<string> {
  const file = `${cacheFolder}/kamal-proxy-${version}.tar`;
  if (existsSync(file)) return file;
  await mkdir(cacheFolder, { recursive: true });
  const env = { DOCKER_HOST: dockerHost };
  const pulled = await run([dockerClient, "pull", "--quiet", proxyImage], { env, timeoutMs: 30_000 });
  if (pulled.status !== 0) await buildImage(env, say);
  await must([dockerClient, "save", "--output", `${file}.part`, proxyImage], { env });
  await rename(`${file}.part`, file);
  return file;
}

async function buildImage(env: Readonly<Record<string, string>>, say: (text: string) => void): Promise<void> {
  const folder = `${cacheFolder}/kamal-proxy-image`;
  await mkdir(folder, { recursive: true });
  const program = `${folder}/kamal-proxy`;
  if (!existsSync(program)) await buildProgram(program, say);
  await copyFile("/bin/busybox", `${folder}/busybox`);
  await writeFile(`${folder}/Dockerfile`, `FROM scratch
COPY busybox /bin/busybox
COPY kamal-proxy /usr/local/bin/kamal-proxy
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /etc /home/kamal-proxy/.config/kamal-proxy && chmod 1777 /tmp && echo kamal-proxy:x:1001:1001::/home/kamal-proxy:/bin/sh > /etc/passwd && chown -R 1001:1001 /home/kamal-proxy"]
ENV HOME=/home/kamal-proxy PATH=/usr/local/bin:/bin
LABEL org.opencontainers.image.title=kamal-proxy
USER 1001
EXPOSE 80 443
CMD ["kamal-proxy", "run"]
`);
  await must([dockerClient, "build", "--quiet", "--tag", proxyImage, folder], { env: { ...env, DOCKER_BUILDKIT: "0" } });
}

async function buildProgram(target: string, say: (text: string) => void): Promise<void> {
  say(`Building ${module} ${version} with Go, once`);
  const folder = `${cacheFolder}/kamal-proxy-module`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/go.mod`, `module lab\ngo ${goVersion}\nrequire ${module} ${version}\n`);
  await writeFile(`${folder}/tool.go`, `//go:build tools\npackage lab\nimport _ "${module}/cmd/kamal-proxy"\n`);
  const go = await goToolchain(say);
  const built = await run([go, "build", "-mod=mod", "-trimpath", "-o", `${target}.part`, `${module}/cmd/kamal-proxy`], { cwd: folder, env: { CGO_ENABLED: "0" }, timeoutMs: 900_000 });
  if (built.status !== 0) throw new PrerequisiteError(`The real kamal-proxy cannot be had: it can neither be pulled nor built (${built.stderr.trim().split("\n").at(-1)})`);
  await rename(`${target}.part`, target);
}

/** A Go that is new enough, or can fetch one that is: Go is a module of its own proxy. */
async function goToolchain(say: (text: string) => void): Promise<string> {
  const found = ["go", "/usr/local/go/bin/go"].find((path) => Bun.which(path) !== null);
  if (found !== undefined && (await run([found, "env", "GOTOOLCHAIN"])).stdout.trim() !== "") return found;
  if (found === undefined) {
    if (!existsSync("/usr/bin/apt-get")) throw new PrerequisiteError("The real kamal-proxy cannot be had: it cannot be pulled, and Go is not installed to build it");
    say("Installing Go");
    const installed = await run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "golang-go", "ca-certificates"], { env: { DEBIAN_FRONTEND: "noninteractive" } });
    if (installed.status !== 0) throw new PrerequisiteError(`The real kamal-proxy cannot be had: it cannot be pulled, and Go cannot be installed (${installed.stderr.trim().split("\n").at(-1)})`);
  }
  const old = found ?? "/usr/bin/go";
  if ((await run([old, "env", "GOTOOLCHAIN"])).stdout.trim() !== "") return old;
  // Before 1.21 Go does not fetch toolchains by itself.
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const name = `golang.org/toolchain@v0.0.1-go${goVersion}.linux-${arch}`;
  const folder = `${cacheFolder}/go-toolchain`;
  await mkdir(folder, { recursive: true });
  const fetched = await run([old, "mod", "download", "-json", name], { cwd: folder, env: { GOFLAGS: "-modcacherw" }, timeoutMs: 600_000 });
  if (fetched.status !== 0) throw new PrerequisiteError(`The real kamal-proxy cannot be had: it cannot be pulled, and Go ${goVersion} cannot be fetched (${fetched.stderr.trim().split("\n").at(-1)})`);
  const { Dir: dir } = JSON.parse(fetched.stdout) as { Dir: string };
  await must(["sh", "-c", `chmod -R u+w "$1" && chmod +x "$1"/bin/* "$1"/pkg/tool/*/*`, "sh", dir]);
  return `${dir}/bin/go`;
}
