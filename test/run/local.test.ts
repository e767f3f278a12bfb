import { describe, expect, test } from "bun:test";
import { builtVersion, localFacts, performerOf } from "../../lib/run/local.ts";
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

test("localFacts() says what this machine has and has not", async () => {
  const { world } = fakeWorld({ here: [[/--version/, "Docker version 28.2.2\n"], [/./, 1]] });
  expect(await localFacts(world, taskOf(shop))).toEqual({ docker: "Docker version 28.2.2", buildx: undefined, builderExists: true, git: undefined, cloneRoot: "/tmp/.cache/capstan/clones", cloneExists: false });
});

test.each<[Table, string, string]>([
  [[[/user.email/, "ann@acme.example\n"], [/user.name/, "Ann\n"]], "ann@acme.example", "Ann"],
  [[[/user.email/, "ann@acme.example\n"], [/./, 1]], "ann@acme.example", "ann@acme.example"],
  [[[/whoami/, "ann\n"], [/./, 1]], "ann", "ann"],
  [[[/./, 1]], "unknown", "unknown"],
])("performerOf() with %p is %s, called %s", async (here, performer, performerName) => {
  expect(await performerOf(fakeWorld({ here }).world, shop)).toEqual({ performer, performerName });
});
