import { afterAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { ownFolder } from "../../lib/world/own-folder.ts";
import { temporaryHome } from "./sshd.ts";

const home = temporaryHome();
afterAll(() => home[Symbol.dispose]());

test("ownFolder() makes a folder of the user's own and removes what runs have left that are no more", async () => {
  const first = await ownFolder(home.path, "capstan-x");
  expect((statSync(first).mode & 0o777).toString(8)).toBe("700");
  const [, space = ""] = /^capstan-x-([0-9a-z]+)-\d+-\w{6}$/.exec(basename(first)) ?? [];
  const dead = Bun.spawnSync(["true"]).pid;
  const left = `capstan-x-${space}-${dead}-abcdef`;
  const others = [`capstan-x-${space}-${process.ppid}-abcdef`, `capstan-x-elsewhere-${dead}-abcdef`, `capstan-y-${space}-${dead}-abcdef`, `capstan-x-${space}-${dead}-more-abcdef`];
  for (const name of [left, ...others]) {
    mkdirSync(`${home.path}/${name}`);
    writeFileSync(`${home.path}/${name}/config`, "x");
  }
  const second = await ownFolder(home.path, "capstan-x");
  expect(readdirSync(home.path).filter((name) => name !== ".ssh").sort()).toEqual([...others, basename(first), basename(second)].sort());
});
