import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { newHostKey, startSshServer } from "../support/ssh-server.ts";
import { fakeIo } from "./fake-io.ts";

/** The command line as a user has it, with programs on PATH that write down how they were called. */
const root = mkdtempSync(join(tmpdir(), "capstan-build-"));
/** All programs of this machine but those that are recorded. */
const tools = join(root, "tools");
mkdirSync(tools);
for (const name of readdirSync("/usr/bin")) if (!/^(docker|pack)/.test(name)) symlinkSync(`/usr/bin/${name}`, join(tools, name));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What a recording program does: shell patterns over its words, with what is done then. Default: it succeeds and says nothing. */
type Answers = readonly (readonly [pattern: string, does: string])[];

interface Setup {
  readonly config?: Omit<Partial<DeployConfig>, "registry"> & { readonly registry?: object };
  /** Left out: the program is not installed. */
  readonly docker?: Answers | undefined;
  readonly pack?: Answers;
  /** Uncommitted files by path. */
  readonly loose?: Readonly<Record<string, string>>;
  readonly committed?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

const works: Answers = [["--version", "echo 'Docker version 28.2.2, build e6534b4'"], ["buildx version", "echo 'github.com/docker/buildx v0.24.0'"]];
const noBuilder: Answers = [["buildx inspect *", "exit 1"], ["context inspect *", "exit 1"], ...works];
/** The look at an image that may have been pushed before. */
const identity = (tag: string): string => `docker image inspect --format '{{.Id}}{{range .RepoDigests}} {{.}}{{end}}' acme/shop:${tag}`;
let count = 0;

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`);

async function capstan(args: readonly string[], { config = {}, docker, pack, loose = {}, committed = {}, env = {} }: Setup) {
  const folder = join(root, String(count++));
  const [project, bin, log] = [join(folder, "shop"), join(folder, "bin"), join(folder, "log")];
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  const program = (name: string, answers: Answers): void => put(join(bin, name), `#!/bin/sh
call=${name}
for word; do call="$call\x1e$word"; done
printf '%s\n' "$call\x1e$PWD\x1eTOK=$TOK" >> '${log}'
${answers.map(([pattern, does]) => `case "$*" in ${pattern.replaceAll(" ", "\\ ")}) ${does}; exit;; esac`).join("\n")}
`, 0o755);
  if (docker !== undefined) program("docker", docker);
  if (pack !== undefined) program("pack", pack);
  const whole = { service: "shop", image: "acme/shop", servers: ["10.0.0.1"], registry: { username: "bot", password: "p4ss" }, ...config };
  const files = { "deploy.config.ts": `export default ${JSON.stringify(whole)};`, Dockerfile: "FROM scratch\n", "app.ts": "1\n", ...committed };
  for (const [path, text] of Object.entries(files)) put(join(project, path), text);
  const git = (...words: string[]): void => void Bun.spawnSync(["git", "-c", "user.name=Ann", "-c", "user.email=ann@acme.example", ...words], { cwd: project });
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "one");
  for (const [path, text] of Object.entries(loose)) put(join(project, path), text);
  const { io, written } = fakeIo({ env: { PATH: `${bin}:${tools}`, HOME: folder, NO_COLOR: "1", ...env } });
  const status = await main([...args, "--version", "77"], { ...io, cwd: project }, commands);
  const calls = (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []).map((line) => line.split("\x1e")).map((words) => ({ line: words.slice(0, -2).map(quoted).join(" "), cwd: words.at(-2) ?? "", token: words.at(-1) ?? "" }));
  return { status, calls, lines: calls.map(({ line }) => line), project, folder, ...written };
}

/** Without the questions that begin every build. */
const done = (lines: readonly string[]): readonly string[] => lines.filter((line) => !/^docker (--version|buildx version|info)|^pack --version|^docker (buildx|context) inspect/.test(line));
const login = "docker login --username bot --password-stdin";
const build = (flags: string): string => `docker buildx build --output=type=${flags}`;

describe("build push", () => {
  test("builds a clean clone and pushes it, without a secret on a command line", async () => {
    const { status, calls, lines, folder, project, stdout, stderr } = await capstan(["build", "push"], { docker: works, loose: { "app.ts": "2\n", "new.ts": "" }, config: { builder: { secrets: ["TOK"] } }, env: { TOK: "t0ken" } });
    expect([status, stdout]).toEqual([0, ""]);
    expect(done(lines)).toEqual([login, build("registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service=shop --secret id=TOK --file Dockerfile .")]);
    const at = calls.at(-1);
    expect([at?.cwd.startsWith(`${folder}/.cache/capstan/clones/shop-`), at?.token]).toEqual([true, "TOK=t0ken"]);
    expect(readFileSync(join(at?.cwd ?? "", "app.ts"), "utf8")).toBe("1\n");
    expect(existsSync(join(at?.cwd ?? "", "new.ts"))).toBe(false);
    expect(stderr).toContain("Not in the build, because they are not committed: app.ts, new.ts");
    expect(readFileSync(join(project, "app.ts"), "utf8")).toBe("2\n");
    expect(stderr + lines.join("\n")).not.toMatch(/t0ken|p4ss/);
  });

  test("without docker says so, before anything is done", async () => {
    const { status, lines, stderr } = await capstan(["build", "push"], {});
    expect([status, lines]).toEqual([11, []]);
    expect(stderr).toContain("Error: Docker is not installed here");
    expect(stderr).toContain("Next: Install it to build the image, or build it elsewhere and use --skip-push.");
  });

  test("without buildx builds what docker can alone, and says what it cannot", async () => {
    const none: Answers = [["--version", "echo 'Docker version 28.2.2, build e6534b4'"], ["buildx *", "exit 1"]];
    const plain = await capstan(["build", "push", "--no-cache"], { docker: none });
    expect(done(plain.lines)).toEqual([login, "docker build --platform linux/amd64 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile --no-cache .", identity("77"), "docker push acme/shop:77", identity("latest"), "docker push acme/shop:latest"]);
    const several = await capstan(["build", "push"], { docker: none, config: { builder: { arch: ["amd64", "arm64"] } } });
    expect([several.status, done(several.lines)]).toEqual([10, []]);
    expect(several.stderr).toContain("Error: Docker has no buildx here, which is needed for several architectures (amd64, arm64)");
    expect(several.stderr).toContain("Next: Install the buildx plugin of Docker");
  });

  test("without a Dockerfile says so, before anything is done", async () => {
    const { status, lines, stderr } = await capstan(["build", "push"], { docker: works, config: { builder: { dockerfile: "docker/app" } }, loose: { "docker/app": "FROM scratch" } });
    expect([status, done(lines)]).toEqual([10, []]);
    expect(stderr).toContain("Error: Cannot build: docker/app is not committed, and a clean clone of the commit is built");
  });

  test("creates the builder in a cloud, and gives any buildx output", async () => {
    const { lines } = await capstan(["build", "push", "--output", "oci,dest=x.tar"], { docker: noBuilder, config: { builder: { driver: "cloud acme/builders", arch: ["amd64", "arm64"] } } });
    expect(done(lines)).toEqual([
      login, "docker buildx rm cloud-acme-builders", "docker buildx create --driver cloud acme/builders",
      build("oci,dest=x.tar --platform linux/amd64,linux/arm64 --builder cloud-acme-builders -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile ."),
    ]);
  });

  test("reaches a remote builder, creates it behind a Docker context, and builds there", async () => {
    await using server = await startSshServer();
    const url = `ssh://root@${server.host}`;
    const name = `kamal-remote-${url.replaceAll(/[^a-z0-9_-]/g, "-")}`;
    const { status, lines, stderr } = await capstan(["build", "push"], { docker: noBuilder, committed: { id: newHostKey() }, config: { builder: { remote: url, local: false, arch: "arm64" }, ssh: { keys: ["id"], keysOnly: true, config: false } } });
    expect([status, stderr.includes("Error")]).toEqual([0, false]);
    expect(server.commands).toHaveLength(1);
    expect(done(lines)).toEqual([
      login, `docker buildx rm ${name}`, `docker context rm ${name}-context`, `docker context create ${name}-context --description '${name} host' --docker host=${url}`, `docker buildx create --name ${name} ${name}-context`,
      build(`registry --platform linux/arm64 --builder ${name} -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .`),
    ]);
  });

  test("with pack builds and pushes, needs no Dockerfile, and says what is ignored", async () => {
    const builder = { pack: { builder: "heroku/builder:24", buildpacks: ["heroku/nodejs"] }, dockerfile: "none", sbom: true, args: { MODE: "x y" }, secrets: ["TOK"] };
    const { status, calls, lines, stderr } = await capstan(["build", "push"], { docker: works, pack: [["--version", "echo 0.36.4"]], config: { builder }, env: { TOK: "t0ken" } });
    expect(status).toBe(0);
    expect(done(lines)).toEqual([
      login,
      "pack build acme/shop --platform linux/amd64 --creation-time now --builder heroku/builder:24 --buildpack heroku/nodejs --buildpack paketo-buildpacks/image-labels -t acme/shop:77 -t acme/shop:latest --env BP_IMAGE_LABELS=service=shop --env 'MODE=x y' --env TOK --path .",
      identity("77"), "docker push acme/shop:77", identity("latest"), "docker push acme/shop:latest",
    ]);
    expect(calls.find(({ line }) => line.startsWith("pack build"))?.token).toBe("TOK=t0ken");
    expect(stderr).toContain("Ignored, since buildpacks build the image: builder.sbom.");
    const without = await capstan(["build", "push"], { docker: works, config: { builder: { pack: { builder: "b" } } } });
    expect([without.status, done(without.lines)]).toEqual([11, []]);
    expect(without.stderr).toContain("Error: pack is not installed here, which builder.pack needs");
  });

  test("shows what docker said when the build fails", async () => {
    const { status, stderr } = await capstan(["build", "push"], { docker: [["buildx build *", "echo 'no space left on device' >&2; exit 3"], ...works] });
    expect(status).toBe(10);
    expect(stderr).toContain("no space left on device");
    expect(stderr).toContain("Nothing was changed on any host.");
  });
});

