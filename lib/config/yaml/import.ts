import { placeAt, placeText } from "../place.ts";
import { pathText } from "../problems.ts";
import { convertProject, type Converted } from "./convert.ts";
import { loadsDotenv, parseErb, type Piece, refuseLarge, renderPieces } from "./erb.ts";
import type { ProjectFiles } from "./flavour.ts";
import { hooksOf } from "./load.ts";
import { type Entry, locateNode, type Node, type TemplatePart, writtenPath } from "./node.ts";
import { parseYaml, type Source } from "./parse.ts";
import { oneLine } from "./render.ts";
import { Printer, splitTags } from "./typescript.ts";
import { yamlWords } from "./words.ts";

/** The YAML of a project. */
export interface ImportSource {
  readonly base: Source;
  readonly destinations: readonly { readonly name: string; readonly source: Source }[];
  readonly project: ProjectFiles;
}

/** What a project becomes. */
export interface Imported {
  /** Paths are relative to the folder of the project. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** What is not in them, or not in working order, with its place: one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Writes a project of Kamal or MRSK as TypeScript. Nothing is evaluated: variables of the environment and commands become code.
 * @throws DeployError (config) for what is not YAML
 */
export function importProject({ base, destinations, project }: ImportSource): Imported {
  const read = [base, ...destinations.map(({ source }) => source)].map((source) => parsed(source, project.dotenv));
  const [first, ...others] = read;
  const { flavour, converted } = convertProject(read.map(({ node }) => node), project);
  const hooksCall = (...from: readonly (Converted | undefined)[]): string | undefined => {
    const call = hooksOf(flavour, project, from.filter((one) => one !== undefined));
    if (call === undefined) return undefined;
    const options = Object.entries(call.options).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    return `shellHooks(${[JSON.stringify(call.folder), ...(options.length === 0 ? [] : [`{ ${options.join(", ")} }`])].join(", ")})`;
  };
  const [own] = converted;
  const notes: string[] = [];
  const files = first === undefined || own === undefined ? [] : [{ path: "deploy.config.ts", content: fileText("defineConfig", own, first, hooksCall(own)) }];
  for (const [i, { name }] of destinations.entries()) {
    const [over, source] = [converted[i + 1], others[i]];
    if (over === undefined || source === undefined) continue;
    const hooks = over.hooksPath === undefined && over.auditBroadcast === undefined ? undefined : hooksCall(own, over);
    if (hooks !== undefined && hooksCall(own) !== undefined) notes.push(`${placeText(placeAt(source.source.file, source.source.text, 0), source.source.cwd).replace(/:1:1$/, "")}: hooks of deploy.config.ts stay in force beside those of its hooks_path: name the ones that must not run for ${name} in deploy.${name}.config.ts`);
    files.push({ path: `deploy.${name}.config.ts`, content: fileText("defineDestination", over, source, hooks) });
  }
  return { files, notes: [...read.flatMap((source, i) => notesOf(source, converted[i])), ...notes] };
}

interface Parsed {
  readonly source: Source;
  /** Without the code that loads `.env`. */
  readonly pieces: readonly Piece[];
  /** Variables that are not set come from `.env`. */
  readonly dotenv: boolean;
  readonly tags: ReadonlyMap<string, TemplatePart>;
  readonly node: Node;
}

/** Reads a file with tokens in place of its Ruby. */
function parsed(source: Source, dotenv: boolean): Parsed {
  refuseLarge(source, source.cwd);
  const pieces = parseErb(source.text);
  const tokens = pieces.map((piece, i) => (piece.kind === "output" ? `CAPSTANRUBY${i}X` : ""));
  const tags = new Map(pieces.flatMap((piece, i) => (piece.kind === "output" ? [[tokens[i] ?? "", { expression: piece.expression, source: piece.source }]] : [])));
  return { source, pieces: pieces.filter((piece) => !loadsDotenv(piece)), dotenv: dotenv || pieces.some(loadsDotenv), tags, node: withTemplates(parseYaml(renderPieces(pieces, tokens), source), tags) };
}

function withTemplates(node: Node, tags: Parsed["tags"]): Node {
  if (node.kind === "map") return { ...node, entries: node.entries.map((entry): Entry => ({ ...entry, node: withTemplates(entry.node, tags) })) };
  if (node.kind === "list") return { ...node, items: node.items.map((item) => withTemplates(item, tags)) };
  if (typeof node.value !== "string" || !node.value.includes("CAPSTANRUBY")) return node;
  return { ...node, value: { kind: "template", parts: splitTags(node.value, tags), as: "text" } };
}

const helpers = {
  scalar: `/** A text as YAML takes it: a number, true or false, or the text. */\nconst scalar = <T>(text: string): T =>\n  (/^(true|yes|on)$/i.test(text) ? true : /^(false|no|off)$/i.test(text) ? false : /^-?(0|[1-9]\\d*)$/.test(text) ? Number(text) : text) as T;`,
  list: `/** The items of a text with commas, in brackets or not. */\nconst list = (text: string): string[] =>\n  text.trim().replace(/^\\[(.*)\\]$/s, "$1").split(",").map((item) => item.trim().replace(/^(["'])(.*)\\1$/, "$2")).filter((item) => item !== "");`,
  output: `/** What a command prints. */\nconst output = async (command: string): Promise<string> => await Bun.$\`sh -c \${command}\`.text();`,
  unset: `/** Stops for a variable that must be set. */\nconst unset = (name: string): never => {\n  throw new Error(\`\${name} is not set in the environment\`);\n};`,
  unconverted: `/** Stands where Ruby stood that has no counterpart: write it in TypeScript. */\nconst unconverted = (ruby: string): never => {\n  throw new Error(\`Not converted yet: \${ruby}\`);\n};`,
} as const;

function fileText(define: "defineConfig" | "defineDestination", { root }: Converted, { tags, pieces, source, dotenv }: Parsed, hooks: string | undefined): string {
  const printer = new Printer(tags, dotenv);
  const constants = printer.constants(root);
  const members = [...printer.members(root, "  "), ...(hooks === undefined ? [] : [`  hooks: ${hooks},`])];
  const { needs } = printer;
  const imports = [define, ...(needs.has("secret") ? ["secret"] : []), ...(hooks === undefined ? [] : ["shellHooks"])];
  const given = (["env", "dotenv", "destination"] as const).filter((name) => needs.has(name));
  const asked = needs.has("await") ? "async " : "";
  const isFunction = given.length > 0 || needs.has("await") || needs.has("unconverted");
  const body = isFunction ? [`export default ${define}(${asked}(${given.length === 0 ? "" : `{ ${given.join(", ")} }`}) => ({`, ...members, "}));"] : members.length === 0 ? [`export default ${define}({});`] : [`export default ${define}({`, ...members, "});"];
  const lost = pieces.filter((piece) => piece.kind === "code").map((piece) => `// Not converted, from ${placeText(placeAt(source.file, source.text, piece.at), source.cwd)}: ${oneLine(piece.source)}`);
  const blocks = [
    `/// <reference path="./.capstan/types.d.ts" />\nimport { ${imports.join(", ")} } from "capstan";`,
    ...(lost.length === 0 ? [] : [lost.join("\n")]),
    ...(["scalar", "list", "output", "unset", "unconverted"] as const).filter((name) => needs.has(name)).map((name) => helpers[name]),
    ...(constants.length === 0 ? [] : [constants.join("\n")]),
    body.join("\n"),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function notesOf({ source, pieces }: Parsed, converted: Converted | undefined): string[] {
  const place = (offset: number): string => placeText(placeAt(source.file, source.text, offset), source.cwd);
  const ruby = pieces.filter((piece) => piece.kind === "code" || (piece.kind === "output" && piece.expression === undefined));
  const root = converted?.root;
  return [
    ...ruby.map((piece) => `${place(piece.at)}: ${oneLine(piece.kind === "text" ? "" : piece.source)} has no counterpart: write it in TypeScript`),
    ...(converted?.problems ?? []).map(({ path, text }) => `${place(root === undefined ? 0 : (locateNode(root, path)?.offset ?? 0))}: ${pathText(root === undefined ? path : writtenPath([root], path))}: ${yamlWords(text)}`),
    ...(converted?.omissions ?? []).map(({ at, name, why }) => `${place(at)}: ${yamlWords(name)} is left out: ${why}`),
  ];
}
