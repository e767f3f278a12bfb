import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

/** Floors of the house, lowest first. A file imports from its own floor and from lower ones; wings import the ground only. */
const floors = ["ground", "config", "remote", "build", "plan", "run", "cli"];
const wings = ["world", "report"];

/** Words that belong to some rooms only. */
const strays: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bconsole\./, ["report", "cli"]],
  [/\bprocess\.[a-z]/, ["world", "cli"]],
  [/\b(Date\.now|Math\.random|setTimeout|setInterval|fetch)\(/, ["world"]],
  [/\.reveal\(/, ["world"]],
];

/** The only files that may be longer than 400 lines, with the reason. */
const longFiles: Readonly<Record<string, string>> = {
  "lib/config/types.ts": "generated from the schema: one interface a section, a doc comment a key",
};

const files = [...new Glob("lib/**/*.ts").scanSync(".")].sort();
const everyFile = ["mod.ts", "deploy.config.ts", ...files, ...new Glob("test/**/*.ts").scanSync(".")];
const room = (path: string): string => path.split("/")[1] ?? "";
const source = new Map(everyFile.map((path) => [path, readFileSync(path, "utf8")]));
/** Code without comments: a rule in words is no breach of it. */
const code = (path: string): string => (source.get(path) ?? "").replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
const importsOf = (path: string): string[] =>
  [...code(path).matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) => normalize(join(dirname(path), match[1] ?? "")));
/** Imports that are there when the file is loaded: a type or a lazy import makes no cycle. */
const eagerImportsOf = (path: string): string[] =>
  [...code(path).matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s*"(\.[^"]+)"/gm)].map((match) => normalize(join(dirname(path), match[1] ?? "")));

test("there are files to look at", () => expect(files.length).toBeGreaterThan(40));

test("imports go down", () => {
  const wrong = files.flatMap((path) => importsOf(path).filter((target) => {
    const [from, to] = [room(path), room(target)];
    if (target === "mod.ts") return from !== "cli";
    if (from === to || to === "ground" || from === "cli") return false;
    return wings.includes(from) || wings.includes(to) || floors.indexOf(to) > floors.indexOf(from);
  }).map((target) => `${path} -> ${target}`));
  expect(wrong).toEqual([]);
});

test("the ground stands on nothing", () => {
  expect(files.filter((path) => room(path) === "ground").flatMap((path) => importsOf(path).filter((target) => room(target) !== "ground"))).toEqual([]);
});

test("no import cycles", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) return void cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path)) return;
    for (const next of eagerImportsOf(path)) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  expect(cycles).toEqual([]);
});

test.each(strays)("%p stays in %p", (pattern, rooms) => {
  expect(files.filter((path) => !rooms.includes(room(path)) && path !== "lib/ground/secret.ts" && pattern.test(code(path)))).toEqual([]);
});

test("OpenTelemetry is loaded only by who asks for it: it would take as long as all the rest", () => {
  const places = files.filter((path) => code(path).includes('from "@opentelemetry/'));
  expect(places).toEqual(["lib/report/otel.ts"]);
  expect(files.filter((path) => eagerImportsOf(path).some((target) => places.includes(target)))).toEqual([]);
});

test("no type is switched off", () => {
  const off = /(:\s*any\b|\bas any\b|<any>|\bany\[\]|@ts-ignore|@ts-nocheck)/;
  expect(everyFile.filter((path) => path !== "test/house.test.ts" && off.test(code(path)))).toEqual([]);
  expect(files.filter((path) => (source.get(path) ?? "").includes("@ts-expect-error"))).toEqual([]);
});

test("no file is too long", () => {
  const long = everyFile.filter((path) => (source.get(path) ?? "").split("\n").length > 401 && !(path in longFiles));
  expect(long).toEqual([]);
});

test("there are no default exports but configs", () => {
  expect(files.filter((path) => /^export default/m.test(code(path)))).toEqual([]);
});

test("every floor and wing is known", () => {
  expect([...new Set(files.map(room))].filter((name) => ![...floors, ...wings].includes(name))).toEqual([]);
});

test("the lock file and the manifest name no host", () => {
  for (const path of ["bun.lock", "package.json", "bunfig.toml"]) expect(readFileSync(path, "utf8")).not.toMatch(/https?:/);
});