describe("build dev", () => {
  const loose = { "app.ts": "2\n", "notes.txt": "", "log/x": "", ".env": "A=1\n" };

  test("builds the working tree and says which files of it are in no commit", async () => {
    const { status, calls, lines, stderr, project } = await capstan(["build", "dev"], { docker: works, loose, committed: { ".dockerignore": "log\n", ".gitignore": ".env\n" } });
    expect(status).toBe(0);
    expect(done(lines)).toEqual([build("docker --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77-dirty -t acme/shop:latest-dirty --label service=shop --file Dockerfile .")]);
    expect(calls.at(-1)?.cwd).toBe(project);
    expect(stderr).toContain("In the image, with changes that are not committed: app.ts\n");
    expect(stderr).toContain("In the image, although git does not know them: .env, notes.txt\n");
    expect(stderr).not.toContain("log/x");
  });

  test("warns in a dry run too, which calls no docker", async () => {
    const { lines, stdout } = await capstan(["build", "dev", "--output", "local,dest=out", "--no-cache", "--dry-run", "--offline", "--json"], { docker: works, loose });
    expect(lines).toEqual([]);
    const records = stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.flatMap(({ type, text }) => (type === "note" ? [text] : []))).toEqual(["In the image, with changes that are not committed: app.ts", "In the image, although git does not know them: .env, log/x, notes.txt"]);
    expect(records.flatMap(({ type, command }) => (type === "step" ? [command] : []))).toEqual([build("local,dest=out --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77-dirty -t acme/shop:latest-dirty --label service=shop --file Dockerfile --no-cache .")]);
  });

  test("says nothing of a clean tree", async () => expect((await capstan(["build", "dev"], { docker: works })).stderr).not.toContain("In the image"));
});

