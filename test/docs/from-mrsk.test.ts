import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { commands } from "../../lib/cli/commands.ts";
import { withoutAliases } from "../../lib/cli/alias.ts";
import { plans } from "../../lib/cli/command.ts";
import { main } from "../../lib/cli/main.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { shellWords } from "../../lib/ground/shell-words.ts";
import { fakeIo } from "../cli/fake-io.ts";
import { broadcastOf } from "./broadcast.ts";
import { isShown, sectionsOf, type Block } from "./page-blocks.ts";

const root = resolve(import.meta.dir, "../..");
const page = readFileSync(join(root, "docs/from-mrsk.md"), "utf8");
const sections = sectionsOf(page);
const blocks = sections.flatMap((section) => section.blocks);
const first = (language: string): string => blocks.find((block) => block.language === language)?.text ?? "";
const base = { ts: /defineConfig\(\{\n([\s\S]*)\}\);/.exec(first("ts"))?.[1] ?? "", yaml: first("yaml"), dotenv: first("dotenv") };

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

type Files = Readonly<Record<string, string>>;

/** Password managers as they answer somebody who is logged in, and a curl that reaches nobody. */
const programs: Files = {
  op: `case "$1 $2" in "--version ") ;; "signin --account") echo session ;; "account get") ;;
    "read op://Work/Hey/RAILS_MASTER_KEY") printf k1 ;; "read op://Work/Docker Hub/password") printf pw ;;
    "item get") echo '[{"label":"RAILS_MASTER_KEY","value":"k1","reference":"op://Work/Hey/RAILS_MASTER_KEY"},{"label":"MYSQL_ROOT_PASSWORD","value":"m1","reference":"op://Work/Hey/MYSQL_ROOT_PASSWORD"}]' ;; *) exit 9 ;; esac`,
  bw: `case "$1 $2" in "--version ") ;; "unlock --raw") echo session ;; "status ") echo '{"status":"unlocked"}' ;; "sync ") ;;
    "get notes") [ "$3" = 5f0c ] && printf k1 ;; "get item") echo '{"notes":"k1"}' ;; *) exit 9 ;; esac`,
  curl: `printf '%s\\n' "curl $*"`,
  gh: `case "$*" in "auth token") echo gh1 ;; *) exit 9 ;; esac`,
};
const bin = mkdtempSync(join(tmpdir(), "capstan-bin-"));
folders.push(bin);
for (const [name, script] of Object.entries(programs)) writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

function folderWith(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "capstan-page-"));
  folders.push(folder);
  for (const [path, text] of Object.entries({ Dockerfile: "FROM scratch\n", ".env": base.dotenv, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), path.endsWith(".ts") ? text.replace(`from "capstan"`, `from "${join(root, "mod.ts")}"`) : text);
    if (path.startsWith("bin/")) chmodSync(join(folder, path), 0o755);
  }
  return folder;
}

/** The whole config with the keys of a block in place of its own. */
function configOf(block: string): string {
  const keys = block.includes("defineConfig(") ? "" : block;
  const names = ["fetchSecrets", "fromCommand", "secret", "shellHooks"].filter((name) => `${base.ts}${keys}`.includes(`${name}(`));
  return `import { ${["defineConfig", ...names, "type DeployConfig"].join(", ")} } from "capstan";\nconst whole: DeployConfig = {\n${base.ts}};\nconst keys: Partial<DeployConfig> = {\n${keys}};\nexport default defineConfig({ ...whole, ...keys });\n`;
}

function yamlOf(block: string): string {
  if (block === base.yaml) return block;
  const own = Object.keys(parse(block) as object);
  return `${stringify(Object.fromEntries(Object.entries(parse(base.yaml) as object).filter(([key]) => !own.includes(key))))}${block}`;
}

interface Outcome { readonly status: number; readonly stdout: string; readonly stderr: string }

const envOf = (folder: string) => ({ PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: folder });

function ioIn(folder: string): ReturnType<typeof fakeIo> {
  const fake = fakeIo({ env: envOf(folder), columns: 200 });
  return { ...fake, io: { ...fake.io, cwd: folder } };
}

async function run(folder: string, argv: readonly string[]): Promise<Outcome> {
  const { io, written } = ioIn(folder);
  const status = await main(argv, io, commands);
  return { status, ...written };
}

const offline = ["--dry-run", "--offline", "--version", "7"];
/** They need no host, so they run as they stand. */
const local = ["config", "envify", "import", "secrets print", "docs"];

