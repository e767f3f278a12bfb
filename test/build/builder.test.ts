import { describe, expect, test } from "bun:test";
import { programText } from "../../lib/ground/command.ts";
import { Secret } from "../../lib/ground/secret.ts";
import type { LocalStep } from "../../lib/ground/step.ts";
import type { BuilderSettings, Settings } from "../../lib/config/settings.ts";
import { assumedTools, builderInspectProgram, builderName, buildSteps, type LocalFacts } from "../../lib/build/builder.ts";
import { settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const facts: LocalFacts = { docker: "Docker version 28.2.2, build e6534b4", buildx: "github.com/docker/buildx v0.13.1", builderExists: true, git: { root: "/src/shop", prefix: "", head: "0123456789abcdef0123456789abcdef01234567", dirty: [] }, cloneRoot: "/cache/clones", cloneExists: false };
const base = settingsOf();
const withBuilder = (builder: Partial<BuilderSettings>, more: Partial<Settings> = {}): Settings => settingsOf({ builder: { ...base.builder, ...builder }, ...more });
const steps = (settings: Settings, more: Partial<LocalFacts> = {}, noCache = false): readonly LocalStep[] => buildSteps(settings, { version: "77", facts: { ...facts, ...more }, noCache });
const texts = (settings: Settings, more: Partial<LocalFacts> = {}, noCache = false): string[] => steps(settings, more, noCache).map(({ program }) => programText(program));
const buildOf = (all: readonly LocalStep[]): LocalStep => all.find(({ program: { argv } }) => argv.includes("build")) ?? { kind: "local", title: "", program: { argv: [] } };
const notGit = { git: undefined };

describe("with buildx", () => {
  test("H1: default build of a clean clone", () => {
    const all = steps(base);
    const folder = buildOf(all).program.cwd ?? "";
    expect(folder).toMatch(/^\/cache\/clones\/shop-[0-9a-f]{13}\/shop$/);
    expect(all.map(({ program }) => programText(program))).toEqual([
      "docker --version", "docker buildx version", "docker login --username bot --password-stdin",
      `git clone --recurse-submodules /src/shop ${folder}`, `git -C ${folder} --git-dir=.git --work-tree=. diff --quiet 0123456789abcdef0123456789abcdef01234567`,
      "docker buildx inspect kamal-local-docker-container",
      "docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
    ]);
  });

  test("H1: the words of the build", () => {
    expect(buildOf(steps(base)).program.argv).toEqual(words(`docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --file Dockerfile .`));
    expect(buildOf(steps(base)).loud).toBe(true);
  });

  test("H2: all build options; secrets are in the environment, not on the command line", () => {
    const settings = withBuilder({ arch: ["amd64", "arm64"], args: { A: 1, B: "x y" }, secrets: { TOK: new Secret("TOK", "t0ken") }, dockerfile: "docker/Dockerfile", target: "prod", context: "." });
    const build = buildOf(steps(settings, {}, true));
    expect(build.program.argv).toEqual(words(`docker buildx build --output=type=registry --platform linux/amd64,linux/arm64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --build-arg A="1" --build-arg B="x y" --secret id="TOK" --file docker/Dockerfile --target prod --no-cache .`));
    expect(build.program.cwd).toBe("/app");
    expect(String(build.program.env?.["TOK"])).toBe("‹secret TOK›");
    expect(texts(settings).some((text) => text.startsWith("git"))).toBe(false);
  });

  test("H2: another context is built in the config's folder", () => expect(buildOf(steps(withBuilder({ context: "../shop" }))).program).toMatchObject({ cwd: "/app", argv: expect.arrayContaining(["../shop"]) }));

  test("H3: a registry server and a destination are part of the tags", () => {
    const argv = buildOf(steps(withBuilder({ arch: ["arm64"] }, { repository: "reg.example/acme/shop", destination: "qa" }), notGit)).program.argv;
    expect(argv.join(" ")).toContain("--platform linux/arm64 --builder kamal-local-docker-container -t reg.example/acme/shop:77 -t reg.example/acme/shop:latest-qa ");
  });

  test("H5: a local registry is started instead of a login, and has a builder of its own", () => {
    const settings = settingsOf({ repository: "localhost:5001/shop", registry: { server: "localhost:5001", username: undefined, password: undefined } });
    expect(texts(settings, { ...notGit, builderExists: false }).slice(2, 6)).toEqual([
      "docker start kamal-docker-registry", "docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3",
      "docker buildx rm kamal-local-registry-docker-container", "docker buildx create --name kamal-local-registry-docker-container --driver=docker-container --driver-opt network=host",
    ]);
  });

  test("H6: the login has its password on standard input", () => {
    const login = steps(settingsOf({ registry: { server: "hub.example", username: "b$t", password: new Secret("RP", "p") } })).find(({ program }) => program.argv.includes("login"));
    expect(login?.program.argv).toEqual(["docker", "login", "hub.example", "--username", "b$t", "--password-stdin"]);
    expect(String(login?.program.input)).toBe("‹secret RP›");
  });

  test("a builder that is missing is created, whatever is left of it", () => {
    const all = steps(base, { ...notGit, builderExists: false });
    expect(all.map(({ program }) => programText(program)).slice(3, 5)).toEqual(["docker buildx rm kamal-local-docker-container", "docker buildx create --name kamal-local-docker-container --driver=docker-container"]);
    expect(all[3]?.optional).toBe(true);
  });

  test("driver docker uses the daemon's own builder", () => {
    expect(texts(withBuilder({ driver: "docker" }), { ...notGit, builderExists: false }).slice(2)).toEqual([
      "docker login --username bot --password-stdin", "docker buildx build --output=type=registry --platform linux/amd64 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
    ]);
    expect(() => steps(withBuilder({ driver: "docker", arch: ["amd64", "arm64"] }))).toThrow("The driver docker builds for one architecture only");
  });

  test("a cloud driver has its own name and creation", () => {
    const settings = withBuilder({ driver: "cloud acme/builders" });
    expect(builderName(settings)).toBe("cloud-acme-builders");
    expect(texts(settings, { ...notGit, builderExists: false })).toContain("docker buildx create --driver cloud acme/builders");
    expect(builderInspectProgram(settings).argv.at(-1)).toBe("cloud-acme-builders");
  });

  test("an existing clone is brought up to date", () => {
    const git = texts(base, { cloneExists: true }).filter((text) => text.startsWith("git")).map((text) => text.replace(/^git -C \S+ --git-dir=.git --work-tree=. /, ""));
    expect(git).toEqual(["remote set-url origin /src/shop", "fetch origin HEAD", "reset --hard 0123456789abcdef0123456789abcdef01234567", "clean -ffdx", "submodule update --init --recursive", "gc --auto --quiet", "diff --quiet 0123456789abcdef0123456789abcdef01234567"]);
  });
});

describe("without buildx", () => {
  const without = { ...notGit, buildx: undefined };
  const old = { ...without, docker: "Docker version 20.10.24+dfsg1, build 297e128" };

  test("a client before 23 uses its own BuildKit, then pushes both tags", () => {
    expect(texts(base, old)).toEqual([
      "docker --version", "docker login --username bot --password-stdin",
      "DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
      "docker push acme/shop:77", "docker push acme/shop:latest",
    ]);
  });

  test("a newer client has the old builder only", () => expect(texts(base, without)[2]).toStartWith("DOCKER_BUILDKIT=0 docker build --platform linux/amd64 "));

  const secrets = { TOK: new Secret("TOK", "t") };
  test("build secrets need BuildKit", () => {
    expect(() => steps(withBuilder({ secrets }), without)).toThrow("Docker has no buildx here, which is needed for builder.secrets");
    expect(texts(withBuilder({ secrets }), old)[2]).toStartWith("DOCKER_BUILDKIT=1 TOK=‹secret TOK› docker build ");
  });

  test.each([["old", old], ["new", without]])("several architectures need buildx (%s client)", (_title, more) => {
    expect(() => steps(withBuilder({ arch: ["amd64", "arm64"] }), more)).toThrow("which is needed for several architectures (amd64, arm64)");
  });
});

test("H1: without docker the build is refused before anything happens", () => expect(() => steps(base, { docker: undefined })).toThrow("Docker is not installed here"));
test("assumedTools plans a build with buildx", () => expect(buildOf(steps(base, assumedTools)).program.argv.slice(0, 3)).toEqual(["docker", "buildx", "build"]));
