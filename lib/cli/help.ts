import { padded } from "../report/table.ts";
import type { Definition, GroupNode, Node, Tree } from "./command.ts";
import { globalOptionsOf, shownArguments, shownOptions, usageLine, type ShownOption } from "./option-list.ts";
import { globalArgs } from "./options.ts";
import { widthOf, wrapped, type Page } from "./page.ts";

/** The help of what `path` names: a command, a group, or with an empty path all of them. Ends with a line break. */
export function helpText(tree: Tree, path: readonly string[], page: Page): string {
  let node: Node | undefined;
  let commands: Tree | undefined = tree;
  for (const name of path) {
    node = commands?.[name];
    commands = node?.kind === "group" ? node.commands : undefined;
  }
  const line = ["capstan", ...path].join(" ");
  const blocks = node === undefined ? overview(tree, page) : node.kind === "group" ? groupHelp(line, node, page) : commandHelp(line, node.definition, page);
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** The commands that lists show. */
const shown = (tree: Tree): [string, Node][] => Object.entries(tree).filter(([, node]) => node.kind === "group" || node.definition.meta.hidden !== true);

function overview(tree: Tree, page: Page): string[] {
  const { style } = page;
  const groups = Object.entries(tree).flatMap(([name, node]) => (node.kind === "group" ? [[name, `${node.purpose}: ${shown(node.commands).map(([child]) => child).join(", ")}`] as const] : []));
  const single = shown(tree).flatMap(([name, node]) => (node.kind === "group" ? [] : [[name, node.definition.meta.purpose] as const]));
  return [
    `${style.bold("Usage:")} capstan COMMAND [OPTIONS]`,
    wrapped("Deploys web apps in containers to your own servers, without losing a request.", "", page),
    section("Commands", single, page),
    section("Groups of commands", groups, page),
    ...optionSections(shownOptions(globalArgs), page),
    wrapped("`capstan help COMMAND` shows the options of one command. A beginning of its name is enough where only one command has it.", "", page),
  ];
}

function groupHelp(line: string, node: GroupNode, page: Page): string[] {
  const commands = shown(node.commands).map(([name, child]) => [name, child.kind === "group" ? child.purpose : child.definition.meta.purpose] as const);
  return [`${page.style.bold("Usage:")} ${line} COMMAND [OPTIONS]`, `${node.purpose}.`, section("Commands", commands, page), wrapped(`\`${line} help COMMAND\` shows the options of one command.`, "", page)];
}

function commandHelp(line: string, definition: Definition, page: Page): string[] {
  const { meta } = definition;
  return [
    `${page.style.bold("Usage:")} ${usageLine(line, definition)}`,
    wrapped(`${meta.purpose}.`, "", page),
    ...(meta.notes ?? []).map((note) => wrapped(note, "", page)),
    section("Arguments", shownArguments(definition).map(({ name, description }) => [name, description] as const), page),
    ...optionSections(shownOptions(definition.args), page),
    ...optionSections(globalOptionsOf(definition), page),
    examples(meta.examples ?? [], page),
  ];
}

/** A section for each group of options, in the order in which they first come. */
function optionSections(options: readonly ShownOption[], page: Page): string[] {
  return [...Map.groupBy(options, ({ group }) => group)].map(([title, members]) => section(title, members.map((option) => [optionLabel(option), optionDescription(option)] as const), page));
}

const optionLabel = ({ short, name, value }: ShownOption): string => `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
const optionDescription = ({ description, required, preset }: ShownOption): string => `${description}${required ? " (required)" : preset === undefined ? "" : ` (default: ${preset})`}`;

function examples(lines: readonly (readonly [string, string])[], page: Page): string {
  return lines.length === 0 ? "" : [page.style.bold("Examples"), ...lines.flatMap(([line, purpose]) => [`  ${line}`, page.style.dim(wrapped(purpose, "      ", page))])].join("\n");
}

/** Names and what they are, side by side; below each other where the terminal is too narrow for that. */
function section(title: string, rows: readonly (readonly [name: string, text: string])[], page: Page): string {
  if (rows.length === 0) return "";
  const column = Math.max(...rows.map(([name]) => Bun.stringWidth(name))) + 4;
  const narrow = widthOf(page) - column < 30;
  const lines = rows.flatMap(([name, text]) => {
    const [first = "", ...more] = wrapped(text, " ".repeat(narrow ? 6 : column), page).split("\n");
    return narrow ? [`  ${name}`, first, ...more] : [padded(`  ${name}`, column) + first.trimStart(), ...more];
  });
  return [page.style.bold(title), ...lines].join("\n");
}
