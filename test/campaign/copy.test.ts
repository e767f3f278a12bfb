import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { copyTree } from "../lab/campaign/copy.ts";

test("what is tried is what was there at the start, whatever comes into the tree then", async () => {
  const tree = await mkdtemp(`${tmpdir()}/tree-`);
  for (const folder of ["lib", "test", "node_modules"]) await mkdir(`${tree}/${folder}`);
  for (const file of ["mod.ts", "package.json", "tsconfig.json", "bunfig.toml", "bun.lock", "lib/a.ts", "test/b.ts"]) await writeFile(`${tree}/${file}`, "as it was");
  const copy = await copyTree(tree);
  try {
    await writeFile(`${tree}/lib/a.ts`, "merged");
    expect([await readFile(`${copy}/lib/a.ts`, "utf8"), await readFile(`${copy}/mod.ts`, "utf8")]).toEqual(["as it was", "as it was"]);
    expect(await realpath(`${copy}/node_modules`)).toBe(await realpath(`${tree}/node_modules`));
  } finally {
    await Promise.all([tree, copy].map((folder) => rm(folder, { recursive: true })));
  }
});