describe("build create, remove and details", () => {
  test("make and remove the builder of the config", async () => {
    const created = await capstan(["build", "create"], { docker: noBuilder });
    expect(done(created.lines)).toEqual(["docker buildx rm kamal-local-docker-container", "docker buildx create --name kamal-local-docker-container --driver=docker-container"]);
    const there = await capstan(["build", "create"], { docker: works });
    expect([there.status, done(there.lines)]).toEqual([0, []]);
    expect(there.stderr).toContain("Builder kamal-local-docker-container is there already.");
    expect(done((await capstan(["build", "remove"], { docker: works })).lines)).toEqual(["docker buildx rm kamal-local-docker-container"]);
    expect((await capstan(["build", "remove"], { docker: [["buildx rm *", "exit 1"], ...works] })).status).toBe(10);
    expect((await capstan(["build", "create"], {})).stderr).toContain("Error: Docker is not installed here");
  });

  test("show which one it is", async () => {
    const docker: Answers = [["info *", "echo aarch64"], ["context ls", "echo 'default *'"], ["buildx ls", "echo 'NAME/NODE'"], ...works];
    const config = { builder: { arch: ["amd64", "arm64"], remote: "ssh://b.example" } };
    const shown = await capstan(["build", "details"], { docker, config });
    expect(shown.stdout).toBe("Builder: hybrid (kamal-hybrid-docker-container-ssh---b-example)\n\ndefault *\n\nNAME/NODE\n");
    const json = await capstan(["build", "details", "--json"], { docker, config });
    expect(JSON.parse(json.stdout.split("\n")[0] ?? "")).toEqual({ v: 1, type: "builder", kind: "hybrid", name: "kamal-hybrid-docker-container-ssh---b-example", outputs: ["default *\n", "NAME/NODE\n"] });
    expect((await capstan(["build", "details", "--dry-run"], { docker, config })).stdout).toContain("% docker context ls\n  Show the builder\n    % docker buildx ls\n");
  });
});

