import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../lib/cli/commands.ts";
import { exitStatus } from "../lib/ground/errors.ts";
import { hookNames } from "../lib/config/hooks.ts";

const root = join(import.meta.dir, "..");
const readme = await Bun.file(join(root, "README.md")).text();

test("the examples of the README compile", async () => {
  // Inside the repository, where its types are found; git ignores the folder.
  mkdirSync(join(root, ".capstan"), { recursive: true });
  const folder = mkdtempSync(join(root, ".capstan/readme-"));
  try {
    const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g), ...readme.matchAll(/^ {3}```ts\n([\s\S]*?)^ {3}```/gm)].map((match) => match[1] ?? "");
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    blocks.forEach((block, i) => writeFileSync(join(folder, `block${i}.ts`), block));
    writeFileSync(join(folder, "deploy.config.ts"), blocks.find((block) => block.includes("defineConfig")) ?? "");
    const compilerOptions = { paths: { capstan: [join(root, "mod.ts")] } };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"] }));
    const checked = Bun.spawnSync([process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
    expect(checked.stdout.toString()).toBe("");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test("the README names every command, hook and exit status", () => {
  const missing = [...Object.keys(commands), ...hookNames].filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b`).test(readme));
  expect(missing).toEqual([]);
  const section = readme.slice(readme.indexOf("Exit status:"), readme.indexOf("### Plans and events"));
  expect(Object.values(exitStatus).filter((status) => !new RegExp(`\\b${status}\\b`).test(section))).toEqual([]);
});

test("the README argues for every package", async () => {
  const { dependencies } = (await Bun.file(join(root, "package.json")).json()) as { dependencies: Record<string, string> };
  expect(Object.keys(dependencies).filter((name) => !readme.includes(`| \`${name}\` |`))).toEqual([]);
});
