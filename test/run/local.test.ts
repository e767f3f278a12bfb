import { describe, expect, test } from "bun:test";
import { builtVersion, localFacts, performerOf } from "../../lib/run/local.ts";
import { withBuilder } from "../support/build.ts";
import { settingsOf } from "../support/settings.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld, type Table } from "../support/world.ts";

const head = "0123456789abcdef0123456789abcdef01234567";
const git: Table = [[/^git rev-parse/, `/repo\n\n${head}\n`], [/^git status/, " M app.ts\n"]];
const shop = settingsOf();
const fromTree = settingsOf({ builder: { ...shop.builder, context: "." } });
const version = (here: Table, settings = shop, more: { env?: Record<string, string>; named?: string } = {}) =>
  builtVersion({ ...fakeWorld({ here }).world, env: more.env ?? {} }, taskOf(settings, { version: more.named }));

describe("builtVersion()", () => {
  test("is what --version names, then VERSION, then the commit", async () => {
    expect(await version(git, shop, { named: "7", env: { VERSION: "8" } })).toBe("7");
    expect(await version(git, shop, { env: { VERSION: "8" } })).toBe("8");
    expect(await version(git)).toBe(head);
  });

  test("marks a working tree that differs from its commit", async () => {
    expect(await version(git, fromTree)).toBe(`${head}_uncommitted_0f0f0f0f0f0f0f0f`);
  });

  test("refuses where there is no repository", async () => {
    expect(await version([[/./, 128]]).catch((error: unknown) => error)).toMatchObject({ failure: "usage", hint: "Name one: `--version VERSION`, or the variable VERSION." });
  });
});

describe("localFacts()", () => {
  const none: Table = [[/./, 1]];
  const facts = (here: Table, settings = shop, more: { env?: Record<string, string>; files?: Record<string, string>; dev?: boolean } = {}) =>
    localFacts({ ...fakeWorld({ here, files: more.files ?? {} }).world, env: more.env ?? {} }, taskOf(settings), more.dev ?? false);

  test("says what this machine has and has not", async () => {
    expect(await facts([[/docker --version/, "Docker version 28.2.2\n"], ...none])).toEqual({
      docker: "Docker version 28.2.2", buildx: undefined, pack: undefined, arch: undefined, builder: "ready", dockerfile: "there", variables: {}, git: undefined, loose: undefined, cloneRoot: "/tmp/.cache/capstan/clones", cloneExists: false,
    });
  });

  test("asks for pack only where it is used", async () => {
    const here: Table = [[/^pack --version/, "0.36.4\n"], ...none];
    expect((await facts(here)).pack).toBeUndefined();
    expect((await facts(here, withBuilder({ pack: { builder: "b", buildpacks: [] } }))).pack).toBe("0.36.4");
  });

  const hybrid = withBuilder({ arch: ["amd64", "arm64"], remote: "ssh://b.example" });
  test.each<[string, Table, string | undefined]>([
    ["Docker", [[/docker info/, "aarch64\n"], ...none], "arm64"],
    ["the kernel, when Docker does not answer", [[/docker info/, 1], [/uname/, "x86_64\n"], ...none], "amd64"],
    ["the kernel, when Docker answers nothing", [[/docker info/, "\n"], [/uname/, "x86_64\n"], ...none], "amd64"],
    ["nobody", none, undefined],
  ])("has the architecture from %s", async (_title, here, arch) => {
    expect((await facts(here, hybrid)).arch).toBe(arch);
    expect((await facts(here, withBuilder({ remote: "ssh://b.example", local: false }))).arch).toBeUndefined();
  });

  test.each<[string, Table, string]>([
    ["is there", [[/buildx inspect kamal-local-docker-container$/, "Name: kamal"], [/buildx version/, "v0.13"], ...none], "ready"],
    ["is not there", [[/buildx version/, "v0.13"], ...none], "missing"],
    ["cannot be, without buildx", none, "ready"],
  ])("knows whether the builder %s", async (_title, here, state) => expect((await facts(here)).builder).toBe(state as "ready"));

  test("looks for the Dockerfile in the commit that is built, else in the folder", async () => {
    const missing = withBuilder({ dockerfile: "docker/app" });
    const tree = withBuilder({ dockerfile: "docker/app", context: "." });
    const noCommit: Table = [...git, ...none];
    const inCommit: Table = [[/^git cat-file -e HEAD:.\/app$/, ""], ...git, ...none];
    const files = { "/app/docker/app": "FROM x" };
    expect([
      await facts(inCommit, missing), await facts(noCommit, missing), await facts(noCommit, missing, { files }), await facts(noCommit, missing, { files, dev: true }),
      await facts(noCommit, tree, { files }), await facts(noCommit, tree), await facts(none, missing, { files }), await facts(none, withBuilder({ dockerfile: "docker/app", context: "https://git.example/shop.git" })),
      await facts(none, withBuilder({ dockerfile: "docker/app", pack: { builder: "b", buildpacks: [] } })),
    ].map(({ dockerfile }) => dockerfile)).toEqual(["there", "missing", "uncommitted", "there", "there", "missing", "there", "there", "there"]);
  });

  test("has the variables that builder.ssh names", async () => {
    const env = { SSH_AUTH_SOCK: "/tmp/agent", EMPTY: "", OTHER: "x" };
    expect((await facts(none, withBuilder({ ssh: "default=$SSH_AUTH_SOCK,a=${EMPTY},b=$GONE" }), { env })).variables).toEqual({ SSH_AUTH_SOCK: "/tmp/agent" });
  });

  test("of a working tree has the loose files that are sent to the builder", async () => {
    const here: Table = [[/^git diff --name-only --relative --diff-filter=d -z HEAD/, "web/b.ts\0a.ts\0log/x\0"], [/^git ls-files --others -z/, ".env\0log/y\0notes.txt\0"], ...git, ...none];
    const loose = async (settings = shop, files: Record<string, string> = {}) => (await facts(here, settings, { dev: true, files })).loose;
    expect(await loose()).toEqual({ changed: ["a.ts", "log/x", "web/b.ts"], untracked: [".env", "log/y", "notes.txt"] });
    expect(await loose(shop, { "/app/.dockerignore": "log\n.env\n" })).toEqual({ changed: ["a.ts", "web/b.ts"], untracked: ["notes.txt"] });
    expect(await loose(shop, { "/app/.dockerignore": "log", "/app/Dockerfile.dockerignore": "*\n!a.ts" })).toEqual({ changed: ["a.ts"], untracked: [] });
    expect(await loose(withBuilder({ context: "https://git.example/shop.git" }))).toBeUndefined();
    expect((await facts(here)).loose).toBeUndefined();
  });
});

test.each<[Table, string, string]>([
  [[[/user.email/, "ann@acme.example\n"], [/user.name/, "Ann\n"]], "ann@acme.example", "Ann"],
  [[[/user.email/, "ann@acme.example\n"], [/./, 1]], "ann@acme.example", "ann@acme.example"],
  [[[/whoami/, "ann\n"], [/./, 1]], "ann", "ann"],
  [[[/./, 1]], "unknown", "unknown"],
])("performerOf() with %p is %s, called %s", async (here, performer, performerName) => {
  expect(await performerOf(fakeWorld({ here }).world, shop)).toEqual({ performer, performerName });
});
