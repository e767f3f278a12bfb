import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import type { Tree } from "../../lib/cli/command.ts";
import { project, removeProjects } from "../config/project.ts";
import { fakeIo } from "./fake-io.ts";

afterAll(removeProjects);

async function script(shell: string): Promise<string> {
  const { io, written } = fakeIo();
  expect(await main(["completion", shell], io, commands)).toBe(0);
  return written.stdout;
}

const { folder } = project({ "deploy.config.ts": "", "deploy.staging.config.ts": "", "deploy.qa.config.mjs": "", "deploy.old.config.txt": "", "other config.ts": "", "script.bash": await script("bash") });

/** What bash offers behind these words. @param type 63: it lists, 9: it inserts */
function offers(words: readonly string[], type = 9): string[] {
  const code = `set -u; source ./script.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=${type}; _capstan; for word in "\${COMPREPLY[@]}"; do printf '%s\\n' "$word"; done`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "--norc", "-c", code, "bash", ...words], { cwd: folder });
  expect(stderr.toString()).toBe("");
  return stdout.toString().split("\n").filter((line) => line !== "");
}

describe("bash completes", () => {
  test.each<[string, string[]]>([
    ["de", ["deploy", "details"]],
    ["lock |", ["status", "acquire", "release", "help"]],
    ["app exec --re", ["--reuse"]],
    ["app logs -n 20 --fo", ["--follow"]],
    ["app_ logs", []],
    ["server_ |", Object.keys(commands).concat("help")],
    ["lock re", ["release"]],
    ["-d |", ["qa", "staging"]],
    ["deploy --destination = st", ["staging"]],
    ["deploy --destination =", ["qa", "staging"]],
    ["deploy -d s", ["staging"]],
    ["-d lock |", Object.keys(commands).concat("help")],
    ["-d lock lock st", ["status"]],
    ["-c deploy.c", ["deploy.config.ts"]],
    ["-c o", ["other config.ts"]],
    ["observe --version |", []],
    ["app logs -g |", []],
    ["plan ro", ["rollback"]],
    ["plan --skip-p", ["--skip-push"]],
    ["plan app ex", ["exec"]],
    ["help lo", ["lock"]],
    ["deploy --dry", ["--dry-run"]],
    ["config --dry", []],
    ["details --dry", ["--dry-run"]],
    ["deploy --no", ["--no-cache"]],
    ["app exec -p sh -", []],
    ["app exec -e A:1 -- |", []],
    ["completion |", ["bash", "zsh", "fish"]],
    ["docs ssh", ["ssh"]],
    ["docs proxy.b", ["proxy.buffering"]],
    ["rollback |", []],
  ])("capstan %s", (line, expected) => expect(offers(["capstan", ...line.split(" ").map((word) => (word === "|" ? "" : word))])).toEqual(expected));

  test("every command", () => {
    const walk = (tree: Tree, path: readonly string[]): void => {
      expect(offers(["capstan", ...path, ""]).toSorted()).toEqual([...Object.entries(tree).flatMap(([name, node]) => (node.kind !== "group" && node.definition.meta.hidden === true ? [] : [name])), "help"].toSorted());
      for (const [name, node] of Object.entries(tree)) if (node.kind === "group") walk(node.commands, [...path, name]);
    };
    walk(commands, []);
  });

  test("every option, with its letter", () => {
    expect(offers(["capstan", "app", "logs", "-"])).toEqual([
      "--since", "-s", "--lines", "-n", "--grep", "-g", "--follow", "-f", "--skip-timestamps", "-T", "--grep-options", "--container-id",
      "--dry-run", "--offline", "--facts",
      "--destination", "-d", "--hosts", "-h", "--roles", "-r", "--primary", "-p", "--config-file", "-c", "--version", "--quiet", "-q", "--verbose", "-v", "--json",
      "--skip-hooks", "-H", "--lock-wait", "--lock-wait-timeout", "--lock-wait-interval", "--help",
    ]);
  });

  test("with what the words mean, where it lists them", () => {
    expect(offers(["capstan", "app", "li"], 63)).toEqual(["live"]);
    expect(offers(["capstan", "app", "st"], 63)).toEqual(["stale-containers         List running containers of versions that no longer serve", "start                    Start the service's stopped containers and give them traffic", "stop                     Take traffic from the service's containers and stop them"]);
  });
});

test("the script for bash is bash, old ones too, and is for capstan", async () => {
  expect(Bun.spawnSync(["bash", "-n", join(folder, "script.bash")]).exitCode).toBe(0);
  const text = await script("bash");
  expect(text).toEndWith("\ncomplete -F _capstan capstan\n");
  expect(text).not.toMatch(/declare -A|mapfile|readarray|\$\{\w+\^|\$\{\w+,/);
});

test("the script for zsh has the words, options and kinds of values", async () => {
  const text = await script("zsh");
  expect(text).toStartWith("#compdef capstan\n");
  expect(text).toContain("compdef _capstan capstan\n");
  expect(text).toContain("    'lock') printf '%s\\n' 'status\tShow who holds the deploy lock, since when and why' 'acquire\t");
  expect(text).toContain("    'lock acquire') printf '%s\\n' '--message\tWhy; shown to others' '-m\tWhy; shown to others' ;;");
  expect(text).toContain("    '--destination'|'-d') _capstan_reply=destination; return 0 ;;");
  expect(text).toContain("    '--config-file'|'-c'|'--facts') _capstan_reply=file; return 0 ;;");
  expect(text).toContain("service'\\''s");
});

test("the script for fish has the words, options and kinds of values", async () => {
  const text = await script("fish");
  expect(text).toEndWith("\ncomplete -c capstan -f -a '(__capstan_complete)'\n");
  expect(text).toContain("        case 'lock'\n            printf '%s\\n' 'status\tShow who holds the deploy lock, since when and why' 'acquire\t");
  expect(text).toContain("        case 'lock acquire'\n            printf '%s\\n' '--message\tWhy; shown to others' '-m\tWhy; shown to others'");
  expect(text).toContain("        case '--destination' '-d'\n            echo destination; return 0");
  expect(text).toContain("service\\'s");
});

test("the scripts know the one word that stands before commands", () => {
  expect(Object.entries(commands).flatMap(([name, node]) => (node.kind === "plan" ? [name] : []))).toEqual(["plan"]);
});

test("completion refuses other shells", async () => {
  const { io, written } = fakeIo();
  expect(await main(["completion", "bahs"], io, commands)).toBe(2);
  expect(written.stderr).toBe('Error: Cannot run "completion": SHELL is bash, zsh or fish, got "bahs"\n\n  Next: Did you mean bash?\n');
});