describe("a registry on this machine", () => {
  const config = { registry: { server: "localhost:5001" }, image: undefined };

  test("is started for a build, which logs in nowhere", async () => {
    const { lines } = await capstan(["build", "push"], { docker: [["start *", "exit 1"], ...noBuilder], config });
    expect(done(lines)).toEqual([
      "docker start kamal-docker-registry", "docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3", "docker buildx rm kamal-local-registry-docker-container",
      "docker buildx create --name kamal-local-registry-docker-container --driver=docker-container --driver-opt network=host",
      build("registry --platform linux/amd64 --builder kamal-local-registry-docker-container -t localhost:5001/shop:77 -t localhost:5001/shop:latest --label service=shop --file Dockerfile ."),
    ]);
  });

  test("is set up and removed by commands of their own", async () => {
    expect((await capstan(["registry", "setup"], { docker: works, config })).lines).toEqual(["docker start kamal-docker-registry"]);
    expect((await capstan(["registry", "remove", "-R"], { docker: works, config })).lines).toEqual(["docker stop kamal-docker-registry", "docker rm --force --volumes kamal-docker-registry"]);
    // Without a registry docker stop fails and docker rm --force does not; without Docker both do.
    expect((await capstan(["registry", "remove"], { docker: [["stop *", "exit 1"], ...works], config })).status).toBe(0);
    const down = await capstan(["registry", "remove"], { docker: [["stop *", "exit 1"], ["rm *", "echo 'Cannot connect to the Docker daemon' >&2; exit 1"], ...works], config });
    expect(down.status).not.toBe(0);
    expect(down.stderr).toContain("Cannot connect to the Docker daemon");
    expect((await capstan(["registry", "setup", "-L"], { docker: works, config })).lines).toEqual([]);
    const refused = await capstan(["registry", "login"], { docker: works, config });
    expect([refused.status, refused.lines]).toEqual([2, []]);
    expect(refused.stderr).toContain("Next: Run `capstan registry setup`, which starts it.");
  });
});

test("registry login and logout without hosts stay here", async () => {
  expect((await capstan(["registry", "login", "-R"], { docker: works })).lines).toEqual([login]);
  expect((await capstan(["registry", "logout", "--skip-remote"], { docker: works })).lines).toEqual(["docker logout"]);
  expect((await capstan(["registry", "setup", "-R"], { docker: works })).lines).toEqual([login]);
  expect((await capstan(["registry", "remove", "-R"], { docker: works })).lines).toEqual(["docker logout"]);
});
