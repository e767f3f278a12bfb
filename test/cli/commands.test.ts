import { describe, expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import { optionName, type Definition, type Tree } from "../../lib/cli/command.ts";
import { globalArgs } from "../../lib/cli/options.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { shellWords } from "../../lib/ground/shell-words.ts";

function* all(tree: Tree, path = ""): Generator<[name: string, definition: Definition]> {
  for (const [name, node] of Object.entries(tree)) {
    if (node.kind === "group") yield* all(node.commands, `${path}${name} `);
    else yield [path + name, node.definition];
  }
}
const globalLetters = Object.values(globalArgs).flatMap((arg) => ("alias" in arg ? [arg.alias as string] : []));

describe.each([...all(commands)])("%s", (name, { meta, args, conflicts }) => {
  test("says what it does in one sentence without a full stop", () => expect(meta.purpose).toMatch(/^[A-Z].*[^.]$/));

  test("has an example of its own, and only examples that are understood", () => {
    const lines = (meta.examples ?? []).map(([line, purpose]) => {
      expect(purpose).toMatch(/[^.\s]$/);
      // Behind `>`, `|` and `)` the line is the shell's: `source <(capstan completion bash)`.
      return parseCommandLine(commands, shellWords(/capstan ([^>|)]*)/.exec(line)?.[1] ?? "") ?? []);
    });
    expect(lines.map(({ kind }) => kind)).toEqual(lines.map(() => "run"));
    const own = name.replace(/^traefik /, "proxy ");
    expect(lines.some((line) => line.kind === "run" && (line.path.join(" ") === own || (name === "plan" && line.options.dryRun)))).toBe(true);
  });

  test("describes every option and argument", () => {
    for (const arg of Object.values(args)) expect(arg.description).toMatch(/^[A-Z].*[^.]$/);
  });

  test("takes no name or letter of the options of every command", () => {
    const own = Object.entries(args).flatMap(([key, arg]) => (arg.type === "positional" ? [] : [[optionName(key), ...[arg.alias ?? []].flat()]])).flat();
    const taken = [...Object.keys(globalArgs).map(optionName), ...globalLetters, "help"];
    expect(own.filter((name) => taken.includes(name))).toEqual([]);
    expect(new Set(own).size).toBe(own.length);
  });

  test("excludes only options it has", () => {
    for (const pair of conflicts ?? []) for (const key of pair) expect(args).toHaveProperty(key);
  });
});
