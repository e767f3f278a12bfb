import { sections, type KeyDoc, type Section } from "./document.ts";
import { hookDescriptions } from "./hooks.ts";

/** What the reference says of one path of the config. */
export interface Entry {
  /** As it was asked for; empty for the root. */
  readonly path: string;
  /** The key itself; undefined for the root and for the map of one role. */
  readonly key: KeyDoc | undefined;
  /** What is in it, when it is a section. */
  readonly section: Section | undefined;
  /** Paths of the sections that are one level further in. */
  readonly below: readonly string[];
}

/** The hooks as a section: they are one table, not a part of the schema. */
const hooks: Section = {
  typeName: "Hooks",
  description: "Functions called at fixed points of a run. A throw stops the run, except in `auditBroadcast` and `onFailure`.",
  paths: ["hooks"],
  keys: Object.entries(hookDescriptions).map(([name, description]) => ({
    name, description, optional: true, fallback: undefined,
    type: `(context: HookContexts["${name}"]) => void | Promise<void>`,
    example: `async ({ service, version, log }) => log(\`\${service} \${version}\`)`,
  })),
};

/** Every section of the reference: those of the schema, and the hooks. Root first. */
export const referenceSections = (): readonly Section[] => [...sections(), hooks];

/** Paths of all sections, the shortest of each first: `proxy`, `servers.ROLE.proxy`. */
export const sectionPaths = (): readonly string[] => referenceSections().flatMap(pathsOf);

/** Paths of all sections with their descriptions: the text of sections.json, for what must not wait until the schema is loaded. */
export const sectionsJson = (): string => `${JSON.stringify(Object.fromEntries(referenceSections().flatMap((section) => pathsOf(section).map((path) => [path, section.description]))), undefined, 2)}\n`;

/** Where a section stands, the shortest path first. */
const pathsOf = ({ paths }: Section): readonly string[] => paths.toSorted((a, b) => depthOf(a) - depthOf(b));
const depthOf = (path: string): number => path.split(".").length;

/** Paths of all keys and sections. */
export function allPaths(): readonly string[] {
  const keys = referenceSections().flatMap((section) => (section.paths.length === 0 ? [""] : pathsOf(section)).flatMap((path) => section.keys.map(({ name }) => (path === "" ? name : `${path}.${name}`))));
  return [...new Set([...sectionPaths(), ...keys])];
}

/** The entry of a path such as `proxy.healthcheck` or `servers.web.cmd`, or of a type such as `ProxyConfig`; undefined when there is none. */
export function entryOf(path: string): Entry | undefined {
  const all = referenceSections();
  const typed = all.find(({ typeName }) => typeName === path);
  const at = typed === undefined ? path : (pathsOf(typed)[0] ?? "");
  const section = all.find(({ paths }) => (at === "" ? paths.length === 0 : paths.some((known) => samePath(known, at))));
  const [, parent = "", name = ""] = /^(?:(.*)\.)?([^.]*)$/.exec(at) ?? [];
  const key = all.find(({ paths }) => (parent === "" ? paths.length === 0 : paths.some((known) => samePath(known, parent))))?.keys.find((one) => one.name === name);
  if (section === undefined && key === undefined) return undefined;
  const further = sectionPaths().filter((known) => depthOf(known) === (at === "" ? 1 : depthOf(at) + 1) && (at === "" || samePath(known.slice(0, known.lastIndexOf(".")), at)));
  return { path: at, key, section, below: further.map((known) => (at === "" ? known : `${at}${known.slice(known.lastIndexOf("."))}`)) };
}

/** True when a path is the known one, with a role or name of the user's own in the place of ROLE and NAME. */
function samePath(known: string, path: string): boolean {
  const [parts, others] = [known.split("."), path.split(".")];
  return parts.length === others.length && parts.every((part, i) => part === others[i] || (["ROLE", "NAME"].includes(part) && others[i] !== ""));
}

/** An example of a key, `key: value`. Where the schema gives none it follows from the type. Undefined: neither. */
export function exampleLine(key: KeyDoc): string | undefined {
  const value = key.example ?? derivedExample(key);
  return value === undefined ? undefined : `${key.name}: ${value}`;
}

function derivedExample({ type, fallback }: KeyDoc): string | undefined {
  const section = sections().find(({ typeName }) => typeName === type);
  if (section !== undefined) {
    const [line] = section.keys.flatMap((key) => (key.example === undefined ? [] : [exampleLine(key)]));
    return line === undefined ? undefined : `{ ${line} }`;
  }
  const kinds = type.split(" | ");
  if (kinds.includes("boolean")) return /\btrue$/.test(fallback ?? "") ? "false" : "true";
  if (kinds.includes("Duration")) return `"45s"`;
  return kinds.every((kind) => kind.startsWith('"')) ? kinds.find((kind) => kind !== fallback) : undefined;
}

/** The reference of all keys in Markdown: a heading and a table for each section. */
export function configReference(): string {
  return referenceSections().map(sectionMarkdown).join("\n");
}

/** One entry of the reference in Markdown. */
export function entryMarkdown({ section, key, path }: Entry): string {
  return section === undefined ? [`## \`${path}\``, "", ...tableHead, ...(key === undefined ? [] : [rowText(key)]), ""].join("\n") : sectionMarkdown(section);
}

const tableHead = ["| key | type | default | meaning | example |", "|---|---|---|---|---|"];

function sectionMarkdown(section: Section): string {
  const title = section.paths.length === 0 ? "Root" : pathsOf(section).map((path) => `\`${path}\``).join(", ");
  return [`## ${title}`, "", `${section.description} Type \`${section.typeName}\`.`, "", ...tableHead, ...section.keys.map(rowText), ""].join("\n");
}

function rowText(key: KeyDoc): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const code = (text: string): string => (text.includes("`") ? `\`\` ${cell(text)} \`\`` : `\`${cell(text)}\``);
  const example = exampleLine(key);
  return `| \`${key.name}\` | ${code(key.type)} | ${cell(key.fallback ?? (key.optional ? "" : "required"))} | ${cell(key.description)} | ${example === undefined ? "" : code(example)} |`;
}
