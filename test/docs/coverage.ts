import { commands } from "../../lib/cli/commands.ts";
import type { Node, Tree } from "../../lib/cli/command.ts";
import { globalOptionsOf, shownOptions, type ShownOption } from "../../lib/cli/option-list.ts";
import { entryOf } from "../../lib/config/reference.ts";
import { coveredCommands } from "./coverage-commands.ts";
import { coveredKeys } from "./coverage-keys.ts";

/** A command, an option or a key of Kamal or MRSK, and what it is here. */
export interface Row {
  /** As it is written there. */
  readonly theirs: string;
  /** Our command lines without `capstan`: their options must exist. */
  readonly commands?: readonly string[];
  /** Our keys, as `capstan docs` takes them. */
  readonly keys?: readonly string[];
  /** What is different; where there is neither command nor key, what replaces it and why. */
  readonly note?: string;
}

/** Rows under a heading. */
export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

export const tables: readonly Table[] = [...coveredCommands, ...coveredKeys];

/** What a row names and what is not there. Empty: the row is covered. */
export function missingOf({ commands: lines = [], keys = [] }: Row): readonly string[] {
  return [...lines.filter((line) => !isCommandLine(line)).map((line) => `capstan ${line}`), ...keys.filter((key) => entryOf(key) === undefined)];
}

/** True when the tree has the command, and the command the options: `app logs --since`. */
function isCommandLine(line: string): boolean {
  const options = optionsOf(line);
  return options !== undefined && line.split(" ").every((word) => !word.startsWith("--") || options.some(({ name }) => `--${name}` === word));
}

/** All options of the command that a command line names; undefined when there is no such command. */
export function optionsOf(line: string): readonly ShownOption[] | undefined {
  let node: Node | undefined;
  let tree: Tree | undefined = commands;
  for (const word of line.split(" ").filter((one) => !one.startsWith("--") && one !== "help")) {
    node = tree?.[word];
    if (node === undefined) return undefined;
    tree = node.kind === "group" ? node.commands : undefined;
  }
  const own = node === undefined || node.kind === "group" ? [] : shownOptions(node.definition.args);
  return [...own, ...globalOptionsOf({ changes: true })];
}

/** The page docs/coverage.md. */
export function coveragePage(): string {
  const rows = tables.flatMap((table) => table.rows);
  const covered = rows.filter((row) => missingOf(row).length === 0).length;
  return [
    "# Coverage of Kamal and MRSK",
    "",
    "Every command, option and config key of Kamal 2.12 and of MRSK 0.x (with Kamal 1.x where it differs), and what it is in capstan. Options",
    "have the same letters, and `_` and `-` are the same in names of commands and options. `capstan docs KEY` describes a key,",
    "`capstan help COMMAND` a command. [From MRSK's README to capstan](from-mrsk.md) shows the configs of both side by side.",
    "",
    `**Covered ${covered} of ${rows.length}.**`,
    "",
    ...tables.flatMap(tableLines),
  ].join("\n");
}

function tableLines({ title, rows }: Table): string[] {
  return [`## ${title}`, "", "| there | here | note |", "|---|---|---|", ...rows.map(rowText), ""];
}

function rowText(row: Row): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const missing = missingOf(row);
  const ours = [...(row.commands ?? []).map((line) => `capstan ${line}`), ...(row.keys ?? [])].map((one) => `\`${cell(one)}\`${missing.includes(one) ? " (not there yet)" : ""}`);
  return `| \`${cell(row.theirs)}\` | ${ours.length === 0 ? "replaced" : ours.join(", ")} | ${cell(row.note ?? "")} |`;
}
