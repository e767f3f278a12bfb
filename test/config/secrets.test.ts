import { afterAll, describe, expect, test } from "bun:test";
import { type SecretSources, secretStore } from "../../lib/config/secrets.ts";
import { secret } from "../../lib/config/secret-ref.ts";
import { failure, project, realFiles, realPrograms, removeProjects } from "./project.ts";

afterAll(removeProjects);

function sources(files: Readonly<Record<string, string>>, more: Partial<SecretSources> = {}): SecretSources {
  const { folder } = project(Object.fromEntries(Object.entries(files).map(([name, text]) => [`.capstan/${name}`, text])));
  return { files: realFiles, programs: realPrograms(), env: {}, root: folder, destination: undefined, path: ".capstan/secrets", functions: {}, ...more };
}

async function values(from: SecretSources, names: readonly string[]): Promise<Record<string, string>> {
  const store = secretStore(from);
  const secrets = names.map((name) => store.get(name));
  await store.load();
  return Object.fromEntries(secrets.map((each) => [each.name, each.reveal()]));
}

const layered = { "secrets-common": "A=1\nB=2", secrets: "B=3", "secrets.qa": "B=4" };

test.each<[string | undefined, Record<string, string>]>([
  [undefined, { A: "1", B: "3" }],
  ["qa", { A: "1", B: "4" }],
  ["other", { A: "1", B: "2" }],
])("load() reads the files of destination %p, and they go before the environment", async (destination, expected) => {
  expect(await values(sources(layered, { destination, env: { B: "9" } }), ["A", "B"])).toEqual(expected);
});

test("load() replaces variables and commands", async () => {
  const text = ["A=abc", "B=${A}def", "C=$HOME_KEY", "D='$A'", `E="x $(echo y) z"`, "F=one#two", "H=\\$A", "I=$NOBODY", "J=$(printf 'two\\nlines\\n\\n')", "A=later", "K=$A", `L=$(echo "$A" | tr a-z A-Z)`, "M=$(for i in 1 2; do echo $i; done)"].join("\n");
  expect(await values(sources({ secrets: text }, { env: { HOME_KEY: "hk" } }), [..."ABCDEFHIJKLM"])).toEqual({
    A: "later", B: "abcdef", C: "hk", D: "$A", E: "x y z", F: "one", H: "$A", I: "", J: "two\nlines", K: "later", L: "LATER", M: "1\n2",
  });
});

test("load() lets variables cross from the common file", async () => {
  expect(await values(sources({ "secrets-common": "BASE=b", secrets: "URL=$BASE/x" }), ["URL"])).toEqual({ URL: "b/x" });
});

test("load() runs each command once, and only those that are needed", async () => {
  const programs = realPrograms();
  const from = sources({ secrets: "ALL=$(echo one two)\nA=$(echo $ALL | cut -d' ' -f1)\nB=$(echo $ALL | cut -d' ' -f2)\nC=$(exit 3)" }, { programs });
  expect(await values(from, ["A", "B"])).toEqual({ A: "one", B: "two" });
  expect(programs.ran.length).toBe(3);
});

test("load() keeps the values of other secrets out of argument vectors", async () => {
  const programs = realPrograms();
  expect(await values(sources({ secrets: "A=canary\nB=$(echo $A)" }, { programs }), ["B"])).toEqual({ B: "canary" });
  expect(programs.ran.join()).not.toContain("canary");
});

test("load() names the line of a command that fails, and never what it was given", async () => {
  const from = sources({ secrets: "KEY=canary\n\nB=$(echo no such item >&2; test $KEY = x)" });
  const error = await failure(() => values(from, ["B"]));
  expect(error).toMatchObject({ failure: "config", message: "Cannot read secret B (.capstan/secrets:3): $(echo no such item >&2; test $KEY = x) ended with status 1", details: ["no such item"] });
});

test("load() tells failures of several secrets together, a shared one once", async () => {
  expect((await failure(() => values(sources({ secrets: "ALL=$(exit 3)\nA=$ALL\nB=$ALL" }), ["A", "B"]))).message).toBe("Cannot read secret ALL (.capstan/secrets:1): $(exit 3) ended with status 3");
  const error = await failure(() => values(sources({ secrets: "A=$(exit 3)\nB=$(echo why >&2; exit 4)" }), ["A", "B"]));
  expect(error.message).toBe("Cannot read 2 secrets");
  expect(error.details).toEqual(["Cannot read secret A (.capstan/secrets:1): $(exit 3) ended with status 3", "Cannot read secret B (.capstan/secrets:2): $(echo why >&2; exit 4) ended with status 4", "  why"]);
});

test("load() asks files, then functions, then the environment", async () => {
  let calls = 0;
  const functions = { A: () => "function", B: async () => { calls++; return "function"; }, ALIAS: secret("B"), LOOP: secret("LOOP") };
  const env = { A: "env", B: "env", C: "env", LOOP: "env" };
  expect(await values(sources({ secrets: "A=file" }, { functions, env }), ["A", "B", "C", "ALIAS", "LOOP"])).toEqual({ A: "file", B: "function", C: "env", ALIAS: "function", LOOP: "env" });
  expect(calls).toBe(1);
});

