import type { KeyDoc } from "../config/document.ts";
import { allPaths, configReference, entryMarkdown, entryOf, exampleLine, referenceSections, type Entry } from "../config/reference.ts";
import { DeployError } from "../ground/errors.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";
import { wrapped, type Page } from "./page.ts";
import { nearest } from "./suggest.ts";

export async function docs(context: CommandContextOf<typeof definitions.docs>): Promise<void> {
  const page = { columns: context.io.stdout.size().columns, style: context.style };
  const { section } = context.args;
  if (section === undefined) {
    const entries = referenceSections().map(({ typeName }) => entryOf(typeName)).filter((entry) => entry !== undefined);
    return context.print(entries.map((entry) => entryText(entry, page)).join("\n\n"), { type: "docs", markdown: configReference() });
  }
  const entry = entryOf(section);
  if (entry === undefined) throw unknown(section);
  context.print(entryText(entry, page), { type: "docs", markdown: entryMarkdown(entry) });
}

function unknown(section: string): DeployError {
  const paths = allPaths();
  const plain = (path: string): string => path.toLowerCase().replaceAll(/[_-]/g, "");
  const near = paths.find((path) => plain(path) === plain(section)) ?? paths.find((path) => plain(path.slice(path.lastIndexOf(".") + 1)) === plain(section)) ?? nearest(section, paths);
  return new DeployError("usage", `There is no section or key "${section}" in the config`, { hint: `${near === undefined ? "" : `Did you mean \`capstan docs ${near}\`? `}\`capstan docs\` shows all of them.` });
}

/** A section with all its keys, or a key. */
function entryText({ path, key, section, below }: Entry, page: Page): string {
  const { bold } = page.style;
  const further = below.length === 0 ? [] : [wrapped(`More: ${below.map((one) => `capstan docs ${one}`).join(", ")}`, "", page)];
  if (section === undefined) return [...(key === undefined ? [] : keyText(key, path, "", page)), ...(further.length === 0 ? [] : ["", ...further])].join("\n");
  const others = section.paths.filter((one) => one !== path);
  return [
    bold(path === "" ? "deploy.config.ts" : path),
    wrapped(`${section.description} Type ${section.typeName}.${others.length === 0 || path === "" ? "" : ` The same keys: ${others.join(", ")}.`}`, "", page),
    ...(key === undefined ? [] : factLines(key, "", page)),
    ...section.keys.flatMap((one) => ["", ...keyText(one, one.name, "  ", page)]),
    ...(further.length === 0 ? [] : ["", ...further]),
  ].join("\n");
}

function keyText(key: KeyDoc, name: string, indent: string, page: Page): string[] {
  const inner = indent === "" ? "" : `${indent}    `;
  return [`${indent}${page.style.bold(name)}`, wrapped(key.description, inner, page), wrapped(`type: ${key.type}`, inner, page), ...factLines(key, inner, page)];
}

function factLines(key: KeyDoc, indent: string, page: Page): string[] {
  const example = exampleLine(key);
  const preset = key.fallback ?? (key.optional ? undefined : "none, it is required");
  return [...(preset === undefined ? [] : [wrapped(`default: ${preset}`, indent, page)]), ...(example === undefined ? [] : [page.style.dim(wrapped(`example: ${example}`, indent, page))])];
}
