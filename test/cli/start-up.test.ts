import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { project, removeProjects } from "../config/project.ts";

afterAll(removeProjects);

const root = join(import.meta.dir, "../..");

/** What a command loads (how long that takes in the executable is measured in test/lab/three-ways.test.ts): rooms of ours and packages. */
async function loadedBy(line: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const { folder } = project(files);
  const list = join(folder, "loaded.txt");
  const child = Bun.spawn([process.execPath, "--preload", join(root, "test/support/loaded.ts"), join(root, manifest.bin.capstan), ...line.split(" ")], { cwd: folder, env: { HOME: folder, PATH: "/usr/bin:/bin", LOADED: list }, stdout: "pipe", stderr: "pipe" });
  expect([line, await child.exited, await new Response(child.stderr).text()]).toEqual([line, 0, ""]);
  const paths = readFileSync(list, "utf8").split("\n");
  return [...new Set(paths.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? /\/lib\/(world\/(?:ssh\/(?!paths)|openssh\/|images|transports)|\w+)/.exec(path)?.[1] ?? []))].toSorted();
}

test.each(["--version", "--help", "help app exec"])("`%s` loads neither config nor hosts nor packages", async (line) => {
  expect(await loadedBy(line)).toEqual(["cli", "ground", "report", "world"]);
});

test("`completion` loads the names of sections, not the schema", async () => {
  expect(await loadedBy("completion bash")).toEqual(["cli", "config", "ground", "report", "world"]);
});

const config = { "deploy.config.ts": `import { secret } from "capstan";\nexport default { service: "shop", image: "acme/shop", servers: ["192.0.2.1"], registry: { username: "u", password: secret("PW") } };\n`, ".capstan/secrets": "PW=1\n" };

test.each<[string, string[]]>([
  ["config", ["yaml", "zod"]],
  ["deploy --dry-run --offline --version 1", ["zod"]],
])("`%s` loads no SSH, no images, no packages but %p", async (line, packages) => {
  const loaded = await loadedBy(line, config);
  expect(loaded.filter((one) => !/^(build|cli|config|ground|plan|remote|report|run)$/.test(one))).toEqual(["world", ...packages].toSorted());
});
