/** Writes what is generated from the schema and from the types: `bun test/config/generate.ts`. The tests fail when it was forgotten. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typesSource } from "../../lib/config/document.ts";
import { sectionsJson } from "../../lib/config/reference.ts";

const root = join(import.meta.dir, "../..");
/** Where the public types stand, and which names of each file users see. */
const published: Readonly<Record<string, RegExp>> = {
  "config/config-env": /./,
  "config/host-functions": /^(HostList|HostsContext|HostsFunction|ServersFunction)$/,
  "config/define": /^(defineConfig|defineDestination|ConfigExport|DestinationConfig|DestinationExport)$/,
  "config/shell-hooks": /^(shellHooks|ShellHookOptions)$/,
  "config/secret-sources/adapter": /^$/,
  "config/secret-function": /./,
  "config/secret-ref": /^(secret|SecretRef|SecretInput)$/,
  "config/types": /./,
  "config/file-content": /./,
  "config/hooks": /^(?!hookNames|hookDescriptions)/,
  "ground/duration": /^Duration$/,
  "ground/command": /^(sh|Command|Word)$/,
  "ground/secret": /^Secret$/,
  "ground/errors": /^(DeployError|isDeployError|Failure)$/,
  "ground/world": /^Exit$/,
};

interface Statement { readonly name: string; readonly text: string; readonly shown: boolean }

/** The text of ambient.txt: declarations as the compiler writes them, those that users need, in one module. */
export async function ambientSource(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "capstan-types-"));
  try {
    const config = { extends: join(root, "tsconfig.json"), compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: join(folder, "out"), rootDir: join(root, "lib"), types: [] }, include: [], files: Object.keys(published).map((file) => join(root, "lib", `${file}.ts`)) };
    await Bun.write(join(folder, "tsconfig.json"), JSON.stringify(config));
    const compiler = Bun.spawn([join(root, "node_modules/.bin/tsc"), "-p", folder], { stdout: "pipe", stderr: "pipe" });
    await compiler.exited;
    const statements = await Promise.all(Object.entries(published).map(async ([file, names]) => statementsOf(await Bun.file(join(folder, "out", `${file}.d.ts`)).text(), names)));
    return moduleText(statements.flat());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Declarations of a file with their comments, without imports and without members that have a symbol for a name. */
function statementsOf(source: string, names: RegExp): Statement[] {
  const clean = source.split("\n").filter((line) => !/^(import |export \{\}|declare const \w+: unique symbol)/.test(line) && !/^\s+(readonly )?\[[\w.]+\]/.test(line)).join("\n");
  const pattern = /(?:^\/\*\*[\s\S]*?\*\/\n)?^(?:export )?(?:declare )?(?:interface|type|class|function|const) (\w+)[\s\S]*?(?:^\}[^\n]*|;)$(?=\n(?:\/\*\*|export|declare|interface|type)|\s*$(?![\s\S]))/gm;
  return [...clean.matchAll(pattern)].map(([text, name = ""]) => ({ name, text, shown: names.test(name) && /^export /m.test(text) }));
}

function moduleText(statements: readonly Statement[]): string {
  const needed = new Set(statements.filter(({ shown }) => shown));
  for (const { text } of needed) {
    const code = text.replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
    for (const other of statements) if (new RegExp(`\\b${other.name}\\b`).test(code)) needed.add(other);
  }
  const body = statements.filter((statement) => needed.has(statement)).map(({ text, shown }) => text.replace(/^(?:export )?(?:declare )?(?=interface|type|class|function|const)/m, shown ? "export " : ""));
  const lines = body.join("\n").split("\n").map((line) => (line === "" ? "" : `  ${line.replace(/^( {4})+/, (indent) => "  ".repeat(indent.length / 4))}`));
  return ["/** Types of capstan for deploy.config.ts. Written by `capstan init`: run it again after an upgrade. */", `declare module "capstan" {`, ...lines, "  export {};", "}", ""].join("\n");
}

if (import.meta.main) {
  await Bun.write(join(root, "lib/config/types.ts"), typesSource());
  await Bun.write(join(root, "lib/config/ambient.txt"), await ambientSource());
  await Bun.write(join(root, "lib/config/sections.json"), sectionsJson());
}