/** Runs a line as the page has it, or its plan where it would reach hosts. */
async function runLine(folder: string, line: string): Promise<Outcome> {
  const [program, ...argv] = shellWords(line.replace(/\s+# .*$/, "")) ?? [];
  if (program !== "capstan") throw new Error(`Nobody knows how to run "${line}"`);
  const expanded = await withoutAliases(commands, argv, ioIn(folder).io);
  const invocation = parseCommandLine(commands, expanded.argv);
  if (invocation.kind !== "run" || local.includes(invocation.path.join(" "))) return run(folder, argv);
  expect([line, plans(invocation.node.definition)]).toEqual([line, true]);
  return run(folder, [...offline, ...argv]);
}

/** What differs from run to run is cut out. */
const comparable = (plan: string): string => plan.replaceAll(/[0-9a-f]{12,}/g, "HEX").replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "NOW");

async function planOf(folder: string, ...argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(folder, [...offline, ...argv, "deploy"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("== Boot web\n");
  return stdout;
}

/** What a file such as `deploy.staging.config.ts` is read with. */
const destinationOf = ({ file }: Block): readonly string[] => (file === "" ? [] : ["-d", /deploy\.(\w+)\./.exec(file)?.[1] ?? ""]);

/** Carries out the blocks of a section one after another. */
class Walk {
  #files: Record<string, string> = {};
  #config = configOf("");
  #folder: string | undefined;
  #output = "";
  #yaml: string | undefined;

  async carryOut(block: Block): Promise<void> {
    switch (block.language) {
      case "dotenv":
      case "erb":
      case "bash":
        this.#files[block.file] = block.text;
        this.#folder = undefined;
        return;
      case "yaml": {
        const own = block.file === "" ? { "config/deploy.yml": yamlOf(block.text) } : { "config/deploy.yml": base.yaml, [block.file]: block.text };
        this.#yaml = this.#output = await planOf(folderWith({ ...this.#files, ...own }), "-c", "config/deploy.yml", ...destinationOf(block));
        return;
      }
      case "ts":
        if (block.file === "") this.#config = configOf(block.text);
        else this.#files[block.file] = block.text;
        this.#folder = undefined;
        this.#output = await planOf(this.#here(), ...destinationOf(block));
        if (this.#yaml !== undefined) expect(comparable(this.#output)).toBe(comparable(this.#yaml));
        this.#yaml = undefined;
        if (block.text.includes("auditBroadcast")) this.#output += await broadcastOf(this.#here(), envOf(this.#here()));
        return;
      case "sh":
        this.#output = "";
        for (const line of block.text.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
          const { status, stdout, stderr } = await runLine(this.#here(), line);
          expect([line, status, stderr]).toEqual([line, 0, ""]);
          this.#output += stdout;
        }
        return;
      case "text":
        expect(block.text.split("\n").filter((line) => line.trim() !== "" && !isShown(line, this.#output))).toEqual([]);
        return;
      default:
        throw new Error(`Nobody knows how to run the block of ${block.language || "no language"} at line ${block.line}`);
    }
  }

  #here(): string {
    return (this.#folder ??= folderWith({ "deploy.config.ts": this.#config, ...this.#files }));
  }
}

test.each(sections.map((section) => [section.title, section.blocks] as const))("%s", async (_, own) => {
  const walk = new Walk();
  for (const block of own) await walk.carryOut(block);
});

test.each<[what: string, blocks: readonly [language: string, text: string][], why: RegExp]>([
  ["a language that nobody knows", [["ruby", "puts 1\n"]], /the block of ruby at line 1/],
  ["no language", [["", "docker ps\n"]], /the block of no language/],
  ["another program", [["sh", "docker ps\n"]], /run "docker ps"/],
  ["a wrong command line", [["sh", "capstan rollback 6 7\n"]], /rollback/],
  ["a config that is refused", [["ts", `image: "acme/hey:latest",\n`]], /image/],
  ["text that is not printed", [["ts", "stopTimeout: 20,\n"], ["text", "docker pull acme/hey:8\n"]], /acme\/hey:8/],
  ["a pair that differs", [["yaml", "volumes: ['a:/a']\n"], ["ts", `volumes: ["b:/b"],\n`]], /--volume a:\/a/],
])("%s fails", async (_, own, why) => {
  const walk = new Walk();
  const carried = (async () => {
    for (const [language, text] of own) await walk.carryOut({ language, file: "", text, line: 1 });
  })();
  await expect(carried).rejects.toThrow(why);
});

// All but one: what `multiarch: false` means depends on the machine.
test("the page has every key that MRSK's README has, and its counterpart beside it", () => {
  const yaml = blocks.filter(({ language }) => language === "yaml").map(({ text }) => text).join("\n");
  const keys = "service image servers registry username password server env clear secret ssh user proxy volumes hosts cmd traefik labels options logging driver stop_wait_time builder local remote arch host multiarch dockerfile context secrets args host_port publish memory accessories port role roles audit_broadcast_cmd healthcheck path max_attempts".split(" ");
  expect(keys.filter((key) => !new RegExp(`^ *"?${key}"?:`, "m").test(yaml))).toEqual([]);
  const beside = sections.flatMap(({ blocks: own }) => own.filter(({ language }, i) => language === "yaml" && own.slice(i + 1).find((next) => ["yaml", "ts"].includes(next.language))?.language === "ts"));
  expect(beside.length).toBe(blocks.filter(({ language }) => language === "yaml").length - 1);
});

test("the configs of the page compile", () => {
  mkdirSync(join(root, ".capstan"), { recursive: true });
  const folder = mkdtempSync(join(root, ".capstan/page-"));
  folders.push(folder);
  blocks.filter(({ language }) => language === "ts").forEach(({ text, file, line }) => writeFileSync(join(folder, `line${line}.ts`), file === "" ? configOf(text) : text));
  const compilerOptions = { paths: { capstan: [join(root, "mod.ts")] } };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"] }));
  expect(Bun.spawnSync([process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).stdout.toString()).toBe("");
}, 60_000);
