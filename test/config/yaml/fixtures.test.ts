import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ambientTypes } from "../../../lib/config/ambient.ts";
import { removeProjects } from "../project.ts";
import { fixtures } from "./fixtures.ts";
import { dataOf, folderOf, importOf, loadable } from "./project.ts";

afterAll(removeProjects);

const yaml = "config/deploy.yml";
describe.each(fixtures.map((fixture) => [fixture.name, fixture] as const))("%s", (_, fixture) => {
  const { env = {}, qa } = fixture;
  const options = { env, ...(qa === undefined ? {} : { destination: "qa" }) };

  test("gives the same settings as it stands and imported", async () => {
    const folder = folderOf(fixture);
    const before = dataOf(await folder.load({ ...options, configFile: yaml }));
    const { files } = await importOf(folder, fixture);
    for (const { path, content } of files) await Bun.write(join(folder.folder, path), loadable(content));
    expect(dataOf(await folder.load(options))).toEqual(before);
  });
});

test("what is imported compiles, with nothing but the types that `capstan import` writes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "capstan-import-"));
  try {
    symlinkSync(join(import.meta.dir, "../../../node_modules"), join(folder, "node_modules"));
    for (const [i, fixture] of fixtures.entries()) {
      for (const { path, content } of (await importOf(folderOf(fixture), fixture)).files) {
        mkdirSync(join(folder, String(i)), { recursive: true });
        await Bun.write(join(folder, String(i), path), content.replace(/^\/\/\/.*\n/, ""));
      }
    }
    await Bun.write(join(folder, "types.d.ts"), ambientTypes());
    const options = { target: "ESNext", module: "Preserve", moduleResolution: "bundler", lib: ["ESNext"], types: ["bun-types"], strict: true, noEmit: true, skipLibCheck: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true, noUnusedLocals: true };
    await Bun.write(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["."] }));
    const compiler = Bun.spawn([join(folder, "node_modules/.bin/tsc"), "-p", folder], { stdout: "pipe" });
    expect(await new Response(compiler.stdout).text()).toBe("");
    expect(await compiler.exited).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
