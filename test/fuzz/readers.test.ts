import { expect, test } from "bun:test";
import { Glob } from "bun";
import { readFileSync } from "node:fs";
import { answers } from "./answers.ts";
import { configReaders } from "./configs.ts";
import { fuzz } from "./engine.ts";
import { readers } from "./readers.ts";

const all = [...configReaders, ...readers, ...answers];

test.each(all.map((reader) => [reader.name, reader] as const))("%s takes anything or refuses it", async (_, reader) => {
  const { failure } = await fuzz(reader, 120, 7, undefined);
  expect(failure).toBeUndefined();
}, 60_000);

/** Files that read text and have no reader of their own here, with the reason. */
const elsewhere: Readonly<Record<string, string>> = {
  "lib/cli/main.ts": "takes apart what JSON.stringify made",
  "lib/cli/config.ts": "takes apart what JSON.stringify made",
  "lib/config/secret-sources/aws.ts": "by way of the adapters",
  "lib/config/yaml/parse.ts": "by way of deploy.yml",
  "lib/config/yaml/erb.ts": "by way of deploy.yml",
  "lib/config/yaml/aliases.ts": "by way of the parsers of deploy.yml",
  "lib/remote/proxy/traefik/file.ts": "by way of Traefik's facts",
  "lib/remote/proxy/kamal-proxy.ts": "by way of kamal-proxy's facts",
  "lib/remote/proxy/traefik/driver.ts": "by way of Traefik's facts",
  "lib/config/schema/output.ts": "URL.parse gives null for what is none",
  "lib/plan/releases.ts": "reads times of releases, with those",
  "lib/report/screen.ts": "reads the time that we gave an event",
  "lib/run/ask.ts": "hands each answer to its parser",
  "lib/run/wait.ts": "hands the answer to its parser",
  "lib/run/local.ts": "hands the answer to its parser",
  "lib/cli/tokens.ts": "by way of the command line",
  "lib/world/images/docker-socket.ts": "what makes no sense is no answer, in test/world/images/docker-socket.test.ts",
  "lib/world/images/manifest.ts": "by way of an archive, in test/world/images/saved.test.ts",
  "lib/world/images/saved.ts": "by way of an archive, in test/world/images/saved.test.ts",
  "lib/world/images/store.ts": "a note that is no JSON is none",
};

test("no parser is without a reader here", () => {
  const covered = new Set(all.map(({ file }) => file));
  const parsers = [...new Glob("lib/**/*.ts").scanSync(".")].filter((path) => /\bJSON\.parse\(|\bparseArgs\(|\bparse: \(|\bexport function parse[A-Z]\w*\(text|\.parse\(/.test(readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "")));
  expect(parsers.filter((path) => !covered.has(path) && !(path in elsewhere)).sort()).toEqual([]);
  expect([...covered].filter((path) => !readFileSync(path, "utf8"))).toEqual([]);
});
