import { describe, expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import type { Tree } from "../../lib/cli/command.ts";
import { referenceSections } from "../../lib/config/reference.ts";
import { exitStatus } from "../../lib/ground/errors.ts";
import { missingOf, optionsOf, tables } from "./coverage.ts";
import { pages } from "./pages.ts";

const page = (name: string): string => pages()[name] ?? "";
const rows = tables.flatMap((table) => table.rows);

test.each(Object.entries(pages()))("docs/%s is what the schema and the definitions say: else run `bun test/docs/generate.ts`", async (name, text) => {
  expect(await Bun.file(`docs/${name}`).text()).toBe(text);
});

test("every link of the pages leads somewhere", async () => {
  const anchors = (text: string): Set<string> => new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title.toLowerCase().replaceAll(/[^a-z0-9 -]/g, "").replaceAll(" ", "-")));
  const sources = { ...Object.fromEntries(Object.entries(pages()).map(([name, text]) => [`docs/${name}`, text])), "docs/from-mrsk.md": await Bun.file("docs/from-mrsk.md").text(), "README.md": await Bun.file("README.md").text() };
  const links = Object.entries(sources).flatMap(([from, text]) => [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, file = "", anchor]) => ({ from, to: file === "" ? from : Bun.resolveSync(`./${file}`, `${process.cwd()}/${from.includes("/") ? "docs" : ""}`).slice(process.cwd().length + 1), anchor })));
  expect(links.length).toBeGreaterThan(30);
  expect(links.filter(({ from }) => from === "README.md").map(({ to }) => to)).toEqual(expect.arrayContaining(["docs/coverage.md", "docs/from-mrsk.md"]));
  expect(links.filter(({ to, anchor }) => anchor !== undefined && !anchors(sources[to as keyof typeof sources] ?? "").has(anchor))).toEqual([]);
});

test("config.md has every key", () => {
  expect(page("config.md").match(/^\| `/gm)?.length).toBe(referenceSections().flatMap(({ keys }) => keys).length);
  expect(page("config.md")).toContain("\n## `proxy.healthcheck`, `servers.ROLE.proxy.healthcheck`, `accessories.NAME.proxy.healthcheck`\n");
  expect(page("config.md")).toContain("\n- [`proxy.healthcheck`, `servers.ROLE.proxy.healthcheck`, `accessories.NAME.proxy.healthcheck`](#proxyhealthcheck-serversroleproxyhealthcheck-accessoriesnameproxyhealthcheck)\n");
});

describe("commands.md", () => {
  const walk = (tree: Tree, path: readonly string[]): string[] => Object.entries(tree).flatMap(([name, node]) => [[...path, name].join(" "), ...(node.kind === "group" ? walk(node.commands, [...path, name]) : [])]);

  test("has every command", () => {
    const titles = [...page("commands.md").matchAll(/^#{2,4} (.*)$/gm)].map(([, title]) => title);
    expect(walk(commands, []).filter((name) => !name.startsWith("traefik ")).filter((name) => !titles.includes(name))).toEqual([]);
  });

  test("tells purpose, argument, options and examples of each", () => {
    const text = page("commands.md");
    expect(text.slice(text.indexOf("\n## rollback\n") + 1, text.indexOf("\n## plan\n"))).toBe(`\
## rollback

\`\`\`sh
capstan rollback [OPTIONS] [VERSION]
\`\`\`

Put an earlier version back into service. Understands \`--dry-run\`.

It is started and switched to as a deploy does it: no request is lost. Where its image is gone it is pulled. \`capstan app containers\` lists what is still on the hosts.

Without a version it goes to a release that all hosts served, as their audit logs tell: the one before, or, after an interrupted deploy, the one that was good before it. Again, it goes further back, never to what you rolled back from.

| argument | meaning |
|---|---|
| \`VERSION\` | The version; default: the release before (may be left out) |

\`\`\`sh
# to the release before this one, or before an interrupted deploy
capstan rollback
# which version that is, and why
capstan rollback --dry-run
# to a certain version
capstan rollback 4f2c1a9
\`\`\`
`);
    expect(text).toContain("| `-m, --message TEXT` | Why; shown to others | required |\n");
    expect(text).toContain("| `--lock-wait-timeout SECONDS` | How long to wait for it | 900 |\n");
    expect(text).toContain("The same as proxy, by the name it has in MRSK: see [`proxy`](#proxy).\n");
  });

  test("tells every exit status", () => {
    for (const status of Object.values(exitStatus)) expect(page("commands.md")).toContain(`\n| ${status} | `);
  });
});

describe("the coverage", () => {
  test("names nothing that is not there", () => {
    expect([...new Set(rows.flatMap(missingOf))].toSorted()).toEqual([]);
  });

  test("has options with the letters they have there", () => {
    const lettered = rows.flatMap(({ theirs, commands: [line = "", ...others] = [] }) => {
      const [, name = "", letter] = / --(\w+) -(\w)$/.exec(` ${theirs}`) ?? [];
      const option = optionsOf(line)?.find((one) => one.name === name.replaceAll("_", "-"));
      return letter === undefined || option === undefined || others.length > 0 || !line.endsWith(` --${option.name}`) ? [] : [{ theirs, letter, ours: option.short }];
    });
    expect(lettered.length).toBeGreaterThan(30);
    expect(lettered.filter(({ letter, ours }) => ours !== letter)).toEqual([]);
  });

  test("says why something is replaced", () => {
    expect(rows.filter(({ commands: lines = [], keys = [], note = "" }) => lines.length + keys.length === 0 && note === "")).toEqual([]);
  });

  test("has no row twice", () => {
    for (const { title, rows: own } of tables) expect([title, own.map(({ theirs }) => theirs).filter((theirs, i, all) => all.indexOf(theirs) !== i)]).toEqual([title, []]);
  });

  test("counts what is covered", () => {
    const covered = rows.filter((row) => missingOf(row).length === 0).length;
    expect(page("coverage.md")).toContain(`\n**Covered ${covered} of ${rows.length}.**\n`);
    expect(page("coverage.md").match(/\(not there yet\)/g)?.length ?? 0).toBe(rows.flatMap(missingOf).length);
  });

  // As many as Kamal 2.12 and MRSK 0.x have.
  test.each<[string, RegExp, number]>([
    ["Options of every command", /./, 12],
    ["Commands", /^[a-z]+( \[?[A-Z]|$)/, 13],
    ["accessory", /^accessory \w+ [A-Z]+( CMD)?$/, 10],
    ["accessory", /hidden/, 6],
    ["app", /^app \w+( CMD)?$/, 13],
    ["app", /hidden/, 4],
    ["build", /^build \w+$/, 7],
    ["proxy", /^proxy \w+$/, 8],
    ["proxy", /boot_config set --/, 11],
    ["Config: root", /^[a-z_]+$/, 31],
    ["Config: servers", /^servers\.ROLE\./, 9],
    ["Config: accessories", /^accessories\.NAME\.\w+$/, 19],
    ["Config: builder", /^builder\.\w+$/, 14],
    ["Config: builder", /\.(pack|cache)\./, 5],
    ["Config: proxy", /^proxy\.\w+$/, 14],
    ["Config: proxy", /^proxy\.run\./, 11],
    ["Config: boot, ssh, sshkit, logging, output, aliases", /^(boot|ssh|sshkit)\./, 16],
  ])("%s: as many as %p finds there", (title, pattern, count) => {
    expect(tables.find((table) => table.title === title)?.rows.filter(({ theirs }) => pattern.test(theirs)).length).toBe(count);
  });
});
