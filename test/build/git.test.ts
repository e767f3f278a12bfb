import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../lib/ground/command.ts";
import { cloneOf, cloneSteps } from "../../lib/build/clone.ts";
import { gitConfigProgram, gitFactsProgram, gitStatusProgram, parseGit } from "../../lib/build/git.ts";
import { Home } from "../support/shell.ts";

const home = new Home();
const repository = join(home.path, "my project");
const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };

function start({ argv, cwd }: Program, env: Readonly<Record<string, string>> = {}): { status: number; stdout: string; stderr: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { cwd: cwd ?? home.path, env: { ...process.env, ...identity, ...env } });
  return { status: exitCode, stdout: stdout.toString().trimEnd(), stderr: stderr.toString() };
}
const git = (...words: readonly string[]): string => start({ argv: ["git", ...words], cwd: repository }).stdout;
const facts = (folder = repository): ReturnType<typeof parseGit> => parseGit(start(gitFactsProgram(folder)).stdout, start(gitStatusProgram(folder)).stdout);

beforeAll(() => {
  mkdirSync(join(repository, "apps/shop"), { recursive: true });
  writeFileSync(join(repository, "apps/shop/file"), "1\n");
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-q", "-m", "one");
});
afterAll(() => home[Symbol.dispose]());

describe("what git says", () => {
  test("of a clean repository", () => expect(facts()).toEqual({ root: repository, prefix: "", head: git("rev-parse", "HEAD"), dirty: [] }));
  test("of a folder below its root", () => expect(facts(join(repository, "apps/shop"))).toMatchObject({ root: repository, prefix: "apps/shop/" }));
  test("of changed and new files", () => {
    writeFileSync(join(repository, "apps/shop/file"), "2\n");
    writeFileSync(join(repository, "new"), "");
    expect(facts().dirty).toEqual(["apps/shop/file", "new"]);
    git("checkout", "-q", "apps");
    git("clean", "-fdq");
  });
  test("outside of a repository, and in one without a commit", () => {
    expect(start(gitFactsProgram(home.path)).status).not.toBe(0);
    start({ argv: ["git", "init", "-q", "empty"] });
    expect(start(gitFactsProgram(join(home.path, "empty"))).status).not.toBe(0);
    expect(() => parseGit("fatal: not a git repository", "")).toThrow("Cannot read git's answer");
  });
  test("of the user", () => {
    git("config", "user.email", "ann@example.com");
    expect(start(gitConfigProgram(repository, "user.email")).stdout).toBe("ann@example.com");
    expect(start(gitConfigProgram(repository, "user.nothing")).status).toBe(1);
  });
});

describe("the clone", () => {
  const settings = { service: "shop", root: join(repository, "apps/shop") };
  const place = (): ReturnType<typeof cloneOf> => cloneOf(settings, join(home.path, "clones"), facts(settings.root));
  const bring = (exists: boolean, env: Readonly<Record<string, string>> = {}): unknown[] =>
    cloneSteps(place(), facts(settings.root), exists).map((step) => ({ title: step.title, ...start(step.program, env) })).filter(({ status }) => status !== 0);

  test("lies in a place of its own", () => {
    expect(place().folder).toMatch(/\/clones\/shop-[0-9a-f]{13}\/my project$/);
    expect(place().build).toBe(`${place().folder}/apps/shop`);
    expect(cloneOf({ service: "shop", root: "/app" }, "/c", { root: "/app", prefix: "" }).build).toMatch(/^\/c\/shop-[0-9a-f]{13}\/app$/);
    expect(cloneOf({ service: "shop", root: "C:/src/app" }, "C:/c", { root: "C:/src/app", prefix: "" }).folder).toMatch(/\/app$/);
  });

  test("has the commit and nothing that is not committed", async () => {
    writeFileSync(join(repository, "apps/shop/file"), "not committed\n");
    expect(bring(false)).toEqual([]);
    expect(await Bun.file(join(place().build, "file")).text()).toBe("1\n");
    git("checkout", "-q", "apps");
  });

  test("that another run has made since it was looked for is brought to the commit like any other", async () => {
    const [clone, ...rest] = cloneSteps(place(), facts(settings.root), false);
    const [ask] = clone?.unless?.asks ?? [];
    expect(ask === undefined ? undefined : start(ask.program([])).status).toBe(0);
    writeFileSync(join(place().build, "file"), "of another run\n");
    expect(rest.map((step) => start(step.program).status)).toEqual(rest.map(() => 0));
    expect(await Bun.file(join(place().build, "file")).text()).toBe("1\n");
  });

  test("follows the project, a detached head too, and forgets what lay in it", async () => {
    git("checkout", "-q", "--detach");
    writeFileSync(join(repository, "apps/shop/file"), "3\n");
    git("commit", "-q", "-a", "-m", "three");
    writeFileSync(join(place().build, "left over"), "");
    writeFileSync(join(place().build, "file"), "spoilt\n");
    expect(bring(true)).toEqual([]);
    expect(await Bun.file(join(place().build, "file")).text()).toBe("3\n");
    expect(await Bun.file(join(place().build, "left over")).exists()).toBe(false);
  });

  test("is brought up to date inside a git hook without touching the user's own tree", async () => {
    writeFileSync(join(repository, "apps/shop/file"), "work in progress\n");
    expect(bring(true, { GIT_DIR: join(repository, ".git"), GIT_WORK_TREE: repository })).toEqual([]);
    expect(await Bun.file(join(repository, "apps/shop/file")).text()).toBe("work in progress\n");
  });

  test("is refused when it is not the commit", () => {
    writeFileSync(join(place().build, "file"), "spoilt\n");
    const check = cloneSteps(place(), facts(settings.root), true).at(-1);
    expect(check === undefined ? 0 : start(check.program).status).toBe(1);
    expect(check?.hint).toStartWith("Delete ");
  });
});
