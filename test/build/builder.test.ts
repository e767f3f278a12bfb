import { describe, expect, test } from "bun:test";
import { accessSteps } from "../../lib/build/builder.ts";
import { assumedTools } from "../../lib/build/facts.ts";
import { programText } from "../../lib/ground/command.ts";
import { Secret } from "../../lib/ground/secret.ts";
import type { Settings } from "../../lib/config/settings.ts";
import { buildOf, buildText, head, localRegistry, machine, notGit, stepsOf, textsOf, withBuilder } from "../support/build.ts";
import { settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const base = settingsOf();
const access = (settings: Settings, more: Partial<typeof machine> = {}): string[] => accessSteps(settings, { ...machine, ...more }).map(({ program }) => programText(program));

describe("accessSteps()", () => {
  test("H1: the tools are looked at, then this machine logs in", () => {
    expect(access(base)).toEqual(["docker --version", "docker buildx version", "docker login --username bot --password-stdin"]);
  });

  test("H5: a local registry is started, or else run, instead of a login", () => {
    const steps = accessSteps(settingsOf(localRegistry), machine).slice(2);
    expect(steps.map(({ program }) => programText(program))).toEqual(["docker start kamal-docker-registry", "docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3"]);
    expect(steps.map(({ optional, fallback }) => [optional, fallback])).toEqual([[true, undefined], [undefined, true]]);
  });

  test("H6: the login has its password on standard input", () => {
    const login = accessSteps(settingsOf({ registry: { server: "hub.example", username: "b$t", password: new Secret("RP", "p") } }), machine).at(-1);
    expect(login?.program.argv).toEqual(["docker", "login", "hub.example", "--username", "b$t", "--password-stdin"]);
    expect(String(login?.program.input)).toBe("‹secret RP›");
  });

  test("a remote builder gets the credentials of this machine, which logs in for it", () => {
    expect(access(withBuilder({ remote: "ssh://b.example", local: false }))).toContain("docker login --username bot --password-stdin");
  });

  test("without docker nothing goes on", () => expect(() => access(base, { docker: undefined })).toThrow("Docker is not installed here"));
});

describe("with buildx", () => {
  test("H1: default build of a clean clone", () => {
    const folder = buildOf(base).program.cwd ?? "";
    expect(folder).toMatch(/^\/cache\/clones\/shop-[0-9a-f]{13}\/shop$/);
    expect(textsOf(base)).toEqual([
      `git clone --recurse-submodules /src/shop ${folder}`,
      ...["remote set-url origin /src/shop", "fetch origin HEAD", `reset --hard ${head}`, "clean -ffdx", "submodule update --init --recursive", `diff --quiet ${head}`].map((words) => `git -C ${folder} --git-dir=.git --work-tree=. ${words}`),
      "docker buildx inspect kamal-local-docker-container",
      "docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
    ]);
  });

  test("H1: the words of the build", () => {
    expect(buildOf(base).program.argv).toEqual(words(`docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --file Dockerfile .`));
    expect(buildOf(base)).toMatchObject({ loud: true, title: "Build and push acme/shop:77" });
  });

  const everything = withBuilder({
    arch: ["amd64", "arm64"], args: { A: 1, B: "x y" }, secrets: { TOK: new Secret("TOK", "t0ken") }, dockerfile: "docker/Dockerfile", target: "prod", ssh: "default=$SSH_AUTH_SOCK", provenance: "false", sbom: true, context: ".",
  });

  test("H2: all build options; secrets are in the environment, not on the command line", () => {
    const build = buildOf(everything, { noCache: true, variables: undefined });
    expect(build.program.argv).toEqual(words(`docker buildx build --output=type=registry --platform linux/amd64,linux/arm64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --build-arg A="1" --build-arg B="x y" --secret id="TOK" --file docker/Dockerfile --target prod --ssh default=$SSH_AUTH_SOCK --provenance false --sbom true --no-cache .`));
    expect(build.program.cwd).toBe("/app");
    expect(String(build.program.env?.["TOK"])).toBe("‹secret TOK›");
    expect(textsOf(everything, { variables: undefined }).some((text) => text.startsWith("git"))).toBe(false);
  });

  test("H2: variables of builder.ssh are filled in, since no shell does it", () => {
    expect(buildOf(everything, { variables: { SSH_AUTH_SOCK: "/tmp/agent 1" } }).program.argv).toContain("default=/tmp/agent 1");
    expect(buildOf(withBuilder({ ssh: "a=${KEY_A},b=$KEY_B" }), { variables: { KEY_A: "/a", KEY_B: "/b" } }).program.argv).toContain("a=/a,b=/b");
    expect(() => textsOf(everything, { variables: {} })).toThrow(expect.objectContaining({ failure: "config", message: "Cannot build: builder.ssh names $SSH_AUTH_SOCK, which is not set" }));
  });

  test("H2: another context is built in the config's folder", () => expect(buildOf(withBuilder({ context: "../shop" })).program).toMatchObject({ cwd: "/app", argv: expect.arrayContaining(["../shop"]) }));

  test("H3: a cache in the registry is written with its options, and read", () => {
    const cache = { type: "registry", image: "reg.example/acme/shop-build-cache", options: "mode=max" } as const;
    expect(buildOf(withBuilder({ arch: ["arm64"], cache }, { repository: "reg.example/acme/shop" })).program.argv).toEqual(words(
      `docker buildx build --output=type=registry --platform linux/arm64 --builder kamal-local-docker-container -t reg.example/acme/shop:77 -t reg.example/acme/shop:latest --cache-to type=registry,ref=reg.example/acme/shop-build-cache,mode=max --cache-from type=registry,ref=reg.example/acme/shop-build-cache --label service="shop" --file Dockerfile .`,
    ));
  });

  test.each([
    [undefined, "--cache-to type=gha --cache-from type=gha "],
    ["mode=max", "--cache-to type=gha,mode=max --cache-from type=gha "],
    ["mode=max,scope=web,url=https://c.example,url_v2=https://d.example,token=t,timeout=5m,repository=r", "--cache-to type=gha,mode=max,scope=web,url=https://c.example,url_v2=https://d.example,token=t,timeout=5m,repository=r --cache-from type=gha,scope=web,url=https://c.example,url_v2=https://d.example,token=t,timeout=5m "],
  ])("H3: of a cache of GitHub Actions with options %p, what says where it is is for reading too", (options, flags) => {
    expect(buildText(withBuilder({ cache: { type: "gha", image: "unused", options } }))).toContain(` -t acme/shop:latest ${flags}--label service=shop `);
  });

  test("H3: a registry server and a destination are part of the tags", () => {
    expect(buildText(withBuilder({ arch: ["arm64"] }, { repository: "reg.example/acme/shop", destination: "qa" }), notGit)).toContain("--platform linux/arm64 --builder kamal-local-docker-container -t reg.example/acme/shop:77 -t reg.example/acme/shop:latest-qa ");
  });

  test("H5: for a local registry the builder is one of its own that shares this machine's network", () => {
    expect(textsOf(settingsOf(localRegistry), { ...notGit, builder: "missing" })).toEqual([
      "docker buildx rm kamal-local-registry-docker-container", "docker buildx create --name kamal-local-registry-docker-container --driver=docker-container --driver-opt network=host",
      "docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-registry-docker-container -t localhost:5001/shop:77 -t localhost:5001/shop:latest --label service=shop --file Dockerfile .",
    ]);
  });

  test.each([["docker", "Build acme/shop:77"], ["local,dest=out", "Build acme/shop:77"], ["registry", "Build and push acme/shop:77"]])("--output %s decides what becomes of the image", (output, title) => {
    const build = buildOf(base, { output });
    expect(build.title).toBe(title);
    expect(build.program.argv[3]).toBe(`--output=type=${output}`);
  });

  test("images of several architectures may be too much for the local Docker, which a hint says", () => {
    expect(buildOf(withBuilder({ arch: ["amd64", "arm64"] }), { output: "docker" }).hint).toContain("leave one in builder.arch");
    expect(buildOf(base, { output: "docker" }).hint).toBeUndefined();
  });

  test("`build dev` builds the working tree under tags that say so, with the builder as it is", () => {
    expect(textsOf(settingsOf({ destination: "qa" }), { dev: true, output: "docker", noCache: true })).toEqual([
      "docker buildx build --output=type=docker --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77-dirty -t acme/shop:latest-qa-dirty --label service=shop --file Dockerfile --no-cache .",
    ]);
    expect(buildOf(base, { dev: true, output: "docker" }).program.cwd).toBe("/app");
  });

  test("driver docker uses the daemon's own builder", () => {
    expect(textsOf(withBuilder({ driver: "docker" }), notGit)).toEqual(["docker buildx build --output=type=registry --platform linux/amd64 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile ."]);
  });

  test("an existing clone is brought up to date", () => {
    const git = textsOf(base, { cloneExists: true }).filter((text) => text.startsWith("git")).map((text) => text.replace(/^git -C \S+ --git-dir=.git --work-tree=. /, ""));
    expect(git).toEqual(["remote set-url origin /src/shop", "fetch origin HEAD", `reset --hard ${head}`, "clean -ffdx", "submodule update --init --recursive", "gc --auto --quiet", `diff --quiet ${head}`]);
  });

  test("the Dockerfile is looked for before anything happens", () => {
    expect(() => stepsOf(base, { dockerfile: "missing" })).toThrow("Cannot build: there is no Dockerfile in /app");
    expect(() => stepsOf(base, { dockerfile: "uncommitted" })).toThrow("Cannot build: Dockerfile is not committed, and a clean clone of the commit is built");
  });
});

describe("without buildx", () => {
  const without = { ...notGit, buildx: undefined };
  const old = { ...without, docker: "Docker version 20.10.24+dfsg1, build 297e128" };

  test("a client before 23 uses its own BuildKit, then pushes both tags", () => {
    expect(textsOf(base, old)).toEqual([
      "DOCKER_BUILDKIT=1 docker build --platform linux/amd64 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
      "docker push acme/shop:77", "docker push acme/shop:latest",
    ]);
    expect(access(base, old)).toEqual(["docker --version", "docker login --username bot --password-stdin"]);
  });

  test("a newer client has the old builder only", () => expect(textsOf(base, without)[0]).toStartWith("DOCKER_BUILDKIT=0 docker build --platform linux/amd64 "));
  test("only an image for the registry is pushed", () => expect(textsOf(base, { ...without, output: "docker" })).toHaveLength(1));
  test("`build dev` does without it too", () => expect(textsOf(base, { ...without, output: "docker", dev: true })).toEqual(["DOCKER_BUILDKIT=0 docker build --platform linux/amd64 -t acme/shop:77-dirty -t acme/shop:latest-dirty --label service=shop --file Dockerfile ."]));

  const secrets = { TOK: new Secret("TOK", "t") };
  test("build secrets need BuildKit", () => {
    expect(() => textsOf(withBuilder({ secrets }), without)).toThrow("Docker has no buildx here, which is needed for builder.secrets");
    expect(textsOf(withBuilder({ secrets }), old)[0]).toStartWith("DOCKER_BUILDKIT=1 docker build ");
    expect(String(buildOf(withBuilder({ secrets }), old).program.env?.["TOK"])).toBe("‹secret TOK›");
  });

  test.each([
    ["several architectures (amd64, arm64)", { arch: ["amd64", "arm64"] }, {}],
    ["builder.remote", { remote: "ssh://b.example" }, {}],
    ["builder.cache", { cache: { type: "gha", image: "c", options: undefined } }, {}],
    ["builder.provenance, builder.sbom", { provenance: "true", sbom: false }, {}],
    [`driver "cloud acme/b"`, { driver: "cloud acme/b" }, {}],
    ["--output oci,dest=x.tar", {}, { output: "oci,dest=x.tar" }],
  ] as const)("%s need buildx, whatever the client", (needed, builder, order) => {
    for (const client of [old, without]) expect(() => textsOf(withBuilder(builder), { ...client, ...order })).toThrow(`Docker has no buildx here, which is needed for ${needed}`);
  });

  test("builder.ssh needs BuildKit", () => expect(() => textsOf(withBuilder({ ssh: "default" }), without)).toThrow("which is needed for builder.ssh"));
});

test("H1: without docker the build is refused before anything happens", () => expect(() => stepsOf(base, { docker: undefined })).toThrow("Docker is not installed here"));
test("assumedTools plans a build with buildx", () => expect(textsOf(base, { ...notGit, ...assumedTools }).map((text) => text.split(" ").slice(0, 3).join(" "))).toEqual(["docker buildx inspect", "docker buildx build"]));
