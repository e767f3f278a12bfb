import { expect, test } from "bun:test";
import { versionFrom, type VersionSources } from "../../lib/build/version.ts";

const sha = "0123456789abcdef0123456789abcdef01234567";
const clean = { root: "/app", prefix: "", head: sha, dirty: [] };
const dirty = { ...clean, dirty: ["a"] };
const sources: VersionSources = { named: undefined, env: undefined, git: clean, buildsWorkTree: false, hex: "0011223344556677" };

test.each<[string, Partial<VersionSources>, string]>([
  ["I3 a: a clean tree", {}, sha],
  ["I3 b: a tree that differs, of which a clone is built", { git: dirty }, sha],
  ["I3 c: a tree that differs and is built itself", { git: dirty, buildsWorkTree: true }, `${sha}_uncommitted_0011223344556677`],
  ["a clean tree that is built itself", { buildsWorkTree: true }, sha],
  ["I3 d: the variable", { env: "v9" }, "v9"],
  ["I3 e: --version over the variable", { named: "5", env: "v9" }, "5"],
  ["an empty variable", { env: "" }, sha],
  ["a name without a repository", { named: "5", git: undefined }, "5"],
])("%s", (_title, more, version) => expect(versionFrom({ ...sources, ...more })).toBe(version));

test("I3 f: without a repository and a name there is no version", () => expect(() => versionFrom({ ...sources, git: undefined })).toThrow("Cannot tell the version: there is no git repository here, or it has no commit"));
test.each(["a b", "a/b", "-x", ".x", "x".repeat(129), "$(id)", ""])("%j cannot be a version", (named) => expect(() => versionFrom({ ...sources, named })).toThrow("it cannot be the tag of an image"));