test("load() resolves functions in parallel", async () => {
  const started: string[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const wait = (name: string) => async () => { if (started.push(name) === 2) resolve(undefined); await promise; return name; };
  expect(await values(sources({}, { functions: { A: wait("a"), B: wait("b") } }), ["A", "B"])).toEqual({ A: "a", B: "b" });
});

test.each<[string, () => string | Promise<string>, string]>([
  ["throws", () => { throw new Error("no vault"); }, `Cannot read secret A: its function in the config threw "no vault"`],
  ["gives nothing", () => undefined as unknown as string, "Cannot read secret A: its function in the config gave nothing instead of a text"],
  ["gives a number", async () => 3 as unknown as string, "Cannot read secret A: its function in the config gave a number instead of a text"],
])("load() names a function that %s", async (_, read, message) => {
  expect(await failure(() => values(sources({}, { functions: { A: read } }), ["A"]))).toMatchObject({ failure: "config", message });
});

test("load() lists all missing secrets and where it looked", async () => {
  const error = await failure(() => values(sources({ "secrets-common": "A=1" }, { destination: "qa", env: { EMPTY: "" }, functions: { X: () => "x" } }), ["A", "NOPE", "EMPTY", "X"]));
  expect(error.message).toBe("Cannot find 2 secrets: NOPE, EMPTY");
  expect(error.details).toEqual(["NOPE", "EMPTY (in the environment, but empty)", "Looked in .capstan/secrets-common, .capstan/secrets.qa (there is no such file), secrets of the config, the environment"]);
  expect(error.hint).toBe("Add them to .capstan/secrets.qa, or set them in the environment");
});

test("load() names one missing secret", async () => {
  const error = await failure(() => values(sources({}), ["NOPE"]));
  expect(error.message).toBe("Cannot find secret NOPE");
  expect(error.details.at(-1)).toBe("Looked in .capstan/secrets-common (there is no such file), .capstan/secrets (there is no such file), the environment");
});

test("an empty value of a file counts", async () => {
  expect(await values(sources({ secrets: "A=" }), ["A"])).toEqual({ A: "" });
});

test("get() gives a secret that cannot be opened before load()", () => {
  const store = secretStore(sources({ secrets: "A=1" }));
  expect(() => store.get("A").reveal()).toThrow("Secret A was opened before the secrets were loaded");
});

describe("what a container cannot get as it is", () => {
  const long = "x".repeat(30_001);
  const refused = async (secrets: Readonly<Record<string, readonly [variable: string | undefined, value: string]>>) => {
    const store = secretStore(sources({}, { env: Object.fromEntries(Object.entries(secrets).map(([name, [, value]]) => [name, value])) }));
    for (const [name, [variable]] of Object.entries(secrets)) store.get(name, variable);
    const error = await failure(() => store.load());
    return [error.message, ...error.details];
  };
  const sign = "its value has a line break, another control character or a backslash, which no env file can hold; to hand it on in another way fails, since";

  test("is refused with the reason", async () => {
    expect(await refused({ A: ["A", "a\0b"] })).toEqual(["Cannot use secret A: its value has a NUL character, which no environment can hold"]);
    expect(await refused({ A: ["A", `${long}${long}`], B: ["B", long.replaceAll("x", "\n")] })).toEqual([
      "Cannot use 2 secrets", "A: its value has 60002 bytes, and docker reads at most 60000 of a variable", "B: its value has 60002 bytes as an env file holds it, and docker reads at most 60000 of a variable",
    ]);
    expect(await refused({ AUTH: ["DOCKER_AUTH_CONFIG", "{\n}"], KEY: ["app.key", "a\\b"] })).toEqual(["Cannot use 2 secrets", `AUTH: ${sign} DOCKER_AUTH_CONFIG would tell the shell or Docker itself what to do`, `KEY: ${sign} a shell cannot set a variable called app.key`]);
  });

  test("is no matter where no variable is filled, or the value is plain", async () => {
    const store = secretStore(sources({}, { env: { A: long.replaceAll("x", "\n"), B: "it's plain" } }));
    store.get("A");
    store.get("B", "DOCKER_AUTH_CONFIG");
    store.get("B", "app.key");
    expect(await store.load()).toBeUndefined();
  });
});

test("value() gives also what the config does not name, and tells what is missing", async () => {
  const store = secretStore(sources({ secrets: "A=$(echo 1)" }, { env: { B: "2" } }));
  expect([await store.value("A"), await store.value("B")]).toEqual(["1", "2"]);
  expect((await failure(() => store.value("NOPE"))).message).toBe("Cannot find secret NOPE");
});

test("a store shows no value when it is inspected", async () => {
  const store = secretStore(sources({ secrets: "A=canary" }));
  store.get("A");
  await store.load();
  expect(Bun.inspect([store, store.get("A")], { depth: 9 })).not.toContain("canary");
});
